//! AWS's binary frames out of readable text: no mutation would ever find a checksum.

/// One frame with a right checksum, whatever its headers are.
pub fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = u32::try_from(16 + headers.len() + payload.len()).expect("inputs are short");
    let length = u32::try_from(headers.len()).expect("inputs are short");
    let mut frame = [total.to_be_bytes(), length.to_be_bytes()].concat();
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(headers);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}

/// Frames that carry arbitrary headers and payloads: before each, a byte tells how long the headers are, and two how long
/// the payload is.
pub fn of_lengths(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(([headers, high, low], rest)) = input.split_first_chunk().map(|(l, rest)| (*l, rest)) {
        let (headers, rest) = rest.split_at(usize::from(headers).min(rest.len()));
        let (payload, rest) = rest.split_at(usize::from(u16::from_be_bytes([high, low])).min(rest.len()));
        frames.push(frame(headers, payload));
        input = rest;
    }
    frames
}

/// Frames out of lines: `event NAME PAYLOAD`, `exception NAME PAYLOAD`, `error NAME MESSAGE`. Lines of another form are
/// left out.
pub fn of_lines(input: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
        let payload = words.next().unwrap_or_default();
        let named: &[u8] = match kind {
            b"event" => b":event-type",
            b"exception" => b":exception-type",
            b"error" => b":error-code",
            _ => continue,
        };
        let mut headers = [header(b":message-type", kind), header(named, name)].concat();
        if kind == b"error" {
            headers.extend(header(b":error-message", payload));
        }
        frames.extend(frame(&headers, if kind == b"error" { b"" } else { payload }));
    }
    frames
}

fn header(name: &[u8], value: &[u8]) -> Vec<u8> {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    let length = u16::try_from(value.len()).expect("it is cut").to_be_bytes();
    [&[u8::try_from(name.len()).expect("a short name")], name, &[7], &length, value].concat()
}
