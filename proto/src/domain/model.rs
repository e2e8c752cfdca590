//! The client-facing name, and the lines that serve it.

use super::{EndpointId, ModelName, Name};
use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
    weights::{MAX_LINES, MAX_WEIGHT, UNIT},
};
use std::collections::HashSet;

/// A custom model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub name: ModelName,
    pub strategy: Strategy,
    /// In the operator's order.
    pub backends: Vec<Backend>,
    pub fallbacks: Vec<ModelName>,
    pub aliases: Vec<ModelName>,
    pub enabled: bool,
}

/// How a backend is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    WeightedRandom,
}

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
}

impl Backend {
    /// The endpoint that this line sends to.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId { provider: self.provider.clone(), model: Some(self.model.clone()) }
    }
}

impl Model {
    /// Checks a model.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Model, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        if !matches!(wire.strategy.as_str(), "" | "weighted_random") {
            at.refuse("strategy", format!("allowed: weighted_random; found {:?}", wire.strategy));
        }
        let name = ModelName::check(&mut at, "name", &wire.name);
        let model = Self {
            strategy: Strategy::WeightedRandom,
            backends: check_backends(&mut at, wire, &name),
            fallbacks: check_names(&mut at, "fallbacks", &wire.fallbacks),
            aliases: check_names(&mut at, "aliases", &wire.aliases),
            enabled: wire.enabled.unwrap_or(true),
            name,
        };
        for (i, alias) in model.aliases.iter().enumerate() {
            if *alias == model.name {
                at.refuse(&format!("aliases[{i}]"), "is the model's own name");
            }
        }
        at.finish(model)
    }
}

fn check_names(at: &mut Checker, field: &str, names: &[String]) -> Vec<ModelName> {
    let mut seen = HashSet::new();
    let each = names.iter().enumerate().map(|(i, name)| {
        let field = format!("{field}[{i}]");
        if !seen.insert(name) {
            at.refuse(&field, format!("{name:?} is listed twice"));
        }
        ModelName::check(at, &field, name)
    });
    each.collect()
}

fn check_backends(at: &mut Checker, wire: &wire::Model, model: &ModelName) -> Vec<Backend> {
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
    if line.tags.iter().any(|t| t.is_empty() || t.len() > 63 || t.chars().any(char::is_control)) {
        at.refuse(&format!("{path}.tags"), "each must be 1 to 63 printable characters");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn model(weights: &[f64]) -> wire::Model {
        let line =
            |(i, w): (usize, &f64)| wire::Backend { provider: format!("p{i}"), weight: Some(*w), ..Default::default() };
        wire::Model { name: "m".into(), backends: weights.iter().enumerate().map(line).collect(), ..Default::default() }
    }

    fn fields(wire: &wire::Model) -> Vec<String> {
        let violations = Model::check(wire, "").expect_err("it is invalid");
        violations.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn weights_that_no_share_can_be_made_of_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e18, 1e-9] {
            assert_eq!(fields(&model(&[1.0, bad])), ["backends[1].weight"], "{bad}");
        }
        assert_eq!(fields(&model(&[0.0, 0.0])), ["backends"]);
        assert_eq!(fields(&model(&[])), ["backends"]);
    }

    #[test]
    fn fractions_become_fixed_point() {
        let model = Model::check(&model(&[0.5, 0.333333]), "").expect("it is valid");
        assert_eq!(model.backends.iter().map(|b| b.weight).collect::<Vec<_>>(), [500_000, 333_333]);
    }

    #[test]
    fn the_same_endpoint_cannot_be_listed_twice() {
        let mut wire = model(&[1.0, 1.0]);
        wire.backends[1].provider = "p0".into();
        assert_eq!(fields(&wire), ["backends[1]"]);
        wire.backends[1].model = "other".into();
        assert!(Model::check(&wire, "").is_ok());
    }
}
