//! A request as a provider is sent it.

mod content;
mod messages;
#[cfg(test)]
mod tests;

use crate::protocol::neutral::{Dropped, Effort, Field, Format, Reasoning, Request, ToolChoice, Unsupported, Written};
use crate::protocol::openai::id;
use messages::Message;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// OpenAI's limit of stop sequences.
const MOST_STOPS: usize = 4;

/// OpenAI's limit of an end user's id, in characters.
const LONGEST_USER: usize = 64;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// OpenAI's own, or Azure's.
    OpenAi,
    /// One of the many that speak the protocol as it was, each with an extent of its own.
    Compatible,
    /// Google's, which carries Gemini's signatures in a field that others refuse.
    Google,
}

impl Compat {
    fn is_openai(self) -> bool {
        self == Self::OpenAi
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ToolOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Cow<'a, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    One(Named<'a>),
    Among { r#type: &'static str, allowed_tools: Allowed<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    r#type: &'static str,
    function: Name<'a>,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Allowed<'a> {
    mode: &'static str,
    tools: Vec<Named<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatOut<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Writes a request. A stream is always asked to count.
///
/// # Errors
/// It holds what the protocol cannot say.
pub fn write(request: &Request, model: &str, compat: Compat) -> Result<Written, Unsupported> {
    if request.stop.len() > MOST_STOPS {
        let why = format!("the provider takes at most {MOST_STOPS} stop sequences");
        return Err(Unsupported::new(Field::Stop, why));
    }
    let mut dropped = Dropped::default();
    let tools = tools(request, compat, &mut dropped);
    let offers = !tools.is_empty();
    let max_tokens = |openai: bool| request.max_tokens.filter(|_| compat.is_openai() == openai);
    let body = Body {
        model,
        messages: messages::write(request, compat, &mut dropped)?,
        tools,
        tool_choice: request.tool_choice.as_ref().filter(|_| offers).map(|given| choice(given, compat)),
        parallel_tool_calls: request.parallel_tools.filter(|_| offers),
        max_completion_tokens: max_tokens(true),
        max_tokens: max_tokens(false),
        temperature: request.temperature,
        top_p: request.top_p,
        stop: &request.stop,
        seed: request.seed,
        frequency_penalty: request.frequency_penalty,
        presence_penalty: request.presence_penalty,
        reasoning_effort: request.reasoning.and_then(|reasoning| effort(reasoning, compat, &mut dropped)),
        response_format: request.format.as_ref().map(format),
        user: request.user.as_deref().map(|user| end_user(user, &mut dropped)),
        service_tier: request.service_tier.as_deref().and_then(|tier| service_tier(tier, compat, &mut dropped)),
        stream: request.stream.then_some(true),
        stream_options: request.stream.then_some(StreamOptions { include_usage: true }),
    };
    if request.top_k.is_some() {
        dropped.add(Field::TopK);
    }
    let body = serde_json::to_vec(&body).expect("these types have text keys and finite numbers alone");
    Ok(Written { body, dropped: dropped.into_fields() })
}

/// Custom tools go as the functions that they are in the neutral form, which every model understands.
fn tools<'a>(request: &'a Request, compat: Compat, dropped: &mut Dropped) -> Vec<ToolOut<'a>> {
    let mut tools = Vec::with_capacity(request.tools.len());
    // A choice among some is OpenAI's own: elsewhere the others are not offered.
    let offered = if compat.is_openai() { request.tools.iter().collect() } else { request.offered() };
    for tool in offered {
        if tool.cache.is_some() {
            dropped.add(Field::CachePoints);
        }
        let strict = tool.strict.filter(|_| compat == Compat::OpenAi);
        if tool.strict == Some(true) && strict.is_none() {
            dropped.add(Field::ToolStrict);
        }
        let (name, description) = (tool.name.as_str(), tool.description.as_deref());
        let function = Function { name, description, parameters: parameters(&tool.schema), strict };
        tools.push(ToolOut { kind: "function", function });
    }
    if tools.is_empty() && request.forces_nothing() {
        dropped.add(Field::ToolChoice);
    }
    tools
}

/// An object's schema without `properties` is refused.
fn parameters(schema: &Value) -> Cow<'_, Value> {
    match schema {
        Value::Object(map) if !map.contains_key("properties") => {
            let mut map = map.clone();
            map.insert("properties".to_owned(), Map::new().into());
            Cow::Owned(Value::Object(map))
        }
        schema => Cow::Borrowed(schema),
    }
}

fn choice(choice: &ToolChoice, compat: Compat) -> Choice<'_> {
    let named = |name| Named { r#type: "function", function: Name { name } };
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::Any => Choice::Word("required"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::One(name) => Choice::One(named(name)),
        ToolChoice::Among { names, required } => {
            let mode = if *required { "required" } else { "auto" };
            match compat {
                Compat::Compatible | Compat::Google => Choice::Word(mode),
                Compat::OpenAi => {
                    let tools = names.iter().map(|name| named(name)).collect();
                    Choice::Among { r#type: "allowed_tools", allowed_tools: Allowed { mode, tools } }
                }
            }
        }
    }
}

/// Compatible servers know three efforts; which of them know more is nowhere written.
fn effort(reasoning: Reasoning, compat: Compat, dropped: &mut Dropped) -> Option<&'static str> {
    if reasoning == Reasoning::Off {
        return Some("none");
    }
    let asked = reasoning.effort()?;
    let given = match compat {
        Compat::OpenAi => asked,
        Compat::Compatible | Compat::Google => asked.clamp(Effort::Low, Effort::High),
    };
    if given != asked {
        dropped.add(Field::Reasoning);
    }
    Some(given.word())
}

fn format(format: &Format) -> FormatOut<'_> {
    match format {
        Format::JsonObject => FormatOut::JsonObject,
        Format::JsonSchema { name, schema, strict } => {
            let name = name.as_deref().unwrap_or("response");
            FormatOut::JsonSchema { json_schema: Schema { name, schema, strict: *strict } }
        }
    }
}

/// An id that is too long is refused: one that stands for it does as well, as long as it is always the same.
fn end_user<'a>(user: &'a str, dropped: &mut Dropped) -> Cow<'a, str> {
    if user.chars().count() <= LONGEST_USER {
        return Cow::Borrowed(user);
    }
    dropped.add(Field::User);
    Cow::Owned(id::of_user(user))
}

fn service_tier<'a>(tier: &'a str, compat: Compat, dropped: &mut Dropped) -> Option<&'a str> {
    let known = matches!(tier, "auto" | "default" | "flex" | "scale" | "priority" | "fast");
    if known && compat == Compat::OpenAi {
        return Some(tier);
    }
    dropped.add(Field::ServiceTier);
    None
}
