use super::*;
use crate::protocol::neutral::makers::{call, text};
use crate::protocol::neutral::{
    Block, Broken, Collector, Context, Event, Issuer, Part, Response, Signature, Stop, Told, ToolCall, Usage,
};
use crate::protocol::sse;
use std::borrow::Cow;

mod bugs;
mod writer;

#[derive(Debug, PartialEq)]
enum Failed {
    TooLong,
    Broken(Broken),
}

impl From<sse::TooLong> for Failed {
    fn from(_: sse::TooLong) -> Self {
        Self::TooLong
    }
}

fn context() -> Context {
    Context { model: "asked".to_owned(), created: 7, ..Context::default() }
}

fn owned(event: Event<'_>) -> Event<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    match event {
        Event::Start { id, model } => Event::Start { id: own(id), model: own(model) },
        Event::Open(Block::Tool { id, name, signature }) => {
            Event::Open(Block::Tool { id: own(id), name: own(name), signature })
        }
        Event::Open(Block::Text) => Event::Open(Block::Text),
        Event::Open(Block::Refusal) => Event::Open(Block::Refusal),
        Event::Open(Block::Thinking) => Event::Open(Block::Thinking),
        Event::Open(Block::Redacted(signature)) => Event::Open(Block::Redacted(signature)),
        Event::Text(text) => Event::Text(own(text)),
        Event::Thinking(text) => Event::Thinking(own(text)),
        Event::Signature(signature) => Event::Signature(signature),
        Event::Arguments(text) => Event::Arguments(own(text)),
        Event::Close => Event::Close,
        Event::Usage(usage) => Event::Usage(usage),
        Event::Stop { stop, sequence } => Event::Stop { stop, sequence: sequence.map(own) },
        Event::Ping => Event::Ping,
        Event::End => Event::End,
    }
}

/// The events of a stream that comes in these pieces, and how it ended.
fn read(pieces: &[&[u8]]) -> (Vec<Event<'static>>, Result<(), Broken>) {
    let (mut cutter, mut reader) = (sse::Reader::default(), Reader::new(&context()));
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(owned(event));
    let mut take = |event: sse::Event<'_>| reader.read(event, &mut sink).map_err(Failed::Broken);
    let fed = pieces.iter().try_for_each(|piece| cutter.feed(piece, &mut take)).and_then(|()| cutter.finish(&mut take));
    let ended = match fed {
        Ok(()) => reader.finish(&mut sink),
        Err(Failed::Broken(broken)) => Err(broken),
        Err(Failed::TooLong) => Err(Broken::Malformed("too long")),
    };
    (events, ended)
}

/// The events of a stream, which must not depend on where it is cut.
fn events(text: &str) -> (Vec<Event<'static>>, Result<(), Broken>) {
    let whole = read(&[text.as_bytes()]);
    for cut in 0..text.len() {
        let (a, b) = text.as_bytes().split_at(cut);
        assert_eq!(read(&[a, b]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(read(&bytes), whole, "a byte at a time");
    assert_grammar(&whole.0);
    whole
}

/// One block open at a time, nothing empty, nothing after the end.
fn assert_grammar(events: &[Event<'_>]) {
    let (mut open, mut stopped) = (None, false);
    for (i, event) in events.iter().enumerate() {
        assert_eq!(i == 0, matches!(event, Event::Start { .. }), "{events:?}");
        match event {
            Event::Open(block) => assert!(open.replace(block).is_none() && !stopped, "{events:?}"),
            Event::Close => assert!(open.take().is_some(), "{events:?}"),
            Event::Text(text) => {
                assert!(!text.is_empty() && matches!(open, Some(Block::Text | Block::Refusal)), "{events:?}");
            }
            Event::Thinking(text) => assert!(!text.is_empty() && open == Some(&Block::Thinking), "{events:?}"),
            Event::Arguments(text) => {
                assert!(!text.is_empty() && matches!(open, Some(Block::Tool { .. })), "{events:?}");
            }
            Event::Stop { .. } => {
                assert!(open.is_none() && !stopped, "{events:?}");
                stopped = true;
            }
            Event::End => assert!(stopped && i == events.len() - 1, "{events:?}"),
            Event::Start { .. } | Event::Signature(_) | Event::Usage(_) | Event::Ping => {}
        }
    }
}

fn response(text: &str) -> Response {
    let (events, ended) = events(text);
    assert_eq!(ended, Ok(()));
    let mut collector = Collector::default();
    events.into_iter().for_each(|event| collector.take(event));
    collector.finish().expect("the stream has ended")
}

/// A stream of these choices' contents, without `[DONE]`.
fn stream(choices: &[&str]) -> String {
    let chunk = |choice: &&str| format!("data: {{\"id\":\"chatcmpl-1\",\"model\":\"m\",\"choices\":[{choice}]}}\n\n");
    choices.iter().map(chunk).collect()
}

fn thinking(text: &str) -> Part {
    Part::Thinking { text: text.to_owned(), signature: None }
}

#[test]
fn text_comes_with_its_counts() {
    let (events, ended) = events(fixture!("openai_chat_stream_text.sse"));
    assert_eq!(ended, Ok(()));
    let usage = Usage { input: 20, output: 6, cache_read: Some(0), reasoning: Some(0), ..Usage::default() };
    assert_eq!(
        events,
        [
            Event::Start { id: "chatcmpl-fx003".into(), model: "gpt-5".into() },
            Event::Open(Block::Text),
            Event::Text("Hel".into()),
            Event::Text("lo – ".into()),
            Event::Text("日本 👋".into()),
            Event::Usage(usage),
            Event::Close,
            Event::Stop { stop: Stop::EndTurn, sequence: None },
            Event::End,
        ]
    );
}

#[test]
fn calls_one_after_the_other_are_not_kept_back() {
    let (events, ended) = events(fixture!("openai_chat_stream_parallel_tools.sse"));
    assert_eq!(ended, Ok(()));
    let tool = |id: &'static str, name: &'static str| {
        Event::Open(Block::Tool { id: id.into(), name: name.into(), signature: None })
    };
    assert_eq!(
        events[1..],
        [
            tool("call_a", "get_weather"),
            Event::Arguments("{\"ci".into()),
            Event::Arguments("ty\":\"Bergen\"}".into()),
            Event::Close,
            tool("call_b", "get_time"),
            Event::Arguments("{\"city\":\"Bergen\"}".into()),
            Event::Usage(Usage { input: 180, output: 41, ..Usage::default() }),
            Event::Close,
            Event::Stop { stop: Stop::ToolUse, sequence: None },
            Event::End,
        ]
    );
}

#[test]
fn interleaved_calls_are_put_in_order() {
    let response = response(fixture!("openai_chat_stream_interleaved_tools.sse"));
    assert_eq!(
        response.parts,
        [call("call_a", "get_weather", "{\"city\":\"Oslo\"}"), call("call_b", "get_time", "{\"city\":\"Bergen\"}")]
    );
    assert_eq!((response.stop, response.usage), (Stop::ToolUse, None));
}

#[test]
fn a_compatible_server_may_call_in_one_chunk_and_say_stop() {
    let response = response(fixture!("openai_compat_stream_single_chunk_call.sse"));
    assert_eq!(
        response.parts,
        [thinking("Need weather. Use tool."), text("Checking."), call("call_x", "get_weather", "{\"city\":\"Oslo\"}")]
    );
    assert_eq!(response.stop, Stop::ToolUse);
}

#[test]
fn an_error_midway_is_told() {
    let (events, ended) = events(fixture!("openai_chat_stream_error_midway.sse"));
    assert_eq!(events.last(), Some(&Event::Text("Par".into())));
    let message = "The server had an error while processing your request".to_owned();
    let told = Told { message, words: vec!["server_error".to_owned()], ..Told::default() };
    assert_eq!(ended, Err(Broken::Told(told)));
}

#[test]
fn azures_filter_chunks_are_passed_over() {
    let response = response(fixture!("azure_chat_stream_filter_chunks.sse"));
    assert_eq!((response.id.as_str(), response.model.as_str()), ("chatcmpl-fx008", "gpt-5"));
    assert_eq!(response.parts, [text("Hi")]);
    assert_eq!(response.stop, Stop::EndTurn);
}

#[test]
fn a_call_may_carry_geminis_signature() {
    let response = response(&stream(&[
        r#"{"index":0,"delta":{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},
        "extra_content":{"google":{"thought_signature":"sig"}}}]},"finish_reason":"tool_calls"}"#
            .replace('\n', "")
            .as_str(),
    ]));
    let [Part::ToolCall(call)] = &response.parts[..] else { panic!("{response:?}") };
    assert_eq!(call.signature, Some(Signature { issuer: Issuer::Gemini, value: "sig".to_owned() }));
}
