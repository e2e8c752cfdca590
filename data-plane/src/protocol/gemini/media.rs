//! Images, documents and sounds: `inlineData` with base64, or `fileData` with an address.

use super::{
    content::{self, Blob, FileData},
    request::object::Object,
    signature,
};
use crate::protocol::neutral::{Field, Media, Part, Unreadable, Unsupported};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Reads an `inlineData`.
pub fn inline(mut blob: Object) -> Result<Part, Unreadable> {
    let mime = blob.string("mimeType")?.ok_or_else(|| blob.missing("mimeType"))?;
    let data = signature::standard(blob.string("data")?.ok_or_else(|| blob.missing("data"))?);
    let name = blob.string("displayName")?;
    let media = match plain_text(&mime, &data) {
        Some(text) => Media::Text(text),
        None => Media::Inline { mime: mime.clone(), data },
    };
    part(&mime, media, name).ok_or_else(|| unknown_mime(&blob, &mime))
}

/// Reads a `fileData`. Its MIME type may be left out where the address ends with a file name that tells.
pub fn file(mut file: Object) -> Result<Part, Unreadable> {
    let url = file.string("fileUri")?.ok_or_else(|| file.missing("fileUri"))?;
    let told = file.string("mimeType")?.filter(|mime| !mime.is_empty());
    let mime = told.or_else(|| mime_of(&url).map(str::to_owned)).ok_or_else(|| file.missing("mimeType"))?;
    let name = file.string("displayName")?;
    part(&mime, Media::Url(url), name).ok_or_else(|| unknown_mime(&file, &mime))
}

/// Writes a part that is an image, a document or a sound; another is none.
pub fn write(part: &Part) -> Option<Result<content::Part<'_>, Unsupported>> {
    let (media, field) = match part {
        Part::Image(media) => (media, Field::ImageUrls),
        Part::Document { media, .. } => (media, Field::Documents),
        Part::Audio(media) => (media, Field::Audio),
        _ => return None,
    };
    Some(match media {
        Media::Inline { mime, data } => {
            let mime_type = if mime == "image/jpg" { "image/jpeg" } else { mime };
            Ok(content::Part { inline_data: Some(Blob { mime_type, data }), ..Default::default() })
        }
        Media::Url(url) if url.starts_with("https://") => {
            let file = FileData { mime_type: mime_of(url), file_uri: url };
            Ok(content::Part { file_data: Some(file), ..Default::default() })
        }
        Media::Url(_) => Err(Unsupported::new(field, "Gemini fetches https addresses alone: send the bytes")),
        Media::Text(text) => Ok(content::Part::text(text)),
    })
}

fn part(mime: &str, media: Media, name: Option<String>) -> Option<Part> {
    match mime.split_once('/')?.0 {
        "image" => Some(Part::Image(media)),
        "audio" => Some(Part::Audio(media)),
        "text" | "application" => Some(Part::Document { media, name }),
        _ => None,
    }
}

/// Providers that take no `text/plain` file take its text.
fn plain_text(mime: &str, data: &str) -> Option<String> {
    (mime == "text/plain").then(|| String::from_utf8(STANDARD.decode(data).ok()?).ok()).flatten()
}

fn unknown_mime(object: &Object, mime: &str) -> Unreadable {
    Unreadable::new(object.at("mimeType"), format!("'{mime}' cannot be sent on to another provider"))
}

/// What an address's last letters tell.
fn mime_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "md" => "text/markdown",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "ogg" => "audio/ogg",
        _ => return None,
    })
}
