//! Which rule fires: the first, by position and then name, of which everything holds and whose model the caller may
//! use.
//!
//! One function says what of a rule does not hold; firing and explaining both ask it, so they cannot disagree.
//!
//! # The classes
//! - `long_context`: the prompt has at least `min_tokens` (if unset, more than 60,000), or the client says that it uses the long
//!   window: the model's name ends with `[1m]`, or `anthropic-beta` has a `context-1m…`. Where the session's last reply on
//!   this node told of so long a prompt, more than 20,000 are enough: an estimate may be low, and what was long stays so.
//! - `background`: the model's name has `haiku`, and no sub-agent asks: those work with such models too.
//! - `web_search`, `image`: a tool searches at the provider; the user's last message has an image.
//! - `thinking`: asked for in so many words, or adaptive from `thinking_effort` on.
//! - `default`: always.

#[cfg(test)]
mod tests;
mod unmet;

pub use unmet::Unmet;

use super::marker;
use crate::features::{Features, Thinking};
use http::HeaderMap;
use imbl::OrdMap;
use pointsman_proto::domain::{Class, Condition, HeaderMatch, LONG_CONTEXT, Name, Rule, STILL_LONG, Wanted};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Sub-agents of Claude Code say so.
const AGENT_HEADER: &str = "x-claude-code-agent-id";

/// The rules of a configuration.
#[derive(Clone, Default)]
pub struct RuleSet {
    all: OrdMap<Name, Arc<Rule>>,
    /// Those that are enabled, in the order in which they are asked.
    order: Arc<[Arc<Rule>]>,
    /// One of them asks what is in the body.
    needs_features: bool,
    /// One of them asks how long the session's last prompt was.
    needs_sessions: bool,
}

/// A request as rules see it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// As the client names it.
    pub model: &'a str,
    pub features: &'a Features,
    /// Tokens of the last prompt of its session; 0: not known.
    pub last_prompt: u64,
    /// The client's own.
    pub headers: &'a HeaderMap,
    /// Of the virtual key.
    pub tags: &'a [String],
    pub now: SystemTime,
}

impl RuleSet {
    /// The rules after some have changed, or gone.
    pub fn edited(&self, changes: impl IntoIterator<Item = (Name, Option<Arc<Rule>>)>) -> Self {
        let mut all = self.all.clone();
        for (name, rule) in changes {
            match rule {
                Some(rule) => all.insert(name, rule),
                None => all.remove(&name),
            };
        }
        let mut order: Vec<Arc<Rule>> = all.values().filter(|rule| rule.enabled).cloned().collect();
        // They come by name, which a stable sort keeps.
        order.sort_by_key(|rule| rule.position);
        Self {
            needs_features: order.iter().any(|rule| needs_features(rule)),
            needs_sessions: order.iter().any(|rule| rule.class == Some(Class::LongContext)),
            order: order.into(),
            all,
        }
    }

    /// Whether there is none to ask.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether a look at the body is needed to say which fires.
    pub fn needs_features(&self) -> bool {
        self.needs_features
    }

    /// Whether it is needed to know how long the session's last prompt was.
    pub fn needs_sessions(&self) -> bool {
        self.needs_sessions
    }

    /// The rule that fires. `may_use` tells whether a model is there for the caller.
    pub fn fire(&self, seen: &Seen<'_>, may_use: impl Fn(&str) -> bool) -> Option<&Arc<Rule>> {
        self.order.iter().find(|rule| check(rule, seen, &may_use).is_ok())
    }

    /// The rules as they are asked, up to the one that fires, and why those before it do not.
    pub fn trace(&self, seen: &Seen<'_>, may_use: impl Fn(&str) -> bool) -> Vec<(Name, Result<(), String>)> {
        let mut trace = Vec::new();
        for rule in self.order.iter() {
            let outcome = check(rule, seen, &may_use).map_err(|unmet| unmet.to_string());
            let fires = outcome.is_ok();
            trace.push((rule.name.clone(), outcome));
            if fires {
                break;
            }
        }
        trace
    }
}

/// # Errors
/// The first thing that does not hold.
fn check<'a>(rule: &'a Rule, seen: &Seen<'a>, may_use: &impl Fn(&str) -> bool) -> Result<(), Unmet<'a>> {
    check_class(rule, seen)?;
    check_body(rule, seen.features)?;
    check_sender(&rule.when, seen)?;
    if may_use(&rule.model) { Ok(()) } else { Err(Unmet::OutOfReach(&rule.model)) }
}

fn check_class<'a>(rule: &Rule, seen: &Seen<'a>) -> Result<(), Unmet<'a>> {
    match rule.class {
        Some(Class::LongContext) if says_long(seen) => Ok(()),
        Some(Class::LongContext) => at_least(Some(long(rule, seen.last_prompt)), seen.features.tokens),
        Some(Class::Background) if seen.headers.contains_key(AGENT_HEADER) => Err(Unmet::SubAgent),
        Some(Class::Background) => {
            let is_small = seen.model.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"haiku"));
            if is_small { Ok(()) } else { Err(Unmet::NoHaiku) }
        }
        Some(Class::WebSearch) => has(Some(true), seen.features.web_search, "web search"),
        Some(Class::Thinking) => thinks(Some(true), &rule.when, seen.features.thinking),
        Some(Class::Image) => has(Some(true), seen.features.new_image, "new image"),
        Some(Class::Default) | None => Ok(()),
    }
}

fn check_body<'a>(rule: &Rule, features: &Features) -> Result<(), Unmet<'a>> {
    let when = &rule.when;
    if rule.class != Some(Class::LongContext) {
        at_least(when.min_tokens, features.tokens)?;
    }
    if let Some(most) = when.max_tokens.filter(|most| features.tokens > *most) {
        return Err(Unmet::ManyTokens { found: features.tokens, most });
    }
    thinks(when.thinking, when, features.thinking)?;
    has(when.tools, features.tools, "tools")?;
    has(when.web_search, features.web_search, "web search")?;
    has(when.images, features.new_image, "new image")?;
    has(when.stream, features.stream, "stream")
}

fn check_sender<'a>(when: &'a Condition, seen: &Seen<'a>) -> Result<(), Unmet<'a>> {
    if !when.dialects.is_empty() && !when.dialects.contains(&seen.features.dialect) {
        return Err(Unmet::Dialect(seen.features.dialect));
    }
    let names = [seen.model, marker::without(seen.model)];
    let is_named = || when.models.iter().any(|pattern| names.iter().any(|name| pattern.matches(name)));
    if !when.models.is_empty() && !is_named() {
        return Err(Unmet::Model(seen.model));
    }
    when.headers.iter().try_for_each(|wanted| check_header(wanted, seen.headers))?;
    if !when.virtual_key_tags.is_empty() && !when.virtual_key_tags.iter().any(|tag| seen.tags.contains(tag)) {
        return Err(Unmet::Tags);
    }
    let seconds = seen.now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if !when.times.is_empty() && !when.times.iter().any(|time| time.holds(seconds)) {
        return Err(Unmet::Time);
    }
    Ok(())
}

/// Of a header that is there more than once, one value must match.
fn check_header<'a>(wanted: &'a HeaderMatch, headers: &HeaderMap) -> Result<(), Unmet<'a>> {
    let mut values = headers.get_all(&wanted.name).iter().peekable();
    match &wanted.wanted {
        Wanted::Absent if values.peek().is_some() => Err(Unmet::Header(&wanted.name)),
        Wanted::Absent => Ok(()),
        _ if values.peek().is_none() => Err(Unmet::NoHeader(&wanted.name)),
        Wanted::Matching(pattern) if !values.any(|value| value.to_str().is_ok_and(|text| pattern.matches(text))) => {
            Err(Unmet::OtherHeader(&wanted.name))
        }
        Wanted::Present | Wanted::Matching(_) => Ok(()),
    }
}

fn says_long(seen: &Seen<'_>) -> bool {
    let mut betas = seen.headers.get_all("anthropic-beta").iter();
    marker::is_in(seen.model)
        || betas
            .any(|value| value.to_str().is_ok_and(|text| text.split(',').any(|b| b.trim().starts_with("context-1m"))))
}

/// From how many tokens on a prompt is long, after such a one in its session.
fn long(rule: &Rule, last_prompt: u64) -> u64 {
    let least = rule.when.min_tokens.unwrap_or(LONG_CONTEXT);
    if last_prompt >= least { least.min(STILL_LONG) } else { least }
}

fn at_least<'a>(least: Option<u64>, found: u64) -> Result<(), Unmet<'a>> {
    match least {
        Some(least) if found < least => Err(Unmet::FewTokens { found, least }),
        _ => Ok(()),
    }
}

fn has<'a>(wanted: Option<bool>, found: bool, what: &'static str) -> Result<(), Unmet<'a>> {
    match wanted {
        Some(true) if !found => Err(Unmet::HasNo(what)),
        Some(false) if found => Err(Unmet::Has(what)),
        _ => Ok(()),
    }
}

fn thinks<'a>(wanted: Option<bool>, when: &Condition, found: Thinking) -> Result<(), Unmet<'a>> {
    let unmet = match found {
        Thinking::No => Some(Unmet::NoThinking),
        Thinking::Level(effort) | Thinking::Adaptive(effort) if effort < when.thinking_effort => {
            Some(Unmet::LittleThinking(when.thinking_effort))
        }
        Thinking::Yes | Thinking::Level(_) | Thinking::Adaptive(_) => None,
    };
    match (wanted, unmet) {
        (Some(true), Some(unmet)) => Err(unmet),
        (Some(false), None) => Err(Unmet::Has("thinking")),
        _ => Ok(()),
    }
}

fn needs_features(rule: &Rule) -> bool {
    let Condition { min_tokens, max_tokens, thinking, tools, web_search, images, stream, .. } = &rule.when;
    let of_class = matches!(rule.class, Some(Class::LongContext | Class::WebSearch | Class::Thinking | Class::Image));
    let wanted = [thinking, tools, web_search, images, stream];
    of_class || min_tokens.is_some() || max_tokens.is_some() || wanted.iter().any(|wanted| wanted.is_some())
}
