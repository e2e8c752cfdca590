//! Functions, and which of them is to be called.

use crate::protocol::{
    gemini::schema,
    neutral::{Dropped, Field, Request, Tool, ToolChoice},
};
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tools<'a> {
    function_declarations: Vec<FunctionDeclaration<'a>>,
}

/// Never anything else: the API refuses keys that it does not know.
#[derive(Debug, Serialize)]
struct FunctionDeclaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// The subset that every model takes. `parametersJsonSchema` takes all of JSON Schema, but not everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    allowed_function_names: &'a [String],
}

pub fn write<'a>(request: &'a Request, dropped: &mut Dropped) -> (Option<[Tools<'a>; 1]>, Option<ToolConfig<'a>>) {
    if request.tools.is_empty() {
        dropped.add_if(request.forces_nothing(), Field::ToolChoice);
        return (None, None);
    }
    for tool in &request.tools {
        dropped.add_if(tool.strict == Some(true), Field::ToolStrict);
        dropped.add_if(tool.cache.is_some(), Field::CachePoints);
    }
    dropped.add_if(request.parallel_tools == Some(false), Field::ParallelTools);
    let function_declarations = request.tools.iter().map(function_declaration).collect();
    (Some([Tools { function_declarations }]), request.tool_choice.as_ref().map(tool_config))
}

fn function_declaration(tool: &Tool) -> FunctionDeclaration<'_> {
    let parameters = schema::sanitise(&tool.schema);
    let description = tool.description.as_deref().filter(|text| !text.is_empty());
    // An object without properties is refused here; a function without arguments has no parameters at all.
    let some = ["properties", "anyOf"].iter().any(|keyword| parameters.get(keyword).is_some());
    let parameters = some.then_some(parameters);
    FunctionDeclaration { name: &tool.name, description, parameters }
}

fn tool_config(choice: &ToolChoice) -> ToolConfig<'_> {
    let (mode, names): (_, &[String]) = match choice {
        ToolChoice::Auto => ("AUTO", &[]),
        ToolChoice::Any => ("ANY", &[]),
        ToolChoice::None => ("NONE", &[]),
        ToolChoice::One(name) => ("ANY", std::slice::from_ref(name)),
        ToolChoice::Among { names, required: true } => ("ANY", names),
        // The one mode that takes names and lets the model speak instead.
        ToolChoice::Among { names, required: false } => ("VALIDATED", names),
    };
    ToolConfig { function_calling_config: FunctionCallingConfig { mode, allowed_function_names: names } }
}
