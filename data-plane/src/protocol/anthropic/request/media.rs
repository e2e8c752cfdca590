//! Reading images, documents and search results.

use super::{
    blocks::Extras,
    json::{At, Fields},
};
use crate::protocol::neutral::{Media, Part, Unreadable};
use serde_json::Value;

pub(super) fn image(block: &mut Fields<'_>, parts: &mut Vec<Part>, extra: &mut Extras) -> Result<(), Unreadable> {
    let at = block.at().field("source");
    let source = block.take("source");
    let mut source = Fields::of(block.required("source", source)?, &at)?;
    let kind = source.required_string("type")?;
    match kind.as_str() {
        "base64" => parts.push(Part::Image(inline(&mut source)?)),
        "url" => parts.push(Part::Image(Media::Url(source.required_string("url")?))),
        "file" => extra.essential(&at.field("file_id")),
        _ => return Err(at.field("type").wrong(format!("`{kind}` is no source of an image: base64, url or file"))),
    }
    Ok(())
}

fn inline(source: &mut Fields<'_>) -> Result<Media, Unreadable> {
    Ok(Media::Inline { mime: source.required_string("media_type")?, data: source.required_string("data")? })
}

/// A document, after what the client says about it.
pub(super) fn document(block: &mut Fields<'_>, parts: &mut Vec<Part>, extra: &mut Extras) -> Result<(), Unreadable> {
    let name = block.string("title")?;
    parts.extend(block.string("context")?.map(Part::Text));
    citations(block, extra);
    let at = block.at().field("source");
    let source = block.take("source");
    let mut source = Fields::of(block.required("source", source)?, &at)?;
    let kind = source.required_string("type")?;
    let media = match kind.as_str() {
        "base64" => inline(&mut source)?,
        "text" => Media::Text(source.required_string("data")?),
        "url" => Media::Url(source.required_string("url")?),
        "content" => return content(&mut source, name, parts, extra),
        "file" => {
            extra.essential(&at.field("file_id"));
            return Ok(());
        }
        _ => return Err(at.field("type").wrong(format!("`{kind}` is no source of a document"))),
    };
    parts.push(Part::Document { media, name });
    Ok(())
}

/// A document made of blocks: its text as one document, its images after it.
fn content(
    source: &mut Fields<'_>,
    name: Option<String>,
    parts: &mut Vec<Part>,
    extra: &mut Extras,
) -> Result<(), Unreadable> {
    let at = source.at().field("content");
    let mut images = Vec::new();
    let text = match source.take("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(blocks)) => texts(blocks, &at, Some(&mut images), extra)?,
        _ => return Err(at.wrong("must be a string or an array of content blocks")),
    };
    if !text.is_empty() {
        parts.push(Part::Document { media: Media::Text(text), name });
    }
    parts.append(&mut images);
    Ok(())
}

/// The text of blocks, and their images where there may be some.
fn texts(
    blocks: Vec<Value>,
    at: &At<'_>,
    mut images: Option<&mut Vec<Part>>,
    extra: &mut Extras,
) -> Result<String, Unreadable> {
    let mut texts = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.into_iter().enumerate() {
        let at = at.index(index);
        let mut block = Fields::of(block, &at)?;
        let kind = block.required_string("type")?;
        match (kind.as_str(), &mut images) {
            ("text", _) => texts.push(block.required_string("text")?),
            ("image", Some(images)) => image(&mut block, images, extra)?,
            _ => return Err(at.field("type").wrong(format!("a `{kind}` block cannot be in here"))),
        }
    }
    Ok(texts.join("\n"))
}

/// A search result as text: elsewhere there is no such thing.
pub(super) fn search_result(
    block: &mut Fields<'_>,
    parts: &mut Vec<Part>,
    extra: &mut Extras,
) -> Result<(), Unreadable> {
    let (title, source) = (block.required_string("title")?, block.required_string("source")?);
    citations(block, extra);
    let content = block.list("content")?;
    let content = block.required("content", content)?;
    let text = texts(content, &block.at().field("content"), None, extra)?;
    parts.push(Part::Text(format!("{title}\n{source}\n\n{text}")));
    Ok(())
}

/// The answer will quote its sources without saying where they stand.
fn citations(block: &mut Fields<'_>, extra: &mut Extras) {
    if block.take("citations").is_some_and(|citations| citations.get("enabled") == Some(&Value::Bool(true))) {
        extra.hint(&block.at().field("citations"));
    }
}
