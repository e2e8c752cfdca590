//! `GET /v1/models`, and the echo that answers every endpoint which the fake does not know.

use serde_json::{Value, json};

use super::error;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

pub(super) fn list(voice: &Voice<'_>) -> Reply {
    let data: Vec<Value> = voice.models.iter().map(|id| model(id)).collect();
    Reply::Whole(json!({"object": "list", "data": data}))
}

pub(super) fn one(id: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match voice.models.iter().any(|known| known == id) {
        true => Ok(Reply::Whole(model(id))),
        false => Err(error::of(&Trouble::UnknownModel(id))),
    }
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": 1_754_000_000, "owned_by": "fake"})
}

/// Says back what arrived, whatever its content type (audio, files, ...).
pub(super) fn echo(ask: &Ask<'_>) -> Reply {
    Reply::Whole(json!({
        "object": "echo",
        "path": ask.path(),
        "model": ask.body.and_then(|body| body.get("model")),
        "content_type": ask.header("content-type"),
        "bytes": ask.raw.len(),
    }))
}
