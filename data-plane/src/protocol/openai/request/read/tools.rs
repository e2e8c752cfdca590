//! Tools, and which of them the model has to call.

use super::{hint_rest, parts::cache_age};
use crate::protocol::neutral::{Extra, Request, Tool, ToolChoice, Unreadable};
use crate::protocol::openai::Fields;
use serde_json::{Value, json};

pub(super) fn read(fields: &mut Fields, request: &mut Request) -> Result<(), Unreadable> {
    for item in fields.items("tools")?.unwrap_or_default() {
        request.tools.push(tool(Fields::of_item(item)?, &mut request.extra)?);
    }
    request.tool_choice = choice(fields)?;
    request.parallel_tools = fields.flag("parallel_tool_calls")?;
    Ok(())
}

fn tool(mut tool: Fields, extra: &mut Vec<Extra>) -> Result<Tool, Unreadable> {
    let cache = cache_age(&mut tool)?;
    let read = match tool.needed_text("type")?.as_str() {
        "function" => function(tool.needed_object("function")?, extra)?,
        "custom" => custom(tool.needed_object("custom")?, extra)?,
        _ => return Err(tool.wrong("type", "must be 'function' or 'custom'")),
    };
    hint_rest(extra, "tools[]", tool);
    Ok(Tool { cache, ..read })
}

fn function(mut function: Fields, extra: &mut Vec<Extra>) -> Result<Tool, Unreadable> {
    let tool = Tool {
        name: function.needed_text("name")?,
        description: function.text("description")?,
        schema: schema(&mut function)?,
        strict: function.flag("strict")?,
        custom: false,
        cache: None,
    };
    hint_rest(extra, "tools[].function", function);
    Ok(tool)
}

/// No parameters at all are an object without any.
fn schema(function: &mut Fields) -> Result<Value, Unreadable> {
    let mut schema = function.map("parameters")?.unwrap_or_default();
    if schema.is_empty() {
        return Ok(json!({"type": "object", "properties": {}}));
    }
    schema.entry("type").or_insert_with(|| "object".into());
    Ok(Value::Object(schema))
}

/// Nobody else keeps a model to a grammar.
fn custom(mut custom: Fields, extra: &mut Vec<Extra>) -> Result<Tool, Unreadable> {
    let at = custom.place("format");
    if let Some(mut format) = custom.object("format")?
        && format.text("type")?.as_deref() != Some("text")
    {
        extra.push(Extra::essential(at));
    }
    let tool = Tool {
        name: custom.needed_text("name")?,
        description: custom.text("description")?,
        schema: json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}),
        strict: None,
        custom: true,
        cache: None,
    };
    hint_rest(extra, "tools[].custom", custom);
    Ok(tool)
}

fn choice(fields: &mut Fields) -> Result<Option<ToolChoice>, Unreadable> {
    match fields.take("tool_choice") {
        None => Ok(None),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "required" => Ok(Some(ToolChoice::Any)),
            "none" => Ok(Some(ToolChoice::None)),
            _ => Err(fields.wrong("tool_choice", "must be one of none, auto and required, or an object")),
        },
        Some(value) => choice_of(Fields::of_item((fields.place("tool_choice"), value))?).map(Some),
    }
}

fn choice_of(mut choice: Fields) -> Result<ToolChoice, Unreadable> {
    match choice.needed_text("type")?.as_str() {
        kind @ ("function" | "custom") => Ok(ToolChoice::One(choice.needed_object(kind)?.needed_text("name")?)),
        "allowed_tools" => {
            let mut allowed = choice.needed_object("allowed_tools")?;
            let required = match allowed.needed_text("mode")?.as_str() {
                "auto" => false,
                "required" => true,
                _ => return Err(allowed.wrong("mode", "must be 'auto' or 'required'")),
            };
            let tools = allowed.items("tools")?.unwrap_or_default();
            let names = tools.into_iter().map(|item| name(Fields::of_item(item)?)).collect::<Result<_, _>>()?;
            Ok(ToolChoice::Among { names, required })
        }
        _ => Err(choice.wrong("type", "must be one of function, custom and allowed_tools")),
    }
}

fn name(mut tool: Fields) -> Result<String, Unreadable> {
    match tool.needed_text("type")?.as_str() {
        kind @ ("function" | "custom") => tool.needed_object(kind)?.needed_text("name"),
        _ => Err(tool.wrong("type", "must be 'function' or 'custom'")),
    }
}
