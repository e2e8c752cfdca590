//! The tag by which a sub-agent names its model, as users of claude-code-router write it at the beginning of the agent's
//! prompt: `<CCR-SUBAGENT-MODEL>name</CCR-SUBAGENT-MODEL>`, with which a block of the system prompt begins.
//!
//! It is meant for the gateway, so it is cut out of the body whatever it names; all other bytes stay as they are. A block that
//! says nothing else goes as a whole, since providers refuse empty ones. Brackets and slashes may be escaped, as some
//! writers of JSON do; letters are not, so that a search tells the bodies that have no tag, which are nearly all.

use super::json::Cursor;
use crate::{protocol::surface::Surface, request::Asked};
use memchr::memmem::Finder;
use std::{ops::Range, sync::LazyLock};

const OPEN: &[u8] = b"<CCR-SUBAGENT-MODEL>";
const CLOSE: &[u8] = b"</CCR-SUBAGENT-MODEL>";
/// Bytes of JSON; no name is longer.
const LONGEST: usize = 2048;

static LETTERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("CCR-SUBAGENT-MODEL"));

/// A tag found.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    name: String,
    /// What goes of the body.
    cut: Range<usize>,
}

/// Takes the tags out of a request, and gives what they name, in their order.
pub fn take(asked: &mut Asked, surface: Surface) -> Vec<String> {
    if !matches!(surface, Surface::Messages | Surface::CountTokens) || !may_have_a_tag(&asked.body) {
        return Vec::new();
    }
    let (names, cuts): (Vec<String>, Vec<Range<usize>>) =
        tags(&asked.body).into_iter().map(|tag| (tag.name, tag.cut)).unzip();
    if !cuts.is_empty() {
        asked.cut(&cuts);
    }
    names
}

/// Whether some string of the body begins with a tag.
fn may_have_a_tag(body: &[u8]) -> bool {
    let begins = |at: usize| {
        let before = &body[..at];
        before.ends_with(b"\"<") || before.ends_with(b"\"\\u003c") || before.ends_with(b"\"\\u003C")
    };
    LETTERS.find_iter(body).any(begins)
}

/// The tags of the system prompt; of one that is given twice, the last counts.
fn tags(body: &[u8]) -> Vec<Tag> {
    let mut found = Vec::new();
    Cursor::new(body).fields(|json, name| match name {
        b"system" if json.peek() == Some(b'[') => found = in_blocks(json, body),
        b"system" => found = in_text(json).map(|(tag, _)| tag).into_iter().collect(),
        _ => json.skip(),
    });
    found
}

/// The tag with which a text begins, and whether nothing else is in it.
fn in_text(json: &mut Cursor<'_>) -> Option<(Tag, bool)> {
    let start = json.here();
    json.text()?;
    let text = json.since(start);
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let opened = says(inner, OPEN)?;
    let mut at = opened;
    let closed = loop {
        if let Some(length) = says(&inner[at..], CLOSE) {
            break at + length;
        }
        at += character(&inner[at..])?.1;
        if at > LONGEST {
            return None;
        }
    };
    let name: String = serde_json::from_slice(&[b"\"", &inner[opened..at], b"\""].concat()).unwrap_or_default();
    let cut = start + 1..start + 1 + closed;
    Some((Tag { name: name.trim().to_owned(), cut }, is_blank(&inner[closed..])))
}

fn in_blocks(json: &mut Cursor<'_>, body: &[u8]) -> Vec<Tag> {
    let mut found = Vec::new();
    // Where the block before ends, and whether one stays.
    let (mut before, mut kept) = (0, false);
    json.items(|json| {
        let (start, mut tag) = (json.here(), None);
        json.fields(|json, name| match name {
            b"text" => tag = in_text(json),
            _ => json.skip(),
        });
        let end = start + json.since(start).len();
        match tag {
            Some((tag, true)) => {
                let cut = if kept { before..end } else { start..after_comma(body, end) };
                found.push(Tag { cut, ..tag });
            }
            tag => {
                found.extend(tag.map(|(tag, _)| tag));
                kept = true;
            }
        }
        before = end;
    });
    found
}

/// Past the comma that comes next, if one does.
fn after_comma(body: &[u8], end: usize) -> usize {
    let blank = body[end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    if body.get(end + blank) == Some(&b',') { end + blank + 1 } else { end }
}

/// How many bytes of a string's inside say this, if it begins so.
fn says(inner: &[u8], what: &[u8]) -> Option<usize> {
    let mut at = 0;
    for letter in what {
        let (found, length) = character(&inner[at..])?;
        if found != *letter {
            return None;
        }
        at += length;
    }
    Some(at)
}

fn is_blank(inner: &[u8]) -> bool {
    let mut rest = inner;
    while let Some((found, length)) = character(rest) {
        if !found.is_ascii_whitespace() {
            return false;
        }
        rest = &rest[length..];
    }
    rest.is_empty()
}

/// The first character of a string's inside, if it is ASCII, and how many bytes it takes; of any other, some byte that
/// is not.
fn character(inner: &[u8]) -> Option<(u8, usize)> {
    let escape = |letter: u8| match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => 0,
        itself => itself,
    };
    match inner {
        [b'\\', b'u', ..] => {
            let digits = std::str::from_utf8(inner.get(2..6)?).ok()?;
            let code = u16::from_str_radix(digits, 16).ok()?;
            Some((u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(u8::MAX), 6))
        }
        [b'\\', letter, ..] => Some((escape(*letter), 2)),
        [byte, ..] => Some((*byte, 1)),
        [] => None,
    }
}

#[cfg(test)]
mod tests;
