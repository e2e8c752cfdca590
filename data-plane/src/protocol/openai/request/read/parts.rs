//! Content parts.

use super::{hint, hint_rest};
use crate::protocol::neutral::{CacheAge, Extra, Media, Part, Unreadable};
use crate::protocol::openai::{Fields, is_data};
use serde_json::Value;

/// Whose message a part stands in: not everyone may say everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    System,
    User,
    Assistant,
    Tool,
}

pub(super) fn read(
    mut part: Fields,
    from: From,
    parts: &mut Vec<Part>,
    extra: &mut Vec<Extra>,
) -> Result<(), Unreadable> {
    let kind = part.needed_text("type")?;
    let media = matches!(from, From::User | From::Tool);
    let read = match kind.as_str() {
        "text" => Part::Text(part.needed_text("text")?),
        "refusal" if from == From::Assistant => Part::Refusal(part.needed_text("refusal")?),
        "image_url" if media => Part::Image(image(&mut part, extra)?),
        "file" if media => file(&mut part)?,
        "input_audio" if from == From::User => Part::Audio(audio(&mut part)?),
        _ => return Err(part.wrong("type", &format!("'{kind}' is not supported in this message"))),
    };
    parts.push(read);
    parts.extend(cache_point(&mut part)?);
    hint_rest(extra, "messages[].content[]", part);
    Ok(())
}

fn image(part: &mut Fields, extra: &mut Vec<Extra>) -> Result<Media, Unreadable> {
    let url = match part.take("image_url") {
        // As the responses have it; clients confuse the two.
        Some(Value::String(url)) => url,
        Some(Value::Object(mut map)) => {
            let detail = map.remove("detail").filter(|detail| !detail.is_null());
            if detail.is_some_and(|detail| detail != "auto") {
                hint(extra, "messages[].content[].image_url.detail");
            }
            match map.remove("url") {
                Some(Value::String(url)) => url,
                _ => return Err(part.wrong("image_url.url", "must be a string")),
            }
        }
        _ => return Err(part.wrong("image_url", "must be an object with a 'url'")),
    };
    if is_data(&url) {
        return data_url(&url).ok_or_else(|| part.wrong("image_url.url", "must hold base64 if it is a data URL"));
    }
    Ok(Media::Url(url))
}

fn file(part: &mut Fields) -> Result<Part, Unreadable> {
    let mut file = part.needed_object("file")?;
    let name = file.text("filename")?;
    if file.take("file_id").is_some() {
        return Err(file.wrong("file_id", "is known to OpenAI alone: send the file in 'file_data'"));
    }
    let data = file.needed_text("file_data")?;
    let media = match data_url(&data) {
        Some(media) => media,
        None if is_data(&data) => return Err(file.wrong("file_data", "must hold base64")),
        None => Media::Inline { mime: sniffed(&data).unwrap_or("application/pdf").to_owned(), data },
    };
    Ok(Part::Document { media, name })
}

fn audio(part: &mut Fields) -> Result<Media, Unreadable> {
    let mut audio = part.needed_object("input_audio")?;
    let mime = match audio.needed_text("format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    };
    Ok(Media::Inline { mime, data: audio.needed_text("data")? })
}

/// OpenAI's mark, or Anthropic's, which many clients of chat completions send to Claude.
pub(super) fn cache_point(fields: &mut Fields) -> Result<Option<Part>, Unreadable> {
    Ok(cache_age(fields)?.map(|age| Part::CachePoint { long: age == CacheAge::Hour }))
}

pub(super) fn cache_age(fields: &mut Fields) -> Result<Option<CacheAge>, Unreadable> {
    let explicit = fields.object("prompt_cache_breakpoint")?.map(|_| CacheAge::FiveMinutes);
    let Some(mut control) = fields.object("cache_control")? else { return Ok(explicit) };
    let hour = control.text("ttl")?.as_deref() == Some("1h");
    Ok(Some(if hour { CacheAge::Hour } else { CacheAge::FiveMinutes }))
}

/// `data:image/png;base64,…` (RFC 2397). One without a type is looked at.
fn data_url(url: &str) -> Option<Media> {
    let rest = is_data(url).then(|| &url[5..])?;
    let (told, data) = rest.split_once(',')?;
    let (told, encoding) = told.rsplit_once(';')?;
    if !encoding.eq_ignore_ascii_case("base64") {
        return None;
    }
    let mime = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mime = match mime.as_str() {
        "" => sniffed(data)?.to_owned(),
        "image/jpg" => "image/jpeg".to_owned(),
        _ => mime,
    };
    Some(Media::Inline { mime, data: data.to_owned() })
}

/// What begins with these bytes, in base64.
fn sniffed(data: &str) -> Option<&'static str> {
    Some(match data.get(..5)? {
        "iVBOR" => "image/png",
        "R0lGO" => "image/gif",
        "UklGR" => "image/webp",
        "JVBER" => "application/pdf",
        start if start.starts_with("/9j/") => "image/jpeg",
        _ => return None,
    })
}
