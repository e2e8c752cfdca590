//! The answer: one object, or a stream of such objects with what is new in each.

use bytes::Bytes;
use serde_json::{Value, json};

use super::signatures;
use crate::protocol::Dialect;
use crate::say::{Answer, Stop, Thinking, pieces};
use crate::usage::{self, Usage};
use crate::wire::{Script, Voice, data};

pub(super) fn whole(model: &str, answer: &Answer, voice: &Voice<'_>) -> Value {
    let mut whole = envelope(model, answer.usage, voice);
    if answer.stop == Stop::Refusal {
        whole["promptFeedback"] = blocked();
        return whole;
    }
    let mut parts = Vec::new();
    if let Some(thinking) = &answer.thinking {
        parts.push(json!({"text": thinking.text, "thought": true}));
    }
    if !answer.text.is_empty() {
        let mut part = json!({"text": answer.text});
        if let Some(signature) = text_signature(answer) {
            part["thoughtSignature"] = signature.into();
        }
        parts.push(part);
    }
    parts.extend(calls(answer));
    whole["candidates"] = json!([{
        "index": 0,
        "content": {"role": "model", "parts": parts},
        "finishReason": finish_reason(answer.stop),
    }]);
    whole
}

/// `events` says whether they are; otherwise the stream is one array.
pub(super) fn script(model: &str, answer: &Answer, voice: &Voice<'_>, events: bool) -> Script {
    let mut writer = Writer { script: Script::new(if events { Dialect::Gemini } else { Dialect::GeminiArray }) };
    let chunk = |parts: Value| {
        let mut chunk = envelope(model, answer.usage, voice);
        chunk["candidates"] = json!([{"index": 0, "content": {"role": "model", "parts": parts}}]);
        chunk
    };
    let mut last = envelope(model, answer.usage, voice);
    if answer.stop == Stop::Refusal {
        last["promptFeedback"] = blocked();
        return writer.end(&last);
    }
    for piece in answer.thinking.as_ref().map(Thinking::pieces).into_iter().flatten() {
        writer.content(&chunk(json!([{"text": piece, "thought": true}])));
    }
    for piece in pieces(&answer.text, voice.chunks) {
        writer.content(&chunk(json!([{"text": piece}])));
    }
    for call in calls(answer) {
        writer.content(&chunk(json!([call])));
    }
    last["candidates"] = json!([{"index": 0, "finishReason": finish_reason(answer.stop)}]);
    if let Some(signature) = text_signature(answer) {
        let parts = json!([{"text": "", "thoughtSignature": signature}]);
        last["candidates"][0]["content"] = json!({"role": "model", "parts": parts});
    }
    writer.end(&last)
}

struct Writer {
    script: Script,
}

impl Writer {
    fn content(&mut self, chunk: &Value) {
        let bytes = self.framed(chunk);
        self.script.content(bytes);
    }

    fn end(mut self, chunk: &Value) -> Script {
        let bytes = self.framed(chunk);
        self.script.send(bytes);
        if self.script.dialect == Dialect::GeminiArray {
            self.script.send(Bytes::from_static(b"]"));
        }
        self.script
    }

    fn framed(&self, chunk: &Value) -> Bytes {
        match self.script.dialect {
            Dialect::GeminiArray if self.script.beats.is_empty() => Bytes::from(format!("[{chunk}")),
            Dialect::GeminiArray => Bytes::from(format!(",\r\n{chunk}")),
            _ => data(chunk),
        }
    }
}

/// Calls come whole. Of several, the first alone carries the signature.
fn calls(answer: &Answer) -> Vec<Value> {
    let part = |(index, call): (usize, &crate::say::Call)| {
        let mut part = json!({"functionCall": {"name": call.name, "args": call.input()}});
        if index == 0 {
            part["thoughtSignature"] = signatures::of_call(&call.name).into();
        }
        part
    };
    answer.calls.iter().enumerate().map(part).collect()
}

/// Thinking that led to no call signs the text.
fn text_signature(answer: &Answer) -> Option<&str> {
    answer.thinking.as_ref().filter(|_| answer.calls.is_empty()).map(|thinking| thinking.signature.as_str())
}

/// There is no reason of its own for calls.
const fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Tools | Stop::Refusal => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Filter => "SAFETY",
    }
}

fn blocked() -> Value {
    json!({"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []})
}

fn envelope(model: &str, usage: Usage, voice: &Voice<'_>) -> Value {
    let mut metadata = json!({
        "promptTokenCount": usage::PROMPT,
        "cachedContentTokenCount": usage::CACHED,
        "candidatesTokenCount": usage.spoken(),
        "totalTokenCount": usage.total(),
    });
    if usage.reasoning > 0 {
        metadata["thoughtsTokenCount"] = usage.reasoning.into();
    }
    json!({"usageMetadata": metadata, "modelVersion": model, "responseId": voice.serial})
}
