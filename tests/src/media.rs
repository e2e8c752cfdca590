//! What several protocols look for in media and requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What standard base64 stands for, if it is that.
pub(crate) fn decode(data: &str) -> Option<Vec<u8>> {
    STANDARD.decode(data).ok()
}

/// The media type that the first bytes speak of, if they are those of an image or a PDF.
pub(crate) fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', ..] => Some("application/pdf"),
        _ => None,
    }
}

/// How often a field of this name stands in `value`, however deep, with something in it. What tools and models brought
/// along (their inputs and schemas) is not looked into.
pub(crate) fn count_fields(value: &Value, name: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count_fields(item, name)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match key.as_str() {
                "input" | "input_schema" | "json" | "args" => 0,
                key => usize::from(key == name && !value.is_null()) + count_fields(value, name),
            })
            .sum(),
        _ => 0,
    }
}
