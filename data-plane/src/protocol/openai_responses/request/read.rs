//! A client's request.

use super::{
    input::Conversation,
    object::{Extras, Object, objects, wrong},
    tools,
};
use crate::protocol::neutral::{Effort, Format, Reasoning, Request, Unreadable};
use serde_json::Value;

/// Reads a client's request.
///
/// # Errors
/// It is no JSON object, or not what the dialect allows, or it has a part for which the neutral form has no place.
pub fn read(body: &[u8]) -> Result<Request, Unreadable> {
    let value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::new("", format!("the body is not valid JSON: {error}")))?;
    let mut asked = Object::of(value, String::new())?;
    let mut extras = Extras::default();
    let mut conversation = Conversation::default();
    conversation.instruct(asked.text("instructions")?);
    match asked.take("input") {
        Some(Value::String(text)) => conversation.ask(text),
        Some(items) => conversation.read(objects(items, "input")?, &mut extras)?,
        // A stored prompt brings its own input, and is refused as such.
        None if asked.has("prompt") => {}
        None => return Err(asked.missing("input")),
    }
    let stream = asked.flag("stream")?.unwrap_or(false);
    let mut request = Request {
        tools: tools::read(asked.objects("tools")?.unwrap_or_default(), &mut extras)?,
        tool_choice: tools::choice(&mut asked, &mut extras)?,
        parallel_tools: asked.flag("parallel_tool_calls")?,
        max_tokens: asked.count("max_output_tokens")?,
        temperature: asked.number("temperature")?,
        top_p: asked.number("top_p")?,
        reasoning: reasoning(&mut asked, &mut extras)?,
        format: format(&mut asked, &mut extras)?,
        user: user(&mut asked)?,
        service_tier: asked.text("service_tier")?,
        stream,
        // This dialect's streams always end with the usage.
        include_usage: stream,
        ..Request::default()
    };
    (request.system, request.turns) = conversation.into_parts();
    rest(asked, &mut extras)?;
    request.extra = extras.0;
    Ok(request)
}

/// `user` is the older name.
fn user(asked: &mut Object) -> Result<Option<String>, Unreadable> {
    let older = asked.text("user")?;
    Ok(asked.text("safety_identifier")?.or(older))
}

fn reasoning(asked: &mut Object, extras: &mut Extras) -> Result<Option<Reasoning>, Unreadable> {
    let Some(mut reasoning) = asked.object("reasoning")? else { return Ok(None) };
    let older = reasoning.text("generate_summary")?;
    let summary = reasoning.text("summary")?.or(older);
    for (field, default) in [("mode", "standard"), ("context", "auto")] {
        if reasoning.text(field)?.is_some_and(|word| word != default) {
            extras.hint(reasoning.path(field));
        }
    }
    let effort = match reasoning.text("effort")?.as_deref() {
        None => None,
        Some("none") => return Ok(Some(Reasoning::Off)),
        Some(word) => Some(Effort::of_word(word).ok_or_else(|| reasoning.unknown("effort", word))?),
    };
    let show = summary.map(|_| true);
    let said = effort.is_some() || show.is_some();
    Ok(said.then_some(Reasoning::On { effort, budget: None, adaptive: false, show }))
}

fn format(asked: &mut Object, extras: &mut Extras) -> Result<Option<Format>, Unreadable> {
    let Some(mut text) = asked.object("text")? else { return Ok(None) };
    if text.text("verbosity")?.is_some_and(|word| word != "medium") {
        extras.hint("text.verbosity");
    }
    let Some(mut format) = text.object("format")? else { return Ok(None) };
    match format.needed("type")?.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::JsonObject)),
        "json_schema" => {
            if format.text("description")?.is_some() {
                extras.hint("text.format.description");
            }
            let schema = format.take("schema").ok_or_else(|| format.missing("schema"))?;
            if !schema.is_object() {
                return Err(wrong(format.path("schema"), "an object"));
            }
            Ok(Some(Format::JsonSchema { name: format.text("name")?, schema, strict: format.flag("strict")? }))
        }
        other => Err(format.unknown("type", other)),
    }
}

/// What has no place in the neutral form. Fields that say what holds anyway are not mentioned.
fn rest(asked: Object, extras: &mut Extras) -> Result<(), Unreadable> {
    for (field, value) in asked.rest() {
        match field.as_str() {
            // Routing has taken the model out; streams are not padded.
            "model" | "stream_options" => {}
            "include" => include(value, extras)?,
            "background" | "store" if value == false => {}
            "metadata" if value.as_object().is_some_and(serde_json::Map::is_empty) => {}
            "truncation" if value == "disabled" => {}
            "top_logprobs" if value == 0 => {}
            // State on OpenAI's side, or another answer: token probabilities, a verdict of moderation.
            "previous_response_id" | "conversation" | "background" | "prompt" | "top_logprobs" | "moderation" => {
                extras.essential(field);
            }
            // Fields of other dialects, which would change the answer there.
            "stop" | "n" | "logit_bias" | "response_format" | "messages" => extras.essential(field),
            _ => extras.hint(field),
        }
    }
    Ok(())
}

fn include(value: Value, extras: &mut Extras) -> Result<(), Unreadable> {
    let Value::Array(wanted) = value else { return Err(wrong("include".to_owned(), "a list")) };
    for (index, wanted) in wanted.iter().enumerate() {
        match wanted.as_str() {
            // Replies always hold it.
            Some("reasoning.encrypted_content") => {}
            Some("message.output_text.logprobs") => extras.essential(format!("include[{index}]")),
            Some(_) => extras.hint(format!("include[{index}]")),
            None => return Err(wrong(format!("include[{index}]"), "a string")),
        }
    }
    Ok(())
}
