//! The client-facing name, and the lines that serve it.

mod backend;

pub use backend::{Backend, Capabilities, Price};

use super::{ModelName, Strategy};
use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
};
use std::{collections::HashSet, ops::RangeInclusive, time::Duration};

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
    /// Keeps a conversation where its prompt cache is.
    pub affinity: Option<Affinity>,
    pub hedging: Option<Hedging>,
    /// Whether a slot gets less as its provider says that little is left.
    pub headroom: bool,
}

/// Stickiness of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affinity {
    pub by: AffinityBy,
    /// How many times its fair share of the requests under way a backend may have, in thousandths.
    pub max_load: u32,
}

/// What stays together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AffinityBy {
    /// Requests that begin alike.
    Prefix,
    /// The client's own session, and else the prefix.
    Session,
    /// Requests with the same value of this header, in lower case.
    Header(String),
}

/// A second request elsewhere when the first is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedging {
    pub after: HedgeAfter,
    /// Of 100 requests, how many may be sent twice.
    pub budget_percent: u32,
}

/// When a first byte is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeAfter {
    Time(Duration),
    /// Of the backend's own times to first byte.
    Percentile(u32),
}

impl Model {
    /// Checks a model.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Model, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let name = ModelName::check(&mut at, "name", &wire.name);
        let model = Self {
            strategy: Strategy::check(&mut at, "strategy", &wire.strategy),
            backends: backend::check_all(&mut at, wire, &name),
            fallbacks: check_names(&mut at, "fallbacks", &wire.fallbacks),
            aliases: check_names(&mut at, "aliases", &wire.aliases),
            enabled: wire.enabled.unwrap_or(true),
            affinity: wire.affinity.as_ref().map(|affinity| Affinity::check(&mut at, affinity)),
            hedging: wire.hedging.as_ref().and_then(|hedging| Hedging::check(&mut at, hedging)),
            headroom: wire.headroom,
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

/// Names of models, each of them once.
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

impl Affinity {
    fn check(at: &mut Checker, wire: &wire::Affinity) -> Self {
        let by = match wire.by.as_str() {
            "" | "session" => AffinityBy::Session,
            "prefix" => AffinityBy::Prefix,
            "header" => AffinityBy::Header(wire.header.to_ascii_lowercase()),
            other => {
                at.refuse("affinity.by", format!("allowed: session, prefix, header; found {other:?}"));
                AffinityBy::Session
            }
        };
        let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        match &by {
            AffinityBy::Header(name) if name.is_empty() || name.len() > 100 || !name.bytes().all(token) => {
                at.refuse("affinity.header", "must be the name of a header, since affinity goes by one");
            }
            AffinityBy::Prefix | AffinityBy::Session if !wire.header.is_empty() => {
                at.refuse("affinity.header", "is for `by: header`");
            }
            _ => {}
        }
        let max_load = if wire.max_load == 0.0 { 1.25 } else { wire.max_load };
        if !(1.0..=1000.0).contains(&max_load) {
            at.refuse("affinity.max_load", format!("must be from 1 to 1000, found {max_load}"));
        }
        Self { by, max_load: (max_load * 1000.0).round() as u32 }
    }
}

impl Hedging {
    fn check(at: &mut Checker, wire: &wire::Hedging) -> Option<Self> {
        const AFTER: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);
        let after = match (wire.after.as_ref(), wire.percentile) {
            (Some(after), 0) => {
                HedgeAfter::Time(at.duration("hedging.after", Some(after), Duration::from_secs(1), AFTER))
            }
            (None, percentile @ 50..=99) => HedgeAfter::Percentile(percentile),
            (None, 0) => {
                at.refuse("hedging", "must say after how long, or at which percentile");
                return None;
            }
            (None, percentile) => {
                at.refuse("hedging.percentile", format!("must be from 50 to 99, found {percentile}"));
                return None;
            }
            (Some(_), _) => {
                at.refuse("hedging.percentile", "and `after` cannot both be given");
                return None;
            }
        };
        if wire.budget_percent > 100 {
            at.refuse("hedging.budget_percent", format!("must be at most 100, found {}", wire.budget_percent));
        }
        let budget_percent = if wire.budget_percent == 0 { 5 } else { wire.budget_percent };
        Some(Self { after, budget_percent })
    }
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
