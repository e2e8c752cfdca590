use super::read_chunks as chunks;
use super::*;
use crate::protocol::neutral::{Class, Fault};
use crate::protocol::openai::response::write;
use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

fn written(events: &[Event<'_>], context: Context) -> String {
    let (mut writer, mut out) = (Writer::new(context), BytesMut::new());
    events.iter().for_each(|event| writer.write(event, &mut out));
    String::from_utf8(out.to_vec()).expect("it is UTF-8")
}

fn deltas(stream: &str) -> Vec<Value> {
    chunks(stream).iter().filter_map(|chunk| chunk["choices"].get(0)).map(|choice| choice["delta"].clone()).collect()
}

/// A message put together from a stream as OpenAI's SDKs do it: texts are added up, lists are joined by `index`.
fn put_together(stream: &str) -> Value {
    let mut message = json!({});
    for delta in deltas(stream) {
        add(&mut message, &delta);
    }
    message
}

fn add(to: &mut Value, delta: &Value) {
    for (name, value) in delta.as_object().into_iter().flatten() {
        match (&mut to[name], value) {
            (Value::String(text), Value::String(more)) if name != "type" => text.push_str(more),
            (known @ Value::Object(_), Value::Object(_)) => add(known, value),
            (known, Value::Array(list)) => {
                if known.is_null() {
                    *known = json!([]);
                }
                for item in list {
                    let known = known.as_array_mut().expect("it is a list");
                    let Some(at) = item["index"].as_u64().and_then(|index| usize::try_from(index).ok()) else {
                        known.push(item.clone());
                        continue;
                    };
                    if known.len() == at {
                        known.push(json!({}));
                    }
                    add(&mut known[at], item);
                }
            }
            (known, value) => *known = value.clone(),
        }
    }
}

fn signed(issuer: Issuer) -> Signature {
    Signature { issuer, value: "c2ln".to_owned() }
}

#[test]
fn a_reply_is_told_chunk_by_chunk() {
    let context = Context { include_usage: true, ..context() };
    let events = [
        Event::Ping,
        Event::Start { id: "msg_1".into(), model: "claude".into() },
        Event::Open(Block::Text),
        Event::Text("Hi".into()),
        Event::Close,
        Event::Open(Block::Tool { id: "c".into(), name: "f".into(), signature: None }),
        Event::Arguments("{\"a\"".into()),
        Event::Arguments(":1}".into()),
        Event::Close,
        Event::Stop { stop: Stop::ToolUse, sequence: None },
        Event::Usage(Usage { input: 3, output: 2, cache_read: Some(1), ..Usage::default() }),
        Event::End,
    ];
    let chunk = |choice: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-msg_1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"claude\",\
             \"choices\":[{choice}],\"usage\":null}}\n\n"
        )
    };
    let delta = |delta: &str| chunk(&format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}"#));
    let expected = [
        ": ping\n\n".to_owned(),
        delta(r#"{"role":"assistant","content":""}"#),
        delta(r#"{"content":"Hi"}"#),
        delta(r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}"#),
        delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}"#),
        delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}"#),
        chunk(r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}"#),
        "data: {\"id\":\"chatcmpl-msg_1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"claude\",\
         \"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2,\"total_tokens\":6,\
         \"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n"
            .to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ];
    assert_eq!(written(&events, context), expected.concat());
}

#[test]
fn counts_are_told_to_whom_asked() {
    let usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
    let reply = Response { parts: vec![text("a")], usage, ..Response::default() };
    assert!(!written(&reply.events(), context()).contains("usage"));
    let unknown = Response { usage: None, ..reply };
    let asked = written(&unknown.events(), Context { include_usage: true, ..context() });
    assert!(chunks(&asked).iter().all(|chunk| chunk["usage"].is_null()), "nothing is invented: {asked}");
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let reply = Response { parts: vec![call("c", "f", "")], stop: Stop::ToolUse, ..Response::default() };
    let message = put_together(&written(&reply.events(), context()));
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{}");
}

#[test]
fn a_custom_tool_is_called_with_its_input() {
    let context = Context { custom_tools: vec!["patch".to_owned()], ..context() };
    let events = [
        Event::Start { id: "".into(), model: "".into() },
        Event::Open(Block::Tool { id: "c".into(), name: "patch".into(), signature: None }),
        Event::Arguments("{\"input\":\"a\\".into()),
        Event::Arguments("nb\"}".into()),
        Event::Close,
        Event::Stop { stop: Stop::ToolUse, sequence: None },
        Event::End,
    ];
    let stream = written(&events, context.clone());
    let expected = json!([{"index": 0, "id": "c", "type": "custom", "custom": {"name": "patch", "input": "a\nb"}}]);
    assert_eq!(deltas(&stream)[1]["tool_calls"], expected);
    let broken = Response { parts: vec![call("c", "patch", "free")], stop: Stop::ToolUse, ..Response::default() };
    let whole: Value = serde_json::from_slice(&write(&broken, &context)).expect("it is JSON");
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["custom"]["input"], "free");
}

/// Blocks of thinking keep their order and their signatures, and a client that brings the message back has them again.
#[test]
fn interleaved_thinking_survives_the_client() {
    let parts = vec![
        Part::Thinking { text: "first ä".to_owned(), signature: Some(signed(Issuer::Anthropic)) },
        text("a"),
        Part::RedactedThinking(signed(Issuer::Anthropic)),
        Part::Thinking { text: "second".to_owned(), signature: Some(signed(Issuer::OpenAi)) },
        Part::ToolCall(ToolCall {
            id: "c".to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
            signature: Some(signed(Issuer::Gemini)),
        }),
    ];
    let reply = Response { parts: parts.clone(), stop: Stop::ToolUse, ..Response::default() };
    let streamed = put_together(&written(&reply.events(), context()));
    assert_eq!(streamed["reasoning_content"], "first äsecond");
    assert_eq!(
        streamed["reasoning_details"],
        json!([
            {"index": 0, "type": "reasoning.text", "text_range": [0, 8], "signature": "pm1.anthropic.c2ln"},
            {"index": 1, "type": "reasoning.encrypted", "data": "pm1.anthropic.c2ln"},
            {"index": 2, "type": "reasoning.text", "text_range": [8, 14], "signature": "pm1.openai.c2ln"},
        ])
    );
    let whole: Value = serde_json::from_slice(&write(&reply, &context())).expect("it is JSON");
    let whole = whole["choices"][0]["message"].clone();
    assert_eq!(whole["tool_calls"][0]["extra_content"], json!({"google": {"thought_signature": "c2ln"}}));
    for message in [streamed, whole] {
        let body = json!({"messages": [{"role": "user", "content": "q"}, message]}).to_string();
        let request = crate::protocol::openai::request::read(body.as_bytes()).expect("it is readable");
        let [thought, said, redacted, again, call] = parts.clone().try_into().expect("there are five");
        assert_eq!(request.turns[1].parts, [thought, redacted, again, said, call], "{message}");
        assert_eq!(request.extra, []);
    }
}

#[test]
fn after_an_error_there_is_nothing() {
    let (mut writer, mut out) = (Writer::new(context()), BytesMut::new());
    writer.write(&Event::Start { id: "a".into(), model: "b".into() }, &mut out);
    let (message, request_id) = ("m".to_owned(), String::new());
    let fault = Fault { class: Class::Overloaded, message, field: None, code: None, request_id };
    writer.fail(&fault, &mut out);
    let told = out.clone();
    writer.fail(&fault, &mut out);
    [Event::Ping, Event::Stop { stop: Stop::EndTurn, sequence: None }, Event::End]
        .iter()
        .for_each(|event| writer.write(event, &mut out));
    assert_eq!(out, told);
    let told = String::from_utf8(told.to_vec()).expect("it is UTF-8");
    assert!(
        told.ends_with(
            "data: {\"error\":{\"message\":\"m\",\"type\":\"service_unavailable_error\",\"param\":null,\
             \"code\":\"server_is_overloaded\"}}\n\n"
        ),
        "{told}"
    );
}

#[test]
fn every_stop_has_openais_word() {
    for (stop, refusal, expected) in [
        (Stop::EndTurn, false, "stop"),
        (Stop::ToolUse, false, "tool_calls"),
        (Stop::MaxTokens, false, "length"),
        (Stop::StopSequence, false, "stop"),
        (Stop::ContentFilter, false, "content_filter"),
        (Stop::Refusal, false, "content_filter"),
        (Stop::Refusal, true, "stop"),
        (Stop::ContextWindow, false, "length"),
        (Stop::Pause, false, "stop"),
        (Stop::Malformed, false, "stop"),
    ] {
        let part = if refusal { Part::Refusal("no".to_owned()) } else { text("a") };
        let reply = Response { parts: vec![part], stop, ..Response::default() };
        let stream = written(&reply.events(), context());
        let chunks = chunks(&stream);
        let reasons: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]).collect();
        assert_eq!(reasons.iter().filter(|reason| !reason.is_null()).count(), 1, "{stream}");
        assert_eq!(*reasons[reasons.len() - 1], expected, "{stop:?}");
        let whole: Value = serde_json::from_slice(&write(&reply, &context())).expect("it is JSON");
        assert_eq!(whole["choices"][0]["finish_reason"], expected, "{stop:?}");
    }
}

fn any_part() -> impl Strategy<Value = Part> {
    let issuer = prop_oneof![Just(Issuer::Anthropic), Just(Issuer::Gemini), Just(Issuer::OpenAi)];
    let signature = issuer.prop_map(signed);
    prop_oneof![
        "\\PC{1,12}".prop_map(Part::Text),
        ("\\PC{0,12}", proptest::option::of(signature.clone()))
            .prop_map(|(text, signature)| Part::Thinking { text, signature }),
        signature.clone().prop_map(Part::RedactedThinking),
        "\\PC{1,12}".prop_map(Part::Refusal),
        ("[a-z]{1,5}", "\\PC{0,12}", proptest::option::of(signature)).prop_map(|(name, arguments, signature)| {
            Part::ToolCall(ToolCall { id: format!("call_{name}"), name, arguments, signature })
        }),
    ]
}

fn any_response() -> impl Strategy<Value = Response> {
    let stops = [Stop::EndTurn, Stop::ToolUse, Stop::MaxTokens, Stop::ContentFilter, Stop::Refusal];
    let usage = (0..9_u64, 0..9_u64, proptest::option::of(0..9_u64)).prop_map(|(input, output, cache_read)| Usage {
        input,
        output,
        cache_read,
        ..Usage::default()
    });
    let parts = proptest::collection::vec(any_part(), 0..6);
    (parts, proptest::sample::select(stops.to_vec()), proptest::option::of(usage), "(chatcmpl-[a-z]{3})?").prop_map(
        |(parts, stop, usage, id)| Response { id, model: "m".to_owned(), parts, stop, stop_sequence: None, usage },
    )
}

/// What the protocol can say of a reply: no order between kinds, no thinking's signatures to a provider's reader.
fn plain(response: &Response, context: &Context) -> Response {
    let (mut thoughts, mut texts, mut refusals) = (String::new(), String::new(), String::new());
    let mut calls = Vec::new();
    for part in &response.parts {
        match part {
            Part::Thinking { text, .. } => thoughts.push_str(text),
            Part::Text(text) => texts.push_str(text),
            Part::Refusal(text) => refusals.push_str(text),
            Part::ToolCall(call) if call.arguments.trim().is_empty() => {
                calls.push(Part::ToolCall(ToolCall { arguments: "{}".to_owned(), ..call.clone() }));
            }
            Part::ToolCall(call) => calls.push(Part::ToolCall(call.clone())),
            _ => {}
        }
    }
    let (called, refused) = (!calls.is_empty(), !refusals.is_empty());
    let stop = match crate::protocol::openai::finish::word(response.stop, refused) {
        "length" => Stop::MaxTokens,
        "content_filter" => Stop::ContentFilter,
        _ if called => Stop::ToolUse,
        _ if refused => Stop::Refusal,
        _ => Stop::EndTurn,
    };
    let mut parts = Vec::new();
    parts.extend((!thoughts.is_empty()).then_some(Part::Thinking { text: thoughts, signature: None }));
    parts.extend((!texts.is_empty()).then_some(Part::Text(texts)));
    parts.extend(refused.then_some(Part::Refusal(refusals)));
    parts.extend(calls);
    let id = crate::protocol::openai::id::of_reply("chatcmpl-", &response.id, context);
    Response { id, model: response.model.clone(), parts, stop, stop_sequence: None, usage: response.usage }
}

proptest! {
    #[test]
    fn a_whole_reply_is_read_back(response in any_response()) {
        let body = write(&response, &context());
        let read = crate::protocol::openai::response::read(&body, &context()).expect("it is a reply");
        prop_assert_eq!(read, plain(&response, &context()));
    }

    #[test]
    fn a_stream_is_read_back(response in any_response()) {
        let context = Context { include_usage: true, ..context() };
        let stream = written(&response.events(), context.clone());
        let (events, ended) = read(&[stream.as_bytes()]);
        prop_assert_eq!(ended, Ok(()), "{}", stream);
        assert_grammar(&events);
        let mut collector = Collector::default();
        events.into_iter().for_each(|event| collector.take(event));
        let read = collector.finish().expect("it has ended");
        prop_assert_eq!(plain(&read, &context), plain(&response, &context));
    }

    #[test]
    fn a_stream_tells_what_the_whole_reply_tells(response in any_response()) {
        let streamed = put_together(&written(&response.events(), context()));
        let whole: Value = serde_json::from_slice(&write(&response, &context())).expect("it is JSON");
        let whole = &whole["choices"][0]["message"];
        for name in ["content", "refusal", "reasoning_content"] {
            prop_assert_eq!(streamed[name].as_str().unwrap_or(""), whole[name].as_str().unwrap_or(""), "{}", name);
        }
        let calls = |message: &Value| {
            let mut calls = message["tool_calls"].clone();
            for call in calls.as_array_mut().into_iter().flatten() {
                call["index"] = Value::Null;
                let arguments = call["function"]["arguments"].as_str().unwrap_or_default().trim().to_owned();
                call["function"]["arguments"] = arguments.into();
            }
            calls
        };
        prop_assert_eq!(calls(&streamed), calls(whole));
        let back = |message: &Value| {
            let body = json!({"messages": [{"role": "user", "content": "q"}, message]}).to_string();
            crate::protocol::openai::request::read(body.as_bytes()).expect("it is readable").turns
        };
        let (mut streamed, mut whole) = (streamed.clone(), whole.clone());
        streamed["role"] = "assistant".into();
        whole["role"] = "assistant".into();
        prop_assert_eq!(back(&streamed), back(&whole));
    }

    #[test]
    fn no_order_of_events_panics(picks in proptest::collection::vec(0..12_usize, 0..30)) {
        let all = [
            Event::Start { id: "a".into(), model: "b".into() },
            Event::Open(Block::Text),
            Event::Open(Block::Thinking),
            Event::Open(Block::Redacted(signed(Issuer::OpenAi))),
            Event::Open(Block::Tool { id: "c".into(), name: "f".into(), signature: None }),
            Event::Text("t".into()),
            Event::Thinking("ä".into()),
            Event::Signature(signed(Issuer::Gemini)),
            Event::Arguments("{".into()),
            Event::Close,
            Event::Stop { stop: Stop::EndTurn, sequence: None },
            Event::End,
        ];
        let events: Vec<_> = picks.into_iter().map(|pick| all[pick].clone()).collect();
        let stream = written(&events, context());
        prop_assert!(stream.matches("[DONE]").count() <= 1);
        chunks(&stream);
    }

    #[test]
    fn no_stream_panics(text in "(data: )?[\\[\\]{}\":,a-z0-9\n]{0,80}") {
        let _ = read(&[text.as_bytes()]);
    }
}
