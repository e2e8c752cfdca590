//! `GET /v1/models`, and the echo that answers every endpoint which the fake does not know.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{ApiError, Ask, Reply, Voice};

pub(super) fn list(voice: &Voice<'_>) -> Reply {
    let data: Vec<Value> = voice.models.iter().map(|id| model(id)).collect();
    Reply::Whole(json!({"object": "list", "data": data}))
}

pub(super) fn one(id: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    if voice.models.iter().any(|known| known == id) {
        return Ok(Reply::Whole(model(id)));
    }
    let message = format!("The model '{id}' does not exist");
    let error = ApiError::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
    Err(error.param("model").code("model_not_found"))
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": 1_754_000_000, "owned_by": "fake"})
}

/// Says back what arrived, whatever its content type (audio, files, ...).
pub(super) fn echo(ask: &Ask<'_>) -> Reply {
    Reply::Whole(json!({
        "object": "echo",
        "path": ask.path,
        "model": ask.body.and_then(|body| body.get("model")),
        "content_type": ask.content_type,
        "bytes": ask.raw.len(),
    }))
}
