//! What routing knows of a request: what it is, and what it would like.
//!
//! A request whose model needs none of it is not looked at: its features are the default, which every backend fits.

use pointsman_proto::domain::{Capabilities, ClientDialect, Effort, Preferences};

/// What a request is, and what it would like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    pub dialect: ClientDialect,
    /// Estimated tokens of the prompt; 0: it was not looked at.
    pub tokens: u64,
    /// The most tokens that it lets the answer have.
    pub max_output: Option<u64>,
    pub thinking: Thinking,
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
    pub preferences: Preferences,
}

/// Whether a request asks for thinking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    #[default]
    No,
    /// In so many words, or with a budget.
    Yes,
    /// As much as the model finds good, up to this effort.
    Adaptive(Effort),
}

impl Default for Features {
    fn default() -> Self {
        Self {
            dialect: ClientDialect::Other,
            tokens: 0,
            max_output: None,
            thinking: Thinking::No,
            tools: false,
            web_search: false,
            new_image: false,
            images: false,
            json_schema: false,
            stream: false,
            affinity: None,
            preferences: Preferences::default(),
        }
    }
}

impl Features {
    /// The first thing that the request needs and a backend of these capabilities lacks.
    pub fn lacking(&self, capabilities: &Capabilities) -> Option<&'static str> {
        self.all_lacking(capabilities).next()
    }

    /// Everything that the request needs and a backend of these capabilities lacks.
    pub fn all_lacking(&self, capabilities: &Capabilities) -> impl Iterator<Item = &'static str> + use<> {
        let window = capabilities.context_window.map(u64::from);
        let lacks = [
            ("tools", self.tools && !capabilities.tools),
            ("vision", self.images && !capabilities.vision),
            ("thinking", self.thinking == Thinking::Yes && !capabilities.thinking),
            ("json_schema", self.json_schema && !capabilities.json_schema),
            ("context_window", window.is_some_and(|window| self.tokens > window)),
        ];
        lacks.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name)
    }
}
