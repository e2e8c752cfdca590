//! What a model's generation takes, told by its name.
//!
//! Anthropic's API refuses with 400 what a model does not take, and each generation took something away: 4.6 brought
//! adaptive thinking, 4.7 ended budgets and sampling, 5.5 ended forced tools and the end of thinking. The table is that of
//! Anthropic's API reference of October 2026. A Claude not named in it is taken for a newer one. Other names are models of
//! compatible servers, which follow what the API was before 4.6.

/// What a request to a model may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub thinking: Modes,
    pub off: Off,
    /// Whether it thinks when a request does not mention thinking.
    pub thinks_unasked: bool,
    /// Whether `temperature`, `top_p` and `top_k` may be other than their defaults.
    pub samples: bool,
    /// Whether `temperature` and `top_p` may stand together.
    pub samples_twice: bool,
    /// Whether a tool can be forced upon it.
    pub forced_tools: bool,
    /// Whether it knows the effort `xhigh`.
    pub extra_high: bool,
}

/// How a model's thinking is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modes {
    Budget,
    Adaptive,
    Both,
    /// Nobody knows: as the client has it.
    Asked,
}

/// How a model's thinking is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Off {
    Disabled,
    BetweenTools,
    /// Not at all: a low effort is the least.
    Never,
}

impl Model {
    pub fn of(name: &str) -> Self {
        let Some(at) = name.find("claude-") else { return COMPATIBLE };
        let (family, version) = parse(&name[at + "claude-".len()..]);
        let always = matches!(family, "fable" | "mythos");
        let preview = family == "mythos" && version == (0, 0);
        let known = always || matches!(family, "opus" | "sonnet" | "haiku") && version != (0, 0);
        let version = if known { version } else { (u32::MAX, 0) };
        Self {
            thinking: match version {
                _ if preview => Modes::Both,
                _ if always => Modes::Adaptive,
                (..=3, _) | (4, ..=5) => Modes::Budget,
                (4, 6) => Modes::Both,
                _ => Modes::Adaptive,
            },
            off: match (family, version) {
                ("sonnet", (5, 5)) => Off::BetweenTools,
                ("haiku", (5, 5)) => Off::Disabled,
                _ if always || version >= (5, 5) => Off::Never,
                _ => Off::Disabled,
            },
            thinks_unasked: always || version >= (5, 0),
            samples: !always && version < (4, 7),
            samples_twice: !always && version < (4, 1),
            forced_tools: match family {
                "haiku" => version <= (5, 5),
                "fable" | "mythos" => version < (5, 1),
                _ => version < (5, 5),
            },
            extra_high: always || version >= (4, 7),
        }
    }
}

const COMPATIBLE: Model = Model {
    thinking: Modes::Asked,
    off: Off::Disabled,
    thinks_unasked: false,
    samples: true,
    samples_twice: true,
    forced_tools: true,
    extra_high: true,
};

/// Family and version of `opus-4-5-20251101`, `3-5-sonnet@20240620`, `opus-5.5`, `sonnet-4-5-20250929-v1:0`. A number of
/// more than two digits is a date, and ends the version.
fn parse(name: &str) -> (&str, (u32, u32)) {
    let mut family = "";
    let mut numbers = Vec::with_capacity(2);
    for word in name.split(['-', '.', '@', ':', '_']) {
        match word.parse::<u32>() {
            Ok(number) if word.len() <= 2 => numbers.push(number),
            Ok(_) => break,
            Err(_) if family.is_empty() => family = word,
            Err(_) => break,
        }
    }
    let mut numbers = numbers.into_iter();
    (family, (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_family_and_version() {
        for (name, expected) in [
            ("opus-5-5", ("opus", (5, 5))),
            ("sonnet-5", ("sonnet", (5, 0))),
            ("opus-4-20250514", ("opus", (4, 0))),
            ("sonnet-4-5-20250929", ("sonnet", (4, 5))),
            ("sonnet-4-5@20250929", ("sonnet", (4, 5))),
            ("haiku-4-5-20251001-v1:0", ("haiku", (4, 5))),
            ("3-5-sonnet-20241022", ("sonnet", (3, 5))),
            ("3-opus-latest", ("opus", (3, 0))),
            ("mythos-preview", ("mythos", (0, 0))),
            ("opus-4.6", ("opus", (4, 6))),
            ("instant", ("instant", (0, 0))),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn each_generation_takes_what_it_takes() {
        use {Modes::*, Off::*};
        for (name, thinking, off, unasked, samples, forced) in [
            ("deepseek-v4", Asked, Disabled, false, true, true),
            ("claude-3-7-sonnet-20250219", Budget, Disabled, false, true, true),
            ("claude-sonnet-4-5-20250929", Budget, Disabled, false, true, true),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", Budget, Disabled, false, true, true),
            ("claude-opus-4-6", Both, Disabled, false, true, true),
            ("claude-opus-4-8", Adaptive, Disabled, false, false, true),
            ("claude-opus-5", Adaptive, Disabled, true, false, true),
            ("anthropic/claude-opus-5.5", Adaptive, Never, true, false, false),
            ("claude-sonnet-5", Adaptive, Disabled, true, false, true),
            ("claude-sonnet-5-5", Adaptive, BetweenTools, true, false, false),
            ("claude-haiku-5-5", Adaptive, Disabled, true, false, true),
            ("claude-fable-5", Adaptive, Never, true, false, true),
            ("claude-fable-5-1", Adaptive, Never, true, false, false),
            ("claude-mythos-preview", Both, Never, true, false, true),
            ("claude-opus-6", Adaptive, Never, true, false, false),
            ("claude-saga-1", Adaptive, Never, true, false, false),
            ("claude-sonnet-latest", Adaptive, Never, true, false, false),
        ] {
            let model = Model::of(name);
            assert_eq!(
                (model.thinking, model.off, model.thinks_unasked, model.samples, model.forced_tools),
                (thinking, off, unasked, samples, forced),
                "{name}"
            );
        }
        assert!(!Model::of("claude-sonnet-4-6").extra_high && Model::of("claude-opus-4-7").extra_high);
        assert!(Model::of("claude-opus-4-20250514").samples_twice && !Model::of("claude-opus-4-1").samples_twice);
    }
}
