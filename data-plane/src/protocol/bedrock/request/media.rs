//! Images, documents and sounds, whose bytes Bedrock wants in the request.

use crate::protocol::neutral::{self, Field, Unsupported};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashSet;

/// In characters, with room left for a number. Bedrock takes 200.
const LONGEST_NAME: usize = 180;

#[derive(Serialize)]
pub(super) struct Media<'a> {
    format: &'static str,
    /// Of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    source: Source<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Source<'a> {
    Bytes(Cow<'a, str>),
}

impl<'a> Media<'a> {
    pub(super) fn image(media: &'a neutral::Media) -> Result<Self, Unsupported> {
        match media {
            neutral::Media::Inline { mime, data } => {
                let format = image_format(&essence(mime)).ok_or_else(|| {
                    Unsupported::new(Field::Images, unknown("image", mime, "PNG, JPEG, GIF and WebP"))
                })?;
                Ok(Self::of(format, None, data))
            }
            neutral::Media::Url(_) => {
                Err(Unsupported::new(Field::ImageUrls, "Bedrock takes no image by URL: send its bytes"))
            }
            neutral::Media::Text(_) => Err(Unsupported::new(Field::Images, "text is no image")),
        }
    }

    pub(super) fn document(media: &'a neutral::Media, name: String) -> Result<Self, Unsupported> {
        match media {
            neutral::Media::Inline { mime, data } => {
                let format = document_format(&essence(mime)).ok_or_else(|| {
                    let known = "PDF, CSV, HTML, plain text, Markdown and the formats of Word and Excel";
                    Unsupported::new(Field::Documents, unknown("document", mime, known))
                })?;
                Ok(Self::of(format, Some(name), data))
            }
            neutral::Media::Text(text) => Ok(Self::of("txt", Some(name), STANDARD.encode(text))),
            neutral::Media::Url(_) => {
                Err(Unsupported::new(Field::Documents, "Bedrock takes no document by URL: send its bytes"))
            }
        }
    }

    pub(super) fn audio(media: &'a neutral::Media) -> Result<Self, Unsupported> {
        match media {
            neutral::Media::Inline { mime, data } => {
                let format = audio_format(&essence(mime)).ok_or_else(|| {
                    let known = "MP3, WAV, AAC, FLAC, Ogg, Opus, MP4, Matroska, WebM and PCM";
                    Unsupported::new(Field::Audio, unknown("audio", mime, known))
                })?;
                Ok(Self::of(format, None, data))
            }
            neutral::Media::Url(_) | neutral::Media::Text(_) => {
                Err(Unsupported::new(Field::Audio, "Bedrock takes sound as bytes alone"))
            }
        }
    }

    fn of(format: &'static str, name: Option<String>, data: impl Into<Cow<'a, str>>) -> Self {
        Self { format, name, source: Source::Bytes(data.into()) }
    }
}

/// A MIME type without its parameters.
fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn unknown(what: &str, mime: &str, known: &str) -> String {
    format!("Bedrock takes no {what} of type {mime}, but {known}")
}

fn image_format(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

fn document_format(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "text/html" => "html",
        "text/plain" => "txt",
        "text/markdown" | "text/x-markdown" => "md",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        _ => return None,
    })
}

fn audio_format(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/aac" => "aac",
        "audio/x-aac" => "x-aac",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/ogg" => "ogg",
        "audio/opus" => "opus",
        "audio/mp4" => "mp4",
        "audio/m4a" | "audio/x-m4a" => "m4a",
        "audio/x-matroska" | "audio/matroska" => "mka",
        "audio/webm" => "webm",
        "audio/pcm" | "audio/l16" => "pcm",
        _ => return None,
    })
}

/// Gives names to a request's documents: of few characters, and no two alike, whatever their case.
#[derive(Default)]
pub(super) struct Documents {
    given: HashSet<String>,
    count: usize,
}

impl Documents {
    pub(super) fn name(&mut self, wanted: Option<&str>) -> String {
        self.count += 1;
        let wanted = wanted.map(allowed).filter(|name| !name.is_empty());
        let numbered = |number: usize| format!("{}-{number}", wanted.as_deref().unwrap_or("document"));
        let mut name = wanted.clone().unwrap_or_else(|| numbered(self.count));
        let mut number = self.count;
        while !self.given.insert(name.to_ascii_lowercase()) {
            name = numbered(number);
            number += 1;
        }
        name
    }
}

/// What Bedrock takes of a file's name: letters, digits, single spaces, hyphens, round and square brackets. The ending
/// goes, since the format says it.
fn allowed(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let spaced: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' })
        .take(LONGEST_NAME)
        .collect();
    spaced.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_get_names_of_allowed_characters_and_no_two_alike() {
        let mut documents = Documents::default();
        for (wanted, expected) in [
            (None, "document-1"),
            (Some("report_v1.final.pdf"), "report v1 final"),
            (Some("Report v1 final.docx"), "Report v1 final-3"),
            (Some("レポート.pdf"), "document-4"),
            (Some("document-5"), "document-5"),
            (None, "document-6"),
            (Some("a  b\t[1] (2)-x"), "a b [1] (2)-x"),
            (Some(".pdf"), "document-8"),
        ] {
            assert_eq!(documents.name(wanted), expected, "{wanted:?}");
        }
        let long = documents.name(Some(&"x".repeat(500)));
        assert_eq!((long.len(), documents.name(Some(&"x".repeat(500))).len() <= 200), (LONGEST_NAME, true));
    }

    #[test]
    fn a_name_already_taken_is_counted_past() {
        let mut documents = Documents::default();
        assert_eq!(documents.name(Some("document-2")), "document-2");
        assert_eq!(documents.name(None), "document-3");
    }
}
