//! What a model's id tells of the model. Converse says of no field which models take it, and refuses the whole request
//! for one that the model does not know; so what only some take is sent to those whose id shows that they do. The id of
//! an application's inference profile or of a provisioned model shows nothing, and its model gets only what all take.

/// A model, as far as its id tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// Anthropic's, with its version. One without a version is newer than all that have one.
    Claude {
        version: (u32, u32),
        /// It thinks, whatever it is told.
        always_thinks: bool,
    },
    Nova,
    Other,
}

/// How a model lets its thinking be governed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It does not think, or nothing is known of it.
    Unknown,
    /// By a number of tokens.
    Budget,
    /// By either.
    BudgetOrEffort,
    /// By an effort alone.
    Effort,
}

impl Model {
    pub(super) fn of(id: &str) -> Self {
        let id = id.to_ascii_lowercase();
        if id.contains("claude") || id.contains("anthropic") {
            let always_thinks = id.contains("fable") || id.contains("mythos");
            return Self::Claude { version: version(&id), always_thinks };
        }
        if id.contains("nova") { Self::Nova } else { Self::Other }
    }

    pub(super) fn is_claude(self) -> bool {
        matches!(self, Self::Claude { .. })
    }

    /// Whether it is Claude, of this version or a later one.
    fn is_claude_from(self, first: (u32, u32)) -> bool {
        matches!(self, Self::Claude { version, .. } if version >= first)
    }

    pub(super) fn thinking(self) -> Thinking {
        match self {
            Self::Claude { version: (4, 6), .. } => Thinking::BudgetOrEffort,
            Self::Claude { version, .. } if version > (4, 6) => Thinking::Effort,
            Self::Claude { version, .. } if version >= (3, 7) => Thinking::Budget,
            _ => Thinking::Unknown,
        }
    }

    /// Whether it thinks unless it is told not to.
    pub(super) fn thinks_unasked(self) -> bool {
        self.is_claude_from((5, 0))
    }

    pub(super) fn can_be_kept_from_thinking(self) -> bool {
        !matches!(self, Self::Claude { always_thinks: true, .. })
    }

    /// Whether it knows an effort above `high` and below `max`.
    pub(super) fn takes_extra_high(self) -> bool {
        self.is_claude_from((4, 7))
    }

    /// Whether it refuses temperature, `top_p` and `top_k`.
    pub(super) fn refuses_sampling(self) -> bool {
        self.is_claude_from((4, 7))
    }

    /// Whether it takes temperature or `top_p`, and not both.
    pub(super) fn takes_one_of_temperature_and_top_p(self) -> bool {
        self.is_claude_from((4, 1))
    }

    pub(super) fn takes_strict_tools(self) -> bool {
        self.is_claude_from((4, 5))
    }

    /// Whether it can be told to call one tool at a time.
    pub(super) fn takes_one_tool_at_a_time(self) -> bool {
        self.is_claude_from((4, 5))
    }

    /// Whether a tool's result may say that it is an error.
    pub(super) fn takes_result_status(self) -> bool {
        self != Self::Other
    }

    /// Whether cache points are taken in the system prompt and in turns.
    pub(super) fn caches(self) -> bool {
        self != Self::Other
    }

    /// Whether cache points are taken after tools too, and may last an hour.
    pub(super) fn caches_tools_and_for_an_hour(self) -> bool {
        self.is_claude()
    }
}

/// The version in an id, `anthropic.claude-opus-4-6-v1` or `claude-3-7-sonnet-20250219`. Longer numbers are dates.
fn version(id: &str) -> (u32, u32) {
    let id = id.rsplit_once("claude").map_or("", |(_, rest)| rest);
    let number = |word: &str| word.parse::<u32>().ok().filter(|_| word.len() <= 2);
    let mut words = id.split(|c: char| !c.is_ascii_alphanumeric()).skip_while(|word| number(word).is_none());
    match words.next().and_then(number) {
        Some(major) => (major, words.next().and_then(number).unwrap_or(0)),
        None => (u32::MAX, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_whose_model_it_is_and_which() {
        let claude = |version| Model::Claude { version, always_thinks: false };
        for (id, expected) in [
            ("anthropic.claude-3-sonnet-20240229-v1:0", claude((3, 0))),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", claude((3, 7))),
            ("anthropic.claude-sonnet-4-20250514-v1:0", claude((4, 0))),
            ("global.anthropic.claude-haiku-4-5-20251001-v1:0", claude((4, 5))),
            ("anthropic.claude-opus-4-6-v1", claude((4, 6))),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-7", claude((4, 7))),
            ("anthropic.claude-opus-5", claude((5, 0))),
            ("Anthropic.Claude-Next", claude((u32::MAX, 0))),
            ("anthropic.claude-mythos-5", Model::Claude { version: (5, 0), always_thinks: true }),
            ("us.amazon.nova-pro-v1:0", Model::Nova),
            ("meta.llama3-3-70b-instruct-v1:0", Model::Other),
            ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", Model::Other),
            ("", Model::Other),
        ] {
            assert_eq!(Model::of(id), expected, "{id}");
        }
    }

    #[test]
    fn each_version_is_governed_in_its_own_way() {
        for (id, expected) in [
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", Thinking::Unknown),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Thinking::Budget),
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Thinking::Budget),
            ("anthropic.claude-opus-4-6-v1", Thinking::BudgetOrEffort),
            ("anthropic.claude-opus-4-7", Thinking::Effort),
            ("anthropic.claude-opus-5", Thinking::Effort),
            ("amazon.nova-pro-v1:0", Thinking::Unknown),
        ] {
            assert_eq!(Model::of(id).thinking(), expected, "{id}");
        }
    }
}
