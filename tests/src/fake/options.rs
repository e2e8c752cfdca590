//! What a provider is started with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mode::Mode;

/// How to start a [`FakeProvider`](super::FakeProvider).
#[derive(Clone, Debug)]
pub struct Options {
    /// Shown in the header `x-fake-provider` and in OpenAI's `system_fingerprint`.
    pub name: String,
    /// 0 takes any free port.
    pub port: u16,
    /// The keys that are let in, wherever the protocol has them; `None` lets in any, but there must be one. For a
    /// signed request it is the id of the AWS key; CodeWhisperer's tokens that were handed out are let in besides.
    pub keys: Option<Vec<String>>,
    /// Listed by `GET /v1/models` and the other protocols' lists. A call may name any model all the same.
    pub models: Vec<String>,
    pub mode: Mode,
    pub pace: Pace,
    /// How many received requests are kept for assertions; 0 costs nothing.
    pub keep_requests: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "fake".into(),
            port: 0,
            keys: None,
            models: vec!["fake-large".into(), "fake-small".into()],
            mode: Mode::Ok,
            pace: Pace::default(),
            keep_requests: 64,
        }
    }
}

/// Delays and sizes of replies. As JSON: `{"latency_ms":20,"chunk_delay_ms":5,"stream_chunks":4,"text_bytes":64}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// From a request's release to the headers of any answer.
    #[serde(rename = "latency_ms", with = "milliseconds")]
    pub latency: Duration,
    /// Between two content chunks of a stream.
    #[serde(rename = "chunk_delay_ms", with = "milliseconds")]
    pub chunk_delay: Duration,
    /// Content chunks that a text is divided among in a stream. Thinking and arguments have numbers of their own.
    pub stream_chunks: usize,
    /// Bytes of generated text in a reply that no script decides; the JSON around it comes on top.
    pub text_bytes: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { latency: Duration::ZERO, chunk_delay: Duration::ZERO, stream_chunks: 4, text_bytes: 64 }
    }
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
