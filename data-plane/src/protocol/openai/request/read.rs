//! A client's request.

mod messages;
mod parts;
#[cfg(test)]
mod tests;
mod tools;

use super::super::fields::Fields;
use crate::protocol::neutral::{Effort, Extra, Format, Reasoning, Request, Unreadable};
use serde_json::{Map, Value};

/// More hints than these tell nobody anything, and a body could name millions.
const MOST_HINTS: usize = 64;

/// Reads a body.
///
/// # Errors
/// It is not what OpenAI takes, or holds what this form has no place for.
pub fn read(body: &[u8]) -> Result<Request, Unreadable> {
    let mut fields = Fields::of_body(body)?;
    let mut request = shared(&mut fields)?;
    request.max_tokens = fields.whole("max_completion_tokens")?.or(request.max_tokens);
    messages::read(&mut fields, &mut request)?;
    tools::read(&mut fields, &mut request)?;
    request.reasoning = reasoning(&mut fields)?;
    request.format = format(&mut fields, &mut request.extra)?;
    request.service_tier = fields.text("service_tier")?;
    let safety = fields.text("safety_identifier")?;
    if safety.is_some() && request.user.is_some() && request.user != safety {
        hint(&mut request.extra, "safety_identifier");
    }
    request.user = request.user.or(safety);
    left_over(fields, &mut request.extra, essential);
    Ok(request)
}

/// What the legacy completions have as well.
pub(in crate::protocol) fn shared(fields: &mut Fields) -> Result<Request, Unreadable> {
    fields.take("model");
    let streamed = fields.object("stream_options")?;
    let include_usage = streamed.map(|mut options| options.flag("include_usage")).transpose()?.flatten();
    Ok(Request {
        max_tokens: fields.whole("max_tokens")?,
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        // vLLM's word for all of them is -1.
        top_k: fields.signed("top_k")?.and_then(|k| u64::try_from(k).ok()),
        stop: stop(fields)?,
        seed: fields.signed("seed")?,
        frequency_penalty: fields.number("frequency_penalty")?,
        presence_penalty: fields.number("presence_penalty")?,
        user: fields.text("user")?,
        stream: fields.flag("stream")?.unwrap_or(false),
        include_usage: include_usage.unwrap_or(false),
        ..Request::default()
    })
}

fn stop(fields: &mut Fields) -> Result<Vec<String>, Unreadable> {
    let wrong = |fields: &Fields| fields.wrong("stop", "must be a string or a list of strings");
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(list)) => {
            let texts = list.into_iter().map(|value| match value {
                Value::String(text) => Ok(text),
                _ => Err(wrong(fields)),
            });
            texts.collect()
        }
        Some(_) => Err(wrong(fields)),
    }
}

fn reasoning(fields: &mut Fields) -> Result<Option<Reasoning>, Unreadable> {
    let Some(word) = fields.text("reasoning_effort")? else { return Ok(None) };
    if word == "none" {
        return Ok(Some(Reasoning::Off));
    }
    let Some(effort) = Effort::of_word(&word) else {
        let known = "must be one of none, minimal, low, medium, high, xhigh and max";
        return Err(fields.wrong("reasoning_effort", known));
    };
    Ok(Some(Reasoning::On { effort: Some(effort), budget: None, adaptive: false, show: None }))
}

fn format(fields: &mut Fields, extra: &mut Vec<Extra>) -> Result<Option<Format>, Unreadable> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    match format.needed_text("type")?.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::JsonObject)),
        "json_schema" => {
            let mut told = format.needed_object("json_schema")?;
            let name = told.text("name")?;
            let schema = Value::Object(told.map("schema")?.unwrap_or_default());
            let strict = told.flag("strict")?;
            if told.take("description").is_some() {
                hint(extra, "response_format.json_schema.description");
            }
            Ok(Some(Format::JsonSchema { name, schema, strict }))
        }
        _ => Err(format.wrong("type", "must be one of text, json_object and json_schema")),
    }
}

/// Notes the fields that nobody took.
pub(in crate::protocol) fn left_over(fields: Fields, extra: &mut Vec<Extra>, essential: fn(&str) -> bool) {
    for (name, value) in fields.left() {
        if asks_nothing(&name, &value) {
            continue;
        }
        if essential(&name) {
            extra.push(Extra::essential(name));
        } else {
            hint(extra, &name);
        }
    }
}

/// Notes a field that can be left out, once.
fn hint(extra: &mut Vec<Extra>, name: &str) {
    if extra.len() < MOST_HINTS && !extra.iter().any(|known| known.field == name) {
        extra.push(Extra::hint(name));
    }
}

/// Notes what nobody took of one of the things that stand at `place`, once for all of them.
fn hint_rest(extra: &mut Vec<Extra>, place: &str, fields: Fields) {
    for (name, value) in fields.left() {
        if value != false {
            hint(extra, &format!("{place}.{name}"));
        }
    }
}

/// Whether a field asks for what happens without it, too.
fn asks_nothing(name: &str, value: &Value) -> bool {
    let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    match name {
        "n" | "best_of" => value.as_u64() == Some(1),
        "echo" | "logprobs" | "store" => value.as_bool() == Some(false),
        "top_logprobs" => value.as_u64() == Some(0),
        "suffix" => value.as_str() == Some(""),
        "modalities" => value.as_array().is_some_and(|list| list.iter().all(|word| word == "text")),
        "function_call" => value.as_str() == Some("auto") || value.as_str() == Some("none"),
        "functions" | "logit_bias" | "metadata" => empty,
        _ => false,
    }
}

/// The fields that make another answer: in its number, its form, its words, or where these come from. The last are
/// compatible servers' ways to constrain what is said.
fn essential(name: &str) -> bool {
    matches!(name, "n" | "logprobs" | "top_logprobs" | "logit_bias" | "modalities" | "audio" | "moderation")
        // Who calls functions in the old way does not understand a reply with `tool_calls`.
        || matches!(name, "web_search_options" | "functions" | "function_call")
        || matches!(name, "guided_json" | "guided_regex" | "guided_choice" | "guided_grammar" | "structured_outputs")
        || matches!(name, "grammar" | "echo" | "continue_final_message")
}
