//! A body that passes from a chat client to a chat provider, without what only we add to replies: an assistant's thinking
//! and signatures, which the client sends back with its history.

use super::Compat;
use memchr::memmem::Finder;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// What such fields begin with. Finders are made once: making one costs more than searching a short body.
static FIELDS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| ["\"reasoning_", "\"extra_content\""].map(Finder::new));

/// The same without the fields that this provider would refuse; none if there are none of them, or if this is no request.
pub fn without_foreign_thinking(body: &[u8], compat: Compat) -> Option<Vec<u8>> {
    if FIELDS.iter().all(|field| field.find(body).is_none()) {
        return None;
    }
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let mut changed = false;
    for message in request.get_mut("messages")?.as_array_mut()? {
        let Some(message) = message.as_object_mut().filter(|message| message.get("role") == Some(&"assistant".into()))
        else {
            continue;
        };
        changed |= strip_thinking(message, compat);
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten();
        for call in calls.filter_map(Value::as_object_mut).filter(|_| compat != Compat::Google) {
            changed |= call.shift_remove("extra_content").is_some();
        }
    }
    changed.then(|| request.to_string().into_bytes())
}

/// OpenAI knows none of these fields; of compatible servers some do, and only what carries our tag is not theirs.
fn strip_thinking(message: &mut Map<String, Value>, compat: Compat) -> bool {
    if compat == Compat::OpenAi {
        let names = ["reasoning_content", "reasoning_details"];
        return names.into_iter().filter(|name| message.shift_remove(*name).is_some()).count() > 0;
    }
    let Some(details) = message.get_mut("reasoning_details").and_then(Value::as_array_mut) else { return false };
    let before = details.len();
    let is_tagged = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| text.starts_with("pm1."));
    details.retain(|detail| !is_tagged(detail.get("signature")) && !is_tagged(detail.get("data")));
    let changed = details.len() != before;
    if details.is_empty() {
        message.shift_remove("reasoning_details");
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stripped(message: &Value, compat: Compat) -> Option<Value> {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, message], "x": 1});
        let written = without_foreign_thinking(body.to_string().as_bytes(), compat)?;
        let mut written: Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(written["x"], 1);
        Some(written["messages"][1].take())
    }

    #[test]
    fn each_server_is_spared_what_it_does_not_know() {
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let mut signed = call.clone();
        signed["extra_content"] = json!({"google": {"thought_signature": "s"}});
        let theirs = json!({"type": "reasoning.text", "signature": "theirs"});
        let ours = json!({"type": "reasoning.text", "signature": "pm1.anthropic.x"});
        let message = json!({
            "role": "assistant", "content": "a", "reasoning_content": "t", "reasoning_details": [theirs, ours],
            "tool_calls": [signed],
        });
        let openai = json!({"role": "assistant", "content": "a", "tool_calls": [call]});
        assert_eq!(stripped(&message, Compat::OpenAi), Some(openai));
        let mut compatible = message.clone();
        compatible["reasoning_details"] = json!([theirs]);
        compatible["tool_calls"] = json!([call]);
        assert_eq!(stripped(&message, Compat::Compatible), Some(compatible.clone()));
        compatible["tool_calls"] = json!([signed]);
        assert_eq!(stripped(&message, Compat::Google), Some(compatible));
        let plain = json!({"role": "assistant", "content": "\"reasoning_content\" said"});
        assert_eq!(stripped(&plain, Compat::OpenAi), None);
    }
}
