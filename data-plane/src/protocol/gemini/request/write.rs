//! The request for a provider.

mod config;
mod contents;
mod tools;

use crate::protocol::{
    gemini::content::{self, Content, Part},
    neutral::{self, Dropped, Field, Request, Unsupported, Written},
};
use config::GenerationConfig;
use serde::Serialize;
use tools::{ToolConfig, Tools};

/// A `GenerateContentRequest`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Body<'a> {
    /// For `countTokens` alone; elsewhere the URL names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<Vec<Part<'a>>>>,
    contents: Vec<Content<Vec<Part<'a>>>>,
    /// One holds all functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

/// Writes a request for `model`.
///
/// # Errors
/// It holds what Gemini cannot be given.
pub fn write(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let mut dropped = Dropped::default();
    let body = body(request, model, &mut dropped)?;
    Ok(Written { body: content::to_vec(&body), dropped: dropped.into_fields() })
}

pub fn body<'a>(request: &'a Request, model: &str, dropped: &mut Dropped) -> Result<Body<'a>, Unsupported> {
    let contents = contents::write(&request.turns, model, dropped)?;
    let (tools, tool_config) = tools::write(request, dropped);
    let generation_config = config::write(request, model, dropped)?;
    dropped.add_if(request.user.is_some(), Field::User);
    let service_tier = request.service_tier.as_deref().and_then(service_tier);
    dropped.add_if(request.service_tier.is_some() && service_tier.is_none(), Field::ServiceTier);
    let system_instruction = system(&request.system, dropped);
    Ok(Body { model: None, system_instruction, contents, tools, tool_config, generation_config, service_tier })
}

fn system<'a>(parts: &'a [neutral::Part], dropped: &mut Dropped) -> Option<Content<Vec<Part<'a>>>> {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            neutral::Part::Text(text) if text.is_empty() => {}
            neutral::Part::Text(text) => texts.push(Part::text(text)),
            neutral::Part::CachePoint { .. } => dropped.add(Field::CachePoints),
            _ => dropped.add(Field::System),
        }
    }
    (!texts.is_empty()).then_some(Content { role: None, parts: texts })
}

fn service_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        "standard" | "default" => Some("standard"),
        _ => None,
    }
}
