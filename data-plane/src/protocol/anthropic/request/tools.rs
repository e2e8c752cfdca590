//! Writing tools and the choice among them.

use super::{
    model::Model,
    thinking::Plan,
    wire::{Cache, Choice, Tool},
};
use crate::protocol::neutral::{CacheAge, Dropped, Field, Request, ToolChoice};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The tools and the choice. Without tools there is nothing to choose, and the API refuses a choice.
pub(super) fn written<'a>(
    request: &'a Request,
    plan: &Plan,
    model: &Model,
    dropped: &mut Dropped,
) -> (Vec<Tool<'a>>, Option<Choice<'a>>) {
    let tools: Vec<Tool<'_>> = request
        .offered()
        .into_iter()
        .map(|tool| {
            if tool.strict == Some(true) {
                dropped.add(Field::ToolStrict);
            }
            Tool {
                name: &tool.name,
                description: tool.description.as_deref().filter(|text| !text.is_empty()),
                input_schema: Cow::Borrowed(&tool.schema),
                cache_control: tool.cache.map(|age| Cache::of(age == CacheAge::Hour)),
            }
        })
        .collect();
    if tools.is_empty() {
        if request.forces_nothing() {
            dropped.add(Field::ToolChoice);
        }
        return remembered(request);
    }
    (tools, choice(request, plan, model, dropped))
}

/// Tools that were called before and are offered no more: the API wants those of the conversation to be declared.
fn remembered(request: &Request) -> (Vec<Tool<'_>>, Option<Choice<'_>>) {
    let names = request.called();
    let none = (!names.is_empty()).then_some(Choice { r#type: "none", name: None, disable_parallel_tool_use: None });
    let any: Value = json!({"type": "object"});
    let bare = |name| Tool { name, description: None, input_schema: Cow::Owned(any.clone()), cache_control: None };
    (names.into_iter().map(bare).collect(), none)
}

/// Which tool to call. `none` takes no word on parallel calls; a word on them alone must not force a call.
fn choice<'a>(request: &'a Request, plan: &Plan, model: &Model, dropped: &mut Dropped) -> Option<Choice<'a>> {
    let mut choice = match &request.tool_choice {
        None if request.parallel_tools == Some(false) => Choice::of("auto", None),
        None => return None,
        Some(ToolChoice::None) => return Some(Choice::of("none", None)),
        Some(ToolChoice::Auto | ToolChoice::Among { required: false, .. }) => Choice::of("auto", None),
        Some(ToolChoice::Any | ToolChoice::Among { required: true, .. }) => Choice::of("any", None),
        Some(ToolChoice::One(name)) => Choice::of("tool", Some(name)),
    };
    if choice.r#type != "auto" && (plan.is_on() || !model.forced_tools) {
        dropped.add(Field::ToolChoice);
        choice = Choice::of("auto", None);
    }
    choice.disable_parallel_tool_use = request.parallel_tools.map(|parallel| !parallel);
    Some(choice)
}

impl<'a> Choice<'a> {
    fn of(kind: &'static str, name: Option<&'a str>) -> Self {
        Self { r#type: kind, name, disable_parallel_tool_use: None }
    }
}
