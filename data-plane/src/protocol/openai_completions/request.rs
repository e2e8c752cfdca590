//! A client's request.

use crate::protocol::neutral::{Extra, Field, Part, Request, Role, Turn, Unreadable};
use crate::protocol::openai::{self, Fields};
use serde_json::Value;

/// Reads a body.
///
/// # Errors
/// It is not what OpenAI takes.
pub fn read(body: &[u8]) -> Result<Request, Unreadable> {
    let mut fields = Fields::of_body(body)?;
    let mut request = openai::request::shared(&mut fields)?;
    match prompt(&mut fields)? {
        Some(text) => request.turns.push(Turn { role: Role::User, parts: vec![Part::Text(text)] }),
        None => request.extra.push(Extra::essential("prompt")),
    }
    openai::request::left_over(fields, &mut request.extra, essential);
    Ok(request)
}

/// None if it is more than one prompt, or tokens of a model that another does not know.
fn prompt(fields: &mut Fields) -> Result<Option<String>, Unreadable> {
    match fields.take("prompt") {
        None => Err(fields.wrong("prompt", "is required")),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Array(list)) => match <[Value; 1]>::try_from(list) {
            Ok([Value::String(text)]) => Ok(Some(text)),
            Ok([Value::Number(_) | Value::Array(_)]) => Ok(None),
            Err(list) if !list.is_empty() => Ok(None),
            _ => Err(fields.wrong("prompt", "must hold a string")),
        },
        Some(_) => Err(fields.wrong("prompt", "must be a string or a list")),
    }
}

fn essential(name: &str) -> bool {
    matches!(name, "suffix" | "echo" | "best_of" | "n" | "logprobs" | "prompt_logprobs" | "logit_bias")
        || matches!(name, "response_format" | "guided_json" | "guided_regex" | "guided_choice" | "guided_grammar")
        || matches!(name, "structured_outputs" | "grammar" | "prompt_embeds")
}

/// A client's word for a field.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::MaxTokens => "max_tokens",
        Field::System
        | Field::Prefill
        | Field::Images
        | Field::ImageUrls
        | Field::ImageDetail
        | Field::Documents
        | Field::Audio
        | Field::ToolResultMedia
        | Field::Thinking
        | Field::CachePoints => "prompt",
        other => openai::request::field(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(body: &str) -> Request {
        read(body.as_bytes()).expect("it is readable")
    }

    #[test]
    fn a_prompt_is_what_a_user_says() {
        let request = of(
            r#"{"model":"m","prompt":"Hi","max_tokens":16,"temperature":0.5,"top_p":0.9,"stop":"\n","seed":7,
            "frequency_penalty":0.1,"presence_penalty":-0.1,"user":"u","stream":true,"stream_options":{"include_usage":true},
            "n":1,"best_of":1,"echo":false,"logprobs":null,"suffix":"","logit_bias":{}}"#,
        );
        let expected = Request {
            turns: vec![Turn { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] }],
            max_tokens: Some(16),
            temperature: Some(0.5),
            top_p: Some(0.9),
            stop: vec!["\n".to_owned()],
            seed: Some(7),
            frequency_penalty: Some(0.1),
            presence_penalty: Some(-0.1),
            user: Some("u".to_owned()),
            stream: true,
            include_usage: true,
            ..Request::default()
        };
        assert_eq!(request, expected);
        assert_eq!(of(r#"{"prompt":["Hi"]}"#).turns, expected.turns);
    }

    #[test]
    fn what_only_a_completion_has_is_essential() {
        for (body, field) in [
            (r#"{"prompt":["a","b"]}"#, "prompt"),
            (r#"{"prompt":[1,2]}"#, "prompt"),
            (r#"{"prompt":[1]}"#, "prompt"),
            (r#"{"prompt":[[1,2]]}"#, "prompt"),
            (r#"{"prompt":"a","suffix":"b"}"#, "suffix"),
            (r#"{"prompt":"a","echo":true}"#, "echo"),
            (r#"{"prompt":"a","best_of":2}"#, "best_of"),
            (r#"{"prompt":"a","n":2}"#, "n"),
            (r#"{"prompt":"a","logprobs":0}"#, "logprobs"),
            (r#"{"prompt":"a","logit_bias":{"50256":-100}}"#, "logit_bias"),
        ] {
            assert_eq!(of(body).extra, [Extra::essential(field)], "{body}");
        }
        assert_eq!(of(r#"{"prompt":"a","min_p":0.1}"#).extra, [Extra::hint("min_p")]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (body, field) in [
            ("{", ""),
            ("[]", ""),
            ("{}", "prompt"),
            (r#"{"prompt":[]}"#, "prompt"),
            (r#"{"prompt":[true]}"#, "prompt"),
            (r#"{"prompt":7}"#, "prompt"),
            (r#"{"prompt":"a","max_tokens":"many"}"#, "max_tokens"),
            (r#"{"prompt":"a","stop":[7]}"#, "stop"),
        ] {
            assert_eq!(read(body.as_bytes()).expect_err("it is unreadable").field, field, "{body}");
        }
    }

    #[test]
    fn fields_have_this_dialects_names() {
        assert_eq!(field(Field::MaxTokens), "max_tokens");
        assert_eq!(field(Field::System), "prompt");
        assert_eq!(field(Field::TopK), "top_k");
    }

    proptest! {
        #[test]
        fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_prompt_survives(text in "\\PC{0,60}") {
            let body = serde_json::json!({"prompt": text}).to_string();
            prop_assert_eq!(&of(&body).turns[0].parts, &[Part::Text(text)]);
        }
    }
}
