//! Streams taken apart into their events.

use serde_json::Value;

/// An SSE stream's events by name; those without one are named after nothing. `[DONE]` is left out.
pub(super) fn sse(text: &str) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let line = |prefix: &str| event.lines().find_map(|line| line.strip_prefix(prefix));
        let data = line("data: ").filter(|data| *data != "[DONE]")?;
        let name = line("event: ").unwrap_or_default();
        Some((name.to_owned(), serde_json::from_str(data).expect("data is JSON")))
    };
    text.split_terminator("\n\n").filter_map(event).collect()
}

/// The frames of an event stream by event or exception, their checksums verified.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(String, Value)> {
    let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (length, head) = (number(bytes, 0) as usize, number(bytes, 4) as usize);
        assert_eq!(crc32fast::hash(&bytes[..8]), number(bytes, 8));
        assert_eq!(crc32fast::hash(&bytes[..length - 4]), number(bytes, length - 4));
        let (mut rest, mut name) = (&bytes[12..12 + head], String::new());
        while let [name_length, after @ ..] = rest {
            let (header, after) = after.split_at(usize::from(*name_length));
            let value_length = usize::from(u16::from_be_bytes([after[1], after[2]]));
            if header == b":event-type" || header == b":exception-type" {
                name = String::from_utf8(after[3..3 + value_length].to_vec()).expect("a name");
            }
            rest = &after[3 + value_length..];
        }
        let payload = serde_json::from_slice(&bytes[12 + head..length - 4]).expect("a payload is JSON");
        frames.push((name, payload));
        bytes = &bytes[length..];
    }
    frames
}
