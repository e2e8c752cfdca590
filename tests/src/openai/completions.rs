//! `POST /v1/completions`, the legacy endpoint, streamed and not. It takes no script, and its stream has no role.

use serde_json::{Value, json};

use super::error::invalid;
use super::{MANNER, chat, chunks};
use crate::protocol::Dialect;
use crate::say::{self, Heard, pieces};
use crate::wire::{ApiError, Reply, Script, Voice, data};

pub(super) fn reply(body: &Value, model: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let options = &body["stream_options"];
    if !options.is_null() && body["stream"] != true {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(invalid(message).param("stream_options"));
    }
    let answer = say::answer(&Heard::default(), voice, &MANNER);
    let usage = chat::usage(answer.usage);
    Ok(match body["stream"] == true {
        false => {
            let mut whole = object(model, choice(&answer.text, Some("stop")), voice);
            whole["usage"] = usage;
            Reply::Whole(whole)
        }
        true => Reply::Stream(script(model, &answer.text, (options["include_usage"] == true).then_some(usage), voice)),
    })
}

fn script(model: &str, text: &str, usage: Option<Value>, voice: &Voice<'_>) -> Script {
    let step = |piece: &str, finish_reason: Option<&str>| {
        let mut step = object(model, choice(piece, finish_reason), voice);
        if usage.is_some() {
            step["usage"] = Value::Null;
        }
        data(&step)
    };
    let mut script = Script::new(Dialect::Chat);
    for piece in pieces(text, voice.chunks) {
        script.content(step(piece, None));
    }
    script.send(step("", Some("stop")));
    if let Some(usage) = &usage {
        let mut last = object(model, json!([]), voice);
        last["usage"] = usage.clone();
        script.send(data(&last));
    }
    script.send(chunks::done());
    script
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
