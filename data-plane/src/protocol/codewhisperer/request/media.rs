//! Images and documents: images come with their bytes, documents as text.

use super::body::{Image, Source};
use crate::protocol::neutral::{Field, Media, Unsupported};

pub(super) fn image(media: &Media) -> Result<Image<'_>, Unsupported> {
    match media {
        Media::Inline { mime, data } => Ok(Image { format: format(mime)?, source: Source { bytes: data } }),
        Media::Url(_) => Err(Unsupported::new(Field::ImageUrls, "CodeWhisperer takes no image by URL: send its bytes")),
        Media::Text(_) => Err(Unsupported::new(Field::Images, "text is no image")),
    }
}

fn format(mime: &str) -> Result<&'static str, Unsupported> {
    match mime.to_ascii_lowercase().as_str() {
        "image/png" => Ok("png"),
        "image/jpeg" | "image/jpg" => Ok("jpeg"),
        "image/gif" => Ok("gif"),
        "image/webp" => Ok("webp"),
        _ => Err(Unsupported::new(
            Field::Images,
            format!("CodeWhisperer takes images as PNG, JPEG, GIF and WebP, not as {mime}"),
        )),
    }
}

/// A document of plain text, told apart by a tag.
pub(super) fn document(media: &Media, name: Option<&str>) -> Result<String, Unsupported> {
    let Media::Text(text) = media else {
        return Err(Unsupported::new(Field::Documents, "CodeWhisperer takes no documents but plain text"));
    };
    let name = name.map(|name| format!(" name=\"{name}\"")).unwrap_or_default();
    Ok(format!("<document{name}>\n{text}\n</document>"))
}

pub(super) fn no_audio() -> Unsupported {
    Unsupported::new(Field::Audio, "CodeWhisperer takes no audio")
}
