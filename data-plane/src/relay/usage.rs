//! What a reply says of its tokens, read as its bytes pass: they are neither held back nor changed.
//!
//! A usage object is the value of the dialect's key (`"usage"`, `"usageMetadata"`) no deeper in the JSON than the dialect
//! puts it. There no model writes JSON of its own: tools' arguments lie deeper, and text is inside strings, where the
//! quotes of a key are escaped. Of several objects the dialect says what counts: the last, or each count as last told.
//!
//! Most lines of a stream are passed over by a search for the key. Only a line that has it, or that the network has cut,
//! is read byte by byte; the state after each byte is all that is kept, and of a usage object that was cut the bytes so far.
//! So where the pieces are cut makes no difference. A whole reply in one piece, which is what most are, is read from its
//! only usage object on: how deep that lies is told as well by what follows it as by what comes before.

use crate::protocol::{self, neutral::Usage, surface::Dialect};
use http::{HeaderMap, header};
use memchr::{memchr, memchr2, memmem::Finder, memrchr};
use std::sync::LazyLock;

/// No dialect's usage object is nearly as long; a longer one is not read.
const LONGEST: usize = 2 * 1024;

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
static USAGE_METADATA: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usageMetadata\""));

/// Reads the usage out of one reply.
pub(crate) struct Reader {
    dialect: Dialect,
    /// JSON stands in single lines, as in an event stream.
    by_lines: bool,
    /// What has passed ends with a line's end.
    fresh: bool,
    place: Place,
    /// How many objects and arrays are open.
    depth: u32,
    /// The usage object that is open.
    open: Option<Open>,
    usage: Option<Usage>,
}

/// Where in the JSON the last byte was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Text,
    /// In a text that so far is the key's first bytes.
    Key(usize),
    Escape,
    /// The key is over.
    Colon,
    Value,
}

struct Open {
    /// Outside it.
    depth: u32,
    /// What of it came in earlier pieces.
    carried: Vec<u8>,
    length: usize,
}

impl Reader {
    /// What reads a reply with these headers, if it can be read.
    pub(crate) fn of(dialect: Dialect, headers: &HeaderMap) -> Option<Self> {
        let header = |name| headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
        let kind: Vec<u8> = header(header::CONTENT_TYPE).iter().take(32).map(u8::to_ascii_lowercase).collect();
        let by_lines = kind.starts_with(b"text/event-stream");
        let is_plain = matches!(header(header::CONTENT_ENCODING), b"" | b"identity");
        let is_text = by_lines || kind.starts_with(b"application/json");
        (is_plain && is_text).then(|| Self::new(dialect, by_lines))
    }

    fn new(dialect: Dialect, by_lines: bool) -> Self {
        Self { dialect, by_lines, fresh: by_lines, place: Place::Between, depth: 0, open: None, usage: None }
    }

    /// What has been told so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Takes in a piece, which is the `last` one as far as is known.
    pub(crate) fn see(&mut self, piece: &[u8], last: bool) {
        let begins = !self.by_lines && self.place == Place::Between && self.depth == 0;
        if last && begins && self.read_whole(piece) {
            return;
        }
        let mut rest = piece;
        while !rest.is_empty() {
            if self.fresh {
                rest = self.interesting(rest);
            }
            let end = if self.by_lines { memchr(b'\n', rest) } else { None };
            let line = &rest[..end.unwrap_or(rest.len())];
            if !line.is_empty() {
                self.fresh = false;
                self.read(line);
            }
            if end.is_some() {
                (self.fresh, self.place, self.depth, self.open) = (true, Place::Between, 0, None);
            }
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
    }

    /// From the line on that is the first to tell a usage, or that is the last and not whole.
    fn interesting<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        let whole = memrchr(b'\n', lines).map_or(0, |end| end + 1);
        let key = self.key();
        let told = key.find_iter(&lines[..whole]).find(|at| !is_null(&lines[at + key.needle().len()..]));
        let begin = told.map_or(whole, |at| memrchr(b'\n', &lines[..at]).map_or(0, |end| end + 1));
        &lines[begin..]
    }

    /// Reads a whole reply, unless it has more than one place where usage could be told.
    fn read_whole(&mut self, json: &[u8]) -> bool {
        let key = self.key();
        let mut found = key.find_iter(json);
        let (at, more) = (found.next(), found.next());
        let Some(at) = at.filter(|_| more.is_none()) else { return more.is_none() };
        let Some(object) = value(&json[at + key.needle().len()..]).filter(|value| value.starts_with(b"{")) else {
            return true;
        };
        let (length, depth) = extent(object);
        if (1..=self.deepest()).contains(&depth) {
            self.tell(&object[..length]);
        }
        true
    }

    fn key(&self) -> &'static Finder<'static> {
        match self.dialect {
            Dialect::OpenAi | Dialect::Anthropic => &USAGE,
            Dialect::Gemini => &USAGE_METADATA,
        }
    }

    /// How deep a usage object may lie.
    fn deepest(&self) -> u32 {
        match self.dialect {
            // In an event's `response`; compatible servers' also in an object of their own, or in a choice.
            Dialect::OpenAi => 3,
            // In the `message` of an event.
            Dialect::Anthropic => 2,
            // In an array of replies.
            Dialect::Gemini => 2,
        }
    }

    /// Reads JSON, or a part of it.
    fn read(&mut self, json: &[u8]) {
        let (key, mut at) = (self.key().needle(), 0);
        // Where in this piece the open usage object begins or goes on.
        let mut begun = 0;
        while let Some(&byte) = json.get(at) {
            at += 1;
            self.place = match (self.place, byte) {
                (Place::Text, b'"') => Place::Between,
                (Place::Text, b'\\') => Place::Escape,
                (Place::Text, _) => {
                    at += memchr2(b'"', b'\\', &json[at..]).unwrap_or(json.len() - at);
                    Place::Text
                }
                (Place::Escape, _) => Place::Text,
                (Place::Key(matched), _) if key[matched] == byte => {
                    if matched + 1 == key.len() {
                        Place::Colon
                    } else {
                        Place::Key(matched + 1)
                    }
                }
                (Place::Key(_), _) => {
                    at -= 1;
                    Place::Text
                }
                (Place::Colon | Place::Value, b' ' | b'\t' | b'\r' | b'\n') => self.place,
                (Place::Colon, b':') => Place::Value,
                (Place::Value, b'{') => {
                    self.open = Some(Open { depth: self.depth, carried: Vec::new(), length: 0 });
                    (self.depth, begun) = (self.depth.saturating_add(1), at - 1);
                    Place::Between
                }
                (Place::Colon | Place::Value, _) => {
                    at -= 1;
                    Place::Between
                }
                (Place::Between, b'"') if self.open.is_none() && (1..=self.deepest()).contains(&self.depth) => {
                    Place::Key(1)
                }
                (Place::Between, b'"') => Place::Text,
                (Place::Between, b'{' | b'[') => {
                    self.depth = self.depth.saturating_add(1);
                    Place::Between
                }
                (Place::Between, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.close(&json[begun..at]);
                    Place::Between
                }
                (Place::Between, _) => Place::Between,
            };
        }
        if let Some(open) = &mut self.open {
            open.carry(&json[begun..]);
        }
    }

    /// Something was closed: the usage object perhaps, of which these are the last bytes.
    fn close(&mut self, last: &[u8]) {
        let Some(mut open) = self.open.take_if(|open| open.depth == self.depth) else { return };
        if open.carried.is_empty() && open.length == 0 {
            return self.tell(last);
        }
        open.carry(last);
        self.tell(&open.carried);
    }

    fn tell(&mut self, object: &[u8]) {
        if object.len() <= LONGEST {
            protocol::note_usage(self.dialect, object, &mut self.usage);
        }
    }
}

impl Open {
    fn carry(&mut self, more: &[u8]) {
        self.length += more.len();
        if self.length <= LONGEST {
            self.carried.extend_from_slice(more);
        } else {
            self.carried = Vec::new();
        }
    }
}

/// Whether what follows a key says that there is no usage yet, as OpenAI's chunks do.
fn is_null(after: &[u8]) -> bool {
    value(after).is_some_and(|value| value.starts_with(b"null"))
}

/// From the value on of a key that ends here; none after a text that is no key.
fn value(after: &[u8]) -> Option<&[u8]> {
    Some(after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

/// How long the object is that this JSON begins with, and how many that it lies in are closed after it.
fn extent(json: &[u8]) -> (usize, u32) {
    let (mut at, mut depth, mut length) = (0, 0_i64, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at += text(&json[at..]),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 && length == 0 {
                    length = at;
                }
            }
            _ => {}
        }
    }
    (length, u32::try_from(-depth).unwrap_or(0))
}

/// How long the rest of a text is, with the quote that ends it.
fn text(json: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests;
