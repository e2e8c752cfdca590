//! Whole replies.

use super::{
    content::{self, Part, Reply},
    ids, signature, stream,
};
use crate::protocol::neutral::{self, Broken, Context, Response};

/// Reads a provider's reply.
///
/// # Errors
/// It tells of an error, is no `GenerateContentResponse`, or does not say why it ended.
pub fn read(body: &[u8], context: &Context) -> Result<Response, Broken> {
    stream::read_whole(body, context)
}

/// Writes a reply for a client.
pub fn write(response: &Response, context: &Context) -> Vec<u8> {
    let mut stop = response.stop;
    let mut parts = Vec::with_capacity(response.parts.len());
    for part in &response.parts {
        match part {
            neutral::Part::Text(text) | neutral::Part::Refusal(text) => parts.push(Part::text(text)),
            neutral::Part::Thinking { text, signature } => {
                parts.push(Part::thought(text).signed(signature.as_ref().map(signature::write)));
            }
            neutral::Part::RedactedThinking(given) => {
                parts.push(Part::thought("").signed(Some(signature::write_redacted(given))));
            }
            neutral::Part::ToolCall(call) => match content::object(&call.arguments) {
                Some(args) => {
                    let signature = signature::write_of_call(call.signature.as_ref());
                    parts.push(Part::call(&call.id, &call.name, args).signed(Some(signature)));
                }
                None => stop = content::stop_without_call(stop),
            },
            // No model answers with these.
            _ => {}
        }
    }
    let id = ids::response(&response.id, context);
    let model = if response.model.is_empty() { &context.model } else { &response.model };
    content::to_vec(&Reply::new(&id, model, parts).ended(stop, response.usage))
}
