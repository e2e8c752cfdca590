//! Reading tools, thinking and the form of the answer.

use super::{
    blocks::{self, Extras},
    json::{At, Fields},
};
use crate::protocol::neutral::{CacheAge, Effort, Format, Reasoning, Tool, ToolChoice, Unreadable};
use serde_json::Value;

/// The tools that the client runs. Those that Anthropic runs, or whose schema only its models know, are essential.
pub(super) fn tools(fields: &mut Fields<'_>, extra: &mut Extras) -> Result<Vec<Tool>, Unreadable> {
    let given = fields.list("tools")?.unwrap_or_default();
    let at = fields.at().field("tools");
    let mut tools = Vec::with_capacity(given.len());
    for (index, value) in given.into_iter().enumerate() {
        let at = at.index(index);
        let mut fields = Fields::of(value, &at)?;
        match fields.string("type")?.as_deref() {
            None | Some("custom") => tools.push(tool(fields, tools.is_empty(), extra)?),
            Some(_) => extra.essential(&at),
        }
    }
    Ok(tools)
}

/// What is left over is named for the first tool alone: clients send the same fields with each.
fn tool(mut fields: Fields<'_>, first: bool, extra: &mut Extras) -> Result<Tool, Unreadable> {
    let schema = fields.object("input_schema")?;
    let mut schema = fields.required("input_schema", schema)?;
    schema.entry("type").or_insert_with(|| Value::from("object"));
    let cache = blocks::cache(&mut fields)?;
    let tool = Tool {
        name: fields.required_string("name")?,
        description: fields.string("description")?,
        schema: Value::Object(schema),
        strict: fields.flag("strict")?,
        custom: false,
        cache: cache.map(|long| if long { CacheAge::Hour } else { CacheAge::FiveMinutes }),
    };
    if first {
        extra.hints(fields);
    }
    Ok(tool)
}

/// Which tool to call, and whether several at once.
pub(super) fn tool_choice(fields: &mut Fields<'_>) -> Result<(Option<ToolChoice>, Option<bool>), Unreadable> {
    let Some(value) = fields.take("tool_choice") else { return Ok((None, None)) };
    let at = fields.at().field("tool_choice");
    let mut choice = Fields::of(value, &at)?;
    let kind = choice.required_string("type")?;
    let parallel = choice.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    let choice = match kind.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::One(choice.required_string("name")?),
        _ => return Err(at.field("type").wrong(format!("`{kind}` is no choice of tool: auto, any, tool or none"))),
    };
    Ok((Some(choice), parallel))
}

/// How much to think, and the form of the answer, which share `output_config`.
pub(super) fn output(
    fields: &mut Fields<'_>,
    extra: &mut Extras,
) -> Result<(Option<Reasoning>, Option<Format>), Unreadable> {
    let at = fields.at().field("output_config");
    let (mut effort, mut form) = (None, None);
    if let Some(config) = fields.take("output_config") {
        let mut config = Fields::of(config, &at)?;
        if let Some(word) = config.string("effort")? {
            effort = Effort::of_word(&word);
            if effort.is_none() {
                extra.hint(&at.field("effort"));
            }
        }
        form = config.take("format").map(|value| format(value, &at.field("format"))).transpose()?;
        extra.hints(config);
    }
    // The name it had in its beta.
    let beta = fields.take("output_format").map(|value| format(value, &fields.at().field("output_format")));
    let reasoning = thinking(fields, effort, extra)?;
    Ok((reasoning, form.map_or_else(|| beta.transpose(), |form| Ok(Some(form)))?))
}

fn format(value: Value, at: &At<'_>) -> Result<Format, Unreadable> {
    let mut fields = Fields::of(value, at)?;
    if fields.required_string("type")? != "json_schema" {
        return Err(at.field("type").wrong("must be `json_schema`"));
    }
    let schema = fields.object("schema")?;
    let schema = Value::Object(fields.required("schema", schema)?);
    Ok(Format::JsonSchema { name: None, schema, strict: None })
}

fn thinking(
    fields: &mut Fields<'_>,
    effort: Option<Effort>,
    extra: &mut Extras,
) -> Result<Option<Reasoning>, Unreadable> {
    let on = |budget, adaptive, show| Some(Reasoning::On { effort, budget, adaptive, show });
    let Some(value) = fields.take("thinking") else { return Ok(effort.and_then(|_| on(None, false, None))) };
    let at = fields.at().field("thinking");
    let mut thinking = Fields::of(value, &at)?;
    let kind = thinking.required_string("type")?;
    let show = thinking.string("display")?.map(|display| display != "omitted");
    let reasoning = match kind.as_str() {
        "enabled" => {
            let budget = thinking.count("budget_tokens")?;
            on(Some(thinking.required("budget_tokens", budget)?), false, show)
        }
        "adaptive" => on(None, true, show),
        // `between_tools` is how thinking is switched off where it cannot be disabled.
        "disabled" | "between_tools" => Some(Reasoning::Off),
        _ => return Err(at.field("type").wrong(format!("`{kind}` is no way of thinking"))),
    };
    extra.hints(thinking);
    Ok(reasoning)
}

pub(super) fn stop_sequences(fields: &mut Fields<'_>) -> Result<Vec<String>, Unreadable> {
    let at = fields.at().field("stop_sequences");
    let given = fields.list("stop_sequences")?.unwrap_or_default().into_iter().enumerate();
    let text = |(index, value): (usize, Value)| match value {
        Value::String(text) => Ok(text),
        _ => Err(at.index(index).wrong("must be a string")),
    };
    given.map(text).collect()
}

/// The end user's id.
pub(super) fn user(fields: &mut Fields<'_>) -> Result<Option<String>, Unreadable> {
    let Some(metadata) = fields.take("metadata") else { return Ok(None) };
    Fields::of(metadata, &fields.at().field("metadata"))?.string("user_id")
}
