use super::*;
use crate::protocol::neutral::{
    Effort, Format, Issuer, Media, Part, Reasoning, Request, Role, Signature, Tool, ToolCall, ToolChoice, Turn,
};
use proptest::prelude::*;
use serde_json::json;

fn media() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[A-Za-z0-9]{4,8}".prop_map(|data| Part::Image(Media::Inline { mime: "image/png".to_owned(), data })),
        "https://[a-z]{1,8}".prop_map(|url| Part::Image(Media::Url(url))),
        ("[A-Za-z0-9]{4,8}", "[a-z]{1,5}.pdf").prop_map(|(data, name)| Part::Document {
            media: Media::Inline { mime: "application/pdf".to_owned(), data },
            name: Some(name)
        }),
        "[A-Za-z0-9]{4,8}".prop_map(|data| Part::Audio(Media::Inline { mime: "audio/wav".to_owned(), data })),
    ]
}

fn text() -> impl Strategy<Value = Part> {
    "\\PC{1,12}".prop_map(Part::Text)
}

/// An exchange as both forms have it: thoughts, words, calls; results, then what the user adds.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let asked = proptest::collection::vec(prop_oneof![text(), media()], 1..4);
    let thought = proptest::option::of("\\PC{1,12}");
    let calls = proptest::collection::vec(("[a-z]{1,5}", "\\{\"a\":[0-9]\\}", any::<bool>(), "\\PC{1,12}"), 0..3);
    (asked, thought, proptest::option::of(text()), calls).prop_map(|(asked, thought, said, calls)| {
        let mut parts: Vec<Part> = thought.into_iter().map(|text| Part::Thinking { text, signature: None }).collect();
        parts.extend(said);
        let mut results = Vec::new();
        for (nth, (name, arguments, signed, told)) in calls.into_iter().enumerate() {
            let id = format!("call_{nth}");
            let signature = signed.then(|| Signature { issuer: Issuer::Gemini, value: "s".to_owned() });
            parts.push(Part::ToolCall(ToolCall { id: id.clone(), name, arguments, signature }));
            results.push(Part::ToolResult { id, parts: vec![Part::Text(told)], is_error: false });
        }
        results.push(Part::Text("next".to_owned()));
        let turn = |role, parts| Turn { role, parts };
        vec![turn(Role::User, asked), turn(Role::Assistant, parts), turn(Role::User, results)]
    })
}

fn request() -> impl Strategy<Value = Request> {
    let effort = proptest::sample::select(vec![Effort::Low, Effort::Medium, Effort::High]);
    let reasoning = proptest::option::of(effort.prop_map(|effort| Reasoning::On {
        effort: Some(effort),
        budget: None,
        adaptive: false,
        show: None,
    }));
    let temperature = (0..8_u8).prop_map(|quarters| f64::from(quarters) / 4.0);
    let numbers =
        (proptest::option::of(1..9_u64), proptest::option::of(temperature), proptest::option::of(any::<i64>()));
    let flags = (any::<bool>(), any::<bool>(), proptest::option::of(any::<bool>()));
    let system = proptest::option::of(text());
    (system, exchange(), reasoning, numbers, flags).prop_map(
        |(system, turns, reasoning, (max_tokens, temperature, seed), (tools, format, parallel))| {
            let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}});
            let tool = Tool {
                name: "f".to_owned(),
                description: Some("d".to_owned()),
                schema: schema.clone(),
                strict: None,
                custom: false,
                cache: None,
            };
            Request {
                system: system.into_iter().collect(),
                turns,
                tools: tools.then_some(tool).into_iter().collect(),
                tool_choice: tools.then(|| ToolChoice::One("f".to_owned())),
                parallel_tools: parallel.filter(|_| tools),
                max_tokens,
                temperature,
                seed,
                reasoning,
                format: format.then(|| Format::JsonSchema { name: Some("n".to_owned()), schema, strict: Some(true) }),
                stream: true,
                include_usage: true,
                ..Request::default()
            }
        },
    )
}

/// As `shape` puts them together: turns of one speaker are one, and turns that say nothing are none.
fn merged(mut request: Request) -> Request {
    let mut turns: Vec<Turn> = Vec::new();
    for turn in request.turns.into_iter().filter(|turn| !turn.parts.is_empty()) {
        match turns.last_mut() {
            Some(last) if last.role == turn.role => last.parts.extend(turn.parts),
            _ => turns.push(turn),
        }
    }
    request.turns = turns;
    request
}

/// What OpenAI's own servers are not sent.
fn without_thinking(mut request: Request) -> Request {
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::ToolCall(call) = part {
            call.signature = None;
        }
    }
    for turn in &mut request.turns {
        turn.parts.retain(|part| !matches!(part, Part::Thinking { .. }));
    }
    request
}

/// Texts of one turn, which a compatible server is sent as one.
fn without_neighbours(mut request: Request) -> Request {
    for turn in &mut request.turns {
        let text_alone = turn.parts.iter().all(|part| matches!(part, Part::Text(_)));
        if text_alone {
            turn.parts.truncate(1);
        }
    }
    request
}

proptest! {
    #[test]
    fn what_openai_is_sent_is_read_back(request in request()) {
        let written = write(&request, "m", Compat::OpenAi).expect("it can be said");
        let read = read(&written.body).expect("it is readable");
        prop_assert_eq!(merged(read), merged(without_thinking(request)));
    }

    #[test]
    fn what_a_compatible_server_is_sent_is_read_back(request in request()) {
        let request = without_neighbours(request);
        let written = write(&request, "m", Compat::Google).expect("it can be said");
        prop_assert_eq!(&written.dropped, &[]);
        let read = read(&written.body).expect("it is readable");
        prop_assert_eq!(merged(read), merged(request));
    }
}

#[test]
fn every_field_has_a_name() {
    assert_eq!(field(crate::protocol::neutral::Field::MaxTokens), "max_completion_tokens");
    assert_eq!(field(crate::protocol::neutral::Field::Reasoning), "reasoning_effort");
}
