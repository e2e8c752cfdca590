//! How an event stream ends. Each piece is searched, as it passes, for the dialect's own end and for an error event; of
//! what has passed only a few bytes are kept, in case a mark is cut in two by the network.

use crate::{
    outcome,
    protocol::{
        self, anthropic, gemini,
        neutral::{Context, Fault, Told},
        openai, openai_responses,
        surface::Surface,
    },
    select::Outcome,
};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use memchr::memmem::Finder;
use pointsman_proto::domain::Protocol;
use serde_json::Value;
use std::sync::LazyLock;

/// More than the longest mark.
const KEPT: usize = 48;

/// How the streams of a dialect end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With `data: [DONE]`.
    Chat,
    /// With a `response.completed`, `.incomplete` or `.failed` event.
    Responses,
    /// With a `message_stop` event.
    Messages,
    /// With the last byte, once a finish reason or a blocked prompt was told.
    Generate,
}

/// What an end or an error is known by: the beginning of a line, or a field's name. In the text of an event both are
/// escaped; but a Gemini call's arguments may hold a field of that name, which then counts as an end.
struct Marks {
    ends: Vec<Finder<'static>>,
    errors: Vec<Finder<'static>>,
}

/// Each with and without the space that may follow a colon.
macro_rules! spaced {
    ($($before:literal, $after:literal);* $(;)?) => { [$(concat!($before, $after), concat!($before, " ", $after)),*] };
}

static CHAT: LazyLock<Marks> = LazyLock::new(|| {
    let ends = spaced!["\ndata:", "[DONE]"; "\"finish_reason\":", "\""];
    Marks::new(&ends, &spaced!["\"error\":", "{"])
});

static RESPONSES: LazyLock<Marks> = LazyLock::new(|| {
    let ends = spaced![
        "\nevent:", "response.completed";
        "\nevent:", "response.incomplete";
        "\ndata:", "{\"type\":\"response.completed\"";
        "\ndata:", "{\"type\":\"response.incomplete\"";
    ];
    let errors = spaced![
        "\nevent:", "response.failed";
        "\ndata:", "{\"type\":\"response.failed\"";
        "\nevent:", "error";
        "\ndata:", "{\"type\":\"error\"";
    ];
    Marks::new(&ends, &errors)
});

static MESSAGES: LazyLock<Marks> = LazyLock::new(|| {
    let ends = spaced!["\nevent:", "message_stop"; "\"type\":", "\"message_stop\""];
    Marks::new(&ends, &spaced!["\nevent:", "error"; "\ndata:", "{\"type\":\"error\""])
});

static GENERATE: LazyLock<Marks> =
    LazyLock::new(|| Marks::new(&["\"finishReason\"", "\"blockReason\""], &spaced!["\"error\":", "{"]));

impl Marks {
    fn new(ends: &[&'static str], errors: &[&'static str]) -> Self {
        let finders = |marks: &[&'static str]| marks.iter().map(|mark| Finder::new(*mark)).collect();
        Self { ends: finders(ends), errors: finders(errors) }
    }
}

impl Ending {
    /// How a surface's streams end, if that is known.
    pub(crate) fn of(surface: Surface) -> Option<Self> {
        match surface {
            Surface::Chat | Surface::Completions => Some(Self::Chat),
            Surface::Responses => Some(Self::Responses),
            Surface::Messages => Some(Self::Messages),
            Surface::Generate { .. } => Some(Self::Generate),
            _ => None,
        }
    }

    fn marks(self) -> &'static Marks {
        match self {
            Self::Chat => &CHAT,
            Self::Responses => &RESPONSES,
            Self::Messages => &MESSAGES,
            Self::Generate => &GENERATE,
        }
    }

    /// What an error event of the dialect says.
    pub(super) fn told(self, data: &str) -> Told {
        let (none, data) = (HeaderMap::new(), data.trim());
        match self {
            Self::Chat => protocol::error_of(Protocol::OpenAi, &none, data.as_bytes()),
            Self::Responses => openai_responses::error::of_event(data),
            Self::Messages => protocol::error_of(Protocol::Anthropic, &none, data.as_bytes()),
            Self::Generate => protocol::error_of(Protocol::Gemini, &none, data.as_bytes()),
        }
    }

    /// What a client may be sent while nothing else comes. Gemini's SDKs read no comments.
    pub(super) fn ping(self) -> Option<Bytes> {
        match self {
            Self::Chat | Self::Responses => Some(Bytes::from_static(b": ping\n\n")),
            Self::Messages => Some(Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n")),
            Self::Generate => None,
        }
    }

    /// An error event of the dialect.
    pub(super) fn error_event(self, fault: &Fault, sequence: u64) -> Bytes {
        let (context, mut out) = (Context::default(), BytesMut::new());
        match self {
            Self::Chat => openai::stream::Writer::new(context).fail(fault, &mut out),
            Self::Messages => anthropic::stream::Writer::new(context).fail(fault, &mut out),
            Self::Generate => gemini::stream::Writer::new(context).fail(fault, &mut out),
            // `response.failed` would have to hold the whole response, which is not known here.
            Self::Responses => {
                let event = serde_json::json!({
                    "type": "error", "code": fault.code, "message": fault.message, "param": null,
                    "sequence_number": sequence,
                });
                return format!("event: error\ndata: {event}\n\n").into();
            }
        }
        out.freeze()
    }
}

/// What has been seen of a stream's end.
pub(crate) struct Tail {
    ending: Ending,
    protocol: Protocol,
    ended: bool,
    /// What has passed ends with an event's last byte.
    between: bool,
    error: Option<Outcome>,
    /// Of the next event of a Responses stream.
    sequence: u64,
    /// The last bytes that passed; at first a line break, since a stream begins with a line.
    kept: [u8; KEPT],
    length: usize,
}

impl Tail {
    pub(crate) fn new(ending: Ending, protocol: Protocol) -> Self {
        let mut kept = [0; KEPT];
        kept[0] = b'\n';
        Self { ending, protocol, ended: false, between: true, error: None, sequence: 0, kept, length: 1 }
    }

    pub(crate) fn see(&mut self, piece: &Bytes) {
        // A mark that begins in what is kept ends within as many bytes of the piece.
        let ahead = piece.len().min(KEPT);
        let joined = self.length + ahead;
        let mut seam = [0; 2 * KEPT];
        seam[..self.length].copy_from_slice(&self.kept[..self.length]);
        seam[self.length..joined].copy_from_slice(&piece[..ahead]);
        self.search(&seam[..joined], piece);
        if self.ending == Ending::Responses {
            self.count(&seam[..joined]);
            self.count(piece);
        }
        if piece.len() > KEPT {
            self.search(piece, piece);
            self.keep(&piece[piece.len() - KEPT..]);
        } else {
            self.keep(&seam[joined.saturating_sub(KEPT)..joined]);
        }
    }

    fn keep(&mut self, last: &[u8]) {
        self.between = last.ends_with(b"\n\n") || last.ends_with(b"\r\n\r\n");
        self.length = last.len();
        self.kept[..last.len()].copy_from_slice(last);
    }

    fn search(&mut self, bytes: &[u8], piece: &[u8]) {
        let marks = self.ending.marks();
        self.ended |= marks.ends.iter().any(|mark| mark.find(bytes).is_some());
        if self.error.is_none() && marks.errors.iter().any(|mark| mark.find(bytes).is_some()) {
            self.error = Some(self.told(piece));
        }
    }

    /// Responses streams number their events, and SDKs go by it.
    fn count(&mut self, bytes: &[u8]) {
        const NAME: &[u8] = b"\"sequence_number\":";
        let Some(at) = memchr::memmem::rfind(bytes, NAME) else { return };
        let digits = bytes[at + NAME.len()..].trim_ascii_start();
        let number = digits.iter().take_while(|b| b.is_ascii_digit()).take(18);
        self.sequence = number.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')) + 1;
    }

    /// What the error event in a piece teaches; one that is cut in two is a failure like any other.
    fn told(&self, piece: &[u8]) -> Outcome {
        let text = String::from_utf8_lossy(piece);
        let is_error = |data: &&str| serde_json::from_str::<Value>(data).is_ok_and(|e| super::prelude::is_error(&e));
        // Google may send an error's body as it is, over several lines.
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).chain([text.trim()]);
        let told = data.into_iter().find(is_error).map(|data| self.ending.told(data));
        told.map_or(Outcome::Failure { why: "an error in a stream", whole: false }, |told| {
            outcome::lesson(self.protocol, None, &HeaderMap::new(), &told).outcome
        })
    }

    /// Whether the stream may end here: with its end, or with an error that the upstream itself has told.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended || self.error.is_some()
    }

    /// What the stream's own error event teaches, if there was one.
    pub(crate) fn error(&self) -> Option<Outcome> {
        self.error.clone()
    }

    /// A ping, where one may stand.
    pub(super) fn ping(&self) -> Option<Bytes> {
        self.ending.ping().filter(|_| self.between && !self.is_complete())
    }

    /// An error event of the dialect, apart from the half of an event that may have come before.
    pub(super) fn error_event(&self, fault: &Fault) -> Bytes {
        let event = self.ending.error_event(fault, self.sequence);
        if self.between { event } else { [b"\n\n".as_slice(), &event].concat().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(ending: Ending, pieces: &[&str]) -> bool {
        let mut tail = Tail::new(ending, Protocol::OpenAi);
        pieces.iter().for_each(|piece| tail.see(&Bytes::copy_from_slice(piece.as_bytes())));
        tail.is_complete()
    }

    #[test]
    fn only_a_dialects_own_end_is_an_end() {
        let chat = Ending::Chat;
        assert!(complete(chat, &["data: {}\n\n", "data: [DONE]\n\n"]));
        assert!(complete(chat, &["data: [DONE]\n\n"]), "at the very beginning");
        assert!(complete(chat, &["data: {\"error\":{\"message\":\"m\"}}\n\n"]), "the upstream says so itself");
        assert!(!complete(
            chat,
            &["data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"]
        ));
        assert!(
            !complete(chat, &["data: {\"choices\":[{\"delta\":{\"content\":\"\\ndata: [DONE]\"}}]}\n\n"]),
            "quoted"
        );
        assert!(!complete(chat, &[]));
        let long = format!("event: response.completed\ndata: {{\"text\":\"{}\"}}\n\n", "x".repeat(100_000));
        let pieces: Vec<&str> = (0..long.len()).step_by(1000).map(|i| &long[i..(i + 1000).min(long.len())]).collect();
        assert!(complete(Ending::Responses, &pieces), "the end is long, and its mark is at its start");
        assert!(!complete(Ending::Responses, &["event: response.output_text.delta\ndata: {}\n\n"]));
    }

    #[test]
    fn a_mark_is_found_wherever_the_network_cuts() {
        let whole = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
        for cut in 1..whole.len() {
            assert!(complete(Ending::Chat, &[&whole[..cut], &whole[cut..]]), "cut at {cut}");
        }
        let letters: Vec<&str> = (0..whole.len()).map(|i| &whole[i..=i]).collect();
        assert!(complete(Ending::Chat, &letters), "a byte at a time");
    }
}
