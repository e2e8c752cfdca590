//! Streams as providers send them, of any length, each event a piece of its own. Their forms are those of the fixtures.

use bytes::{BufMut, Bytes, BytesMut};
use pointsman_data_plane::protocol::translate::ProviderForm;
use serde_json::{Value, json};

/// A text as a model says it, a token an event; no token needs an escape in JSON.
const WORDS: [&str; 8] = ["All", " points", " are", " set", " →", " the", " line", " is clear."];

/// What the events say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Text,
    /// A tool call's arguments, which need escapes in every event.
    Arguments,
}

pub const SAYS: [Says; 2] = [Says::Text, Says::Arguments];

impl Says {
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Arguments => "arguments",
        }
    }
}

/// A stream in three parts, so that the middle can be measured alone.
pub struct Upstream {
    pub head: Vec<Bytes>,
    pub deltas: Vec<Bytes>,
    pub tail: Vec<Bytes>,
}

impl Upstream {
    /// A stream of so many deltas.
    pub fn new(provider: ProviderForm, says: Says, deltas: usize) -> Self {
        let said: Vec<String> = match says {
            Says::Text => WORDS.iter().cycle().take(deltas).map(|word| (*word).to_owned()).collect(),
            Says::Arguments => arguments(deltas),
        };
        let pieces = said.iter().map(String::as_str);
        match provider {
            ProviderForm::Chat(_) => chat(says, pieces),
            ProviderForm::Responses => responses(says, pieces, &said.concat()),
            ProviderForm::Messages => messages(says, pieces),
            ProviderForm::Generate => generate(says, pieces),
            ProviderForm::Converse => converse(says, pieces),
            ProviderForm::Assist => assist(says, pieces),
        }
    }

    pub fn events(&self) -> usize {
        self.head.len() + self.deltas.len() + self.tail.len()
    }
}

/// `{"steps":["set","set",…]}`, which is JSON only as a whole.
fn arguments(pieces: usize) -> Vec<String> {
    let piece = |at: usize| match at {
        0 => r#"{"steps":["#.to_owned(),
        _ if at + 1 == pieces => "]}".to_owned(),
        1 => r#""set""#.to_owned(),
        _ => r#","set""#.to_owned(),
    };
    (0..pieces).map(piece).collect()
}

fn chat<'a>(says: Says, pieces: impl Iterator<Item = &'a str>) -> Upstream {
    let chunk = |choices: Value, usage: Value| {
        data(&json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.1",
            "service_tier": "default", "system_fingerprint": "fp_1", "choices": choices, "usage": usage,
        }))
    };
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]), Value::Null)
    };
    let call = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
    let opened = json!({
        "index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""},
    });
    let role = delta(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null);
    let (head, reason) = match says {
        Says::Text => (vec![role], "stop"),
        Says::Arguments => (vec![role, delta(json!({"tool_calls": [opened]}), Value::Null)], "tool_calls"),
    };
    let said = |piece: &str| match says {
        Says::Text => json!({"content": piece}),
        Says::Arguments => call(json!({"arguments": piece})),
    };
    let counts = json!({"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26});
    Upstream {
        head,
        deltas: pieces.map(|piece| delta(said(piece), Value::Null)).collect(),
        tail: vec![delta(json!({}), reason.into()), chunk(json!([]), counts), Bytes::from_static(b"data: [DONE]\n\n")],
    }
}

fn responses<'a>(says: Says, pieces: impl Iterator<Item = &'a str>, whole: &str) -> Upstream {
    let reply =
        |status: &str, output: &Value| json!({"id": "resp_1", "model": "gpt-5.1", "status": status, "output": output});
    let (kind, item) = match says {
        Says::Text => {
            let content = json!([{"type": "output_text", "text": whole, "annotations": []}]);
            let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": content});
            ("response.output_text.delta", item)
        }
        Says::Arguments => {
            let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look"});
            let mut call = call;
            call["arguments"] = whole.into();
            ("response.function_call_arguments.delta", call)
        }
    };
    let mut announced = item.clone();
    match says {
        Says::Text => announced["content"] = json!([]),
        Says::Arguments => announced["arguments"] = "".into(),
    }
    let id = &item["id"];
    let place = |kind: &str, piece: &str| json!({"type": kind, "item_id": id, "output_index": 0, "content_index": 0, "delta": piece, "logprobs": []});
    Upstream {
        head: vec![
            named(json!({"type": "response.created", "response": reply("in_progress", &json!([]))})),
            named(json!({"type": "response.output_item.added", "output_index": 0, "item": announced})),
        ],
        deltas: pieces.map(|piece| named(place(kind, piece))).collect(),
        tail: vec![
            named(json!({"type": "response.output_item.done", "output_index": 0, "item": item})),
            named(json!({"type": "response.completed", "response": reply("completed", &json!([item]))})),
        ],
    }
}

fn messages<'a>(says: Says, pieces: impl Iterator<Item = &'a str>) -> Upstream {
    let (block, kind, field, reason) = match says {
        Says::Text => (json!({"type": "text", "text": ""}), "text_delta", "text", "end_turn"),
        Says::Arguments => {
            let block = json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}});
            (block, "input_json_delta", "partial_json", "tool_use")
        }
    };
    let usage = json!({"input_tokens": 20, "cache_read_input_tokens": 0, "output_tokens": 1});
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let delta = |piece| json!({"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: piece}});
    let end = json!({"stop_reason": reason, "stop_sequence": null});
    Upstream {
        head: vec![
            named(json!({"type": "message_start", "message": message})),
            named(json!({"type": "content_block_start", "index": 0, "content_block": block})),
        ],
        deltas: pieces.map(|piece| named(delta(piece))).collect(),
        tail: vec![
            named(json!({"type": "content_block_stop", "index": 0})),
            named(json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 6}})),
            named(json!({"type": "message_stop"})),
        ],
    }
}

/// Calls come whole in this protocol: each event is one.
fn generate<'a>(says: Says, pieces: impl Iterator<Item = &'a str>) -> Upstream {
    let chunk = |candidate: Value| {
        let usage = json!({"promptTokenCount": 20, "candidatesTokenCount": 6, "totalTokenCount": 26});
        data(&json!({
            "candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-flash", "responseId": "r1",
        }))
    };
    let part = |piece: &str| match says {
        Says::Text => json!({"text": piece}),
        Says::Arguments => json!({"functionCall": {"name": "look", "args": {"step": piece}}}),
    };
    let said = |piece| json!({"index": 0, "content": {"role": "model", "parts": [part(piece)]}});
    Upstream {
        head: Vec::new(),
        deltas: pieces.map(|piece| chunk(said(piece))).collect(),
        tail: vec![chunk(json!({"index": 0, "finishReason": "STOP"}))],
    }
}

fn converse<'a>(says: Says, pieces: impl Iterator<Item = &'a str>) -> Upstream {
    let start = frame("messageStart", &json!({"role": "assistant"}));
    let call = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "look"}}});
    let (head, reason) = match says {
        Says::Text => (vec![start], "end_turn"),
        Says::Arguments => (vec![start, frame("contentBlockStart", &call)], "tool_use"),
    };
    let said = |piece: &str| match says {
        Says::Text => json!({"text": piece}),
        Says::Arguments => json!({"toolUse": {"input": piece}}),
    };
    let delta = |piece| json!({"contentBlockIndex": 0, "delta": said(piece), "p": "abcdefgh"});
    let usage = json!({"inputTokens": 20, "outputTokens": 6, "totalTokens": 26});
    Upstream {
        head,
        deltas: pieces.map(|piece| frame("contentBlockDelta", &delta(piece))).collect(),
        tail: vec![
            frame("contentBlockStop", &json!({"contentBlockIndex": 0})),
            frame("messageStop", &json!({"stopReason": reason})),
            frame("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 1}})),
        ],
    }
}

fn assist<'a>(says: Says, pieces: impl Iterator<Item = &'a str>) -> Upstream {
    let begun = frame("messageMetadataEvent", &json!({"conversationId": "c1", "utteranceId": "u1"}));
    let called = |input: Value| json!({"toolUseId": "tooluse_1", "name": "look", "input": input});
    let said = |piece: &str| match says {
        Says::Text => frame("assistantResponseEvent", &json!({"content": piece, "modelId": "claude-sonnet-4.5"})),
        Says::Arguments => frame("toolUseEvent", &called(piece.into())),
    };
    let last = json!({"toolUseId": "tooluse_1", "name": "look", "stop": true});
    let counts = frame("contextUsageEvent", &json!({"contextUsagePercentage": 1.5}));
    Upstream {
        head: vec![begun],
        deltas: pieces.map(said).collect(),
        tail: match says {
            Says::Text => vec![counts],
            Says::Arguments => vec![frame("toolUseEvent", &last), counts],
        },
    }
}

fn data(value: &Value) -> Bytes {
    format!("data: {value}\n\n").into()
}

fn named(value: Value) -> Bytes {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default()).into()
}

/// A frame of AWS' event stream that is an event: lengths, their checksum, headers, payload, checksum.
fn frame(kind: &str, payload: &Value) -> Bytes {
    let payload = payload.to_string();
    let mut headers = BytesMut::new();
    for (name, value) in [(":message-type", "event"), (":event-type", kind), (":content-type", "application/json")] {
        headers.put_u8(name.len() as u8);
        headers.put_slice(name.as_bytes());
        headers.put_u8(7);
        headers.put_u16(value.len() as u16);
        headers.put_slice(value.as_bytes());
    }
    let mut frame = BytesMut::new();
    frame.put_u32((headers.len() + payload.len() + 16) as u32);
    frame.put_u32(headers.len() as u32);
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&headers);
    frame.put_slice(payload.as_bytes());
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}
