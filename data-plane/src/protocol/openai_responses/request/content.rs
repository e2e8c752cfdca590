//! Content parts of a message or of a tool's output.

use super::object::{Extras, Object, objects};
use crate::protocol::{
    neutral::{Media, Part, Unreadable},
    openai::is_data,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Where content stands, which decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    User,
    Assistant,
    System,
    ToolOutput,
}

/// Reads the text or list of parts at `path`.
pub(super) fn read(value: Value, path: &str, place: Place, extras: &mut Extras) -> Result<Vec<Part>, Unreadable> {
    if let Value::String(text) = value {
        return Ok(vec![Part::Text(text)]);
    }
    let mut parts = Vec::new();
    for mut object in objects(value, path)? {
        parts.push(part(&mut object, place, extras)?);
        if let Some(mut point) = object.object("prompt_cache_breakpoint")? {
            if place == Place::ToolOutput {
                extras.hint_once(&object, "prompt_cache_breakpoint");
            } else {
                parts.push(Part::CachePoint { long: point.text("ttl")?.as_deref() == Some("12h") });
            }
        }
    }
    Ok(parts)
}

fn part(object: &mut Object, place: Place, extras: &mut Extras) -> Result<Part, Unreadable> {
    let kind = object.needed("type")?;
    match (kind.as_str(), place) {
        ("input_text" | "output_text" | "text", _) => Ok(Part::Text(object.needed("text")?)),
        ("refusal", Place::Assistant) => Ok(Part::Refusal(object.needed("refusal")?)),
        ("input_image", Place::User | Place::ToolOutput) => image(object, extras),
        ("input_file", Place::User | Place::ToolOutput) => file(object, extras),
        ("input_audio", Place::User) => audio(object),
        (other, _) => Err(object.unknown("type", other)),
    }
}

fn image(object: &mut Object, extras: &mut Extras) -> Result<Part, Unreadable> {
    detail(object, extras)?;
    let url = object.text("image_url")?.ok_or_else(|| unread_file(object, "image_url"))?;
    linked(url, &object.path("image_url")).map(Part::Image)
}

fn file(object: &mut Object, extras: &mut Extras) -> Result<Part, Unreadable> {
    detail(object, extras)?;
    let name = object.text("filename")?;
    let media = if let Some(url) = object.text("file_url")? {
        linked(url, &object.path("file_url"))?
    } else {
        let data = object.text("file_data")?.ok_or_else(|| unread_file(object, "file_data"))?;
        match name.as_deref().and_then(mime_of_name).or_else(|| mime_of_data(&data)) {
            Some(mime) if !is_data(&data) => inline(mime.to_owned(), data),
            _ => linked(data, &object.path("file_data"))?,
        }
    };
    Ok(Part::Document { media, name })
}

fn audio(object: &mut Object) -> Result<Part, Unreadable> {
    let mut audio = object.object("input_audio")?.ok_or_else(|| object.missing("input_audio"))?;
    let mime = match audio.needed("format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Ok(Part::Audio(Media::Inline { mime, data: audio.needed("data")? }))
}

fn detail(object: &mut Object, extras: &mut Extras) -> Result<(), Unreadable> {
    if object.text("detail")?.is_some_and(|detail| detail != "auto") {
        extras.hint_once(object, "detail");
    }
    Ok(())
}

fn unread_file(object: &Object, wanted: &str) -> Unreadable {
    if object.has("file_id") {
        let message = format!("files stored at OpenAI cannot be read here: give '{}'", object.path(wanted));
        return Unreadable::new(object.path("file_id"), message);
    }
    object.missing(wanted)
}

/// What a URL leads to, or holds itself.
fn linked(mut url: String, path: &str) -> Result<Media, Unreadable> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(Media::Url(url));
    }
    let wrong = || Unreadable::new(path, format!("'{path}' must be an http or https URL, or a data URL in base64"));
    let comma = url.find(',').filter(|_| is_data(&url)).ok_or_else(wrong)?;
    let kind = url[5..comma].strip_suffix(";base64").ok_or_else(wrong)?.split(';').next().unwrap_or_default();
    let mime = match kind.to_ascii_lowercase().as_str() {
        "" => mime_of_data(&url[comma + 1..]).ok_or_else(wrong)?.to_owned(),
        "image/jpg" => "image/jpeg".to_owned(),
        mime => mime.to_owned(),
    };
    url.drain(..=comma);
    Ok(inline(mime, url))
}

fn inline(mime: String, data: String) -> Media {
    let text = mime.starts_with("text/").then(|| STANDARD.decode(&data).ok()).flatten();
    match text.and_then(|text| String::from_utf8(text).ok()) {
        Some(text) => Media::Text(text),
        None => Media::Inline { mime, data },
    }
}

/// By the bytes that a file of the type begins with, in base64.
fn mime_of_data(data: &str) -> Option<&'static str> {
    match data {
        _ if data.starts_with("iVBORw0KGgo") => Some("image/png"),
        _ if data.starts_with("/9j/") => Some("image/jpeg"),
        _ if data.starts_with("R0lGOD") => Some("image/gif"),
        _ if data.starts_with("UklGR") => Some("image/webp"),
        _ if data.starts_with("JVBERi0") => Some("application/pdf"),
        _ => None,
    }
}

fn mime_of_name(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "pdf" => Some("application/pdf"),
        "txt" | "text" | "log" => Some("text/plain"),
        "md" | "markdown" => Some("text/markdown"),
        "csv" => Some("text/csv"),
        "html" | "htm" => Some("text/html"),
        "json" => Some("application/json"),
        "doc" => Some("application/msword"),
        "docx" => Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        "xls" => Some("application/vnd.ms-excel"),
        "xlsx" => Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => None,
    }
}
