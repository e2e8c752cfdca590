//! `POST /v1/completions`, the legacy endpoint, streamed and not. Its stream has no role, so no prelude.

use serde_json::{Value, json};

use super::check::{self, Fields, Kind};
use super::{ApiError, Dialect, Reply, Script, Voice, chat, data, done, text};

const FIELDS: Fields = &[
    ("max_tokens", Kind::Integer),
    ("n", Kind::Integer),
    ("best_of", Kind::Integer),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("echo", Kind::Bool),
];

pub(super) fn reply(body: &Value, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let model = check::model(body)?;
    let prompt = check::required(body, "prompt")?;
    check::string_or_list(prompt, "prompt")?;
    check::types(body, FIELDS)?;
    let (stream, include_usage) = check::streaming(body)?;
    let usage = chat::usage(text::prompt_tokens(prompt), voice);
    Ok(match stream {
        false => {
            let text = text::of_length(voice.text_bytes);
            let mut whole = object(model, choice(&text, Some("stop")), voice);
            whole["usage"] = usage;
            Reply::Whole(whole)
        }
        true => Reply::Stream(script(model, include_usage.then_some(usage), voice)),
    })
}

fn script(model: &str, usage: Option<Value>, voice: &Voice<'_>) -> Script {
    let step = |piece: &str, finish_reason: Option<&str>| {
        let mut step = object(model, choice(piece, finish_reason), voice);
        if usage.is_some() {
            step["usage"] = Value::Null;
        }
        data(&step)
    };
    let text = text::of_length(voice.text_bytes);
    let content = text::pieces(&text, voice.chunks).into_iter().map(|piece| step(piece, None)).collect();
    let mut closing = vec![step("", Some("stop"))];
    closing.extend(usage.as_ref().map(|usage| {
        let mut last = object(model, json!([]), voice);
        last["usage"] = usage.clone();
        data(&last)
    }));
    closing.push(done());
    Script { prelude: Vec::new(), content, closing, dialect: Dialect::Chat }
}

fn choice(text: &str, finish_reason: Option<&str>) -> Value {
    json!([{"text": text, "index": 0, "logprobs": null, "finish_reason": finish_reason}])
}

fn object(model: &str, choices: Value, voice: &Voice<'_>) -> Value {
    json!({
        "id": format!("cmpl-{}", voice.serial),
        "object": "text_completion",
        "created": voice.created,
        "model": model,
        "system_fingerprint": voice.fingerprint,
        "choices": choices,
    })
}
