//! Generated text and estimated tokens.

use serde_json::Value;

const PATTERN: &str = "All points are set and the line is clear; the next train may pass. ";

/// Exactly `bytes` bytes of plain ASCII prose.
pub(super) fn of_length(bytes: usize) -> String {
    PATTERN.chars().cycle().take(bytes).collect()
}

/// `text` (ASCII) in `parts` pieces of nearly equal length, which together are `text` again; some are empty if there
/// are more parts than bytes.
pub(super) fn pieces(text: &str, parts: usize) -> Vec<&str> {
    let cut = |part: usize| text.len() * part / parts;
    (0..parts).map(|part| &text[cut(part)..cut(part + 1)]).collect()
}

/// Tokens in so many bytes: one in four, at least one.
pub(super) fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4).max(1) as u64
}

/// Tokens of a prompt: all strings inside `value`, however deep, and a token for each number (token ids).
pub(super) fn prompt_tokens(value: &Value) -> u64 {
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
        for (bytes, parts) in [(0, 1), (1, 3), (1024, 7), (100, 100)] {
            let text = of_length(bytes);
            assert_eq!(text.len(), bytes);
            let pieces = pieces(&text, parts);
            assert_eq!(pieces.len(), parts);
            assert_eq!(pieces.concat(), text);
        }
    }

    #[test]
    fn no_parts_are_no_pieces() {
        assert!(pieces("some", 0).is_empty());
    }
}
