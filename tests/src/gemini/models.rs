//! `GET /v1beta/models`, page by page.

use serde_json::{Value, json};

use super::error;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

const PAGE: usize = 50;

/// The token of a page is the place of its first model.
pub(super) fn list(ask: &Ask<'_>, voice: &Voice<'_>) -> Reply {
    let number = |name: &str| ask.query(name).and_then(|value| value.parse::<usize>().ok());
    let start = number("pageToken").unwrap_or(0).min(voice.models.len());
    let end = (start + number("pageSize").unwrap_or(PAGE)).min(voice.models.len());
    let mut list = json!({"models": voice.models[start..end].iter().map(|id| model(id)).collect::<Vec<_>>()});
    if end < voice.models.len() {
        list["nextPageToken"] = end.to_string().into();
    }
    Reply::Whole(list)
}

pub(super) fn one(id: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match voice.models.iter().any(|known| known == id) {
        true => Ok(Reply::Whole(model(id))),
        false => Err(error::of(&Trouble::UnknownModel(id))),
    }
}

fn model(id: &str) -> Value {
    json!({
        "name": format!("models/{id}"),
        "version": "001",
        "displayName": id,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent", "batchEmbedContents"],
    })
}
