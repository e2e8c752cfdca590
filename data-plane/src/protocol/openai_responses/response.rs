//! Whole replies.

use super::{
    draft::{Draft, Said},
    error,
    progress::{Kind, Progress},
    reply::{self, State},
    wire,
};
use crate::protocol::neutral::{Broken, Collector, Context, Event, Part, Response};

/// Reads a provider's reply.
///
/// # Errors
/// It is none, or tells of an error.
pub fn read(body: &[u8], _: &Context) -> Result<Response, Broken> {
    let malformed = Broken::Malformed("the body is no response of the Responses API");
    let Ok(reply) = serde_json::from_slice::<wire::Reply<'_>>(body) else { return Err(malformed) };
    if let Some(error) = reply.error {
        return Err(Broken::Told(error::of_error(error)));
    }
    if matches!(&*reply.status, "failed" | "cancelled") {
        return Err(Broken::Told(error::of_status(&reply.status)));
    }
    let Some(items) = reply.items() else { return Err(malformed) };
    let mut collector = Collector::default();
    let (mut called, mut refused) = (false, false);
    collector.take(Event::Start { id: (*reply.id).into(), model: (*reply.model).into() });
    for item in &items {
        let Some(kind) = Kind::of(&item.kind) else { continue };
        let mut progress = Progress::new(kind, None, "", "");
        progress.finish(item, &mut |event| collector.take(event));
        if progress.is_nameless() {
            return Err(Broken::Malformed("a call has no name"));
        }
        called |= progress.called;
        refused |= progress.refused;
    }
    if let Some(usage) = reply.usage() {
        collector.take(Event::Usage(usage));
    }
    collector.take(Event::Stop { stop: reply.stop(called, refused), sequence: None });
    collector.take(Event::End);
    collector.finish().ok_or(malformed)
}

/// Writes a reply for a client.
pub fn write(response: &Response, context: &Context) -> Vec<u8> {
    let id = reply::id(&response.id, context);
    let refused = response.parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let state = State::of(response.stop, refused);
    let mut drafts = drafts(&response.parts, context, &id);
    let last = drafts.len().saturating_sub(1);
    let finished = drafts.iter_mut().enumerate().map(|(index, draft)| {
        let status = if index == last { state.of_last_item() } else { "completed" };
        draft.settle(status == "completed");
        draft.finished(&draft.id(&id, index), status)
    });
    let output: Vec<_> = finished.collect();
    let model = if response.model.is_empty() { &context.model } else { &response.model };
    let reply = reply::Reply::new(&id, model, context, state, &output, response.usage);
    serde_json::to_vec(&reply).expect("a reply is texts, numbers and lists of them, which JSON can hold")
}

fn drafts(parts: &[Part], context: &Context, reply: &str) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => say(&mut drafts, false, text),
            Part::Refusal(text) => say(&mut drafts, true, text),
            Part::Thinking { text, signature } => {
                let mut draft = Draft::thinking(signature.as_ref());
                draft.push(text);
                drafts.push(draft);
            }
            Part::RedactedThinking(signature) => drafts.push(Draft::redacted(signature)),
            Part::ToolCall(call) => {
                drafts.extend(call.signature.as_ref().map(|signature| Draft::thinking(Some(signature))));
                let mut draft = Draft::call(&call.id, &call.name, context, reply, drafts.len());
                draft.push(&call.arguments);
                drafts.push(draft);
            }
            // No model answers with these.
            Part::Image(_) | Part::Document { .. } | Part::Audio(_) => {}
            Part::ToolResult { .. } | Part::CachePoint { .. } => {}
        }
    }
    drafts
}

/// Adds a content part to the message that is being said, or begins one.
fn say(drafts: &mut Vec<Draft>, refusal: bool, text: &str) {
    let said = Said { refusal, text: text.to_owned() };
    if let Some(Draft::Message(before)) = drafts.last_mut() {
        before.push(said);
    } else {
        drafts.push(Draft::Message(vec![said]));
    }
}
