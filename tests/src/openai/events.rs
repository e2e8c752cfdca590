//! A response as a stream of named events, each with a `sequence_number`.
//!
//! One item after the other: `output_item.added`, its parts and their deltas, `output_item.done`. Around them
//! `created`, `in_progress`, and `completed` or `incomplete`.

use serde_json::{Value, json};

use super::responses::{begun, finished, function_call, message, part, reasoning, says, status};
use crate::protocol::Dialect;
use crate::say::{Answer, Call, Stop, Thinking, pieces};
use crate::wire::{Script, Voice, named};

pub(super) fn script(request: &Value, answer: &Answer, voice: &Voice<'_>) -> Script {
    let mut writer = Writer { script: Script::new(Dialect::Responses), output: 0, item: String::new() };
    let response = begun(request, voice);
    writer.send("created", json!({"response": response}));
    writer.send("in_progress", json!({"response": response}));
    if let Some(thinking) = &answer.thinking {
        writer.thinking(thinking, voice);
    }
    if says(answer) {
        writer.message(answer, voice);
    }
    for call in &answer.calls {
        writer.call(call);
    }
    writer.send(status(answer.stop), json!({"response": finished(request, answer, voice)}));
    writer.script
}

struct Writer {
    script: Script,
    /// Place and id of the item at hand.
    output: usize,
    item: String,
}

impl Writer {
    fn event(&self, kind: &str, mut fields: Value) -> bytes::Bytes {
        fields["type"] = format!("response.{kind}").into();
        fields["sequence_number"] = self.script.beats.len().into();
        named(&fields)
    }

    fn send(&mut self, kind: &str, fields: Value) {
        let event = self.event(kind, fields);
        self.script.send(event);
    }

    /// An event of the item at hand.
    fn of_item(&self, mut fields: Value) -> Value {
        fields["item_id"] = self.item.clone().into();
        fields["output_index"] = self.output.into();
        fields
    }

    fn add(&mut self, item: Value) {
        self.item = item["id"].as_str().unwrap_or_default().to_owned();
        self.send("output_item.added", json!({"output_index": self.output, "item": item}));
    }

    fn deltas(&mut self, kind: &str, pieces: Vec<&str>, fields: &Value) {
        for piece in pieces {
            let mut delta = self.of_item(fields.clone());
            delta["delta"] = piece.into();
            let event = self.event(kind, delta);
            self.script.content(event);
        }
    }

    fn done(&mut self, item: Value) {
        self.send("output_item.done", json!({"output_index": self.output, "item": item}));
        self.output += 1;
    }

    fn thinking(&mut self, thinking: &Thinking, voice: &Voice<'_>) {
        let part = |text: &str| json!({"summary_index": 0, "part": {"type": "summary_text", "text": text}});
        self.add(reasoning(thinking, false, voice));
        self.send("reasoning_summary_part.added", self.of_item(part("")));
        self.deltas("reasoning_summary_text.delta", thinking.pieces(), &json!({"summary_index": 0}));
        self.send("reasoning_summary_text.done", self.of_item(json!({"summary_index": 0, "text": thinking.text})));
        self.send("reasoning_summary_part.done", self.of_item(part(&thinking.text)));
        self.done(reasoning(thinking, true, voice));
    }

    fn message(&mut self, answer: &Answer, voice: &Voice<'_>) {
        let part = |text: &str| json!({"content_index": 0, "part": part(answer, text)});
        let (kind, field, fields) = match answer.stop {
            Stop::Refusal => ("refusal", "refusal", json!({"content_index": 0})),
            _ => ("output_text", "text", json!({"content_index": 0, "logprobs": []})),
        };
        self.add(message(None, voice));
        self.send("content_part.added", self.of_item(part("")));
        self.deltas(&format!("{kind}.delta"), pieces(&answer.text, voice.chunks), &fields);
        let mut whole = fields;
        whole[field] = answer.text.clone().into();
        self.send(&format!("{kind}.done"), self.of_item(whole));
        self.send("content_part.done", self.of_item(part(&answer.text)));
        self.done(message(Some(answer), voice));
    }

    fn call(&mut self, call: &Call) {
        self.add(function_call(call, false));
        let pieces = if call.arguments.is_empty() { vec!["{}"] } else { call.pieces() };
        self.deltas("function_call_arguments.delta", pieces, &json!({}));
        let whole = json!({"name": call.name, "arguments": call.arguments_or_empty()});
        self.send("function_call_arguments.done", self.of_item(whole));
        self.done(function_call(call, true));
    }
}
