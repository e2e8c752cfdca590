//! Generated text, and its pieces.

use serde_json::Value;

/// The arrow has three bytes, and stands where a text of 64 bytes in four pieces is not cut.
const PATTERN: &str = "All points are set → the line is clear; the next train may pass. ";

/// Exactly `bytes` bytes of prose. Where the arrow does not fit any more, dots fill the rest.
pub(super) fn of_length(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    for character in PATTERN.chars().cycle() {
        if text.len() + character.len_utf8() > bytes {
            break;
        }
        text.push(character);
    }
    while text.len() < bytes {
        text.push('.');
    }
    text
}

/// `text` in at most `parts` pieces of nearly equal length, none of them empty, which together are `text` again.
pub(crate) fn pieces(text: &str, parts: usize) -> Vec<&str> {
    let cut = |part: usize| text.floor_char_boundary(text.len() * part / parts);
    (0..parts).map(|part| &text[cut(part)..cut(part + 1)]).filter(|piece| !piece.is_empty()).collect()
}

/// Tokens in so many bytes: one in four, at least one.
fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4).max(1) as u64
}

/// Tokens of a prompt: all strings inside `value`, however deep, and a token for each number (token ids).
pub(crate) fn prompt_tokens(value: &Value) -> u64 {
    fn measure(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(measure).sum(),
            Value::Object(fields) => fields.values().map(measure).sum(),
            Value::Number(_) => 4,
            Value::Bool(_) | Value::Null => 0,
        }
    }
    tokens(measure(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_asked_length_and_its_pieces_join_again() {
        for (bytes, parts) in [(0, 1), (1, 3), (20, 2), (21, 5), (1024, 7), (100, 100), (300_000, 4)] {
            let text = of_length(bytes);
            assert_eq!(text.len(), bytes);
            let pieces = pieces(&text, parts);
            assert!(pieces.len() <= parts && pieces.iter().all(|piece| !piece.is_empty()));
            assert_eq!(pieces.concat(), text);
        }
        assert_eq!(pieces(&of_length(64), 4).len(), 4);
        assert_eq!(pieces("日本語", 3), ["日", "本", "語"]);
    }

    #[test]
    fn no_parts_are_no_pieces() {
        assert!(pieces("some", 0).is_empty());
    }
}
