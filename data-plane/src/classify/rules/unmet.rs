//! Why a rule does not fire, in words for an operator.

use super::AGENT_HEADER;
use pointsman_proto::domain::{ClientDialect, Effort};
use std::fmt;

/// What a rule asks and does not find.
#[derive(Debug, PartialEq, Eq)]
pub enum Unmet<'a> {
    FewTokens {
        found: u64,
        least: u64,
    },
    ManyTokens {
        found: u64,
        most: u64,
    },
    Dialect(ClientDialect),
    Model(&'a str),
    NoHaiku,
    SubAgent,
    NoThinking,
    LittleThinking(Effort),
    Has(&'static str),
    HasNo(&'static str),
    NoHeader(&'a str),
    Header(&'a str),
    OtherHeader(&'a str),
    Tags,
    Time,
    /// Everything holds, but for who asks.
    OutOfReach(&'a str),
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewTokens { found, least } => write!(f, "it has about {found} tokens, fewer than {least}"),
            Self::ManyTokens { found, most } => write!(f, "it has about {found} tokens, more than {most}"),
            Self::Dialect(found) => write!(f, "its dialect is {}", found.as_str()),
            Self::Model(name) => write!(f, "it asks for {name:?}, which none of the patterns matches"),
            Self::NoHaiku => f.write_str("the model that it asks for has no haiku in its name"),
            Self::SubAgent => write!(f, "a sub-agent asks: it has the header {AGENT_HEADER}"),
            Self::NoThinking => f.write_str("it asks for no thinking"),
            Self::LittleThinking(least) => {
                let named = Effort::NAMED.iter().find(|(_, effort)| effort == least);
                write!(f, "its thinking is adaptive, of less effort than {}", named.map_or("minimal", |(name, _)| name))
            }
            Self::Has(what) => write!(f, "it has {what}"),
            Self::HasNo(what) => write!(f, "it has no {what}"),
            Self::NoHeader(name) => write!(f, "it has no header {name}"),
            Self::Header(name) => write!(f, "it has the header {name}"),
            Self::OtherHeader(name) => write!(f, "its header {name} does not match"),
            Self::Tags => f.write_str("its virtual key has none of the tags"),
            Self::Time => f.write_str("it comes at another time of day"),
            Self::OutOfReach(model) => write!(f, "the model {model:?} is disabled, or its virtual key may not use it"),
        }
    }
}
