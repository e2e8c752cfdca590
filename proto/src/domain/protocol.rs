//! The dialects that upstreams speak.

use crate::violation::Checker;

/// The dialect an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// OpenAI's own, and of the many that imitate it: chat completions, Responses, embeddings.
    OpenAi,
    /// OpenAI's, at Azure's addresses and with Azure's header.
    AzureOpenAi,
    /// Messages.
    Anthropic,
    /// generateContent of the Gemini Developer API.
    Gemini,
    /// Converse of AWS Bedrock's runtime.
    Bedrock,
    /// generateAssistantResponse of AWS CodeWhisperer, also known as Amazon Q and Kiro.
    CodeWhisperer,
}

impl Protocol {
    /// Every one, in the order in which they are listed to people.
    pub const ALL: [Self; 6] =
        [Self::OpenAi, Self::AzureOpenAi, Self::Anthropic, Self::Gemini, Self::Bedrock, Self::CodeWhisperer];

    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::AzureOpenAi => "azure_openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::CodeWhisperer => "codewhisperer",
        }
    }

    /// The protocol that the wire's word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == word)
    }

    /// Whether its addresses and credentials belong to a region of AWS.
    pub fn is_aws(self) -> bool {
        matches!(self, Self::Bedrock | Self::CodeWhisperer)
    }

    /// Whether [`OpenAiApi`] says something of it.
    pub(super) fn has_apis(self) -> bool {
        matches!(self, Self::OpenAi | Self::AzureOpenAi)
    }

    pub(super) fn check(at: &mut Checker, word: &str) -> Self {
        Self::parse(word).unwrap_or_else(|| {
            let allowed: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            at.refuse("protocol", format!("allowed: {}; found {word:?}", allowed.join(", ")));
            Self::OpenAi
        })
    }
}

/// Which of OpenAI's endpoints for conversations an upstream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OpenAiApi {
    /// Chat completions and Responses.
    #[default]
    Both,
    /// Chat completions alone.
    Chat,
    /// Responses alone.
    Responses,
}

impl OpenAiApi {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Chat => "chat",
            Self::Responses => "responses",
        }
    }

    /// Whether `/chat/completions` is there.
    pub fn has_chat(self) -> bool {
        self != Self::Responses
    }

    /// Whether `/responses` is there.
    pub fn has_responses(self) -> bool {
        self != Self::Chat
    }

    pub(super) fn check(at: &mut Checker, protocol: Protocol, word: &str) -> Self {
        if !word.is_empty() && !protocol.has_apis() {
            at.refuse("api", format!("is for the protocols openai and azure_openai, not for {}", protocol.as_str()));
        }
        match word {
            "" | "both" => Self::Both,
            "chat" => Self::Chat,
            "responses" => Self::Responses,
            _ => {
                at.refuse("api", format!("allowed: both, chat, responses; found {word:?}"));
                Self::Both
            }
        }
    }
}
