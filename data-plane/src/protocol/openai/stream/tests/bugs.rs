//! What servers do that OpenAI does not, and what must not come of it.

use super::*;

fn delta(fields: &str) -> String {
    format!(r#"{{"index":0,"delta":{{{fields}}},"finish_reason":null}}"#)
}

fn calls(list: &str) -> String {
    delta(&format!(r#""tool_calls":[{list}]"#))
}

fn finished(reason: &str) -> String {
    format!(r#"{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}"#)
}

fn of(choices: &[String]) -> Response {
    let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
    response(&stream(&choices))
}

fn piece(index: u8, id: &str, name: &str, arguments: &str) -> String {
    serde_json::json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}}).to_string()
}

fn more(index: u8, arguments: &str) -> String {
    serde_json::json!({"index": index, "function": {"arguments": arguments}}).to_string()
}

#[test]
fn a_reply_is_complete_without_done_if_it_said_why_it_ended() {
    let reply = of(&[delta(r#""content":"a""#), finished("stop")]);
    assert_eq!((reply.parts, reply.stop), (vec![text("a")], Stop::EndTurn));
    let with_done = format!("{}data: [DONE]\n\n", stream(&[&delta(r#""content":"a""#)]));
    assert_eq!(response(&with_done).parts, [text("a")]);
}

#[test]
fn a_cut_stream_is_no_end() {
    let cut = stream(&[&delta(r#""content":"a""#)]);
    assert_eq!(events(&cut).1, Err(Broken::Early));
    assert!(!events(&cut).0.contains(&Event::End));
    for nothing in ["", ": only comments\n\n", "data: [DONE]\n\n"] {
        assert_eq!(events(nothing), (vec![], Err(Broken::Early)), "{nothing:?}");
    }
}

#[test]
fn counts_after_the_end_are_the_last_word() {
    let counts = |prompt: u64| format!(r#""usage":{{"prompt_tokens":{prompt},"completion_tokens":1}}"#);
    let body = format!(
        "data: {{\"id\":\"a\",\"choices\":[{}],{}}}\n\ndata: {{\"id\":\"a\",\"choices\":[],{}}}\n\ndata: [DONE]\n\n",
        finished("stop"),
        counts(1),
        counts(9)
    );
    let reply = response(&body);
    assert_eq!(reply.usage.map(|usage| usage.input), Some(9));
    let (events, _) = events(&body);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Stop { .. })).count(), 1);
    let elsewhere =
        r#"{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":1}}"#;
    assert_eq!(of(&[elsewhere.to_owned()]).usage.map(|usage| usage.input), Some(5));
}

#[test]
fn chunks_without_choices_or_with_empty_ones_are_nothing() {
    for odd in [
        r#"{"id":"a"}"#,
        r#"{"id":"a","choices":null}"#,
        r#"{"choices":[{"index":0}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
    ] {
        let body = format!("data: {odd}\n\n{}", stream(&[&delta(r#""content":"a""#), &finished("stop")]));
        assert_eq!(response(&body).parts, [text("a")], "{odd}");
    }
}

#[test]
fn empty_tool_calls_and_nulls_are_no_content() {
    let reply = of(&[
        delta(r#""role":"assistant","content":"","tool_calls":[],"refusal":null,"reasoning_content":null"#),
        delta(r#""content":"a","tool_calls":[],"reasoning_content":"""#),
        delta(r#""content":"b","tool_calls":null,"reasoning":7"#),
        finished("stop"),
    ]);
    assert_eq!(reply.parts, [text("ab")]);
}

#[test]
fn thinking_and_text_in_one_chunk_both_count() {
    for name in ["reasoning_content", "reasoning"] {
        let reply = of(&[
            delta(&format!(r#""{name}":"x","content":"a""#)),
            delta(&format!(r#""{name}":"y""#)),
            finished("stop"),
        ]);
        assert_eq!(reply.parts, [thinking("x"), text("a"), thinking("y")]);
    }
    let twice = of(&[delta(r#""reasoning":"x","reasoning_content":"x""#), finished("stop")]);
    assert_eq!(twice.parts, [thinking("x")]);
}

#[test]
fn content_may_be_a_list() {
    let list = r#""content":[{"type":"thinking","thinking":[{"type":"text","text":"x"}]},{"type":"text","text":"a"}]"#;
    assert_eq!(of(&[delta(list), finished("stop")]).parts, [thinking("x"), text("a")]);
}

#[test]
fn a_refusal_is_one() {
    let reply = of(&[delta(r#""refusal":"no""#), finished("stop")]);
    assert_eq!(reply.parts, [Part::Refusal("no".to_owned())]);
    assert_eq!(reply.stop, Stop::Refusal);
}

#[test]
fn the_chunk_that_opens_a_call_may_hold_its_arguments() {
    let first = calls(&piece(0, "c", "f", "{\"a\":"));
    let reply = of(&[first, calls(&more(0, "1}")), finished("tool_calls")]);
    assert_eq!(reply.parts, [call("c", "f", "{\"a\":1}")]);
}

#[test]
fn names_and_ids_that_are_repeated_are_told_once() {
    let reply = of(&[
        calls(&piece(0, "c", "f", "")),
        calls(&piece(0, "c", "f", "{\"a\":")),
        calls(&piece(0, "other", "f", "1}")),
        calls(&piece(0, "c", "f", "{\"a\":1}")),
        finished("tool_calls"),
    ]);
    assert_eq!(reply.parts, [call("c", "f", "{\"a\":1}")]);
}

#[test]
fn calls_that_are_not_counted_are_told_apart() {
    for second in [piece(0, "d", "g", "{}"), r#"{"id":"d","function":{"name":"g","arguments":{}}}"#.to_owned()] {
        let reply = of(&[calls(&piece(0, "c", "f", "{}")), calls(&second), finished("tool_calls")]);
        assert_eq!(reply.parts, [call("c", "f", "{}"), call("d", "g", "{}")], "{second}");
    }
    let id = |part: &Part| match part {
        Part::ToolCall(call) => call.id.clone(),
        other => panic!("{other:?}"),
    };
    for unnamed in
        [r#"{"index":0,"function":{"name":"f","arguments":"{}"}}"#, r#"{"function":{"name":"f","arguments":{}}}"#]
    {
        let reply = of(&[calls(unnamed), calls(unnamed), finished("stop")]);
        let ids: Vec<String> = reply.parts.iter().map(id).collect();
        assert!(ids.len() == 2 && ids[0] != ids[1] && ids.iter().all(|id| id.starts_with("call_")), "{ids:?}");
    }
}

#[test]
fn pieces_without_an_index_belong_to_the_last_call() {
    let reply = of(&[
        calls(r#"{"id":"c","function":{"name":"f","arguments":"{"}}"#),
        calls(r#"{"function":{"arguments":"}"}}"#),
        finished("tool_calls"),
    ]);
    assert_eq!(reply.parts, [call("c", "f", "{}")]);
}

#[test]
fn a_call_without_arguments_does_not_hold_up_the_end() {
    let reply = of(&[calls(&piece(0, "c", "f", "")), calls(&piece(1, "d", "g", "{}")), finished("tool_calls")]);
    assert_eq!(reply.parts, [call("c", "f", ""), call("d", "g", "{}")]);
}

#[test]
fn text_between_the_pieces_of_a_call_waits_for_it() {
    let reply = of(&[
        calls(&piece(0, "c", "f", "{\"a\"")),
        delta(r#""content":"so""#),
        calls(&more(0, ":1}")),
        delta(r#""content":"on""#),
        finished("tool_calls"),
    ]);
    assert_eq!(reply.parts, [call("c", "f", "{\"a\":1}"), text("soon")]);
}

#[test]
fn a_call_without_a_name_is_nobodys() {
    let (events, ended) = events(&stream(&[&calls(&more(0, "{}")), &finished("tool_calls")]));
    assert_eq!(ended, Err(Broken::Malformed("a tool call has no name")));
    assert!(!events.contains(&Event::End));
}

#[test]
fn what_ended_a_reply_is_not_its_content_alone() {
    for (reason, called, expected) in [
        ("stop", false, Stop::EndTurn),
        ("stop", true, Stop::ToolUse),
        ("function_call", true, Stop::ToolUse),
        ("tool_calls", false, Stop::EndTurn),
        ("length", true, Stop::MaxTokens),
        ("content_filter", true, Stop::ContentFilter),
        ("model_length", false, Stop::ContextWindow),
        ("something new", false, Stop::EndTurn),
    ] {
        let first = if called { calls(&piece(0, "c", "f", "{\"a\"")) } else { delta(r#""content":"a""#) };
        assert_eq!(of(&[first, finished(reason)]).stop, expected, "{reason} {called}");
    }
}

#[test]
fn a_failure_is_no_end() {
    let told = |body: &str| match events(body).1 {
        Err(Broken::Told(told)) => told,
        other => panic!("{body}: {other:?}"),
    };
    for reason in ["error", "insufficient_system_resource", "network_error"] {
        assert_eq!(told(&stream(&[&delta(r#""content":"a""#), &finished(reason)])).words, [reason]);
    }
    for (body, message) in [
        ("data: {\"error\":{\"message\":\"m\"},\"choices\":[]}\n\n", "m"),
        ("data: {\"error\":\"m\"}\n\n", "m"),
        ("data: {\"object\":\"error\",\"message\":\"m\",\"code\":500}\n\n", "m"),
        ("event: error\ndata: {\"message\":\"m\"}\n\n", "m"),
        ("event: error\ndata: m\n\n", "m"),
        ("data: {\"choices\":[{\"index\":0,\"error\":{\"message\":\"m\"}}]}\n\n", "m"),
    ] {
        assert_eq!(told(body).message, message, "{body}");
    }
    let empty = format!("data: {{\"id\":\"a\",\"error\":{{}},\"choices\":[{}]}}\n\n", finished("stop"));
    assert_eq!(response(&empty).stop, Stop::EndTurn);
    assert_eq!(events("data: <html>\n\n").1, Err(Broken::Malformed("an event is no chunk of a chat completion")));
}

#[test]
fn nothing_follows_the_end() {
    let reply = format!(
        "{}data: [DONE]\n\n{}data: {{\"error\":{{\"message\":\"late\"}}}}\n\n",
        stream(&[&finished("stop")]),
        stream(&[&delta(r#""content":"late""#)])
    );
    assert_eq!(response(&reply).parts, []);
}
