//! Errors: as upstreams tell of them, as they are understood, and as clients are told.

use crate::protocol::sse;

/// What an upstream says of an error, in a body or in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub message: String,
    /// Every name that the error gives itself (code, type, status, reason, exception), the most telling first.
    pub words: Vec<String>,
    /// An HTTP status that a stream's event names.
    pub status: Option<u16>,
    /// How long the body says to wait.
    pub wait: Option<std::time::Duration>,
}

/// What an error means, whoever told of it and however it was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The request itself is wrong.
    BadRequest,
    /// The prompt does not fit the model.
    ContextTooLong,
    /// A filter refused the prompt.
    ContentFilter,
    /// The client's virtual key is missing or wrong.
    Unauthorized,
    /// Not for this client.
    Forbidden,
    NotFound,
    /// The model's name is not known here, or not to the provider.
    UnknownModel,
    TooLarge,
    RateLimited,
    /// No waiting of minutes helps.
    QuotaSpent,
    /// The provider does not accept the gateway's credential.
    BadCredential,
    /// The credential may not use this model.
    ModelDenied,
    /// The provider has no capacity for anyone.
    Overloaded,
    /// The provider, or the way there, failed.
    Failed,
    TimedOut,
    /// Nothing is left that could serve.
    Unavailable,
}

/// An error as a client is told of it, in whichever dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub class: Class,
    /// The upstream's own words where it has any.
    pub message: String,
    /// The field of the request that is at fault, as the client wrote it.
    pub field: Option<String>,
    /// A code more telling than the class's own, in OpenAI's form, `unsupported_parameter`.
    pub code: Option<&'static str>,
    /// The reply's `x-request-id`, for dialects that repeat it in the body.
    pub request_id: String,
}

/// Why a reply could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The upstream told of an error.
    Told(Told),
    /// This is not the upstream's protocol.
    Malformed(&'static str),
    /// The stream ended before its protocol's own end.
    Early,
}

impl Broken {
    /// More than [`MOST_BLOCKS`](super::MOST_BLOCKS).
    pub const TOO_MANY_BLOCKS: Self = Self::Malformed("a reply of more than 4096 blocks");
}

impl From<sse::TooLong> for Broken {
    fn from(_: sse::TooLong) -> Self {
        Self::Malformed("an event of its stream is over 16 MiB")
    }
}
