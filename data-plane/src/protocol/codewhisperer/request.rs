//! Writes a request. What CodeWhisperer has no field for goes into the prompt where the model understands it there
//! (instructions, the form of the reply, thinking), is left out where the answer is still one, and is refused otherwise.

mod body;
mod media;
mod messages;
#[cfg(test)]
mod properties;
mod schema;
#[cfg(test)]
mod tests;
mod tools;

use crate::protocol::neutral::{Effort, Field, Format, Part, Reasoning, Request, Role, Unsupported, Written};
use crate::protocol::shape::fingerprint;
use body::{Answered, Body, Message, Said, State};
use messages::Dropped;
use std::borrow::Cow;

/// Said for the user where the conversation ends with the assistant's own words.
const GO_ON: &str = "Continue.";

/// Said by the assistant after the instructions.
const UNDERSTOOD: &str = "Understood.";

const JSON: &str =
    "Reply with one JSON object and nothing else: no text before it or after it, and no code fence around it.";

/// Writes a request for `generateAssistantResponse`.
///
/// Where the request asks for reasoning, the reply's [`Reader`](super::stream::Reader) has to know that thinking comes
/// in tags.
///
/// # Errors
/// Something cannot be carried without changing the answer.
pub fn write(request: &Request, model: &str, profile_arn: Option<&str>) -> Result<Written, Unsupported> {
    if !request.stop.is_empty() {
        return Err(Unsupported::new(Field::Stop, "CodeWhisperer takes no stop sequences"));
    }
    let mut dropped = without_a_place(request);
    let mut history = Vec::new();
    if let Some(text) = instructions(request, &mut dropped) {
        history.push(Message::UserInputMessage(Said::new(text.into(), model)));
        let understood = Answered { content: UNDERSTOOD.into(), tool_uses: Vec::new() };
        history.push(Message::AssistantResponseMessage(understood));
    }
    for turn in &request.turns {
        history.push(messages::message(turn, model, &mut dropped)?);
    }
    let mut current = match history.pop_if(|message| matches!(message, Message::UserInputMessage(_))) {
        Some(Message::UserInputMessage(said)) => said,
        _ => {
            if !request.turns.is_empty() {
                dropped.insert(Field::Prefill);
            }
            Said::new(GO_ON.into(), model)
        }
    };
    current.user_input_message_context.tools = tools::tools(request, &mut dropped)?;
    let source = conversation(request);
    let conversation_state = State {
        conversation_id: uuid(&format!("conversation\n{source}")),
        chat_trigger_type: "MANUAL",
        agent_task_type: "vibe",
        agent_continuation_id: uuid(&format!("continuation\n{source}")),
        current_message: Message::UserInputMessage(current),
        history,
    };
    let body = serde_json::to_vec(&Body { conversation_state, profile_arn }).expect("all keys are strings");
    Ok(Written { body, dropped: dropped.into_iter().collect() })
}

/// The fields that are given and have no place at all.
fn without_a_place(request: &Request) -> Dropped {
    let given = [
        (request.max_tokens.is_some(), Field::MaxTokens),
        (request.temperature.is_some(), Field::Temperature),
        (request.top_p.is_some(), Field::TopP),
        (request.top_k.is_some(), Field::TopK),
        (request.seed.is_some(), Field::Seed),
        (request.frequency_penalty.is_some(), Field::FrequencyPenalty),
        (request.presence_penalty.is_some(), Field::PresencePenalty),
        (request.parallel_tools == Some(false), Field::ParallelTools),
        (request.service_tier.is_some(), Field::ServiceTier),
    ];
    given.into_iter().filter(|(given, _)| *given).map(|(_, field)| field).collect()
}

/// The first thing in the history: how to think, what the client instructs, which form the reply has.
fn instructions(request: &Request, dropped: &mut Dropped) -> Option<String> {
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    if let Some(reasoning @ Reasoning::On { .. }) = request.reasoning {
        // Without a number the model may think as long as it likes, which is what this effort comes to.
        let longest = reasoning.budget().unwrap_or_else(|| Effort::High.budget());
        let tags =
            format!("<thinking_mode>enabled</thinking_mode><max_thinking_length>{longest}</max_thinking_length>");
        texts.push(tags.into());
    }
    for part in &request.system {
        match part {
            Part::Text(text) => texts.push(text.into()),
            Part::CachePoint { .. } => drop(dropped.insert(Field::CachePoints)),
            // The neutral form has nothing else here.
            _ => {}
        }
    }
    texts.extend(request.format.as_ref().map(|format| form(format, dropped).into()));
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// Asks for a form that nobody enforces.
fn form(format: &Format, dropped: &mut Dropped) -> String {
    dropped.insert(Field::Format);
    match format {
        Format::JsonObject => JSON.to_owned(),
        Format::JsonSchema { schema, strict, .. } => {
            if *strict == Some(true) {
                dropped.insert(Field::FormatStrict);
            }
            format!("{JSON} It has to be valid against this JSON Schema:\n{schema}")
        }
    }
}

/// What tells this conversation from others, and does not change while it goes on: the provider's prompt cache and its
/// routing depend on the id that is made of it.
fn conversation(request: &Request) -> Cow<'_, str> {
    if let Some(user) = &request.user {
        return user.into();
    }
    let first = request.turns.iter().find(|turn| turn.role == Role::User);
    let texts = first.into_iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n").into()
}

/// A hash in the form of a random UUID, which is what the upstream expects.
fn uuid(source: &str) -> String {
    let hash = fingerprint(source, 30);
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[12..15], &hash[15..18], &hash[18..])
}
