//! The tools: those that the model may call, and those that the history names, since the upstream refuses a history
//! that names others.

use super::body::{Schema, Specification, Tool};
use super::messages::Dropped;
use super::schema;
use crate::protocol::neutral::{self, Field, Request, ToolChoice, Unsupported};
use std::collections::HashSet;

/// In characters. The upstream takes no more.
const LONGEST_DESCRIPTION: usize = 10_000;

/// What the model is told of a tool that only the history names.
const GONE: &str = "No longer available: do not call it.";

pub(super) fn tools<'a>(request: &'a Request, dropped: &mut Dropped) -> Result<Vec<Tool<'a>>, Unsupported> {
    let chosen = chosen(request, dropped)?;
    let mut tools: Vec<Tool<'a>> = chosen.into_iter().map(|tool| offered(tool, dropped)).collect();
    // The upstream compares names regardless of case.
    let mut known: HashSet<String> =
        tools.iter().map(|tool| tool.tool_specification.name.to_ascii_lowercase()).collect();
    let gone = request.called().into_iter().filter(|name| known.insert(name.to_ascii_lowercase()));
    tools.extend(gone.map(|name| specified(name, GONE, schema::of_nothing())));
    Ok(tools)
}

/// The tools that the model may call. It cannot be made to call one, but be left without the others.
fn chosen<'a>(request: &'a Request, dropped: &mut Dropped) -> Result<Vec<&'a neutral::Tool>, Unsupported> {
    let refused = |why| Err(Unsupported::new(Field::ToolChoice, why));
    match &request.tool_choice {
        None | Some(ToolChoice::Auto | ToolChoice::Among { required: false, .. }) => Ok(request.offered()),
        Some(ToolChoice::None) => Ok(Vec::new()),
        Some(ToolChoice::One(name)) => {
            dropped.insert(Field::ToolChoice);
            let tool: Vec<_> = request.tools.iter().filter(|tool| tool.name == *name).collect();
            if tool.is_empty() { refused("the tool to call is not among the tools") } else { Ok(tool) }
        }
        Some(ToolChoice::Any | ToolChoice::Among { required: true, .. }) => {
            refused("CodeWhisperer cannot make the model call a tool")
        }
    }
}

fn offered<'a>(tool: &'a neutral::Tool, dropped: &mut Dropped) -> Tool<'a> {
    if tool.strict == Some(true) {
        dropped.insert(Field::ToolStrict);
    }
    if tool.cache.is_some() {
        dropped.insert(Field::CachePoints);
    }
    let given = tool.description.as_deref().filter(|text| !text.trim().is_empty());
    // The upstream takes no empty description, and the name is all that is known.
    let mut description = given.unwrap_or(&tool.name);
    if let Some((end, _)) = description.char_indices().nth(LONGEST_DESCRIPTION) {
        description = &description[..end];
        dropped.insert(Field::Tools);
    }
    specified(&tool.name, description, schema::tidy(&tool.schema))
}

fn specified<'a>(name: &'a str, description: &'a str, json: serde_json::Value) -> Tool<'a> {
    Tool { tool_specification: Specification { name, description, input_schema: Schema { json } } }
}
