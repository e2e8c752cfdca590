//! What a message holds: a string, or a list of parts.

use super::Compat;
use crate::protocol::neutral::{Field, Media, Part, Unsupported};
use crate::protocol::openai::Url;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize, Default)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Piece<'a> {
    Text { text: Cow<'a, str> },
    Refusal { refusal: &'a str },
    ImageUrl { image_url: Located<'a> },
    InputAudio { input_audio: Sound<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
pub(super) struct Located<'a> {
    url: Url<'a>,
}

#[derive(Serialize)]
pub(super) struct Sound<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    filename: &'a str,
    file_data: Url<'a>,
}

impl<'a> Content<'a> {
    /// Text alone is a string: many compatible servers know nothing else, and one text needs nothing else.
    pub(super) fn of(mut pieces: Vec<Piece<'a>>, compat: Compat) -> Self {
        let text_alone = pieces.iter().all(|piece| matches!(piece, Piece::Text { .. }));
        if text_alone && (pieces.len() == 1 || compat != Compat::OpenAi) {
            let texts = pieces.drain(..).filter_map(|piece| match piece {
                Piece::Text { text } => Some(text),
                _ => None,
            });
            return Self::Text(joined(texts.collect()));
        }
        Self::Pieces(pieces)
    }
}

/// Texts that were apart stay apart.
pub(super) fn joined(mut texts: Vec<Cow<'_, str>>) -> Cow<'_, str> {
    match texts.len() {
        1 => texts.swap_remove(0),
        _ => texts.join("\n\n").into(),
    }
}

/// None for what has no place in a message's content.
pub(super) fn piece(part: &Part) -> Result<Option<Piece<'_>>, Unsupported> {
    Ok(Some(match part {
        Part::Text(text) | Part::Refusal(text) => Piece::Text { text: text.into() },
        Part::Image(media) => {
            let url = Url::of(media).ok_or_else(|| Unsupported::new(Field::Images, "an image cannot be text"))?;
            Piece::ImageUrl { image_url: Located { url } }
        }
        Part::Document { media, name } => document(media, name.as_deref())?,
        Part::Audio(media) => sound(media)?,
        Part::ToolCall(_)
        | Part::ToolResult { .. }
        | Part::Thinking { .. }
        | Part::RedactedThinking(_)
        | Part::CachePoint { .. } => return Ok(None),
    }))
}

/// A document of plain text is text: files are for what has to be unpacked.
fn document<'a>(media: &'a Media, name: Option<&'a str>) -> Result<Piece<'a>, Unsupported> {
    match media {
        Media::Text(text) => Ok(Piece::Text { text: text.into() }),
        Media::Url(_) => {
            Err(Unsupported::new(Field::Documents, "chat completions take no document by URL: send its bytes"))
        }
        Media::Inline { mime, data } if mime.starts_with("text/") => {
            let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text =
                text.ok_or_else(|| Unsupported::new(Field::Documents, "a document of text must be UTF-8 in base64"));
            Ok(Piece::Text { text: text?.into() })
        }
        Media::Inline { mime, data } => {
            let filename = name.unwrap_or(if mime == "application/pdf" { "document.pdf" } else { "document" });
            Ok(Piece::File { file: File { filename, file_data: Url::Here { mime, data } } })
        }
    }
}

fn sound(media: &Media) -> Result<Piece<'_>, Unsupported> {
    let unsupported = || Unsupported::new(Field::Audio, "chat completions take the bytes of a WAV or an MP3 alone");
    let Media::Inline { mime, data } = media else { return Err(unsupported()) };
    let format = match mime.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        _ => return Err(unsupported()),
    };
    Ok(Piece::InputAudio { input_audio: Sound { data, format } })
}
