//! Whether one rule's condition holds wherever another's does: then the later of the two has nothing left to fire for.
//!
//! Field by field: one that says nothing holds anyway; a list holds wherever a part of it does. What cannot be seen this way
//! counts as not implied, so that no rule is called hidden that is not.

use pointsman_proto::domain::{Class, Condition, Effort, HeaderMatch, LONG_CONTEXT, Pattern, Rule, TimeOfDay, Wanted};

/// The first Monday after 1970 began: a week from there on has every time of day of every day.
const MONDAY: u64 = 4 * 24 * 3600;
const WEEK: u64 = 7 * 24 * 60;

/// A rule's whole condition: its class told in the fields of `when`.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    /// What says nothing is left out; so are its times, which stand below.
    when: Condition,
    /// For each minute of a week whether it holds then; none: at any time.
    week: Option<Vec<bool>>,
    background: bool,
    /// Of the class `long_context`: it holds from so many tokens on, and for clients that say they use the long window.
    long: Option<u64>,
}

impl Whole {
    pub(super) fn of(rule: &Rule) -> Self {
        let mut when = rule.when.clone();
        match rule.class {
            Some(Class::WebSearch) => when.web_search = when.web_search.or(Some(true)),
            Some(Class::Thinking) => when.thinking = when.thinking.or(Some(true)),
            Some(Class::Image) => when.images = when.images.or(Some(true)),
            Some(Class::LongContext | Class::Background | Class::Default) | None => {}
        }
        let is_long = rule.class == Some(Class::LongContext);
        let long = is_long.then(|| when.min_tokens.take().unwrap_or(LONG_CONTEXT));
        if when.models.iter().any(Pattern::is_any) {
            when.models.clear();
        }
        let week = week(&std::mem::take(&mut when.times));
        Self { when, week, background: rule.class == Some(Class::Background), long }
    }

    /// Whether it holds for every request.
    pub(super) fn is_always(&self) -> bool {
        !self.background
            && self.long.is_none()
            && self.week.is_none()
            && self.when == Condition { thinking_effort: self.when.thinking_effort, ..Default::default() }
    }

    /// Whether it holds wherever `other` does.
    pub(super) fn is_implied_by(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.when, &other.when);
        let at_least = |mine: u64, theirs: Option<u64>| theirs.is_some_and(|theirs| theirs >= mine);
        (!self.background || other.background)
            && self.long.is_none_or(|mine| at_least(mine, other.long) || at_least(mine, theirs.min_tokens))
            && within(&mine.dialects, &theirs.dialects, |mine, theirs| mine == theirs)
            && within(&mine.models, &theirs.models, covers)
            && within(&mine.virtual_key_tags, &theirs.virtual_key_tags, |mine, theirs| mine == theirs)
            && self.week.as_ref().is_none_or(|mine| other.week.as_ref().is_some_and(|theirs| holds_all(mine, theirs)))
            && mine.min_tokens.is_none_or(|mine| at_least(mine, theirs.min_tokens))
            && mine.max_tokens.is_none_or(|mine| theirs.max_tokens.is_some_and(|theirs| theirs <= mine))
            && thinks(mine, theirs)
            && same(mine.tools, theirs.tools)
            && same(mine.web_search, theirs.web_search)
            && same(mine.images, theirs.images)
            && same(mine.stream, theirs.stream)
            && mine.headers.iter().all(|mine| theirs.headers.iter().any(|theirs| holds_with(mine, theirs)))
    }
}

/// When one of these times holds, minute by minute; none if there is no time when none does.
fn week(times: &[TimeOfDay]) -> Option<Vec<bool>> {
    let minutes = 0..if times.is_empty() { 0 } else { WEEK };
    let week: Vec<bool> = minutes.map(|minute| times.iter().any(|time| time.holds(MONDAY + minute * 60))).collect();
    week.contains(&false).then_some(week)
}

fn holds_all(mine: &[bool], theirs: &[bool]) -> bool {
    mine.iter().zip(theirs).all(|(mine, theirs)| *mine || !theirs)
}

/// Of lists of which one must hold: whether each of `theirs` is covered by one of `mine`.
fn within<T>(mine: &[T], theirs: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    let each = || theirs.iter().all(|theirs| mine.iter().any(|mine| covers(mine, theirs)));
    mine.is_empty() || (!theirs.is_empty() && each())
}

/// Whether everything that `narrow` stands for, `wide` does. A star of `narrow` that meets a star is covered by it; one that
/// meets a `?` is not.
fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
    wide.matches(narrow.as_str()) && !(wide.as_str().contains('?') && narrow.as_str().contains('*'))
}

fn same(mine: Option<bool>, theirs: Option<bool>) -> bool {
    mine.is_none() || mine == theirs
}

/// Thinking from `high` on is thinking from `medium` on; without the one goes with without the other the other way round.
fn thinks(mine: &Condition, theirs: &Condition) -> bool {
    let effort = |condition: &Condition| -> Effort { condition.thinking_effort };
    match (mine.thinking, theirs.thinking) {
        (None, _) => true,
        (Some(true), Some(true)) => effort(theirs) >= effort(mine),
        (Some(false), Some(false)) => effort(theirs) <= effort(mine),
        _ => false,
    }
}

fn holds_with(mine: &HeaderMatch, theirs: &HeaderMatch) -> bool {
    let wanted = match (&mine.wanted, &theirs.wanted) {
        (Wanted::Absent, Wanted::Absent) | (Wanted::Present, Wanted::Present | Wanted::Matching(_)) => true,
        (Wanted::Matching(wide), Wanted::Matching(narrow)) => covers(wide, narrow),
        _ => false,
    };
    mine.name == theirs.name && wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1;

    fn whole(class: &str, when: v1::Condition) -> Whole {
        let wire = v1::Rule {
            name: "r".into(),
            class: class.into(),
            model: "m".into(),
            when: Some(when),
            ..Default::default()
        };
        Whole::of(&Rule::check(&wire, "").expect("it is valid"))
    }

    #[test]
    fn a_condition_is_implied_by_those_that_say_more() {
        let says = |json: &str| -> v1::Condition { serde_json::from_str(json).expect("a condition") };
        for (first, then, expected) in [
            (("default", "{}"), ("thinking", "{}"), true),
            (("thinking", "{}"), ("default", "{}"), false),
            (("thinking", "{}"), ("thinking", r#"{"stream": true}"#), true),
            (("", r#"{"thinking": true}"#), ("thinking", "{}"), true),
            (("", r#"{"thinking": true, "thinking_effort": "low"}"#), ("thinking", "{}"), true),
            (("thinking", "{}"), ("", r#"{"thinking": true, "thinking_effort": "low"}"#), false),
            (("", r#"{"thinking": false}"#), ("", r#"{"thinking": false, "thinking_effort": "low"}"#), true),
            // Chat completions search without a tool.
            (("", r#"{"tools": true}"#), ("web_search", "{}"), false),
            (("", r#"{"models": ["x", "*"]}"#), ("thinking", "{}"), true),
            (("", r#"{"times": [{"from": "22:00", "to": "22:00"}]}"#), ("thinking", "{}"), true),
            (
                ("", r#"{"times": [{"from": "00:00", "to": "12:00"}, {"from": "11:00", "to": "24:00"}]}"#),
                ("image", "{}"),
                true,
            ),
            (("", r#"{"times": [{"from": "22:00", "to": "22:00", "days": ["mon"]}]}"#), ("image", "{}"), false),
            (
                ("", r#"{"times": [{"from": "20:00", "to": "08:00", "days": ["mon"]}]}"#),
                ("", r#"{"times": [{"from": "01:00", "to": "03:00", "utc_offset": "+02:00", "days": ["tue"]}]}"#),
                true,
            ),
            (
                ("", r#"{"times": [{"from": "20:00", "to": "08:00"}]}"#),
                ("", r#"{"times": [{"from": "07:00", "to": "09:00"}]}"#),
                false,
            ),
            (("web_search", "{}"), ("", r#"{"tools": true}"#), false),
            // A client may say that it uses the long window, however short its prompt.
            (("", r#"{"min_tokens": 50000}"#), ("long_context", "{}"), false),
            (("long_context", "{}"), ("", r#"{"min_tokens": 50000}"#), false),
            (("long_context", "{}"), ("", r#"{"min_tokens": 70000}"#), true),
            (("long_context", "{}"), ("long_context", r#"{"min_tokens": 70000}"#), true),
            (("long_context", r#"{"min_tokens": 70000}"#), ("long_context", "{}"), false),
            (("", r#"{"max_tokens": 50}"#), ("", r#"{"max_tokens": 40}"#), true),
            (("background", "{}"), ("background", r#"{"tools": false}"#), true),
            (("background", "{}"), ("image", "{}"), false),
            (("", r#"{"dialects": ["chat", "messages"]}"#), ("", r#"{"dialects": ["chat"]}"#), true),
            (("", r#"{"dialects": ["chat"]}"#), ("", r#"{"dialects": ["chat", "messages"]}"#), false),
            (("", r#"{"models": ["claude-*"]}"#), ("", r#"{"models": ["claude-haiku-*", "Claude-opus"]}"#), true),
            (("", r#"{"models": ["claude-*"]}"#), ("", r#"{"models": ["claude-haiku-*", "gpt-4"]}"#), false),
            (("", r#"{"models": ["a?"]}"#), ("", r#"{"models": ["a*"]}"#), false),
            (("", r#"{"models": ["a?"]}"#), ("", r#"{"models": ["ab"]}"#), true),
            (("", r#"{"headers": [{"name": "x-a"}]}"#), ("", r#"{"headers": [{"name": "X-A", "value": "1"}]}"#), true),
            (("", r#"{"headers": [{"name": "x-a", "value": "1"}]}"#), ("", r#"{"headers": [{"name": "x-a"}]}"#), false),
            (
                ("", r#"{"headers": [{"name": "x-a"}]}"#),
                ("", r#"{"headers": [{"name": "x-a", "absent": true}]}"#),
                false,
            ),
            (("", r#"{"virtual_key_tags": ["a", "b"]}"#), ("", r#"{"virtual_key_tags": ["b"], "images": true}"#), true),
        ] {
            let found = whole(first.0, says(first.1)).is_implied_by(&whole(then.0, says(then.1)));
            assert_eq!(found, expected, "{first:?} {then:?}");
        }
    }
}
