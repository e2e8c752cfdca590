//! Writes a request as the body of Converse, which is also that of ConverseStream.

mod content;
mod media;
mod thinking;
mod tools;

#[cfg(test)]
mod tests;

use super::model::Model;
use crate::protocol::neutral::{Dropped, Field, Format, Part, Request, Unsupported, Written};
use content::{CachePoint, Message};
use pointsman_proto::sigv4;
use serde::Serialize;
use thinking::Plan;
use tools::ToolConfig;

/// Bedrock has no JSON mode without a schema.
const JSON_OBJECT: &str = "Answer with one JSON object and nothing else: no text around it, no code fence.";

/// Writes a request for a model.
///
/// # Errors
/// Something in it can neither be said to Bedrock nor be left out.
pub fn write(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let model = Model::of(model);
    let mut dropped = Dropped::default();
    let conversation = Conversation::new(request, model, &mut dropped)?;
    let plan = thinking::plan(request, model, &mut dropped);
    let stop: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect();
    let body = Body {
        additional_model_request_fields: Additional::new(request, model, &conversation, &plan, &mut dropped),
        additional_model_response_field_paths: (!stop.is_empty()).then_some(["/stop_sequence"]),
        inference_config: Inference::new(request, model, &plan, stop, &mut dropped),
        output_config: OutputConfig::new(request, &plan, &mut dropped),
        service_tier: service_tier(request, &mut dropped),
        conversation,
    };
    for (given, field) in [
        (request.seed.is_some(), Field::Seed),
        (request.frequency_penalty.is_some(), Field::FrequencyPenalty),
        (request.presence_penalty.is_some(), Field::PresencePenalty),
        (request.user.is_some(), Field::User),
    ] {
        dropped.add_if(given, field);
    }
    Ok(Written { body: json(&body), dropped: dropped.into_fields() })
}

/// A model's id or ARN as one segment of a path, `anthropic.claude-opus-4-6-v1%3A0`.
pub fn path_segment(model: &str) -> String {
    sigv4::percent_encode(model, "")
}

pub(super) fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("maps with text keys can be written as JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(flatten)]
    conversation: Conversation<'a>,
    #[serde(skip_serializing_if = "Inference::is_empty")]
    inference_config: Inference<'a>,
    #[serde(skip_serializing_if = "Additional::is_empty")]
    additional_model_request_fields: Additional,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_field_paths: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<ServiceTier<'a>>,
}

/// The part of a request whose tokens can be counted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation<'a> {
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<System<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(request: &'a Request, model: Model, dropped: &mut Dropped) -> Result<Self, Unsupported> {
        let mut system = Vec::new();
        for part in &request.system {
            match part {
                Part::Text(text) if !text.trim().is_empty() => system.push(System::Text(text)),
                Part::CachePoint { long } if !system.is_empty() => {
                    system.extend(CachePoint::new(*long, model, dropped).map(System::CachePoint));
                }
                _ => {}
            }
        }
        if request.format == Some(Format::JsonObject) {
            system.push(System::Text(JSON_OBJECT));
            dropped.add(Field::Format);
        }
        let tool_config = ToolConfig::new(request, model, dropped)?;
        Ok(Self { messages: content::messages(request, model, dropped)?, system, tool_config })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum System<'a> {
    Text(&'a str),
    CachePoint(CachePoint),
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

impl<'a> Inference<'a> {
    /// A thinking Claude samples at temperature 1, and from no less than 95 % of the mass.
    fn new(request: &Request, model: Model, plan: &Plan, stop: Vec<&'a str>, dropped: &mut Dropped) -> Self {
        let temperature = request
            .temperature
            .filter(|given| !model.refuses_sampling() && (!plan.thinks() || *given == 1.0))
            .map(|given| given.clamp(0.0, 1.0));
        dropped.add_if(temperature != request.temperature, Field::Temperature);
        let top_p = request.top_p.filter(|given| {
            let alone = temperature.is_none() || !model.takes_one_of_temperature_and_top_p();
            !model.refuses_sampling() && alone && (!plan.thinks() || *given >= 0.95)
        });
        dropped.add_if(top_p != request.top_p, Field::TopP);
        Self { max_tokens: plan.max_tokens, temperature, top_p, stop_sequences: stop }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What goes to the model past Converse, in the words of its maker: here, of Anthropic.
#[derive(Default, PartialEq, Serialize)]
struct Additional {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<thinking::Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<OneAtATime>,
}

#[derive(PartialEq, Serialize)]
struct OneAtATime {
    #[serde(rename = "type")]
    kind: &'static str,
    disable_parallel_tool_use: bool,
}

impl Additional {
    fn new(
        request: &Request,
        model: Model,
        conversation: &Conversation<'_>,
        plan: &Plan,
        dropped: &mut Dropped,
    ) -> Self {
        let takes_top_k = model.is_claude() && !model.refuses_sampling() && !plan.thinks();
        let top_k = request.top_k.filter(|_| takes_top_k);
        dropped.add_if(top_k != request.top_k, Field::TopK);
        let tool_choice = (tools::one_at_a_time(request, model) && conversation.tool_config.is_some())
            .then_some(OneAtATime { kind: "auto", disable_parallel_tool_use: true });
        let asked = request.parallel_tools == Some(false) && conversation.tool_config.is_some();
        dropped.add_if(asked && tool_choice.is_none(), Field::ParallelTools);
        Self { thinking: plan.thinking, top_k, tool_choice }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text_format: Option<TextFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
}

#[derive(PartialEq, Serialize)]
struct TextFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: Structure<'a>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Structure<'a> {
    JsonSchema {
        /// JSON inside a string.
        schema: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
}

impl<'a> OutputConfig<'a> {
    fn new(request: &'a Request, plan: &Plan, dropped: &mut Dropped) -> Self {
        let text_format = match &request.format {
            Some(Format::JsonSchema { name, schema, strict }) => {
                // Bedrock holds the model to every schema.
                dropped.add_if(*strict == Some(false), Field::FormatStrict);
                let structure = Structure::JsonSchema { schema: schema.to_string(), name: name.as_deref() };
                Some(TextFormat { kind: "json_schema", structure })
            }
            Some(Format::JsonObject) | None => None,
        };
        Self { text_format, effort: plan.effort }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Serialize)]
struct ServiceTier<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

/// The words for what happens anyway are left out.
fn service_tier<'a>(request: &'a Request, dropped: &mut Dropped) -> Option<ServiceTier<'a>> {
    match request.service_tier.as_deref()? {
        kind @ ("priority" | "flex" | "reserved") => Some(ServiceTier { kind }),
        "auto" | "default" | "standard_only" => None,
        _ => {
            dropped.add(Field::ServiceTier);
            None
        }
    }
}
