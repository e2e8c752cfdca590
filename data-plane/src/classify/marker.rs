//! The mark `[1m]` with which Claude Code ends a model's name to use its window of a million tokens. It is no part of
//! the name: no model of ours has one, and no upstream knows it.

const MARK: &str = "[1m]";

/// Whether the name ends with the mark.
pub fn is_in(model: &str) -> bool {
    without(model).len() < model.len()
}

/// The name alone.
pub fn without(model: &str) -> &str {
    let end = model.len().saturating_sub(MARK.len());
    match model.split_at_checked(end) {
        Some((name, mark)) if mark.eq_ignore_ascii_case(MARK) => name,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_at_the_end_goes() {
        for (model, name) in [
            ("claude-opus-4-6[1m]", "claude-opus-4-6"),
            ("claude-opus-4-6[1M]", "claude-opus-4-6"),
            ("claude[1m]-x", "claude[1m]-x"),
            ("[1m]", ""),
            ("1m]", "1m]"),
            ("", ""),
            ("ä[1m]", "ä"),
        ] {
            assert_eq!(without(model), name, "{model}");
            assert_eq!(is_in(model), model != name, "{model}");
        }
    }
}
