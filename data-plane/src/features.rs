//! What routing knows of a request: what it is, and what it would like.
//!
//! A request whose model needs none of it is not looked at: its features are the default, which every backend fits.

use pointsman_proto::domain::{Capabilities, ClientDialect, Effort, EndpointId, Preferences};

/// What a request is, and what it would like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    pub dialect: ClientDialect,
    /// Tokens of the prompt: estimated, or counted where it is only by the estimate that nobody could take it. 0: it was
    /// not looked at.
    pub tokens: u64,
    /// The most tokens that it lets the answer have.
    pub max_output: Option<u64>,
    pub thinking: Thinking,
    /// The effort that it states is no need: where nobody could serve it so, its client does without.
    pub thinking_is_optional: bool,
    /// It brings tools, whoever runs them.
    pub tools: bool,
    /// One of the tools searches the web at the provider.
    pub web_search: bool,
    /// The last message has an image: what rules go by.
    pub new_image: bool,
    /// Some message has an image: what a backend must be able to take.
    pub images: bool,
    /// It wants an answer that follows a JSON schema.
    pub json_schema: bool,
    pub stream: bool,
    /// A hash of what its conversation is kept together by.
    pub affinity: Option<u64>,
    /// The one backend that it names: no other may serve it.
    pub backend: Option<EndpointId>,
    pub preferences: Preferences,
}

/// Whether a request asks for thinking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    #[default]
    No,
    /// In so many words, or with a budget.
    Yes,
    /// With this effort, which it states.
    Level(Effort),
    /// As much as the model finds good, up to this effort, if it can think at all.
    Adaptive(Effort),
}

impl Default for Features {
    fn default() -> Self {
        Self {
            dialect: ClientDialect::Other,
            tokens: 0,
            max_output: None,
            thinking: Thinking::No,
            thinking_is_optional: false,
            tools: false,
            web_search: false,
            new_image: false,
            images: false,
            json_schema: false,
            stream: false,
            affinity: None,
            backend: None,
            preferences: Preferences::default(),
        }
    }
}

/// What a request may need of a backend.
const NEEDS: [&str; 5] = ["tools", "vision", "thinking", "json_schema", "context_window"];

impl Features {
    /// Whether it leaves itself to this backend: it names that, or none.
    pub fn allows(&self, endpoint: &EndpointId) -> bool {
        self.backend.as_ref().is_none_or(|named| named == endpoint)
    }

    /// The first thing that the request needs and a backend of these capabilities lacks.
    pub fn lacking(&self, capabilities: &Capabilities) -> Option<&'static str> {
        let place = self.lacks(capabilities).iter().position(|lacks| *lacks)?;
        Some(NEEDS[place])
    }

    /// Everything that the request needs and a backend of these capabilities lacks.
    pub fn all_lacking(&self, capabilities: &Capabilities) -> impl Iterator<Item = &'static str> + use<> {
        NEEDS.into_iter().zip(self.lacks(capabilities)).filter(|(_, lacks)| *lacks).map(|(name, _)| name)
    }

    /// What is left of it when its tokens are only to be counted, which every backend can be asked for.
    pub fn to_be_counted(&self) -> Self {
        let Self { dialect, affinity, backend, preferences, .. } = self.clone();
        Self { dialect, affinity, backend, preferences, ..Self::default() }
    }

    /// Whether only a backend that can think will do.
    fn needs_thinking(&self) -> bool {
        match self.thinking {
            Thinking::Yes => true,
            Thinking::Level(_) => !self.thinking_is_optional,
            Thinking::No | Thinking::Adaptive(_) => false,
        }
    }

    /// Tokens of prompt and answer together, as far as it says how long that may be.
    pub fn window(&self) -> u64 {
        self.tokens.saturating_add(self.max_output.unwrap_or_default())
    }

    /// Of each of [`NEEDS`], whether it is one that is not met.
    fn lacks(&self, capabilities: &Capabilities) -> [bool; NEEDS.len()] {
        [
            self.tools && !capabilities.tools,
            self.images && !capabilities.vision,
            self.needs_thinking() && !capabilities.thinking,
            self.json_schema && !capabilities.json_schema,
            capabilities.context_window.is_some_and(|window| self.window() > u64::from(window)),
        ]
    }
}
