use super::*;
use crate::protocol::neutral::makers::call;
use crate::protocol::{
    anthropic::response,
    neutral::{Block, Broken, Class, Collector, Context, Event, Fault, Issuer, Part, Response, Signature, Stop, Usage},
    sse,
};
use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Debug, PartialEq)]
struct Stopped(Option<Broken>);

impl From<sse::TooLong> for Stopped {
    fn from(_: sse::TooLong) -> Self {
        Self(None)
    }
}

fn context() -> Context {
    Context { model: "ours".to_owned(), created: 1_700_000_000, ..Context::default() }
}

/// The neutral events of a stream that comes in pieces, spelled out, the reply that they make, and how it ended.
fn read(pieces: &[&[u8]]) -> (Vec<String>, Option<Response>, Result<(), Broken>) {
    let (mut lines, mut reader, mut collector) =
        (sse::Reader::default(), Reader::new(&context()), Collector::default());
    let mut said = Vec::new();
    let mut sink = |event: Event<'_>| {
        said.push(format!("{event:?}"));
        collector.take(event);
    };
    let mut fed = Ok(());
    for piece in pieces {
        fed = fed.and_then(|()| lines.feed(piece, |event| reader.read(event, &mut sink).map_err(|b| Stopped(Some(b)))));
    }
    fed = fed.and_then(|()| lines.finish(|event| reader.read(event, &mut sink).map_err(|b| Stopped(Some(b)))));
    let ended = match fed {
        Ok(()) => reader.finish(&mut sink),
        Err(stopped) => Err(stopped.0.expect("no event is too long")),
    };
    (said, collector.finish(), ended)
}

fn reply(stream: &[u8]) -> Response {
    let (_, reply, ended) = read(&[stream]);
    assert_eq!(ended, Ok(()));
    reply.expect("it came to its end")
}

fn stream(events: &[Value]) -> Vec<u8> {
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(line).collect::<String>().into_bytes()
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 5, "output_tokens": 1}}})
}

fn block(index: u64, content: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": content})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn end(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ]
}

/// What the writer makes of events, as the client's parser sees it.
fn write(events: &[Event<'_>]) -> Vec<Value> {
    let (mut writer, mut out) = (Writer::new(context()), BytesMut::new());
    for event in events {
        writer.write(event, &mut out);
    }
    parse(&out)
}

fn parse(out: &[u8]) -> Vec<Value> {
    let (mut lines, mut parsed) = (sse::Reader::default(), Vec::new());
    let result: Result<(), Stopped> = lines.feed(out, |event| {
        let value: Value = serde_json::from_str(event.data).expect("it is JSON");
        assert_eq!(value["type"].as_str(), event.name, "an event is named as its data is");
        parsed.push(value);
        Ok(())
    });
    assert_eq!(result, Ok(()));
    parsed
}

fn signed(value: &str, issuer: Issuer) -> Signature {
    Signature { issuer, value: value.to_owned() }
}

fn thinking(text: &str, signature: &str) -> Part {
    Part::Thinking { text: text.to_owned(), signature: Some(signed(signature, Issuer::Anthropic)) }
}

mod reading;
mod writing;
