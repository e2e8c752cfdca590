//! The tools that a client offers, and which of them it wants called.

use super::object::{Extras, Object, wrong};
use crate::protocol::neutral::{Tool, ToolChoice, Unreadable};
use serde_json::{Value, json};

pub(super) fn read(tools: Vec<Object>, extras: &mut Extras) -> Result<Vec<Tool>, Unreadable> {
    let mut read = Vec::with_capacity(tools.len());
    for mut tool in tools {
        match tool.needed("type")?.as_str() {
            "function" => read.push(function(tool, extras)?),
            "custom" => read.push(custom(tool, extras)?),
            // OpenAI's side runs these, or sorts them.
            hosted if is_hosted(hosted) => extras.essential(tool.place()),
            other => return Err(tool.unknown("type", other)),
        }
    }
    Ok(read)
}

fn is_hosted(kind: &str) -> bool {
    kind.starts_with("web_search")
        || kind.starts_with("computer")
        || matches!(
            kind,
            "file_search"
                | "code_interpreter"
                | "image_generation"
                | "mcp"
                | "local_shell"
                | "shell"
                | "apply_patch"
                | "namespace"
                | "tool_search"
                | "programmatic_tool_calling"
        )
}

fn function(mut tool: Object, extras: &mut Extras) -> Result<Tool, Unreadable> {
    let mut schema = tool.take("parameters").unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let Some(object) = schema.as_object_mut() else { return Err(wrong(tool.path("parameters"), "an object")) };
    match object.get("type") {
        None | Some(Value::Null) => drop(object.insert("type".to_owned(), "object".into())),
        Some(Value::String(kind)) if kind != "object" => {
            return Err(wrong(tool.path("parameters.type"), "'object'"));
        }
        Some(_) => {}
    }
    let (name, description) = (tool.needed("name")?, tool.text("description")?);
    let strict = tool.flag("strict")?;
    hints(tool, extras);
    Ok(Tool { name, description, schema, strict, custom: false, cache: None })
}

/// A grammar becomes part of the description, the only place where other providers' models can learn of it.
fn custom(mut tool: Object, extras: &mut Extras) -> Result<Tool, Unreadable> {
    let (name, mut description) = (tool.needed("name")?, tool.text("description")?);
    if let Some(mut format) = tool.object("format")? {
        match format.needed("type")?.as_str() {
            "text" => {}
            "grammar" => {
                let (syntax, definition) = (format.needed("syntax")?, format.needed("definition")?);
                let rule = format!("The input has to match this {syntax} grammar:\n{definition}");
                description = Some(description.map_or_else(|| rule.clone(), |text| format!("{text}\n\n{rule}")));
                extras.hint(tool.path("format"));
            }
            other => return Err(format.unknown("type", other)),
        }
    }
    hints(tool, extras);
    let schema = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
    Ok(Tool { name, description, schema, strict: None, custom: true, cache: None })
}

fn hints(tool: Object, extras: &mut Extras) {
    let place = tool.place().to_owned();
    for (field, value) in tool.rest() {
        if value != false {
            extras.hint(format!("{place}.{field}"));
        }
    }
}

pub(super) fn choice(asked: &mut Object, extras: &mut Extras) -> Result<Option<ToolChoice>, Unreadable> {
    let mut choice = match asked.take("tool_choice") {
        None => return Ok(None),
        Some(Value::String(word)) => {
            return Ok(Some(match word.as_str() {
                "auto" => ToolChoice::Auto,
                "required" => ToolChoice::Any,
                "none" => ToolChoice::None,
                other => return Err(asked.unknown("tool_choice", other)),
            }));
        }
        Some(value) => Object::of(value, asked.path("tool_choice"))?,
    };
    match choice.needed("type")?.as_str() {
        "function" | "custom" => Ok(Some(ToolChoice::One(choice.needed("name")?))),
        "allowed_tools" => among(choice, extras).map(Some),
        kind if is_hosted(kind) => {
            extras.essential("tool_choice");
            Ok(None)
        }
        other => Err(choice.unknown("type", other)),
    }
}

fn among(mut choice: Object, extras: &mut Extras) -> Result<ToolChoice, Unreadable> {
    let required = match choice.text("mode")?.as_deref() {
        None | Some("auto") => false,
        Some("required") => true,
        Some(other) => return Err(choice.unknown("mode", other)),
    };
    let mut names = Vec::new();
    for mut tool in choice.objects("tools")?.ok_or_else(|| choice.missing("tools"))? {
        match tool.needed("type")?.as_str() {
            "function" | "custom" => names.push(tool.needed("name")?),
            kind if is_hosted(kind) => extras.essential(tool.place()),
            other => return Err(tool.unknown("type", other)),
        }
    }
    Ok(ToolChoice::Among { names, required })
}
