//! Whose a message or block is, and what kind.

use crate::classify::json::Text;

/// What was read of one message or block.
#[derive(Default)]
pub struct Part {
    pub said: Option<Speaker>,
    pub kind: Kind,
    /// It is an image, or there is one in it.
    pub image: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    System,
    User,
    Model,
}

/// What a `type` says.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Unsaid,
    Message,
    Image,
    /// What came of a call that the client ran.
    Output,
    Other,
}

impl Kind {
    pub fn of(text: Text<'_>) -> Self {
        match &*text.plain() {
            b"message" => Self::Message,
            b"image" | b"image_url" | b"input_image" | b"computer_screenshot" => Self::Image,
            text if text.ends_with(b"_output") => Self::Output,
            _ => Self::Other,
        }
    }
}

impl Speaker {
    pub fn of(role: Text<'_>) -> Self {
        match &*role.plain() {
            b"assistant" | b"model" => Self::Model,
            b"system" | b"developer" => Self::System,
            _ => Self::User,
        }
    }
}

impl Part {
    /// Items of Responses that say no role are the model's, but for results.
    pub fn speaker(&self) -> Speaker {
        let told = if self.kind == Kind::Other { Speaker::Model } else { Speaker::User };
        self.said.unwrap_or(told)
    }
}
