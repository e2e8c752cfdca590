//! Functions, and which of them is to be called.

use crate::protocol::{
    gemini::{request::object::Object, schema},
    neutral::{Extra, Request, Tool, ToolChoice, Unreadable},
};

pub fn read(mut tool: Object, request: &mut Request) -> Result<(), Unreadable> {
    for function in tool.list("functionDeclarations") {
        let tool = function_declaration(function.object()?, request)?;
        request.tools.push(tool);
    }
    // Google runs these itself: nobody else has its search, its sandbox or its maps.
    request.extra.extend(tool.left().map(|(_, path)| Extra::essential(path)));
    Ok(())
}

fn function_declaration(mut function: Object, request: &mut Request) -> Result<Tool, Unreadable> {
    let name = function.string("name")?.ok_or_else(|| function.missing("name"))?;
    let description = function.string("description")?.filter(|text| !text.is_empty());
    let given = function.take("parameters").map(|node| schema::to_json_schema(node.value));
    let given = function.take("parametersJsonSchema").map(|node| node.value).or(given);
    request.extra.extend(function.left_as_hints());
    let schema = schema::of_object(given);
    Ok(Tool { name, description, schema, strict: None, custom: false, cache: None })
}

pub fn config(mut config: Object, request: &mut Request) -> Result<(), Unreadable> {
    if let Some(mut calling) = config.object("functionCallingConfig")? {
        let names = calling.strings("allowedFunctionNames")?;
        let mode = calling.string("mode")?;
        request.tool_choice = choice(mode.as_deref(), names)
            .map_err(|other| Unreadable::new(calling.at("mode"), format!("the mode '{other}' is not known")))?;
        request.extra.extend(calling.left_as_hints());
    }
    request.extra.extend(config.left_as_hints());
    Ok(())
}

fn choice(mode: Option<&str>, mut names: Vec<String>) -> Result<Option<ToolChoice>, &str> {
    Ok(match (mode, names.len()) {
        (Some("NONE"), _) => Some(ToolChoice::None),
        (Some("ANY"), 0) => Some(ToolChoice::Any),
        (Some("ANY"), 1) => names.pop().map(ToolChoice::One),
        (Some("ANY"), _) => Some(ToolChoice::Among { names, required: true }),
        (None | Some("MODE_UNSPECIFIED"), 0) => None,
        (Some("AUTO" | "VALIDATED"), 0) => Some(ToolChoice::Auto),
        (None | Some("MODE_UNSPECIFIED" | "AUTO" | "VALIDATED"), _) => {
            Some(ToolChoice::Among { names, required: false })
        }
        (Some(other), _) => return Err(other),
    })
}
