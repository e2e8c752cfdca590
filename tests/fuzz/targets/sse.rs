//! Any cut of a stream gives the same events as the whole, and they are those that a plain reading of the standard gives.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::protocol::sse::{Event, Reader, TooLong};
use pointsman_fuzz::{choices, cuts};

type Events = Vec<(Option<String>, String)>;

fuzz_target!(|input: &[u8]| {
    let Some(([seed], text)) = choices(input) else { return };
    let whole = read(&[text]);
    assert_eq!(read(&cuts::pieces(text, seed)), whole, "cut otherwise");
    assert_eq!(plainly(text), whole, "read plainly");
});

fn read(pieces: &[&[u8]]) -> Events {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    let mut take = |event: Event<'_>| {
        events.push((event.name.map(str::to_owned), event.data.to_owned()));
        Ok::<(), TooLong>(())
    };
    for piece in pieces {
        reader.feed(piece, &mut take).expect("no input is that long");
    }
    reader.finish(&mut take).expect("no input is that long");
    events
}

/// The same with every rule of the standard in a line of its own, and nothing kept for later.
fn plainly(text: &[u8]) -> Events {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        lines.push(&rest[..end]);
        let length = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + length..];
    }
    lines.extend([rest, b""]);
    let (mut events, mut name, mut data) = (Vec::new(), None, Vec::new());
    for line in lines {
        if line.is_empty() {
            let (name, data) = (name.take(), std::mem::take(&mut data));
            if !data.is_empty() {
                let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                events.push((name.map(lossy), lossy(&data.join(&b'\n'))));
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = Some(value),
            b"data" => data.push(value),
            _ => {}
        }
    }
    events
}
