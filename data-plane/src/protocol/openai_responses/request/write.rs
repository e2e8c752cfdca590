//! A provider's request.

use super::items::{Item, Items};
use crate::protocol::neutral::{
    Effort, Field, Format, Part, Reasoning, Request, Tool, ToolChoice, Unsupported, Written,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// The provider accepts no smaller limit.
const FEWEST_TOKENS: u64 = 16;

/// The provider accepts no longer id of a user.
const LONGEST_USER: usize = 64;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    /// Nothing is kept on the provider's side, so that thinking has to come back in the open.
    store: bool,
    /// Of models that think; others refuse to be asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Offered<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        parameters: &'a Value,
        /// Always said: elsewhere tools are lax unless told otherwise, here they are strict.
        strict: bool,
    },
    Custom {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    One(Named<'a>),
    Among {
        #[serde(rename = "type")]
        kind: &'static str,
        mode: &'static str,
        tools: Vec<Named<'a>>,
    },
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct Thinking {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

#[derive(Serialize)]
struct TextConfig<'a> {
    format: TextFormat<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum TextFormat<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        schema: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// Writes a request to a provider's model.
///
/// # Errors
/// It has what this API cannot be told.
pub fn write(request: &Request, model: &str) -> Result<Written, Unsupported> {
    if !request.stop.is_empty() {
        return Err(Unsupported::new(Field::Stop, "the Responses API has no stop sequences"));
    }
    let (input, mut dropped) = Items::of(request)?;
    dropped.extend(unknown_here(request));
    let offers = !request.tools.is_empty();
    let body = Body {
        model,
        instructions: instructions(&request.system, &mut dropped),
        input,
        tools: request.tools.iter().map(offered).collect(),
        tool_choice: request.tool_choice.as_ref().and_then(|choice| tool_choice(choice, &request.tools)),
        parallel_tool_calls: request.parallel_tools.filter(|_| offers),
        max_output_tokens: request.max_tokens.map(|tokens| {
            if tokens < FEWEST_TOKENS {
                dropped.insert(Field::MaxTokens);
            }
            tokens.max(FEWEST_TOKENS)
        }),
        temperature: request.temperature,
        top_p: request.top_p,
        reasoning: request.reasoning.and_then(thinking),
        text: request.format.as_ref().map(|format| TextConfig { format: text_format(format) }),
        user: kept(request.user.as_deref(), |user| user.chars().count() <= LONGEST_USER, Field::User, &mut dropped),
        service_tier: kept(request.service_tier.as_deref(), is_tier, Field::ServiceTier, &mut dropped),
        stream: request.stream,
        store: false,
        include: matches!(request.reasoning, Some(Reasoning::On { .. })).then_some(["reasoning.encrypted_content"]),
    };
    let body = serde_json::to_vec(&body).expect("a request is texts, numbers and lists of them, which JSON can hold");
    Ok(Written { body, dropped: dropped.into_iter().collect() })
}

/// What the request has and this API does not.
fn unknown_here(request: &Request) -> impl Iterator<Item = Field> {
    let given = [
        (request.top_k.is_some(), Field::TopK),
        (request.seed.is_some(), Field::Seed),
        (request.frequency_penalty.is_some(), Field::FrequencyPenalty),
        (request.presence_penalty.is_some(), Field::PresencePenalty),
        (request.tools.iter().any(|tool| tool.cache.is_some()), Field::CachePoints),
    ];
    given.into_iter().filter_map(|(given, field)| given.then_some(field))
}

fn instructions(system: &[Part], dropped: &mut BTreeSet<Field>) -> Option<String> {
    let mut texts = Vec::new();
    for part in system {
        match part {
            Part::Text(text) => texts.push(text.as_str()),
            Part::CachePoint { .. } => drop(dropped.insert(Field::CachePoints)),
            _ => drop(dropped.insert(Field::System)),
        }
    }
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

fn offered(tool: &Tool) -> Offered<'_> {
    let (name, description) = (tool.name.as_str(), tool.description.as_deref());
    if tool.custom {
        return Offered::Custom { name, description };
    }
    Offered::Function { name, description, parameters: &tool.schema, strict: tool.strict.unwrap_or(false) }
}

/// Without tools there is nothing to choose, and the provider refuses to be told so.
fn tool_choice<'a>(choice: &'a ToolChoice, tools: &'a [Tool]) -> Option<Choice<'a>> {
    let custom: HashSet<&str> = tools.iter().filter(|tool| tool.custom).map(|tool| tool.name.as_str()).collect();
    let named =
        |name: &'a String| Named { kind: if custom.contains(name.as_str()) { "custom" } else { "function" }, name };
    match choice {
        ToolChoice::Auto | ToolChoice::None if tools.is_empty() => None,
        ToolChoice::Auto => Some(Choice::Word("auto")),
        ToolChoice::Any => Some(Choice::Word("required")),
        ToolChoice::None => Some(Choice::Word("none")),
        ToolChoice::One(name) => Some(Choice::One(named(name))),
        ToolChoice::Among { names, required } => Some(Choice::Among {
            kind: "allowed_tools",
            mode: if *required { "required" } else { "auto" },
            tools: names.iter().map(named).collect(),
        }),
    }
}

fn thinking(reasoning: Reasoning) -> Option<Thinking> {
    let Reasoning::On { effort, budget, show, .. } = reasoning else {
        return Some(Thinking { effort: Some("none"), summary: None });
    };
    // Every model that thinks knows these three; a client that counts tokens has not asked for the rarer words.
    let derived = || budget.map(|tokens| Effort::of_budget(tokens).clamp(Effort::Low, Effort::High));
    let effort = effort.or_else(derived).map(Effort::word);
    let summary = (show == Some(true)).then_some("auto");
    (effort.is_some() || summary.is_some()).then_some(Thinking { effort, summary })
}

fn text_format(format: &Format) -> TextFormat<'_> {
    match format {
        Format::JsonObject => TextFormat::JsonObject,
        Format::JsonSchema { name, schema, strict } => {
            TextFormat::JsonSchema { name: name.as_deref().unwrap_or("response"), schema, strict: *strict }
        }
    }
}

fn is_tier(tier: &str) -> bool {
    matches!(tier, "auto" | "default" | "flex" | "scale" | "priority" | "fast" | "ultrafast")
}

fn kept<'a>(
    value: Option<&'a str>,
    fits: impl Fn(&str) -> bool,
    field: Field,
    dropped: &mut BTreeSet<Field>,
) -> Option<&'a str> {
    if value.is_some_and(|value| !fits(value)) {
        dropped.insert(field);
    }
    value.filter(|value| fits(value))
}
