//! A body that passes from a Gemini client to Gemini, without what other providers signed.
//!
//! A conversation that another provider answered in between comes back with its signatures, tagged. Google would refuse
//! them, so parts that are nothing but such a signature go, and the others lose it; calls get the placeholder that Google
//! documents for calls of other models.

use super::super::{model, signature};
use serde_json::{Map, Value};

/// Google's placeholder for the signature of a call that none of its models made.
const UNSIGNED_CALL: &str = "skip_thought_signature_validator";

/// The same with foreign signatures left out; none if there are none of them, or if this is no request.
pub fn without_foreign_thinking(body: &[u8], model: &str) -> Option<Vec<u8>> {
    if !signature::may_be_foreign(body) {
        return None;
    }
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let mut changed = false;
    let wants_signed_calls = model::wants_signed_calls(model);
    for content in request.get_mut("contents")?.as_array_mut()? {
        let Some(parts) = content.get_mut("parts").and_then(Value::as_array_mut) else { continue };
        let before = parts.len();
        let mut lost = false;
        parts.retain_mut(|part| part.as_object_mut().is_none_or(|part| is_kept(part, wants_signed_calls, &mut lost)));
        if parts.is_empty() {
            parts.push(serde_json::json!({"text": ""}));
        }
        changed |= lost || parts.len() != before;
    }
    changed.then(|| request.to_string().into_bytes())
}

/// Takes a foreign signature out of a part; false if nothing is left that says anything.
fn is_kept(part: &mut Map<String, Value>, wants_signed_calls: bool, lost: &mut bool) -> bool {
    let names = ["thoughtSignature", "thought_signature"];
    let is_foreign = |value: &Value| value.as_str().is_some_and(signature::is_foreign);
    let Some(name) = names.into_iter().find(|name| part.get(*name).is_some_and(is_foreign)) else { return true };
    *lost = true;
    part.shift_remove(name);
    if wants_signed_calls && (part.contains_key("functionCall") || part.contains_key("function_call")) {
        part.insert(name.to_owned(), UNSIGNED_CALL.into());
        return true;
    }
    let is_thought = part.get("thought").and_then(Value::as_bool).unwrap_or(false);
    let says_nothing = part.is_empty() || (part.len() == 1 && part.get("text").is_some_and(|text| text == ""));
    !(is_thought || says_nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Issuer, Signature};
    use serde_json::json;

    fn foreign() -> String {
        signature::write(&Signature { issuer: Issuer::Anthropic, value: "abc".into() }).into_owned()
    }

    #[test]
    fn only_what_others_signed_goes() {
        let call = json!({"functionCall": {"name": "f", "args": {}}});
        let mut signed = call.clone();
        signed["thoughtSignature"] = foreign().into();
        let parts = json!([
            {"text": "thinking", "thought": true, "thoughtSignature": foreign()},
            {"text": "", "thoughtSignature": foreign()},
            {"text": "kept", "thoughtSignature": "b3du"},
            signed,
        ]);
        let body = json!({"contents": [{"role": "model", "parts": parts}], "x": 1});
        let written = without_foreign_thinking(body.to_string().as_bytes(), "gemini-2.5-pro").expect("something went");
        let expected = json!([{"text": "kept", "thoughtSignature": "b3du"}, call]);
        let written: Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(written["contents"][0]["parts"], expected);
        assert_eq!(written["x"], 1);
        let written = without_foreign_thinking(body.to_string().as_bytes(), "gemini-3-pro").expect("something went");
        let written: Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(written["contents"][0]["parts"][1]["thoughtSignature"], UNSIGNED_CALL);
    }

    #[test]
    fn nothing_foreign_is_nothing_to_do() {
        let own = json!({"contents": [{"parts": [{"text": "a", "thoughtSignature": "b3du"}]}]});
        assert_eq!(without_foreign_thinking(own.to_string().as_bytes(), "gemini-3-pro"), None);
        assert_eq!(without_foreign_thinking(b"\"cG0xL", "gemini-3-pro"), None);
    }
}
