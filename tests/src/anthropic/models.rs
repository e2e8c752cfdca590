//! `GET /v1/models` in Anthropic's form, page by page.

use serde_json::{Value, json};

use super::error;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

const PAGE: usize = 20;

pub(super) fn list(ask: &Ask<'_>, voice: &Voice<'_>) -> Reply {
    let limit = ask.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE);
    let after = ask.query("after_id").and_then(|after| voice.models.iter().position(|id| id == after));
    let rest = &voice.models[after.map_or(0, |index| index + 1)..];
    let page: Vec<Value> = rest.iter().take(limit).map(|id| model(id)).collect();
    let id = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
    Reply::Whole(json!({
        "first_id": id(page.first()),
        "last_id": id(page.last()),
        "has_more": page.len() < rest.len(),
        "data": page,
    }))
}

pub(super) fn one(id: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match voice.models.iter().any(|known| known == id) {
        true => Ok(Reply::Whole(model(id))),
        false => Err(error::of(&Trouble::UnknownModel(id))),
    }
}

fn model(id: &str) -> Value {
    json!({"type": "model", "id": id, "display_name": id, "created_at": "2025-09-29T00:00:00Z"})
}
