//! A client's request. Its model and whether it streams stand in the URL.

mod calls;
mod config;
mod contents;
mod tools;

use super::object::{Node, Object};
use crate::protocol::neutral::{Extra, Part, Request, Unreadable};

/// Reads a `GenerateContentRequest`.
///
/// # Errors
/// It is not JSON, or not what the dialect allows.
pub fn read(body: &[u8]) -> Result<Request, Unreadable> {
    of_object(Object::of_body(body)?)
}

pub fn of_object(mut body: Object) -> Result<Request, Unreadable> {
    // Only a countTokens body has it, and routing has read the URL.
    drop(body.take("model"));
    let mut request = Request { system: system(&mut body)?, ..Request::default() };
    let contents = body.take("contents").ok_or_else(|| body.missing("contents"))?;
    let path = contents.path.clone();
    contents::read(contents, &mut request)?;
    if request.turns.is_empty() {
        return Err(Unreadable::new(path, "'contents' says nothing"));
    }
    for tool in body.list("tools") {
        tools::read(tool.object()?, &mut request)?;
    }
    if let Some(config) = body.object("toolConfig")? {
        tools::config(config, &mut request)?;
    }
    if let Some(config) = body.object("generationConfig")? {
        config::read(config, &mut request)?;
    }
    request.service_tier = body.string("serviceTier")?.filter(|tier| tier != "unspecified");
    for (name, path) in body.left() {
        // Without it a part of the prompt is missing; the rest is safety settings, labels and what is to come.
        request.extra.push(Extra { field: path, essential: name == "cachedContent" });
    }
    Ok(request)
}

/// Text alone: a content, or as some clients write it, a string.
fn system(body: &mut Object) -> Result<Vec<Part>, Unreadable> {
    let Some(node) = body.take("systemInstruction") else { return Ok(Vec::new()) };
    if node.value.is_string() {
        return Ok(vec![Part::Text(node.string()?)]);
    }
    let parts = node.object()?.list("parts").into_iter();
    let text = |node: Node| {
        let mut part = node.object()?;
        let text = part.string("text")?.ok_or_else(|| Unreadable::new(part.path(), "a system instruction is text"))?;
        Ok(Part::Text(text))
    };
    parts.map(text).filter(|part| !matches!(part, Ok(Part::Text(text)) if text.is_empty())).collect()
}
