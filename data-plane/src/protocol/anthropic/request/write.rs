//! Writing a request for a provider.

use super::{
    content,
    model::Model,
    schema,
    thinking::Plan,
    tools,
    wire::{Block, Body, Cache, Format as Form, Kind, Metadata, OutputConfig},
};
use crate::protocol::neutral::{Dropped, Field, Format, Request, Unsupported, Written};

/// The API refuses more cache markers than this.
const MOST_MARKERS: usize = 4;
const JSON_ONLY: &str = "Answer with a single JSON object and nothing else: no other text, no code fence.";

/// Writes a request for `model`, as far as its generation takes it.
///
/// # Errors
/// It holds audio, a kind of file that Anthropic does not take, or an earlier call whose arguments are no object.
pub fn write(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let takes = Model::of(model);
    let mut dropped = Dropped::default();
    let plan = Plan::of(request, &takes, &mut dropped);
    let (tools, tool_choice) = tools::written(request, &plan, &takes, &mut dropped);
    let mut system = content::blocks(&request.system, false, &mut dropped)?;
    let format = format(request, &mut system, &mut dropped);
    let (temperature, top_p, top_k) = sampling(request, &plan, &takes, &mut dropped);
    let mut body = Body {
        model,
        max_tokens: plan.max_tokens,
        system,
        messages: content::messages(&request.turns, plan.keeps_history, &mut dropped)?,
        tools,
        tool_choice,
        thinking: plan.thinking,
        output_config: (plan.effort.is_some() || format.is_some())
            .then_some(OutputConfig { effort: plan.effort, format }),
        temperature,
        top_p,
        top_k,
        stop_sequences: stop_sequences(request, &mut dropped),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        service_tier: service_tier(request, &mut dropped),
        stream: request.stream,
    };
    limit_markers(&mut body, &mut dropped);
    without_equal(request, &mut dropped);
    let body = serde_json::to_vec(&body).expect("strings and JSON that was read can be written");
    Ok(Written { body, dropped: dropped.into_fields() })
}

/// What the API has no word for.
fn without_equal(request: &Request, dropped: &mut Dropped) {
    let says = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    dropped.add_if(request.seed.is_some(), Field::Seed);
    dropped.add_if(says(request.frequency_penalty), Field::FrequencyPenalty);
    dropped.add_if(says(request.presence_penalty), Field::PresencePenalty);
}

/// Temperature, `top_p` and `top_k`. What is the default anyway is left out without a word where it would be refused.
fn sampling(
    request: &Request,
    plan: &Plan,
    model: &Model,
    dropped: &mut Dropped,
) -> (Option<f64>, Option<f64>, Option<u64>) {
    let (mut temperature, mut top_p, mut top_k) = (request.temperature, request.top_p, request.top_k);
    if !model.samples || plan.is_on() {
        let least_top_p = if model.samples { 0.95 } else { 1.0 };
        dropped.add_if(temperature.take().is_some_and(|t| t != 1.0), Field::Temperature);
        dropped.add_if(top_k.take().is_some(), Field::TopK);
        dropped.add_if(top_p.is_some_and(|p| p < least_top_p), Field::TopP);
        top_p = top_p.filter(|p| model.samples && *p >= least_top_p);
    }
    let clamped = temperature.map(|t| t.clamp(0.0, 1.0));
    dropped.add_if(clamped != temperature, Field::Temperature);
    temperature = clamped;
    if !model.samples_twice && temperature.is_some() && top_p.is_some() {
        if temperature == Some(1.0) {
            temperature = None;
        } else {
            dropped.add_if(top_p.take() != Some(1.0), Field::TopP);
        }
    }
    (temperature, top_p, top_k)
}

/// The API refuses stop sequences of nothing but white space.
fn stop_sequences<'a>(request: &'a Request, dropped: &mut Dropped) -> Vec<&'a str> {
    let stop: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect();
    dropped.add_if(stop.len() < request.stop.len(), Field::Stop);
    stop
}

fn service_tier(request: &Request, dropped: &mut Dropped) -> Option<&'static str> {
    match request.service_tier.as_deref() {
        None => None,
        Some("auto") => Some("auto"),
        Some("default" | "standard_only") => Some("standard_only"),
        Some(_) => {
            dropped.add(Field::ServiceTier);
            None
        }
    }
}

/// The form of the answer: a schema has a field, any object at all has to be asked for in words.
fn format(request: &Request, system: &mut Vec<Block<'_>>, dropped: &mut Dropped) -> Option<Form> {
    match request.format.as_ref()? {
        Format::JsonObject => {
            system.push(Kind::Text { text: JSON_ONLY.into() }.into());
            dropped.add(Field::Format);
            None
        }
        Format::JsonSchema { schema, .. } => {
            let (schema, changed) = schema::supported(schema);
            dropped.add_if(changed, Field::FormatStrict);
            Some(Form { r#type: "json_schema", schema })
        }
    }
}

/// Keeps the last markers in the prompt's order: they hold the longest prefixes.
fn limit_markers(body: &mut Body<'_>, dropped: &mut Dropped) {
    let tools = body.tools.iter_mut().map(|tool| &mut tool.cache_control);
    let system = body.system.iter_mut().map(|block| &mut block.cache_control);
    let messages = body.messages.iter_mut().flat_map(|message| &mut message.content);
    let said = messages.map(|block| &mut block.cache_control);
    let markers: Vec<&mut Option<Cache>> = tools.chain(system).chain(said).filter(|marker| marker.is_some()).collect();
    let surplus = markers.len().saturating_sub(MOST_MARKERS);
    dropped.add_if(surplus > 0, Field::CachePoints);
    for marker in markers.into_iter().take(surplus) {
        *marker = None;
    }
}
