//! A stream before it is sent.

use bytes::Bytes;
use serde_json::Value;

use crate::protocol::Dialect;

/// One piece of a stream: an event with its blank line, or a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Sent at once: the role, the opening of a block, the finish reason, usage.
    Send(Bytes),
    /// A delta of text, thinking or arguments: what pace, step mode and the modes that break streams count.
    Content(Bytes),
}

/// A stream from its first beat to its regular end.
pub(crate) struct Script {
    pub beats: Vec<Beat>,
    /// How it frames its errors.
    pub dialect: Dialect,
}

impl Script {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { beats: Vec::new(), dialect }
    }

    pub(crate) fn send(&mut self, bytes: Bytes) {
        self.beats.push(Beat::Send(bytes));
    }

    pub(crate) fn content(&mut self, bytes: Bytes) {
        self.beats.push(Beat::Content(bytes));
    }

    /// What is sent when the stream breaks off right after its `after`th content beat; with 0, what comes before any
    /// content.
    pub(crate) fn until(self, after: usize) -> Vec<Beat> {
        let mut left = after;
        let mut broken_off = false;
        let takes = |beat: &Beat| {
            let content = matches!(beat, Beat::Content(_));
            if broken_off || (content && left == 0) {
                return false;
            }
            left -= usize::from(content);
            broken_off = content && left == 0;
            true
        };
        self.beats.into_iter().take_while(takes).collect()
    }
}

/// One `data:` line with its blank line.
pub(crate) fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// A named event: `event:` equals the `type` of its data.
pub(crate) fn named(value: &Value) -> Bytes {
    let name = value["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {value}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_breaks_off_after_its_content() {
        let mut script = Script::new(Dialect::Chat);
        for (content, text) in [(false, "a"), (true, "1"), (false, "b"), (true, "2"), (false, "c")] {
            let bytes = Bytes::from_static(text.as_bytes());
            script.beats.push(if content { Beat::Content(bytes) } else { Beat::Send(bytes) });
        }
        for (after, expected) in [(0, "a"), (1, "a1"), (2, "a1b2"), (9, "a1b2c")] {
            let script = Script { beats: script.beats.clone(), dialect: Dialect::Chat };
            let sent: Vec<u8> = script
                .until(after)
                .into_iter()
                .flat_map(|beat| match beat {
                    Beat::Send(bytes) | Beat::Content(bytes) => bytes,
                })
                .collect();
            assert_eq!(std::str::from_utf8(&sent), Ok(expected));
        }
    }
}
