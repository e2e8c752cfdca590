//! `generationConfig`.

use crate::protocol::{
    gemini::{
        model,
        request::thinking::{self, ThinkingConfig},
        schema,
    },
    neutral::{Dropped, Field, Format, Request, Unsupported},
};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

const MOST_STOP_SEQUENCES: usize = 5;
const HIGHEST_TEMPERATURE: f64 = 2.0;
/// Both penalties reach from -2 to below 2.
const HIGHEST_PENALTY: f64 = 1.99;

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

pub fn write<'a>(
    request: &'a Request,
    model: &str,
    dropped: &mut Dropped,
) -> Result<Option<GenerationConfig<'a>>, Unsupported> {
    if request.stop.len() > MOST_STOP_SEQUENCES {
        return Err(Unsupported::new(Field::Stop, "Gemini takes five stop sequences"));
    }
    let reasoning = request.reasoning.map(|r| thinking::write(r, model, request.max_tokens)).unwrap_or_default();
    dropped.add_if(reasoning.altered, Field::Reasoning);
    let mut within = |number: Option<f64>, least: f64, most: f64, field| {
        dropped.add_if(number.is_some_and(|n| n < least || n > most), field);
        number.map(|n| n.clamp(least, most))
    };
    let mut config = GenerationConfig {
        temperature: within(request.temperature, 0.0, HIGHEST_TEMPERATURE, Field::Temperature),
        top_p: request.top_p,
        top_k: request.top_k,
        max_output_tokens: request.max_tokens,
        stop_sequences: &request.stop,
        seed: request.seed.map(reduced),
        frequency_penalty: within(request.frequency_penalty, -2.0, HIGHEST_PENALTY, Field::FrequencyPenalty),
        presence_penalty: within(request.presence_penalty, -2.0, HIGHEST_PENALTY, Field::PresencePenalty),
        thinking_config: reasoning.config,
        ..GenerationConfig::default()
    };
    if let Some(format) = &request.format {
        config.format(format, model);
    }
    Ok((config != GenerationConfig::default()).then_some(config))
}

impl<'a> GenerationConfig<'a> {
    fn format(&mut self, format: &'a Format, model: &str) {
        self.response_mime_type = Some("application/json");
        match format {
            Format::JsonObject => {}
            Format::JsonSchema { schema, .. } if model::takes_json_schema(model) => {
                self.response_json_schema = Some(Cow::Borrowed(schema));
            }
            Format::JsonSchema { schema, .. } => self.response_schema = Some(schema::sanitise(schema)),
        }
    }
}

/// The lower half of a seed that is too long: another number, but always the same.
fn reduced(seed: i64) -> i32 {
    seed as i32
}
