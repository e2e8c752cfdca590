//! Rules: which model serves a request, by what the request is.

use super::{ModelName, Name, Preferences, preferences::check_tags, strategy::one_of};
use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
};

/// Maps requests to a model by what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: Name,
    /// The lowest number is asked first; of two that are the same, the first by name.
    pub position: u32,
    pub enabled: bool,
    pub class: Option<Class>,
    pub when: Condition,
    pub model: ModelName,
    /// Instead of the model's own; empty: the model's own.
    pub fallbacks: Vec<ModelName>,
    pub preferences: Preferences,
}

/// A ready-made condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    LongContext,
    Background,
    WebSearch,
    Thinking,
    Image,
    /// Everything that comes as far.
    Default,
}

impl Class {
    pub const NAMED: [(&'static str, Self); 6] = [
        ("long_context", Self::LongContext),
        ("background", Self::Background),
        ("web_search", Self::WebSearch),
        ("thinking", Self::Thinking),
        ("image", Self::Image),
        ("default", Self::Default),
    ];
}

/// Estimated tokens from which a prompt is long where a rule of the class `long_context` does not say: above 60,000, as
/// users of claude-code-router expect.
pub const LONG_CONTEXT: u64 = 60_001;
/// Estimated tokens from which a prompt is still long, after one in its session that was; above 20,000, as there.
pub const STILL_LONG: u64 = 20_001;

/// What must hold of a request: all that is said; of a list, one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    pub dialects: Vec<ClientDialect>,
    pub models: Vec<Pattern>,
    /// Estimated tokens of the prompt.
    pub min_tokens: Option<u64>,
    pub max_tokens: Option<u64>,
    pub thinking: Option<bool>,
    /// From which effort on adaptive thinking is thinking.
    pub thinking_effort: Effort,
    pub tools: Option<bool>,
    pub web_search: Option<bool>,
    pub images: Option<bool>,
    pub stream: Option<bool>,
    /// All of them must match.
    pub headers: Vec<HeaderMatch>,
    pub virtual_key_tags: Vec<String>,
    pub times: Vec<TimeOfDay>,
}

/// What a client speaks, as far as rules tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientDialect {
    Chat,
    Completions,
    Embeddings,
    Responses,
    Messages,
    Gemini,
    Other,
}

impl ClientDialect {
    pub const NAMED: [(&'static str, Self); 7] = [
        ("chat", Self::Chat),
        ("completions", Self::Completions),
        ("embeddings", Self::Embeddings),
        ("responses", Self::Responses),
        ("messages", Self::Messages),
        ("gemini", Self::Gemini),
        ("other", Self::Other),
    ];

    pub fn as_str(self) -> &'static str {
        Self::NAMED.iter().find(|(_, dialect)| *dialect == self).map_or("other", |(name, _)| name)
    }
}

/// How hard a model is asked to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    #[default]
    High,
    XHigh,
    Max,
}

impl Effort {
    pub const NAMED: [(&'static str, Self); 5] = [
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("xhigh", Self::XHigh),
        ("max", Self::Max),
    ];
}

/// `*` stands for any characters, `?` for one; letters of either case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for every text.
    pub fn is_any(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|b| b == b'*')
    }

    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // Where the last star stands, and how much of the text it stands for so far.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == b'?' || *c == text[t].to_ascii_lowercase() => (p, t) = (p + 1, t + 1),
                _ => {
                    let Some((at, from)) = star else { return false };
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
            }
        }
        pattern[p..].iter().all(|c| *c == b'*')
    }
}

/// One header that must be there, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMatch {
    /// In lower case.
    pub name: String,
    pub wanted: Wanted,
}

/// What is wanted of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Present,
    Matching(Pattern),
    Absent,
}

/// A part of the day, of some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Minutes after midnight.
    pub from: u16,
    /// Minutes after midnight, not included; not above `from`: of the next day.
    pub to: u16,
    /// On which days of the week it begins, Monday first.
    pub days: [bool; 7],
    /// Minutes that its clock is ahead of UTC.
    pub utc_offset: i16,
}

impl TimeOfDay {
    /// Whether it holds so many seconds after 1970 began, which was a Thursday.
    pub fn holds(&self, unix_seconds: u64) -> bool {
        const DAY: i64 = 24 * 60;
        let minutes = (unix_seconds / 60) as i64 + i64::from(self.utc_offset);
        let (day, minute) = ((minutes.div_euclid(DAY) + 3).rem_euclid(7) as usize, minutes.rem_euclid(DAY) as u16);
        let before = (day + 6) % 7;
        if self.from < self.to {
            return self.days[day] && (self.from..self.to).contains(&minute);
        }
        (self.days[day] && minute >= self.from) || (self.days[before] && minute < self.to)
    }
}

impl Rule {
    /// Checks a rule.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Rule, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let classes = Class::NAMED.map(|(name, class)| (name, Some(class)));
        let fallbacks = wire.fallbacks.iter().enumerate();
        let rule = Self {
            name: Name::check(&mut at, "name", &wire.name),
            position: wire.position,
            enabled: wire.enabled.unwrap_or(true),
            class: one_of(&mut at, "class", &wire.class, None, &classes),
            when: wire.when.as_ref().map(|when| Condition::check(&mut at, when)).unwrap_or_default(),
            model: ModelName::check(&mut at, "model", &wire.model),
            fallbacks: fallbacks.map(|(i, m)| ModelName::check(&mut at, &format!("fallbacks[{i}]"), m)).collect(),
            preferences: Preferences::check_at(
                &mut at,
                "preferences.",
                wire.preferences.as_ref().unwrap_or(&wire::Preferences::default()),
            ),
        };
        if let Some(i) = rule.fallbacks.iter().position(|fallback| *fallback == rule.model) {
            at.refuse(&format!("fallbacks[{i}]"), format!("go round in a circle: {0} → {0}", rule.model));
        }
        if rule.class.is_none() && rule.when == Condition::default() && wire.class.is_empty() {
            at.refuse("when", "must say something, or class be given; the class default fires for every request");
        }
        at.finish(rule)
    }
}

impl Condition {
    fn check(at: &mut Checker, wire: &wire::Condition) -> Self {
        let dialects = wire.dialects.iter().enumerate();
        let patterns = wire.models.iter().enumerate();
        let (headers, times) = (wire.headers.iter().enumerate(), wire.times.iter().enumerate());
        let condition = Self {
            dialects: dialects
                .map(|(i, text)| {
                    let field = format!("when.dialects[{i}]");
                    if text.is_empty() {
                        at.refuse(&field, "is empty");
                    }
                    one_of(at, &field, text, ClientDialect::Other, &ClientDialect::NAMED)
                })
                .collect(),
            models: patterns.map(|(i, text)| check_pattern(at, &format!("when.models[{i}]"), text)).collect(),
            min_tokens: (wire.min_tokens > 0).then_some(wire.min_tokens.into()),
            max_tokens: (wire.max_tokens > 0).then_some(wire.max_tokens.into()),
            thinking: wire.thinking,
            thinking_effort: one_of(
                at,
                "when.thinking_effort",
                &wire.thinking_effort,
                Effort::default(),
                &Effort::NAMED,
            ),
            tools: wire.tools,
            web_search: wire.web_search,
            images: wire.images,
            stream: wire.stream,
            headers: headers.map(|(i, header)| HeaderMatch::check(at, &format!("when.headers[{i}]"), header)).collect(),
            virtual_key_tags: wire.virtual_key_tags.clone(),
            times: times.map(|(i, time)| TimeOfDay::check(at, &format!("when.times[{i}]"), time)).collect(),
        };
        check_tags(at, "when.virtual_key_tags", &wire.virtual_key_tags);
        if let (Some(min), Some(max)) = (condition.min_tokens, condition.max_tokens)
            && min > max
        {
            at.refuse("when.max_tokens", format!("must not be below min_tokens, {min}"));
        }
        condition
    }
}

fn check_pattern(at: &mut Checker, field: &str, text: &str) -> Pattern {
    if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
        at.refuse(field, "must be 1 to 255 printable characters");
    }
    Pattern::new(text)
}

impl HeaderMatch {
    fn check(at: &mut Checker, path: &str, wire: &wire::HeaderMatch) -> Self {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let name = wire.name.to_ascii_lowercase();
        if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
            at.refuse(&format!("{path}.name"), "must be the name of a header");
        }
        // Credentials are no features of a request.
        if ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"].contains(&name.as_str()) {
            at.refuse(&format!("{path}.name"), "holds a credential; use virtual_key_tags instead");
        }
        if wire.absent && !wire.value.is_empty() {
            at.refuse(&format!("{path}.absent"), "and a value cannot both be given");
        }
        let wanted = match (wire.absent, wire.value.as_str()) {
            (true, _) => Wanted::Absent,
            (false, "") => Wanted::Present,
            (false, value) => Wanted::Matching(check_pattern(at, &format!("{path}.value"), value)),
        };
        Self { name, wanted }
    }
}

impl TimeOfDay {
    fn check(at: &mut Checker, path: &str, wire: &wire::TimeOfDay) -> Self {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut days = [wire.days.is_empty(); 7];
        for (i, day) in wire.days.iter().enumerate() {
            match DAYS.iter().position(|known| known == day) {
                Some(known) => days[known] = true,
                None => at.refuse(&format!("{path}.days[{i}]"), format!("allowed: {}; found {day:?}", DAYS.join(", "))),
            }
        }
        let mut minutes = |field: &str, text: &str| {
            clock(text).unwrap_or_else(|| {
                at.refuse(&format!("{path}.{field}"), format!("must be a time of day as 08:30, found {text:?}"));
                0
            })
        };
        let (from, to) = (minutes("from", &wire.from), minutes("to", &wire.to));
        let utc_offset = offset(&wire.utc_offset).unwrap_or_else(|| {
            at.refuse(&format!("{path}.utc_offset"), format!("must be as +02:00, found {:?}", wire.utc_offset));
            0
        });
        Self { from, to, days, utc_offset }
    }
}

/// Minutes after midnight.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
    let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = match text.as_bytes().first() {
        None => return Some(0),
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        Some(_) => return None,
    };
    clock(rest).filter(|minutes| *minutes <= 14 * 60).map(|minutes| sign * minutes as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell_in_either_case() {
        for (pattern, text, expected) in [
            ("claude-*", "claude-haiku-4-5", true),
            ("*HAIKU*", "claude-3-5-haiku", true),
            ("gpt-?", "gpt-4", true),
            ("gpt-?", "gpt-4o", false),
            ("*a*b*c", "xaxbxbc", true),
            ("*a*b*c", "xaxbxbcd", false),
            ("*", "", true),
            ("a", "", false),
            ("a*", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_time_of_day_may_reach_over_midnight() {
        // 1970-01-01 was a Thursday.
        let at = |day: u64, hour: u64| (day * 24 + hour) * 3600;
        let night = TimeOfDay {
            from: 22 * 60,
            to: 6 * 60,
            days: [false, false, false, true, false, false, false],
            utc_offset: 0,
        };
        assert!(night.holds(at(0, 23)) && night.holds(at(1, 5)));
        assert!(!night.holds(at(0, 5)), "that night began on Wednesday");
        assert!(!night.holds(at(1, 23)) && !night.holds(at(0, 12)));
        let ahead = TimeOfDay { utc_offset: 120, ..night };
        assert!(ahead.holds(at(0, 20)) && !ahead.holds(at(0, 19)));
    }

    #[test]
    fn everything_wrong_with_a_rule_is_named() {
        let wire = wire::Rule {
            name: "r".into(),
            class: "hard".into(),
            model: "m".into(),
            fallbacks: vec!["m".into()],
            when: Some(wire::Condition {
                dialects: vec!["smtp".into()],
                models: vec![String::new()],
                min_tokens: 10,
                max_tokens: 5,
                headers: vec![wire::HeaderMatch { name: "Authorization".into(), ..Default::default() }],
                times: vec![wire::TimeOfDay {
                    from: "25:00".into(),
                    to: "08:00".into(),
                    days: vec!["monday".into()],
                    utc_offset: "CET".into(),
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let found = Rule::check(&wire, "").expect_err("it is not valid");
        let fields: Vec<&str> = found.iter().map(|v| v.field.as_str()).collect();
        let expected = [
            "class",
            "fallbacks[0]",
            "when.dialects[0]",
            "when.headers[0].name",
            "when.max_tokens",
            "when.models[0]",
            "when.times[0].days[0]",
            "when.times[0].from",
            "when.times[0].utc_offset",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_rule_must_say_when() {
        let rule =
            |class: &str| wire::Rule { name: "r".into(), class: class.into(), model: "m".into(), ..Default::default() };
        assert!(Rule::check(&rule("default"), "").is_ok());
        assert!(Rule::check(&rule(""), "").is_err());
    }
}
