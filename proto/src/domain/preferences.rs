//! What a request would like of the backend that serves it.

use super::{Name, Priority, Quality, strategy::one_of};
use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
};
use std::time::Duration;

/// What a request would like. Excluded providers and required tags bind; the rest moves the choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub priority: Option<Priority>,
    pub region: Option<String>,
    pub preferred_providers: Vec<Name>,
    pub excluded_providers: Vec<Name>,
    /// A longer time to first byte counts against a backend.
    pub latency_tolerance: Option<Duration>,
    /// In thousandths: from 0 (price does not matter) to 1000 (nothing matters more).
    pub cost_sensitivity: Option<u16>,
    /// The quality that it should have at least.
    pub quality: Option<Quality>,
    pub required_tags: Vec<String>,
}

/// Each backend is held against every entry.
const LONGEST_LIST: usize = 32;

impl Preferences {
    /// Checks preferences.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Preferences, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let preferences = Self::check_at(&mut at, "", wire);
        at.finish(preferences)
    }

    /// The same, as part of a resource: `prefix` is empty or ends with a dot.
    pub(super) fn check_at(at: &mut Checker, prefix: &str, wire: &wire::Preferences) -> Self {
        const TOLERANCE: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);
        let field = |name: &str| format!("{prefix}{name}");
        let priorities = Priority::NAMED.map(|(name, priority)| (name, Some(priority)));
        let qualities = Quality::NAMED.map(|(name, quality)| (name, Some(quality)));
        for (name, list) in [
            ("preferred_providers", &wire.preferred_providers),
            ("excluded_providers", &wire.excluded_providers),
            ("required_tags", &wire.required_tags),
        ] {
            if list.len() > LONGEST_LIST {
                at.refuse(&field(name), format!("must be at most {LONGEST_LIST}, found {}", list.len()));
                return Self::default();
            }
        }
        let mut names = |name: &str, list: &[String]| -> Vec<Name> {
            let each = list.iter().enumerate();
            each.map(|(i, text)| Name::check(at, &format!("{prefix}{name}[{i}]"), text)).collect()
        };
        let preferred_providers = names("preferred_providers", &wire.preferred_providers);
        let excluded_providers = names("excluded_providers", &wire.excluded_providers);
        if let Some(both) = preferred_providers.iter().find(|name| excluded_providers.contains(name)) {
            at.refuse(&field("excluded_providers"), format!("{both} is preferred as well"));
        }
        let region = check_region(at, &field("region"), &wire.region);
        check_tags(at, &field("required_tags"), &wire.required_tags);
        Self {
            priority: one_of(at, &field("priority"), &wire.priority, None, &priorities),
            region: (!region.is_empty()).then_some(region),
            preferred_providers,
            excluded_providers,
            latency_tolerance: wire.latency_tolerance.as_ref().map(|tolerance| {
                at.duration(&field("latency_tolerance"), Some(tolerance), Duration::from_secs(1), TOLERANCE)
            }),
            cost_sensitivity: wire
                .cost_sensitivity
                .map(|value| check_sensitivity(at, &field("cost_sensitivity"), value)),
            quality: one_of(at, &field("quality"), &wire.quality, None, &qualities),
            required_tags: wire.required_tags.clone(),
        }
    }

    /// These, and what `others` say where these say nothing. Exclusions and required tags of both bind.
    pub fn over(mut self, others: &Self) -> Self {
        let missing = |mine: &[Name]| mine.is_empty();
        if missing(&self.preferred_providers) {
            self.preferred_providers.clone_from(&others.preferred_providers);
        }
        self.excluded_providers.extend(others.excluded_providers.iter().cloned());
        self.required_tags.extend(others.required_tags.iter().cloned());
        self.priority = self.priority.or(others.priority);
        self.region = self.region.or_else(|| others.region.clone());
        self.latency_tolerance = self.latency_tolerance.or(others.latency_tolerance);
        self.cost_sensitivity = self.cost_sensitivity.or(others.cost_sensitivity);
        self.quality = self.quality.or(others.quality);
        self
    }
}

pub(super) fn check_region(at: &mut Checker, field: &str, text: &str) -> String {
    if text.len() > 63 || text.chars().any(char::is_control) {
        at.refuse(field, "must be at most 63 printable characters");
    }
    text.to_owned()
}

pub(super) fn check_tags(at: &mut Checker, field: &str, tags: &[String]) {
    if tags.iter().any(|t| t.is_empty() || t.len() > 63 || t.chars().any(char::is_control)) {
        at.refuse(field, "each must be 1 to 63 printable characters");
    }
}

fn check_sensitivity(at: &mut Checker, field: &str, value: f64) -> u16 {
    if !(0.0..=1.0).contains(&value) {
        at.refuse(field, format!("must be from 0 to 1, found {value}"));
        return 0;
    }
    (value * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_overrides_its_key_but_not_what_the_key_excludes() {
        let key = wire::Preferences {
            priority: "low".into(),
            region: "eu".into(),
            excluded_providers: vec!["a".into()],
            cost_sensitivity: Some(0.25),
            ..Default::default()
        };
        let request = wire::Preferences {
            priority: "critical".into(),
            excluded_providers: vec!["b".into()],
            ..Default::default()
        };
        let check = |wire| Preferences::check(wire, "").expect("they are valid");
        let both = check(&request).over(&check(&key));
        assert_eq!((both.priority, both.region.as_deref()), (Some(Priority::Critical), Some("eu")));
        assert_eq!((both.excluded_providers.len(), both.cost_sensitivity), (2, Some(250)));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let wrong = wire::Preferences {
            priority: "urgent".into(),
            cost_sensitivity: Some(1.5),
            preferred_providers: vec!["a".into()],
            excluded_providers: vec!["a".into()],
            ..Default::default()
        };
        let found = Preferences::check(&wrong, "preferences").expect_err("they are not valid");
        let fields: Vec<&str> = found.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["preferences.cost_sensitivity", "preferences.excluded_providers", "preferences.priority"]);
    }
}
