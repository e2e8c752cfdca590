//! What a model's name tells of what the model takes. The API itself answers a wrong guess with a plain 400.

use std::borrow::Cow;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all: up to 2.0.
    Unknown,
    /// In tokens, `thinkingBudget`: 2.5.
    Budget,
    /// `thinkingLevel`: from 3 on, and what a name without a number (`gemini-flash-latest`) stands for.
    Level,
}

pub fn thinking(model: &str) -> Thinking {
    let name = name(model);
    let Some(rest) = name.strip_prefix("gemini-") else {
        return if name.starts_with("gemma") || name.starts_with("learnlm") {
            Thinking::Unknown
        } else {
            Thinking::Level
        };
    };
    let version = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len())];
    match version.parse::<f32>() {
        Ok(version) if version < 2.5 => Thinking::Unknown,
        Ok(version) if version < 3.0 => Thinking::Budget,
        _ => Thinking::Level,
    }
}

/// Whether the API refuses a function call of the current turn that is not signed.
pub fn wants_signed_calls(model: &str) -> bool {
    name(model).starts_with("gemini-") && thinking(model) == Thinking::Level
}

/// Whether the model takes any JSON Schema for its reply (`responseJsonSchema`).
pub fn takes_json_schema(model: &str) -> bool {
    thinking(model) != Thinking::Unknown
}

/// Without `models/` or a publisher's path.
pub fn name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// As request bodies name a model.
pub fn resource(model: &str) -> Cow<'_, str> {
    if model.contains('/') { model.into() } else { format!("models/{model}").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_how_the_model_thinks() {
        for (model, expected) in [
            ("gemini-1.5-pro", Thinking::Unknown),
            ("gemini-2.0-flash", Thinking::Unknown),
            ("gemma-3-27b-it", Thinking::Unknown),
            ("gemini-2.5-flash-lite", Thinking::Budget),
            ("models/gemini-2.5-pro", Thinking::Budget),
            ("gemini-3-pro-preview", Thinking::Level),
            ("gemini-3.1-pro-preview", Thinking::Level),
            ("publishers/google/models/gemini-10-flash", Thinking::Level),
            ("gemini-flash-latest", Thinking::Level),
            ("tunedModels/mine", Thinking::Level),
        ] {
            assert_eq!(thinking(model), expected, "{model}");
        }
        assert!(wants_signed_calls("gemini-3-flash") && wants_signed_calls("models/gemini-pro-latest"));
        assert!(!wants_signed_calls("gemini-2.5-pro") && !wants_signed_calls("tunedModels/mine"));
    }
}
