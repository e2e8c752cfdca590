//! What answers say, taken out of each protocol's form.

use serde_json::Value;

/// What an answer says, whatever it is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) thinking: String,
    pub(crate) text: String,
    /// Names and arguments.
    pub(crate) calls: Vec<(String, String)>,
    /// As the protocol says it; empty where it does not.
    pub(crate) stop: String,
    /// Events with a piece of text, and with a piece of arguments.
    pub(crate) pieces: (usize, usize),
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn of_chat(whole: &Value) -> Told {
    let message = &whole["choices"][0]["message"];
    let call = |call: &Value| (word(&call["function"]["name"]), word(&call["function"]["arguments"]));
    Told {
        thinking: word(&message["reasoning_content"]),
        text: word(&message["content"]) + message["refusal"].as_str().unwrap_or_default(),
        calls: list(&message["tool_calls"]).map(call).collect(),
        stop: word(&whole["choices"][0]["finish_reason"]),
        ..Told::default()
    }
}

pub(super) fn of_chunks(events: &[(String, Value)]) -> Told {
    let mut told = Told::default();
    for choice in events.iter().flat_map(|(_, event)| list(&event["choices"])) {
        let delta = &choice["delta"];
        told.thinking += delta["reasoning_content"].as_str().unwrap_or_default();
        let text = delta["content"].as_str().or_else(|| delta["refusal"].as_str()).unwrap_or_default();
        told.pieces.0 += usize::from(!text.is_empty());
        told.text += text;
        for call in list(&delta["tool_calls"]) {
            if let Some(name) = call["function"]["name"].as_str() {
                told.calls.push((name.to_owned(), String::new()));
            }
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            told.pieces.1 += usize::from(!arguments.is_empty());
            let index = call["index"].as_u64().expect("an index") as usize;
            told.calls[index].1 += arguments;
        }
        told.stop += choice["finish_reason"].as_str().unwrap_or_default();
    }
    told
}

pub(super) fn of_response(response: &Value) -> Told {
    let mut told = Told { stop: word(&response["incomplete_details"]["reason"]), ..Told::default() };
    for item in list(&response["output"]) {
        match item["type"].as_str() {
            Some("reasoning") => told.thinking += item["summary"][0]["text"].as_str().unwrap_or_default(),
            Some("function_call") => told.calls.push((word(&item["name"]), word(&item["arguments"]))),
            _ => {
                told.text += item["content"][0]["text"].as_str().unwrap_or_default();
                told.text += item["content"][0]["refusal"].as_str().unwrap_or_default();
            }
        }
    }
    told
}

pub(super) fn of_message(message: &Value) -> Told {
    let mut told = Told { stop: word(&message["stop_reason"]), ..Told::default() };
    for block in list(&message["content"]) {
        match block["type"].as_str() {
            Some("thinking") => told.thinking += block["thinking"].as_str().unwrap_or_default(),
            Some("tool_use") => told.calls.push((word(&block["name"]), block["input"].to_string())),
            _ => told.text += block["text"].as_str().unwrap_or_default(),
        }
    }
    told
}

pub(super) fn of_message_events(events: &[(String, Value)]) -> Told {
    let mut told = Told::default();
    for (name, event) in events {
        assert_eq!(*name, event["type"]);
        let delta = &event["delta"];
        if event["content_block"]["type"] == "tool_use" {
            told.calls.push((word(&event["content_block"]["name"]), String::new()));
        }
        told.thinking += delta["thinking"].as_str().unwrap_or_default();
        if let Some(text) = delta["text"].as_str() {
            told.pieces.0 += 1;
            told.text += text;
        }
        if let (Some(json), Some(call)) = (delta["partial_json"].as_str(), told.calls.last_mut()) {
            told.pieces.1 += usize::from(!json.is_empty());
            call.1 += json;
        }
        told.stop += delta["stop_reason"].as_str().unwrap_or_default();
    }
    told
}

pub(super) fn of_candidates(answers: &[Value]) -> Told {
    let mut told = Told::default();
    for answer in answers {
        let candidate = &answer["candidates"][0];
        for part in list(&candidate["content"]["parts"]) {
            let text = part["text"].as_str().unwrap_or_default();
            match part["thought"] == true {
                true => told.thinking += text,
                false => {
                    told.pieces.0 += usize::from(!text.is_empty());
                    told.text += text;
                }
            }
            if let Some(call) = part.get("functionCall") {
                told.pieces.1 += 1;
                told.calls.push((word(&call["name"]), call["args"].to_string()));
            }
        }
        told.stop += candidate["finishReason"].as_str().unwrap_or_default();
        told.stop += answer["promptFeedback"]["blockReason"].as_str().unwrap_or_default();
    }
    told
}

pub(super) fn of_converse(whole: &Value) -> Told {
    let mut told = Told { stop: word(&whole["stopReason"]), ..Told::default() };
    for block in list(&whole["output"]["message"]["content"]) {
        told.thinking += block["reasoningContent"]["reasoningText"]["text"].as_str().unwrap_or_default();
        told.text += block["text"].as_str().unwrap_or_default();
        if let Some(call) = block.get("toolUse") {
            told.calls.push((word(&call["name"]), call["input"].to_string()));
        }
    }
    told
}

pub(super) fn of_converse_events(events: &[(String, Value)]) -> Told {
    let mut told = Told::default();
    for (_, event) in events {
        if let Some(name) = event["start"]["toolUse"]["name"].as_str() {
            told.calls.push((name.to_owned(), String::new()));
        }
        let delta = &event["delta"];
        told.thinking += delta["reasoningContent"]["text"].as_str().unwrap_or_default();
        if let Some(text) = delta["text"].as_str() {
            told.pieces.0 += 1;
            told.text += text;
        }
        if let (Some(json), Some(call)) = (delta["toolUse"]["input"].as_str(), told.calls.last_mut()) {
            told.pieces.1 += 1;
            call.1 += json;
        }
        told.stop += event["stopReason"].as_str().unwrap_or_default();
    }
    told
}

pub(super) fn of_kiro_events(events: &[(String, Value)]) -> Told {
    let mut told = Told::default();
    let mut ended = true;
    for (name, event) in events {
        match name.as_str() {
            "reasoningContentEvent" => told.thinking += event["text"].as_str().unwrap_or_default(),
            "assistantResponseEvent" => {
                told.pieces.0 += 1;
                told.text += event["content"].as_str().unwrap_or_default();
            }
            "toolUseEvent" => {
                if ended {
                    told.calls.push((word(&event["name"]), String::new()));
                }
                ended = event["stop"] == true;
                if let (Some(json), Some(call)) = (event["input"].as_str(), told.calls.last_mut()) {
                    told.pieces.1 += 1;
                    call.1 += json;
                }
            }
            "ContentLengthExceededException" => told.stop.clone_from(name),
            _ => {}
        }
    }
    told
}
