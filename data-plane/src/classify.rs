//! Classification: what a request is, which rule fires, and what the request would like.
//!
//! ```text
//! preferences of the headers → a look at the body, if a rule asks what is in it → the rule that fires
//!   → the model it names, else the one that the client names → a look at the body, if choosing a backend needs one
//! ```
//! Nobody pays for what nobody asks: with no rules, no preferences and a model that needs none of it, the body is not
//! looked at. A rule whose model the caller may not use does not fire, so that no rule takes from a client what it
//! could have had.
//!
//! - [`scan`]: the look at the body, over [`json`]; [`affinity`]: what keeps a conversation together
//! - [`rules`]: which fires, and why the others do not; [`preferences`]: the headers; [`marker`]: `[1m]`

pub mod affinity;
pub mod json;
mod marker;
pub mod preferences;
pub mod rules;
pub mod scan;
#[cfg(test)]
mod tests;

pub use affinity::Affinities;
pub use preferences::BadPreference;
pub use rules::RuleSet;

use crate::{
    auth::Caller,
    features::Features,
    protocol::surface::Surface,
    request::Asked,
    table::{Model, Table},
};
use http::HeaderMap;
use pointsman_proto::domain::{Name, Rule};
use rules::Seen;
use std::{sync::Arc, time::SystemTime};

/// A request that is to be classified.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub table: &'a Table,
    pub caller: &'a Caller,
    pub surface: Surface,
    /// The client's own, before any is taken off.
    pub headers: &'a HeaderMap,
    pub asked: &'a Asked,
    pub now: SystemTime,
}

/// What a request is, and who serves it.
pub struct Classified {
    /// None: there is no such model, or the caller may not use it.
    pub model: Option<Arc<Model>>,
    /// The rule that fired.
    pub rule: Option<Arc<Rule>>,
    /// For the model: another's affinity may go by something else, see [`Classified::turn_to`].
    pub features: Features,
    affinities: Affinities,
    /// The body has been looked at.
    looked: bool,
}

impl Question<'_> {
    /// # Errors
    /// A header states a preference that is not valid.
    pub fn classify(&self) -> Result<Classified, BadPreference> {
        let stated = preferences::of_headers(self.headers)?;
        let features = Features { dialect: scan::dialect(self.surface), ..Features::default() };
        let affinities = Affinities { session: affinity::session_of_headers(self.headers), prefix: None };
        let mut classified = Classified { model: None, rule: None, features, affinities, looked: false };
        if self.table.rules.needs_features() {
            classified.look(self);
        }
        classified.rule = self.table.rules.fire(&self.seen(&classified.features), |name| self.has(name)).cloned();
        classified.model = match &classified.rule {
            Some(rule) => self.model(&rule.model).cloned(),
            None => self.model(marker::without(&self.asked.model)).cloned(),
        };
        let preferences = match &classified.rule {
            Some(rule) => stated.over(&rule.preferences),
            None => stated,
        };
        classified.features.preferences = match self.caller {
            Caller::Key(key) => preferences.over(&key.spec.preferences),
            Caller::Anonymous => preferences,
        };
        if let Some(model) = classified.model.clone() {
            classified.turn_to(&model, self);
        }
        Ok(classified)
    }

    /// The rules as they are asked, up to the one that fires, and why those before it do not.
    pub fn trace(&self, classified: &Classified) -> Vec<(Name, Result<(), String>)> {
        self.table.rules.trace(&self.seen(&classified.features), |name| self.has(name))
    }

    fn seen<'s>(&'s self, features: &'s Features) -> Seen<'s> {
        let tags = match self.caller {
            Caller::Key(key) => key.spec.tags.as_slice(),
            Caller::Anonymous => &[],
        };
        Seen { model: &self.asked.model, features, headers: self.headers, tags, now: self.now }
    }

    /// The enabled model of this name or alias, if the caller may use it.
    fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.table.model(name).filter(|model| self.caller.may_use(&model.spec.name))
    }

    fn has(&self, name: &str) -> bool {
        self.model(name).is_some()
    }
}

impl Classified {
    /// Makes the features fit for choosing among this model's backends; before that, they may not have been looked at.
    pub fn turn_to(&mut self, model: &Model, question: &Question<'_>) {
        let by_price = self.features.preferences.cost_sensitivity.is_some();
        if model.needs_features || by_price {
            self.look(question);
        }
        let affinity = model.spec.affinity.as_ref();
        self.features.affinity = affinity.and_then(|affinity| self.affinities.by(&affinity.by, question.headers));
    }

    /// Looks at the body, if that has not been done.
    pub fn look(&mut self, question: &Question<'_>) {
        if self.looked {
            return;
        }
        let Features { preferences, affinity, .. } = std::mem::take(&mut self.features);
        let found = scan::scan(&question.asked.body, question.surface);
        self.features = Features { preferences, affinity, ..found.features };
        self.affinities.prefix = found.affinities.prefix;
        self.affinities.session = self.affinities.session.or(found.affinities.session);
        self.looked = true;
    }
}
