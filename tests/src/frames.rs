//! AWS' event stream, written: a prelude with lengths, headers, a payload, and a CRC-32 over each.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

/// The type of a header whose value is a string, the only one in use here.
const STRING_HEADER: u8 = 7;
/// Two lengths and a CRC in front, a CRC behind.
const OVERHEAD: usize = 16;

/// A frame that is one event of the stream.
pub(crate) fn event(kind: &str, payload: &Value) -> Bytes {
    frame([(":message-type", "event"), (":event-type", kind), (":content-type", "application/json")], payload)
}

/// A frame that ends the stream with an error.
pub(crate) fn exception(kind: &str, payload: &Value) -> Bytes {
    frame([(":message-type", "exception"), (":exception-type", kind), (":content-type", "application/json")], payload)
}

fn frame(headers: [(&str, &str); 3], payload: &Value) -> Bytes {
    let payload = payload.to_string();
    let mut head = BytesMut::new();
    for (name, value) in headers {
        head.put_u8(u8::try_from(name.len()).expect("names of headers are short"));
        head.put_slice(name.as_bytes());
        head.put_u8(STRING_HEADER);
        head.put_u16(u16::try_from(value.len()).expect("values of headers are short"));
        head.put_slice(value.as_bytes());
    }
    let length = |length: usize| u32::try_from(length).expect("a frame is far below 4 GiB");
    let mut frame = BytesMut::with_capacity(OVERHEAD + head.len() + payload.len());
    frame.put_u32(length(OVERHEAD + head.len() + payload.len()));
    frame.put_u32(length(head.len()));
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&head);
    frame.put_slice(payload.as_bytes());
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The fixtures' frames were read by AWS' own code.
    #[test]
    fn frames_are_those_of_the_fixtures() {
        for text in [
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/protocols/bedrock_stream_throttled_midway.json"
            )),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/protocols/kiro_stream_exception.json")),
        ] {
            let fixture: Value = serde_json::from_str(text).expect("a fixture is JSON");
            let expected = STANDARD.decode(fixture["frames_base64"].as_str().expect("frames")).expect("base64");
            let mut written = Vec::new();
            for frame in fixture["events"].as_array().expect("events") {
                let header = |name: &str| frame["headers"][name].as_str();
                written.extend(match (header(":event-type"), header(":exception-type")) {
                    (Some(kind), _) => event(kind, &frame["payload"]),
                    (_, kind) => exception(kind.expect("one of the two"), &frame["payload"]),
                });
            }
            assert_eq!(written, expected);
        }
    }
}
