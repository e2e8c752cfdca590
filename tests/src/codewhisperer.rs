//! CodeWhisperer, as the Kiro IDE speaks it, without any IO: `/generateAssistantResponse`, `/ListAvailableModels`, and
//! the two endpoints that refresh its tokens.
//!
//! Source: `shared/protocols/codewhisperer.md`: the shapes are those of AWS' own client, the validator's rules those
//! that others have met. It says "Improperly formed request." to all that breaks them; what it was is in the recorded
//! violation.

mod check;
pub(crate) mod error;
mod hear;
mod history;
pub(crate) mod refresh;
mod rules;
mod schema;
mod stream;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::say::{self, Issuer, Manner};
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

/// All that is answered here. The last two are other hosts' in truth.
pub(crate) const PATHS: [&str; 4] = [GENERATE, MODELS, refresh::SOCIAL, refresh::IDC];
const GENERATE: &str = "/generateAssistantResponse";
const MODELS: &str = "/ListAvailableModels";
const MANNER: Manner = Manner { issuer: Issuer::Anthropic, call_prefix: "tooluse_" };

/// The model that the current message is for.
pub(crate) fn model(body: &Value) -> Option<&str> {
    body["conversationState"]["currentMessage"]["userInputMessage"]["modelId"].as_str()
}

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match (ask.method.as_str(), ask.path()) {
        ("POST", GENERATE) => generate(check::object(ask)?, voice),
        ("GET", MODELS) if ask.query("origin").is_none() => Err(error::invalid("origin: a query parameter is missing")),
        ("GET", MODELS) => Ok(models(voice)),
        (_, path) => Err(error::of(&Trouble::UnknownUrl { method: ask.method, path })),
    }
}

fn generate(body: &Value, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    check::shape(body, schema::REQUEST)?;
    rules::check(body)?;
    let answer = say::answer(&hear::hear(body), voice, &MANNER);
    Ok(Reply::Stream(stream::script(body, &answer, voice)))
}

fn models(voice: &Voice<'_>) -> Reply {
    let model = |id: &String| {
        json!({
            "modelId": id,
            "modelName": id,
            "description": "A model that is none",
            "rateMultiplier": 1.0,
            "rateUnit": "credit",
            "supportedInputTypes": ["TEXT", "IMAGE"],
            "tokenLimits": {"maxInputTokens": 200_000, "maxOutputTokens": 8_192},
        })
    };
    let models: Vec<Value> = voice.models.iter().map(model).collect();
    Reply::Whole(json!({"defaultModel": models.first(), "models": models}))
}
