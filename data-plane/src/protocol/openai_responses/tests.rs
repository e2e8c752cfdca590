//! What every test needs: fixtures, and streams as they come over the network.

mod replies;
mod requests;
mod streams;
mod writing;

use super::{request, response, stream};
use crate::protocol::neutral::makers::text;
use crate::protocol::{
    neutral::{Broken, Collector, Context, Event, Issuer, Part, Response, Signature, ToolCall, Usage},
    sse,
};
use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::Value;

fn context() -> Context {
    Context { model: "gpt-5".to_owned(), created: 1_763_698_010, ..Context::default() }
}

fn signature(issuer: Issuer, value: &str) -> Signature {
    Signature { issuer, value: value.to_owned() }
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), signature: None }
}

/// Why a stream of a test could not be read.
#[derive(Debug, PartialEq)]
struct Failed(Broken);

impl From<sse::TooLong> for Failed {
    fn from(_: sse::TooLong) -> Self {
        Self(Broken::Malformed("too long"))
    }
}

/// The reply that a stream in these pieces tells, and how it ended. The grammar of events is checked on the way.
fn collect(pieces: &[&[u8]]) -> Result<Response, Broken> {
    let mut events = sse::Reader::default();
    let mut reader = stream::Reader::new(&context());
    let mut collector = Collector::default();
    let (mut open, mut ended) = (false, false);
    let mut sink = |event: Event<'_>| {
        assert!(!ended, "{event:?} after the end");
        match &event {
            Event::Open(_) => assert!(!std::mem::replace(&mut open, true), "{event:?} in an open block"),
            Event::Close => assert!(std::mem::replace(&mut open, false), "nothing is open"),
            Event::Text(delta) | Event::Thinking(delta) | Event::Arguments(delta) => {
                assert!(open && !delta.is_empty(), "{event:?} out of place");
            }
            Event::Signature(_) => assert!(open),
            Event::Stop { .. } => assert!(!open),
            Event::End => ended = true,
            Event::Start { .. } | Event::Usage(_) | Event::Ping => {}
        }
        collector.take(event);
    };
    for piece in pieces {
        events.feed(piece, |event| reader.read(event, &mut sink).map_err(Failed)).map_err(|Failed(broken)| broken)?;
    }
    events.finish(|event| reader.read(event, &mut sink).map_err(Failed)).map_err(|Failed(broken)| broken)?;
    reader.finish(&mut sink)?;
    Ok(collector.finish().expect("the reader has said that it is whole"))
}

/// The same, whole and cut at every byte.
fn read_stream(stream: &str) -> Result<Response, Broken> {
    let whole = collect(&[stream.as_bytes()]);
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(collect(&bytes), whole, "a byte at a time");
    for cut in 0..stream.len() {
        let (a, b) = stream.as_bytes().split_at(cut);
        assert_eq!(collect(&[a, b]), whole, "cut at {cut}");
    }
    whole
}

/// A stream of these events' data.
fn events(data: &[Value]) -> String {
    data.iter().map(|data| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())).collect()
}

/// What a client gets of a streamed reply.
fn written(events: &[Event<'_>], context: Context) -> String {
    let mut writer = stream::Writer::new(context);
    let mut out = BytesMut::new();
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).expect("events are text")
}

/// The events of a stream that a client gets, in which name and type agree and the numbers count up.
fn told(stream: &str) -> Vec<Value> {
    let frames = stream.split_terminator("\n\n").filter(|frame| !frame.starts_with(':')).enumerate();
    let read = frames.map(|(number, frame)| {
        let (name, data) = frame.split_once("\ndata: ").expect("a frame has a name and data");
        let data: Value = serde_json::from_str(data).expect("data is JSON");
        assert_eq!(name, format!("event: {}", data["type"].as_str().expect("an event has a type")));
        assert_eq!(data["sequence_number"], number);
        data
    });
    read.collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,12}", "\\PC{1,6}", Just("\"\\\n\u{1f600}\u{7}".to_owned())]
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let counts = (0_u64..1000, 0_u64..1000, 0_u64..1000, 0_u64..1000, 0_u64..1000);
    counts.prop_map(|(input, read, write, output, reasoning)| Usage {
        input,
        cache_read: Some(read),
        cache_write: Some(write),
        output,
        reasoning: Some(reasoning),
        estimated: false,
    })
}

/// A call of a function, or of the custom tool `patch`.
fn any_call() -> impl Strategy<Value = Part> {
    let function =
        ("call_[a-z]{1,5}", "[a-m]{1,5}", "\\{[ -~]{0,10}").prop_map(|(id, name, args)| call(&id, &name, &args));
    let custom = ("call_[a-z]{1,5}", any_text())
        .prop_map(|(id, input)| call(&id, "patch", &serde_json::json!({"input": input}).to_string()));
    prop_oneof![function, custom].prop_map(Part::ToolCall)
}

fn any_thinking(issuers: &'static [Issuer]) -> impl Strategy<Value = Part> {
    (any_text(), proptest::sample::select(issuers), "[A-Za-z0-9+/=]{1,10}")
        .prop_map(|(text, issuer, value)| Part::Thinking { text, signature: Some(Signature { issuer, value }) })
}

/// A reply's part as this API can tell it without help.
fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        any_text().prop_map(Part::Text),
        any_text().prop_map(Part::Refusal),
        any_call(),
        any_thinking(&[Issuer::OpenAi]),
    ]
}
