//! Streams to clients.

use super::*;
use crate::protocol::neutral::{Block, Class, Fault, Stop};
use serde_json::json;

fn patching() -> Context {
    Context { custom_tools: vec!["patch".to_owned()], ..context() }
}

fn reply(parts: Vec<Part>, stop: Stop) -> Response {
    let (id, model) = ("resp_1".to_owned(), "m".to_owned());
    Response { id, model, parts, stop, ..Response::default() }
}

fn fault(class: Class) -> Fault {
    Fault { class, message: "why".to_owned(), field: None, code: None, request_id: "r".to_owned() }
}

#[test]
fn text_has_every_event_in_order() {
    let told = told(&written(&reply(vec![text("Hi")], Stop::EndTurn).events(), context()));
    assert_eq!(
        types(&told),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(told[0]["response"]["status"], "in_progress");
    assert_eq!(told[2]["item"]["content"], json!([]));
    let delta = json!({"type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_1_0",
        "output_index": 0, "content_index": 0, "delta": "Hi", "logprobs": []});
    assert_eq!(told[4], delta);
    assert_eq!(told[5]["text"], "Hi");
    assert_eq!(told[8]["response"]["output"][0], told[7]["item"]);
}

#[test]
fn calls_and_thinking_have_every_event_in_order() {
    let thinking = Part::Thinking { text: "hm".to_owned(), signature: Some(signature(Issuer::OpenAi, "s")) };
    let parts = vec![thinking, Part::ToolCall(call("c1", "f", "{\"a\":1}"))];
    let told = told(&written(&reply(parts, Stop::ToolUse).events(), context()));
    assert_eq!(
        types(&told)[2..],
        [
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(told[7]["item"]["encrypted_content"], "s");
    assert_eq!((&told[9]["output_index"], &told[9]["delta"]), (&json!(1), &json!("{\"a\":1}")));
    assert_eq!((&told[10]["name"], &told[10]["arguments"]), (&json!("f"), &json!("{\"a\":1}")));
    assert_eq!(told[11]["item"]["call_id"], "c1");
}

#[test]
fn texts_and_refusals_that_follow_on_each_other_are_one_message() {
    let parts = vec![text("a"), Part::Refusal("no".to_owned()), Part::ToolCall(call("c", "f", "{}")), text("b")];
    let told = told(&written(&reply(parts, Stop::ToolUse).events(), context()));
    let output = &told.last().expect("there is an end")["response"]["output"];
    let kinds: Vec<_> = output.as_array().expect("a list").iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["message", "function_call", "message"]);
    let refused = told.iter().find(|event| event["type"] == "response.refusal.delta").expect("it refused");
    assert_eq!(
        (&refused["content_index"], &refused["delta"], &refused["logprobs"]),
        (&json!(1), &json!("no"), &Value::Null)
    );
}

#[test]
fn a_custom_tools_input_is_told_when_it_is_whole() {
    let events = [
        Event::Start { id: "resp_1".into(), model: "m".into() },
        Event::Open(Block::Tool { id: "c".into(), name: "patch".into(), signature: None }),
        Event::Arguments("{\"inp".into()),
        Event::Arguments("ut\": \"a\\nb\"}".into()),
        Event::Close,
        Event::Stop { stop: Stop::ToolUse, sequence: None },
        Event::End,
    ];
    let told = told(&written(&events, patching()));
    assert_eq!(
        types(&told)[3..6],
        ["response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", "response.output_item.done",]
    );
    assert_eq!(
        (&told[3]["delta"], &told[4]["input"], &told[5]["item"]["input"]),
        (&json!("a\nb"), &json!("a\nb"), &json!("a\nb"))
    );
    let odd = reply(vec![Part::ToolCall(call("c", "patch", "no JSON"))], Stop::ToolUse);
    assert!(written(&odd.events(), patching()).contains(r#""input":"no JSON""#), "what cannot be read stays as it is");
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let told = told(&written(&reply(vec![Part::ToolCall(call("c", "f", ""))], Stop::ToolUse).events(), context()));
    assert_eq!(types(&told)[3], "response.function_call_arguments.delta");
    assert_eq!((&told[3]["delta"], &told[4]["arguments"]), (&json!("{}"), &json!("{}")));
}

#[test]
fn a_call_that_was_cut_is_never_told_as_complete() {
    let told =
        told(&written(&reply(vec![Part::ToolCall(call("c", "f", "{\"a"))], Stop::MaxTokens).events(), context()));
    let item = &told.iter().find(|event| event["type"] == "response.output_item.done").expect("it is done")["item"];
    assert_eq!((&item["status"], &item["arguments"]), (&json!("incomplete"), &json!("{\"a")));
    let last = told.last().expect("there is an end");
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.incomplete"), &json!("incomplete")));
}

#[test]
fn an_error_ends_the_stream_inside_the_response() {
    let mut out = BytesMut::new();
    let mut writer = stream::Writer::new(context());
    let before =
        [Event::Start { id: "resp_1".into(), model: "m".into() }, Event::Open(Block::Text), Event::Text("a".into())];
    before.iter().for_each(|event| writer.write(event, &mut out));
    writer.fail(&fault(Class::Overloaded), &mut out);
    let length = out.len();
    writer.fail(&fault(Class::Failed), &mut out);
    writer.write(&Event::Text("b".into()), &mut out);
    writer.write(&Event::End, &mut out);
    assert_eq!(out.len(), length, "nothing comes after the end");
    let told = told(std::str::from_utf8(&out).expect("events are text"));
    let last = told.last().expect("there is an end");
    assert_eq!(last["type"], "response.failed");
    let (status, error) = (&last["response"]["status"], &last["response"]["error"]);
    assert_eq!((status, error), (&json!("failed"), &json!({"code": "server_error", "message": "why"})));
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    let broken = collect(&[&out]);
    assert!(matches!(broken, Err(Broken::Told(told)) if told.words == ["server_error"] && told.message == "why"));
}

#[test]
fn an_error_before_the_start_is_told_of_a_response_too() {
    let mut out = BytesMut::new();
    stream::Writer::new(context()).fail(&fault(Class::RateLimited), &mut out);
    let told = told(std::str::from_utf8(&out).expect("events are text"));
    assert_eq!(types(&told), ["response.created", "response.in_progress", "response.failed"]);
    assert_eq!(told[2]["response"]["error"]["code"], "rate_limit_exceeded");
    assert_eq!(told[0]["response"]["id"], told[2]["response"]["id"]);
}

#[test]
fn odd_events_do_no_harm() {
    let events = [
        Event::Ping,
        Event::Close,
        Event::Text("lost".into()),
        Event::Open(Block::Text),
        Event::Thinking("lost".into()),
        Event::Arguments("lost".into()),
        Event::Signature(signature(Issuer::OpenAi, "lost")),
        Event::Start { id: "late".into(), model: "late".into() },
        Event::Text("a".into()),
        Event::Close,
        Event::Close,
        Event::Text("lost".into()),
        Event::Ping,
        Event::Open(Block::Thinking),
        Event::Text("lost".into()),
        Event::End,
        Event::End,
    ];
    let stream = written(&events, context());
    assert!(!stream.contains("lost") && stream.contains(": ping\n\n"));
    assert_eq!(told(&stream).iter().filter(|event| event["type"] == "response.completed").count(), 1);
}

#[test]
fn usage_known_at_the_end_is_told_at_the_end() {
    let usage = |output| Usage { input: 1, cache_read: Some(2), output, ..Usage::default() };
    let reply = reply(vec![text("a")], Stop::EndTurn);
    let mut events = reply.events();
    events.insert(1, Event::Usage(usage(1)));
    events.insert(events.len() - 1, Event::Usage(usage(9)));
    let told = told(&written(&events, context()));
    let counted = &told.last().expect("there is an end")["response"]["usage"];
    assert_eq!((&counted["input_tokens"], &counted["output_tokens"]), (&json!(3), &json!(9)));
    assert_eq!(counted["input_tokens_details"]["cached_tokens"], 2);
}

/// The parts that a client hands back when it repeats the items of a reply in its next request.
fn handed_back(response: &Response) -> Vec<Part> {
    let written: Value = serde_json::from_slice(&response::write(response, &patching())).expect("it is JSON");
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(written["output"].as_array().expect("a list").clone());
    let body = json!({"model": "m", "input": input}).to_string();
    let mut read = request::read(body.as_bytes()).expect("what we wrote can be read");
    if read.turns.len() > 1 { read.turns.remove(1).parts } else { Vec::new() }
}

#[test]
fn a_calls_signature_and_hidden_thinking_come_back() {
    let signed = ToolCall { signature: Some(signature(Issuer::Gemini, "g+/=")), ..call("c1", "f", "{}") };
    let parts = vec![
        Part::RedactedThinking(signature(Issuer::Anthropic, "hidden")),
        Part::Thinking { text: String::new(), signature: Some(signature(Issuer::Anthropic, "omitted")) },
        Part::Thinking { text: "unsigned".to_owned(), signature: None },
        Part::ToolCall(signed),
        Part::ToolCall(call("c2", "f", "{}")),
        Part::Thinking { text: String::new(), signature: Some(signature(Issuer::Gemini, "of a text")) },
    ];
    let response = reply(parts.clone(), Stop::ToolUse);
    assert_eq!(handed_back(&response), parts);
    let told = told(&written(&response.events(), patching()));
    let whole: Value = serde_json::from_slice(&response::write(&response, &patching())).expect("it is JSON");
    assert_eq!(told.last().expect("there is an end")["response"], whole);
}

proptest! {
    #[test]
    fn a_stream_tells_what_the_whole_reply_tells(
        parts in proptest::collection::vec(any_part(), 0..6),
        usage in proptest::option::of(any_usage()),
        stop in proptest::sample::select(vec![Stop::EndTurn, Stop::MaxTokens, Stop::ContentFilter, Stop::Refusal, Stop::Malformed]),
    ) {
        let response = Response { usage, ..reply(parts, stop) };
        let stream = written(&response.events(), patching());
        let whole: Value = serde_json::from_slice(&response::write(&response, &patching())).expect("it is JSON");
        let told = told(&stream);
        prop_assert_eq!(&told.last().expect("there is an end")["response"], &whole);
        if stop != Stop::Malformed {
            prop_assert_eq!(collect(&[stream.as_bytes()]), response::read(whole.to_string().as_bytes(), &context()));
        }
    }

    #[test]
    fn a_reply_comes_back_as_it_was(
        parts in proptest::collection::vec(
            prop_oneof![any_part(), any_thinking(&[Issuer::Anthropic, Issuer::Gemini, Issuer::OpenAi])], 0..6,
        ),
    ) {
        prop_assert_eq!(handed_back(&reply(parts.clone(), Stop::EndTurn)), parts);
    }
}
