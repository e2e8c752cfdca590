//! A body that passes from a Responses client to OpenAI, without the reasoning of other providers, which OpenAI would
//! refuse: it could not decrypt it.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<&'a str>,
    #[serde(borrow, default)]
    encrypted_content: Option<&'a RawValue>,
}

/// The same without reasoning items that carry our tag; none if there are none of them, or if this is no request. The body
/// is cut and joined: what stays, stays byte for byte.
pub fn without_foreign_thinking(body: &[u8]) -> Option<Vec<u8>> {
    let request: Body<'_> = serde_json::from_slice(body).ok()?;
    let items: Vec<&RawValue> = serde_json::from_str(request.input.get()).ok()?;
    let kept: Vec<&str> = items.iter().map(|item| item.get()).filter(|item| !is_foreign(item)).collect();
    if kept.len() == items.len() {
        return None;
    }
    let input = span(body, request.input);
    Some([&body[..input.start], b"[", kept.join(",").as_bytes(), b"]", &body[input.end..]].concat())
}

fn is_foreign(item: &str) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(item) else { return false };
    item.kind == Some("reasoning") && item.encrypted_content.is_some_and(|content| content.get().starts_with("\"pm1."))
}

/// Where a part of the body stands in it.
fn span(body: &[u8], part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + part.get().len()
}

#[cfg(test)]
mod tests {
    use super::without_foreign_thinking;

    #[test]
    fn only_what_others_encrypted_goes() {
        let body = r#"{"model": "m", "input": [{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"pm1.anthropic.x"},
            {"role":"user","content":"hi \"pm1.\""}, {"type":"reasoning","encrypted_content":"gAAA"}], "seed": 1.50}"#;
        let expected = r#"{"model": "m", "input": [{"role":"user","content":"hi \"pm1.\""},{"type":"reasoning","encrypted_content":"gAAA"}], "seed": 1.50}"#;
        let written = without_foreign_thinking(body.as_bytes()).expect("something went");
        assert_eq!(String::from_utf8(written).expect("text"), expected);
        for nothing in [r#"{"input":"hi"}"#, r#"{"input":[{"type":"reasoning"}]}"#, "x"] {
            assert_eq!(without_foreign_thinking(nothing.as_bytes()), None, "{nothing}");
        }
    }
}
