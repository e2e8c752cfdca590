//! Signatures: what a provider wants to have back with its thinking, and how it is known whose it is.

/// Who can check a signature or read encrypted thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// Anthropic's models, wherever they run.
    Anthropic,
    Gemini,
    OpenAi,
}

/// What a provider wants to have back, unchanged, with its own thinking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub issuer: Issuer,
    pub value: String,
}

const TAG: &str = "pm1.";

impl Signature {
    /// The signature inside a client's dialect that belongs to `native`: as it is when `native` issued it, tagged
    /// otherwise, so that it is told apart when it comes back.
    pub fn tagged(signature: Option<&Self>, native: Issuer) -> String {
        match signature {
            Some(signature) if signature.issuer == native => signature.value.clone(),
            Some(signature) => signature.with_tag(),
            None => format!("{TAG}none."),
        }
    }

    /// The same for a dialect that has no signatures of its own.
    pub fn with_tag(&self) -> String {
        format!("{TAG}{}.{}", self.issuer.tag(), self.value)
    }

    /// Reads what [`Signature::tagged`] wrote; none is thinking that nobody signed.
    pub fn untagged(text: &str, native: Issuer) -> Option<Self> {
        let Some((tag, value)) = text.strip_prefix(TAG).and_then(|rest| rest.split_once('.')) else {
            return (!text.is_empty()).then(|| Self { issuer: native, value: text.to_owned() });
        };
        let issuer = [Issuer::Anthropic, Issuer::Gemini, Issuer::OpenAi].into_iter().find(|i| i.tag() == tag)?;
        Some(Self { issuer, value: value.to_owned() })
    }

    /// Whether a body may hold a tagged signature, which its own dialect's provider would not accept.
    pub fn may_be_tagged(body: &[u8]) -> bool {
        memchr::memmem::find(body, b"\"pm1.").is_some()
    }
}

impl Issuer {
    fn tag(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
        }
    }
}
