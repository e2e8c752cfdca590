//! The tools that the model may call. Converse has no choice `none`, and wants tools wherever the conversation holds
//! calls or results, whether or not any may still be called.

use super::content::CachePoint;
use crate::protocol::bedrock::model::Model;
use crate::protocol::neutral::{CacheAge, Dropped, Field, Part, Request, Tool, ToolChoice, Unsupported};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    tools: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Entry<'a> {
    ToolSpec(Spec<'a>),
    CachePoint(CachePoint),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Schema<'a> {
    Json(Cow<'a, Value>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Choice<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

impl<'a> ToolConfig<'a> {
    /// None where there is nothing to call and no call to explain.
    pub(super) fn new(request: &'a Request, model: Model, dropped: &mut Dropped) -> Result<Option<Self>, Unsupported> {
        let offered = offered(request)?;
        dropped.add_if(request.forces_nothing(), Field::ToolChoice);
        let mut said = request.turns.iter().flat_map(|turn| &turn.parts);
        let in_use = said.any(|part| matches!(part, Part::ToolCall(_) | Part::ToolResult { .. }));
        if request.tool_choice == Some(ToolChoice::None) {
            if !in_use {
                return Ok(None);
            }
            dropped.add_if(!offered.is_empty(), Field::ToolChoice);
        }
        let tool_choice = if offered.is_empty() { None } else { choice(request, model) };
        let mut tools = Vec::with_capacity(offered.len());
        for tool in offered {
            tools.push(Entry::ToolSpec(spec(tool, model, dropped)));
            tools.extend(cache_point(tool, model, dropped).map(Entry::CachePoint));
        }
        if tools.is_empty() {
            tools = stubs(request);
        }
        Ok((!tools.is_empty()).then_some(Self { tools, tool_choice }))
    }
}

/// Whether the model is to be told, past Converse, to call one tool at a time. That says the choice as well, and
/// Bedrock refuses a request that says it twice.
pub(super) fn one_at_a_time(request: &Request, model: Model) -> bool {
    let free = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => true,
        Some(ToolChoice::Among { required, .. }) => !required,
        Some(ToolChoice::Any | ToolChoice::None | ToolChoice::One(_)) => false,
    };
    request.parallel_tools == Some(false) && free && !request.tools.is_empty() && model.takes_one_tool_at_a_time()
}

fn offered(request: &Request) -> Result<Vec<&Tool>, Unsupported> {
    let offered = request.offered();
    if offered.is_empty() && matches!(request.tool_choice, Some(ToolChoice::Among { required: true, .. })) {
        return Err(Unsupported::new(Field::ToolChoice, "none of the tools that must be called is among the tools"));
    }
    Ok(offered)
}

fn choice<'a>(request: &'a Request, model: Model) -> Option<Choice<'a>> {
    match request.tool_choice.as_ref()? {
        _ if one_at_a_time(request, model) => None,
        ToolChoice::Auto | ToolChoice::Among { required: false, .. } => Some(Choice::Auto {}),
        ToolChoice::Any | ToolChoice::Among { required: true, .. } => Some(Choice::Any {}),
        ToolChoice::One(name) => Some(Choice::Tool { name }),
        ToolChoice::None => None,
    }
}

fn spec<'a>(tool: &'a Tool, model: Model, dropped: &mut Dropped) -> Spec<'a> {
    let strict = tool.strict.filter(|strict| *strict);
    dropped.add_if(strict.is_some() && !model.takes_strict_tools(), Field::ToolStrict);
    Spec {
        name: &tool.name,
        description: tool.description.as_deref().filter(|text| !text.trim().is_empty()),
        input_schema: Schema::Json(Cow::Borrowed(&tool.schema)),
        strict: strict.filter(|_| model.takes_strict_tools()),
    }
}

fn cache_point(tool: &Tool, model: Model, dropped: &mut Dropped) -> Option<CachePoint> {
    let age = tool.cache?;
    if !model.caches_tools_and_for_an_hour() {
        dropped.add(Field::CachePoints);
        return None;
    }
    CachePoint::new(age == CacheAge::Hour, model, dropped)
}

/// The tools that were called, of which nothing else is known.
fn stubs(request: &Request) -> Vec<Entry<'_>> {
    let schema = || Schema::Json(Cow::Owned(json!({"type": "object"})));
    let spec = |name| Spec { name, description: None, input_schema: schema(), strict: None };
    request.called().into_iter().map(|name| Entry::ToolSpec(spec(name))).collect()
}
