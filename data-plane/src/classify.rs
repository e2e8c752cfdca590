//! Classification: what a request is, which rule fires, and what the request would like.
//!
//! ```text
//! preferences of the headers → a look at the body, if a rule asks what is in it
//!   → the backend that the client names, else the model that its sub-agent's tag names, else the rule that fires
//!   → the model it names, else the one that the client names → a look at the body, if choosing a backend needs one
//! ```
//! Nobody pays for what nobody asks: with no rules, no preferences and a model that needs none of it, the body is not
//! looked at, not even for a tag. A rule or tag whose model the caller may not use does not count, so that neither takes
//! from a client what it could have had. A backend by name is that one or none.
//!
//! - [`scan`]: the look at the body, over [`json`]; [`affinity`]: what keeps a conversation together
//! - [`rules`]: which fires, and why the others do not; [`sessions`]: what they know of the session's last prompt
//! - [`pair`]: a backend by name; [`agent`]: the tag; [`preferences`]: the headers; [`marker`]: `[1m]`

pub mod affinity;
pub(crate) mod agent;
pub mod json;
mod marker;
mod pair;
pub mod preferences;
pub mod rules;
pub mod scan;
pub mod sessions;
#[cfg(test)]
mod tests;

pub use affinity::Affinities;
pub use preferences::BadPreference;
pub use rules::RuleSet;
pub use sessions::{Session, Sessions};

use crate::{
    auth::Caller,
    features::{Features, Thinking},
    protocol::surface::Surface,
    request::Asked,
    select,
    table::{Backend, Model, Table},
};
use http::HeaderMap;
use pointsman_proto::domain::{Catalog as _, ClientDialect, Name, Rule};
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
    /// What tags in the prompt name.
    pub tagged: &'a [String],
    pub sessions: &'a Sessions,
    pub now: SystemTime,
}

/// Who said which model a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The rules, of which perhaps none fired: then the client.
    Rules,
    /// The client, by a backend's name.
    Pair,
    /// A sub-agent's tag.
    Tag,
}

/// A model, and the backend that is named of it.
type Target<'a> = (&'a Arc<Model>, Option<&'a Backend>);

/// What a request is, and who serves it.
pub struct Classified {
    /// None: there is no such model, or the caller may not use it.
    pub model: Option<Arc<Model>>,
    /// The rule that fired.
    pub rule: Option<Arc<Rule>>,
    pub by: By,
    /// Its session, if a rule asks what the last reply told.
    pub session: Option<Session>,
    /// Tokens of the session's last prompt; 0: not known, or not asked.
    pub last_prompt: u64,
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
        preferences::check_providers(&stated, |name| self.table.has_provider(name))?;
        let mut classified = self.unclassified();
        if self.table.rules.needs_features() {
            classified.look(self);
        }
        if self.table.rules.needs_sessions() {
            classified.session = classified.affinities.session.map(|session| self.sessions.of(self.caller, session));
            classified.last_prompt = classified.session.map_or(0, |session| self.sessions.last(session));
        }
        let (by, serves) = self.choose(&mut classified);
        classified.by = by;
        if let Some((model, backend)) = serves {
            classified.model = Some(model.clone());
            classified.features.backend = backend.map(|backend| backend.endpoint.id.clone());
        }
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

    fn unclassified(&self) -> Classified {
        Classified {
            model: None,
            rule: None,
            by: By::Rules,
            session: None,
            last_prompt: 0,
            features: Features { dialect: scan::dialect(self.surface), ..Features::default() },
            affinities: Affinities { session: affinity::session_of_headers(self.headers), ..Affinities::default() },
            looked: false,
        }
    }

    /// Which model serves, and which backend of it alone; notes the rule that fires.
    fn choose(&self, classified: &mut Classified) -> (By, Option<Target<'_>>) {
        if pair::split(&self.asked.model).is_some() {
            return (By::Pair, self.target(&self.asked.model));
        }
        if let Some(target) = self.tagged.iter().find_map(|name| self.target(name)) {
            return (By::Tag, Some(target));
        }
        let rule = self.table.rules.fire(&self.seen(classified), |name| self.has(name)).cloned();
        let name = rule.as_ref().map_or_else(|| marker::without(&self.asked.model), |rule| &rule.model);
        let model = self.model(name).map(|model| (model, None));
        classified.rule = rule;
        (By::Rules, model)
    }

    /// The rules as they are asked, up to the one that fires, and why those before it do not. None, if none was asked.
    pub fn trace(&self, classified: &Classified) -> Vec<(Name, Result<(), String>)> {
        match classified.by {
            By::Rules => self.table.rules.trace(&self.seen(classified), |name| self.has(name)),
            By::Pair | By::Tag => Vec::new(),
        }
    }

    fn seen<'s>(&'s self, classified: &'s Classified) -> Seen<'s> {
        let tags = match self.caller {
            Caller::Key(key) => key.spec.tags.as_slice(),
            Caller::Anonymous => &[],
        };
        let Classified { features, last_prompt, .. } = classified;
        Seen {
            model: &self.asked.model,
            features,
            last_prompt: *last_prompt,
            headers: self.headers,
            tags,
            now: self.now,
        }
    }

    /// What a name stands for, if the caller may use it: a model, or a backend of one.
    fn target(&self, name: &str) -> Option<Target<'_>> {
        let name = marker::without(name);
        match pair::split(name) {
            Some(pair) => pair::find(self.table, self.caller, pair).map(|(model, backend)| (model, Some(backend))),
            None => self.model(name).map(|model| (model, None)),
        }
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
        self.features.thinking_is_optional = self.does_without_thinking(model);
        let affinity = model.spec.affinity.as_ref();
        self.features.affinity = affinity.and_then(|affinity| self.affinities.by(&affinity.by, question.headers));
    }

    /// Whether an effort is no need: Claude Code states one whatever the model is, and has no way to take it back.
    fn does_without_thinking(&mut self, model: &Model) -> bool {
        let Features { dialect, thinking, .. } = self.features;
        if !matches!((dialect, thinking), (ClientDialect::Messages, Thinking::Level(_))) {
            return false;
        }
        self.features.thinking_is_optional = false;
        let thinks = |backend: &Backend| backend.base > 0 && select::fits(backend, &self.features);
        !model.backends.iter().any(thinks)
    }

    /// Looks at the body, if that has not been done.
    pub fn look(&mut self, question: &Question<'_>) {
        if self.looked {
            return;
        }
        let Features { preferences, affinity, backend, .. } = std::mem::take(&mut self.features);
        let found = scan::scan(&question.asked.body, question.surface);
        self.features = Features { preferences, affinity, backend, ..found.features };
        let session = self.affinities.session.or(found.affinities.session);
        self.affinities = Affinities { session, ..found.affinities };
        self.looked = true;
    }
}
