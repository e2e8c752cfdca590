//! Fixtures, round trips, and the mistakes that other translators made.

mod errors;
mod reading;
mod replies;
mod round_trips;
mod streams;
mod writing;

use super::{request, response, stream};
use crate::protocol::neutral::makers::{text, user};
use crate::protocol::{
    neutral::*,
    sse::{self, TooLong},
};
use bytes::BytesMut;
use serde_json::Value;

const SIGNATURE: &str = "ZXhhbXBsZS10aG91Z2h0LXNpZ25hdHVyZQ==";

fn signed() -> Option<Signature> {
    Some(Signature { issuer: Issuer::Gemini, value: SIGNATURE.to_owned() })
}

/// What the fixtures count.
fn usage() -> Usage {
    Usage { input: 196, cache_read: Some(1024), cache_write: None, output: 78, reasoning: Some(64), estimated: false }
}

fn context() -> Context {
    Context { model: "gemini-upstream".to_owned(), created: 1_700_000_000, ..Context::default() }
}

fn call(id: &str, name: &str, arguments: &str, signature: Option<Signature>) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), signature })
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult { id: id.to_owned(), parts, is_error }
}

fn model(parts: Vec<Part>) -> Turn {
    Turn { role: Role::Assistant, parts }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("it is JSON")
}

/// Why a stream stopped before its end.
#[derive(Debug, PartialEq)]
struct Failure(Broken);

impl From<TooLong> for Failure {
    fn from(_: TooLong) -> Self {
        Self(Broken::Malformed("too long"))
    }
}

/// Each event as text, and the reply they make, or why they make none.
fn read_stream(pieces: &[&[u8]]) -> (Vec<String>, Result<Response, Broken>) {
    let mut events = Vec::new();
    let mut collector = Collector::default();
    let mut sink = |event: Event<'_>| {
        events.push(format!("{event:?}"));
        collector.take(event);
    };
    let (mut lines, mut reader) = (sse::Reader::default(), stream::Reader::new(&context()));
    let mut read = || {
        for piece in pieces {
            lines.feed(piece, |event| reader.read(event, &mut sink).map_err(Failure))?;
        }
        lines.finish(|event| reader.read(event, &mut sink).map_err(Failure))?;
        reader.finish(&mut sink).map_err(Failure)?;
        reader.finish(&mut sink).map_err(Failure)
    };
    let read = read();
    let reply = match read {
        Ok(()) => Ok(collector.finish().expect("an End was emitted")),
        Err(Failure(broken)) => Err(broken),
    };
    (events, reply)
}

fn read_whole_stream(stream: &str) -> Result<Response, Broken> {
    read_stream(&[stream.as_bytes()]).1
}

/// A reply as a stream for a client.
fn write_stream<'a>(events: impl IntoIterator<Item = Event<'a>>) -> String {
    let (mut writer, mut out) = (stream::Writer::new(context()), BytesMut::new());
    for event in events {
        writer.write(&event, &mut out);
    }
    String::from_utf8(out.to_vec()).expect("it is text")
}

/// The data of each event.
fn data(stream: &str) -> Vec<Value> {
    let mut data = Vec::new();
    let mut lines = sse::Reader::default();
    let mut take = |event: sse::Event<'_>| {
        data.push(json(event.data.as_bytes()));
        Ok::<(), Failure>(())
    };
    lines.feed(stream.as_bytes(), &mut take).expect("it is short");
    lines.finish(&mut take).expect("it is short");
    data
}
