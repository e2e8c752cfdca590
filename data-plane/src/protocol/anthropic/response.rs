//! A whole reply: a `message` with its content blocks.

use super::{
    error,
    message::{self, Block, Counts, StopDetails, Text, Told},
};
use crate::protocol::neutral::{
    Broken, Class, Context, Fault, Issuer, Part, Response, Signature, Stop, ToolCall, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<StopDetails<'a>>,
    #[serde(default)]
    usage: Option<Told>,
}

/// Reads a provider's reply. Blocks of server tools, which nobody asked for, are passed over.
///
/// # Errors
/// It is an error in the guise of a success, or no message at all, or a call in it has no name.
pub fn read(body: &[u8], context: &Context) -> Result<Response, Broken> {
    let told: Message<'_> = serde_json::from_slice(body).map_err(|_| refused(body))?;
    let mut parts: Vec<Part> = told.content.into_iter().filter_map(part).collect();
    if parts.iter().any(|part| matches!(part, Part::ToolCall(call) if call.name.is_empty())) {
        return Err(Broken::Malformed("a tool call has no name"));
    }
    let stop = told.stop_reason.map_or(Stop::EndTurn, |reason| message::stop(&reason.0));
    let why = told.stop_details.and_then(|d| d.explanation).filter(|t| stop == Stop::Refusal && !t.0.is_empty());
    parts.extend(why.map(|t| Part::Refusal(t.0.into_owned())));
    let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let model = told.model.map(|t| t.0.into_owned()).unwrap_or_default();
    Ok(Response {
        id: told.id.map(|t| t.0.into_owned()).unwrap_or_default(),
        model: message::model(&model, context).to_owned(),
        parts,
        stop: message::settled(stop, called, false),
        stop_sequence: told.stop_sequence.map(|t| t.0.into_owned()),
        usage: told.usage.map(|told| {
            let mut usage = Usage::default();
            told.update(&mut usage);
            usage
        }),
    })
}

/// Some compatible servers answer 200 with an error in the body.
fn refused(body: &[u8]) -> Broken {
    let is_error = serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|v| v.get("error").is_some());
    if is_error {
        Broken::Told(error::read(&http::HeaderMap::new(), body))
    } else {
        Broken::Malformed("the reply is no Anthropic message")
    }
}

fn part(block: Block<'_>) -> Option<Part> {
    let owned = |text: Option<Text<'_>>| text.map(|t| t.0.into_owned()).unwrap_or_default();
    match &*block.kind {
        "text" => Some(owned(block.text)).filter(|text| !text.is_empty()).map(Part::Text),
        "thinking" => {
            let (text, signature) = (owned(block.thinking), message::signature(block.signature));
            (!text.is_empty() || signature.is_some()).then_some(Part::Thinking { text, signature })
        }
        "redacted_thinking" => message::signature(block.data).map(Part::RedactedThinking),
        "tool_use" => Some(Part::ToolCall(ToolCall {
            id: owned(block.id),
            name: owned(block.name),
            arguments: block.input.map(|input| input.get().to_owned()).unwrap_or_default(),
            signature: None,
        })),
        _ => None,
    }
}

#[derive(Serialize)]
struct Written<'a> {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Content<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: Counts,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: &'a str, name: &'a str, input: &'a RawValue },
}

/// The reply for a client.
///
/// A call whose arguments are no object cannot be said in this dialect. Cut short with the reply it becomes an empty one,
/// which nobody runs after `max_tokens`; otherwise what is written is an error, as it is after [`Stop::Malformed`].
pub fn write(response: &Response, context: &Context) -> Vec<u8> {
    let parts = &response.parts;
    let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let refused = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let stop = message::settled(response.stop, called, refused);
    let mut content = Vec::with_capacity(parts.len());
    let mut whole = true;
    for part in parts {
        whole &= put(part, &mut content);
    }
    let meant_to_run = matches!(stop, Stop::EndTurn | Stop::ToolUse | Stop::StopSequence | Stop::Pause);
    if stop == Stop::Malformed || !whole && meant_to_run {
        return error::write(&malformed());
    }
    let model = message::model(&response.model, context);
    let written = Written {
        id: message::id(&response.id, context, model),
        r#type: "message",
        role: "assistant",
        model,
        content,
        stop_reason: message::reason(stop),
        stop_sequence: response.stop_sequence.as_deref(),
        usage: Counts::of(response.usage),
    };
    serde_json::to_vec(&written).expect("strings and valid JSON are always JSON")
}

/// What a client is told of a tool call that is no JSON.
pub(super) fn malformed() -> Fault {
    Fault {
        class: Class::Failed,
        message: "the model called a tool with arguments that are no JSON object".to_owned(),
        field: None,
        code: None,
        request_id: String::new(),
    }
}

/// Appends a part's blocks; false if it is a call whose arguments are no object.
fn put<'a>(part: &'a Part, content: &mut Vec<Content<'a>>) -> bool {
    match part {
        Part::Text(text) | Part::Refusal(text) if !text.is_empty() => content.push(Content::Text { text }),
        Part::Thinking { text, signature } => content.push(Content::Thinking {
            thinking: text,
            signature: Signature::tagged(signature.as_ref(), Issuer::Anthropic),
        }),
        Part::RedactedThinking(signature) => {
            let data = Signature::tagged(Some(signature), Issuer::Anthropic);
            content.push(Content::RedactedThinking { data });
        }
        Part::ToolCall(call) => {
            let data = message::call_signature(call.signature.as_ref());
            content.extend(data.map(|data| Content::RedactedThinking { data }));
            let input = object(&call.arguments);
            content.push(Content::ToolUse { id: &call.id, name: &call.name, input: input.unwrap_or(empty()) });
            return input.is_some();
        }
        _ => {}
    }
    true
}

/// A call's arguments as they are, if they are an object; none at all is an empty one.
pub(super) fn object(arguments: &str) -> Option<&RawValue> {
    if arguments.trim().is_empty() {
        return Some(empty());
    }
    serde_json::from_str(arguments).ok().filter(|raw: &&RawValue| raw.get().starts_with('{'))
}

fn empty() -> &'static RawValue {
    serde_json::from_str("{}").expect("it is JSON")
}

#[cfg(test)]
pub(super) mod tests;
