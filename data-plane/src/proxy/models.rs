//! The models that a caller may use, in the form that its SDK reads.

use super::json;
use crate::{auth::Caller, error::Refusal, protocol::surface::Dialect, relay::Reply, table::Table};
use http::Response;
use serde_json::{Value, json};

/// Models have no birthday here, and both SDKs want one.
const CREATED: &str = "1970-01-01T00:00:00Z";

pub(super) fn list(table: &Table, caller: &Caller, dialect: Dialect) -> Response<Reply> {
    let mut names: Vec<&str> = table.models.iter().filter(|(_, m)| m.spec.enabled).map(|(name, _)| &**name).collect();
    names.retain(|name| caller.may_use(name));
    names.sort_unstable();
    let data: Vec<Value> = names.iter().map(|name| describe(name, dialect)).collect();
    let body = match dialect {
        Dialect::OpenAi => json!({"object": "list", "data": data}),
        Dialect::Anthropic => {
            json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()})
        }
        Dialect::Gemini => json!({"models": data}),
    };
    json(body.to_string())
}

pub(super) fn one(table: &Table, caller: &Caller, dialect: Dialect, name: &str) -> Result<Response<Reply>, Refusal> {
    let model = table.model(name).filter(|model| caller.may_use(&model.spec.name));
    let found = model.ok_or_else(|| Refusal::unknown_model(name))?;
    Ok(json(describe(&found.spec.name, dialect).to_string()))
}

fn describe(name: &str, dialect: Dialect) -> Value {
    match dialect {
        Dialect::OpenAi => json!({"id": name, "object": "model", "created": 0, "owned_by": "pointsman"}),
        Dialect::Anthropic => json!({"type": "model", "id": name, "display_name": name, "created_at": CREATED}),
        Dialect::Gemini => json!({
            "name": format!("models/{name}"), "displayName": name,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        }),
    }
}
