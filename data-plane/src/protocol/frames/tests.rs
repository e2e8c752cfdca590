use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

const FIXTURES: [&str; 4] = [
    fixture!("bedrock_stream_thinking_tools.json"),
    fixture!("bedrock_stream_throttled_midway.json"),
    fixture!("kiro_stream_text_tool.json"),
    fixture!("kiro_stream_exception.json"),
];

#[derive(Debug, PartialEq)]
struct Failed(&'static str);

impl From<Corrupt> for Failed {
    fn from(Corrupt(why): Corrupt) -> Self {
        Self(why)
    }
}

type Owned = (Kind, String, Option<String>, Vec<u8>);

/// A frame around headers that are written already.
pub(super) fn around(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |n: usize| u32::try_from(n).expect("a small frame").to_be_bytes();
    let mut frame = [length(AROUND + headers.len() + payload.len()), length(headers.len())].concat();
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(headers);
    frame.extend_from_slice(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

fn read(pieces: &[&[u8]]) -> Result<(Vec<Owned>, bool), Failed> {
    let mut reader = Reader::default();
    let mut frames = Vec::new();
    for piece in pieces {
        reader.feed(piece, |frame| {
            frames.push((frame.kind, frame.name.into(), frame.message.map(str::to_owned), frame.payload.to_vec()));
            Ok::<(), Failed>(())
        })?;
    }
    Ok((frames, reader.is_between_frames()))
}

fn fixture(text: &str) -> (Vec<Owned>, Vec<u8>) {
    let fixture: serde_json::Value = serde_json::from_str(text).expect("a fixture is JSON");
    let events = fixture["events"].as_array().expect("a list").iter().map(|event| {
        let header = |name: &str| event["headers"][name].as_str();
        let (kind, name) = match header(":message-type").expect("each has one") {
            "event" => (Kind::Event, header(":event-type")),
            _ => (Kind::Exception, header(":exception-type")),
        };
        let payload = serde_json::to_vec(&event["payload"]).expect("JSON can be written");
        (kind, name.expect("each has one").to_owned(), None, payload)
    });
    let frames = STANDARD.decode(fixture["frames_base64"].as_str().expect("a string")).expect("base64");
    (events.collect(), frames)
}

#[test]
fn real_frames_are_read_wherever_they_are_cut() {
    for text in FIXTURES {
        let (expected, bytes) = fixture(text);
        let expected = Ok((expected, true));
        let json = |frames: Result<(Vec<Owned>, bool), Failed>| {
            let compact = |payload: &[u8]| {
                let value: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
                serde_json::to_vec(&value).expect("JSON can be written")
            };
            frames.map(|(frames, between)| {
                (frames.into_iter().map(|(k, n, m, p)| (k, n, m, compact(&p))).collect::<Vec<_>>(), between)
            })
        };
        assert_eq!(json(read(&[&bytes])), expected);
        assert_eq!(json(read(&bytes.chunks(1).collect::<Vec<_>>())), expected);
        for cut in 0..bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(json(read(&[a, b])), expected, "cut at {cut}");
        }
    }
}

#[test]
fn a_stream_cut_inside_a_frame_is_noticed() {
    let (_, bytes) = fixture(FIXTURES[1]);
    let ends: Vec<usize> = (0..=bytes.len()).filter(|&cut| read(&[&bytes[..cut]]).is_ok_and(|(_, b)| b)).collect();
    assert_eq!(ends, [0, 118, 267, 443]);
}

#[test]
fn each_harmed_byte_is_noticed() {
    let (_, bytes) = fixture(FIXTURES[1]);
    for at in 0..bytes.len() {
        let mut harmed = bytes.clone();
        harmed[at] ^= 0x20;
        assert!(read(&[&harmed]).is_err(), "byte {at}");
    }
}

#[test]
fn every_form_of_header_value_is_passed_over() {
    let mut headers = Vec::new();
    for (form, value) in [
        (0, &b""[..]),
        (1, b""),
        (2, b"1"),
        (3, b"12"),
        (4, b"1234"),
        (5, b"12345678"),
        (6, b"\0\x03\xff\xfe\xfd"),
        (7, b"\0\x02hi"),
        (8, b"12345678"),
        (9, b"0123456789abcdef"),
    ] {
        headers.extend_from_slice(b"\x01x");
        headers.push(form);
        headers.extend_from_slice(value);
    }
    headers.extend_from_slice(b"\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x01e");
    let expected = vec![(Kind::Event, "e".to_owned(), None, b"{}".to_vec())];
    assert_eq!(read(&[&around(&headers, b"{}")]), Ok((expected, true)));
}

#[test]
fn an_error_of_the_service_is_told_in_the_headers() {
    let frame = write(&[(":message-type", "error"), (":error-code", "Oops"), (":error-message", "it broke")], b"");
    let expected = vec![(Kind::Error, "Oops".to_owned(), Some("it broke".to_owned()), Vec::new())];
    assert_eq!(read(&[&frame]), Ok((expected, true)));
    let bare = write(&[(":message-type", "error")], b"");
    assert_eq!(read(&[&bare]), Ok((vec![(Kind::Error, String::new(), None, Vec::new())], true)));
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    for headers in [
        &b""[..],
        b"\x0b:event-type\x07\0\x01e",
        b"\x0d:message-type\x07\0\x05event",
        b"\x0d:message-type\x07\0\x05other\x0b:event-type\x07\0\x01e",
        b"\x0d:message-type\x00",
        b"\x0d:message-type\x07\0\x02\xff\xfe",
        b"\x0d:message-type\x07\0\x09event",
        b"\x0d:message-type\x07\0",
        b"\x0d:message-type\x0a",
        b"\x0d:message-type",
        b"\x0d:mess",
        b"\0\0",
    ] {
        assert!(read(&[&around(headers, b"{}")]).is_err(), "{headers:?}");
    }
}

#[test]
fn lengths_out_of_bounds_are_refused_before_anything_is_kept() {
    for (total, headers, accepted) in [
        (16, 0, true),
        (15, 0, false),
        (0, 0, false),
        (20, 5, false),
        (20, u32::MAX, false),
        (u32::MAX, 0, false),
        (u32::MAX, u32::MAX, false),
        (16 + (24 << 20), 0, true),
        (17 + (24 << 20), 0, false),
        (16 + (128 << 10), 128 << 10, true),
        (17 + (128 << 10), (128 << 10) + 1, false),
    ] {
        let mut prelude = [u32::to_be_bytes(total), u32::to_be_bytes(headers)].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        assert_eq!(Prelude::read(&prelude).is_ok(), accepted, "{total} {headers}");
    }
}

#[test]
fn what_the_taker_says_ends_the_reading() {
    let (_, bytes) = fixture(FIXTURES[0]);
    let mut taken = 0;
    let result = Reader::default().feed(&bytes, |_| {
        taken += 1;
        if taken == 2 { Err(Failed("enough")) } else { Ok(()) }
    });
    assert_eq!((result, taken), (Err(Failed("enough")), 2));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let (a, b) = bytes.split_at(cut.min(bytes.len()));
        let _ = read(&[a, b]);
    }

    #[test]
    fn no_headers_panic(headers in proptest::collection::vec(any::<u8>(), 0..100), payload in any::<[u8; 4]>()) {
        let _ = read(&[&around(&headers, &payload)]);
        let shape = [&b"\x0d:message-type\x07\0\x05event\x0b:event-type"[..], &headers].concat();
        let _ = read(&[&around(&shape, &payload)]);
    }

    #[test]
    fn harmed_frames_do_not_panic(which in 0_usize..4, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (_, mut bytes) = fixture(FIXTURES[which]);
        let at = at.index(bytes.len());
        let same = bytes[at] == byte;
        bytes[at] = byte;
        prop_assert_eq!(read(&[&bytes]).is_ok(), same);
    }

    #[test]
    fn what_is_written_is_read(payload in proptest::collection::vec(any::<u8>(), 0..300), name in "[a-zA-Z]{1,40}") {
        let frame = write(&[(":message-type", "exception"), (":exception-type", &name)], &payload);
        prop_assert_eq!(read(&[&frame, &frame[..5]]), Ok((vec![(Kind::Exception, name, None, payload)], false)));
    }
}
