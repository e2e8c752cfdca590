//! One line of a model: what it sends to, how much it takes, and what it is good for.

use crate::{
    admin::v1 as wire,
    domain::{
        EndpointId, ModelName, Name, Quality,
        preferences::{check_region, check_tags},
        strategy::one_of,
    },
    violation::Checker,
    weights::{MAX_LINES, MAX_WEIGHT, UNIT},
};
use std::collections::HashSet;

/// One line of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub provider: Name,
    /// The upstream's name for the model.
    pub model: ModelName,
    /// In units of [`UNIT`] to the operator's 1.
    pub weight: u64,
    /// The lowest number with an available backend serves.
    pub priority: u32,
    pub enabled: bool,
    pub tags: Vec<String>,
    pub capabilities: Capabilities,
    /// None: not known.
    pub price: Option<Price>,
    pub quality: Quality,
    /// None: the provider's.
    pub region: Option<String>,
}

/// What a backend can be given. What is not said is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub tools: bool,
    pub vision: bool,
    pub thinking: bool,
    pub json_schema: bool,
    /// Tokens, of prompt and answer together.
    pub context_window: Option<u32>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { tools: true, vision: true, thinking: true, json_schema: true, context_window: None }
    }
}

impl Capabilities {
    fn of(wire: wire::Capabilities) -> Self {
        Self {
            tools: wire.tools.unwrap_or(true),
            vision: wire.vision.unwrap_or(true),
            thinking: wire.thinking.unwrap_or(true),
            json_schema: wire.json_schema.unwrap_or(true),
            context_window: (wire.context_window > 0).then_some(wire.context_window),
        }
    }
}

/// What a million tokens cost, in millionths of the operator's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input: u64,
    pub output: u64,
    /// Of tokens read from the provider's prompt cache.
    pub cached_input: u64,
}

impl Price {
    /// Of a million tokens in and a million out.
    pub fn both(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    fn check(at: &mut Checker, path: &str, wire: wire::Price) -> Self {
        const MOST: f64 = 1e6;
        let mut amount = |name: &str, value: f64| {
            if !(0.0..=MOST).contains(&value) {
                at.refuse(
                    &format!("{path}.{name}"),
                    format!("must be from 0 to {MOST} per million tokens, found {value}"),
                );
            }
            (value * 1e6).round() as u64
        };
        let (input, output) = (amount("input", wire.input), amount("output", wire.output));
        Self { input, output, cached_input: wire.cached_input.map_or(input, |cached| amount("cached_input", cached)) }
    }
}

impl Backend {
    /// The endpoint that this line sends to.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId { provider: self.provider.clone(), model: Some(self.model.clone()) }
    }
}

pub(super) fn check_all(at: &mut Checker, wire: &wire::Model, model: &ModelName) -> Vec<Backend> {
    if wire.backends.is_empty() || wire.backends.len() > MAX_LINES {
        at.refuse("backends", format!("must be 1 to {MAX_LINES}, found {}", wire.backends.len()));
        return Vec::new();
    }
    let mut backends: Vec<Backend> = Vec::with_capacity(wire.backends.len());
    let mut seen = HashSet::new();
    for (i, line) in wire.backends.iter().enumerate() {
        let backend = check_backend(at, line, &format!("backends[{i}]"), model);
        if !seen.insert(backend.endpoint()) {
            at.refuse(&format!("backends[{i}]"), format!("{} is listed twice", backend.endpoint()));
        }
        backends.push(backend);
    }
    if backends.iter().all(|b| b.weight == 0) {
        at.refuse("backends", "at least one weight must be above 0");
    }
    backends
}

fn check_backend(at: &mut Checker, line: &wire::Backend, path: &str, model: &ModelName) -> Backend {
    check_tags(at, &format!("{path}.tags"), &line.tags);
    let region = check_region(at, &format!("{path}.region"), &line.region);
    Backend {
        provider: Name::check(at, &format!("{path}.provider"), &line.provider),
        model: match line.model.as_str() {
            "" => model.clone(),
            upstream => ModelName::check(at, &format!("{path}.model"), upstream),
        },
        weight: check_weight(at, &format!("{path}.weight"), line.weight.unwrap_or(1.0)),
        priority: line.priority,
        enabled: line.enabled.unwrap_or(true),
        tags: line.tags.clone(),
        capabilities: line.capabilities.map(Capabilities::of).unwrap_or_default(),
        price: line.price.map(|price| Price::check(at, &format!("{path}.price"), price)),
        quality: one_of(at, &format!("{path}.quality"), &line.quality, Quality::default(), &Quality::NAMED),
        region: (!region.is_empty()).then_some(region),
    }
}

fn check_weight(at: &mut Checker, field: &str, weight: f64) -> u64 {
    let fixed = (weight * UNIT as f64).round();
    if !(0.0..=(MAX_WEIGHT as f64)).contains(&fixed) {
        at.refuse(field, format!("must be from 0 to {}, found {weight}", MAX_WEIGHT / UNIT));
        return 0;
    }
    if weight > 0.0 && fixed == 0.0 {
        at.refuse(field, format!("must be 0 or at least 0.000001, found {weight}"));
    }
    fixed as u64
}
