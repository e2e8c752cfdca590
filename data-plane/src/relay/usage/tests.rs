use super::*;
use http::HeaderValue;
use proptest::prelude::*;

/// The whole prompt, what of it was cached, and the reply.
type Counts = (u64, Option<u64>, u64);

fn counts(reader: &Reader) -> Option<Counts> {
    reader.usage().map(|usage| (usage.prompt(), usage.cache_read, usage.output))
}

fn told<'a>(dialect: Dialect, by_lines: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Counts> {
    let mut reader = Reader::new(dialect, by_lines);
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        reader.see(piece, pieces.peek().is_none());
    }
    counts(&reader)
}

/// JSON in which usage is told in places where it counts and in others.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("17".to_owned()),
        Just(r#""usage""#.to_owned()),
        Just(r#""\\\"usage\":{} }]""#.to_owned()),
        (1..9_u64).prop_map(|tokens| format!(r#"{{"prompt_tokens":{tokens},"x":[{{"y":"}}"}}]}}"#)),
    ];
    leaf.prop_recursive(5, 20, 3, |inner| {
        let member = (prop_oneof![Just("usage"), Just("other"), Just("more")], inner.clone());
        let object = proptest::collection::vec(member, 0..3).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(key, value)| format!(r#" "{key}" : {value}"#)).collect();
            format!("{{{}}}", members.join(","))
        });
        let array = proptest::collection::vec(inner, 0..3).prop_map(|all| format!("[{}]", all.join(",")));
        prop_oneof![3 => object, 1 => array]
    })
}

fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

/// Replies and what they tell: dialect, whether it is a stream, bytes, counts.
fn replies() -> Vec<(Dialect, bool, String, Option<Counts>)> {
    use Dialect::{Anthropic, Gemini, OpenAi};
    let long = format!(r#"{{"usage":{{"prompt_tokens":1,"x":"{}"}}}}"#, "y".repeat(LONGEST));
    let nearly = format!(r#"{{"usage":{{"prompt_tokens":1,"x":"{}"}}}}"#, "y".repeat(LONGEST - 40));
    let chat = r#"{"id":"c","choices":[{"message":{"content":"a \"usage\":{\"prompt_tokens\":99} \\"}}],
        "usage" : {"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    let quoted = r#"{"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":99}"}}],"usage":null}"#;
    let last = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#;
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":7,"cache_read_input_tokens":20,"cache_creation_input_tokens":3,"output_tokens":1}}}"#;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":42}}"#;
    let tool = r#"{"type":"message","content":[{"type":"tool_use","input":{"usage":{"input_tokens":99,"output_tokens":99}}}],"#;
    let created = r#"{"type":"response.created","response":{"usage":null,"tools":[{"parameters":{"properties":{"usage":{"input_tokens":99}}}}]}}"#;
    let completed = r#"{"type":"response.completed","response":{"output":[],"usage":{"input_tokens":12,"input_tokens_details":{"cached_tokens":2},"output_tokens":5}}}"#;
    let gemini = |output: u64| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"args":{{"usageMetadata":{{"promptTokenCount":99}}}}}}}}]}}}}],"usageMetadata":{{"promptTokenCount":8,"cachedContentTokenCount":2,"candidatesTokenCount":{output},"thoughtsTokenCount":1}}}}"#
        )
    };
    vec![
        (OpenAi, false, chat.into(), Some((10, Some(4), 3))),
        (OpenAi, true, events(&[quoted, quoted, last, "[DONE]"]), Some((10, None, 3))),
        (OpenAi, true, events(&[quoted, "[DONE]"]), None),
        (
            OpenAi,
            true,
            events(&[r#"{"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":2}}}"#]),
            Some((4, None, 2)),
        ),
        (
            OpenAi,
            true,
            events(&[r#"{"choices":[{"usage":{"prompt_tokens":4,"completion_tokens":2}}]}"#]),
            Some((4, None, 2)),
        ),
        (OpenAi, false, r#"{"data":[],"usage":{"prompt_tokens":6,"total_tokens":6}}"#.into(), Some((6, None, 0))),
        (OpenAi, false, r#"{"usage":"none","a":{"usage":[]}}"#.into(), None),
        (OpenAi, true, events(&[created, completed]).replace("data:", "event: x\ndata:"), Some((12, Some(2), 5))),
        (OpenAi, true, events(&[created]), None),
        (OpenAi, false, long, None),
        (OpenAi, false, nearly, Some((1, None, 0))),
        (
            OpenAi,
            true,
            "data: {\"a\":\"cut\n\ndata: {\"usage\":{\"prompt_tokens\":\n\n".to_owned() + &events(&[last]),
            Some((10, None, 3)),
        ),
        (Anthropic, true, events(&[start, delta]), Some((30, Some(20), 42))),
        (Anthropic, true, events(&[start]), Some((30, Some(20), 1))),
        (Anthropic, false, tool.to_owned() + r#""usage":{"input_tokens":7,"output_tokens":2}}"#, Some((7, None, 2))),
        (Anthropic, false, tool.to_owned() + r#""stop_reason":"tool_use"}"#, None),
        (Gemini, true, events(&[&gemini(1), &gemini(5)]).replace('\n', "\r\n"), Some((8, Some(2), 6))),
        (Gemini, false, format!("[{},\n{}]", gemini(1), gemini(7)), Some((8, Some(2), 8))),
        (Gemini, false, r#"{"usage":{"prompt_tokens":1}}"#.into(), None),
    ]
}

#[test]
fn usage_is_what_the_reply_tells_in_its_own_place() {
    for (dialect, by_lines, text, expected) in replies() {
        assert_eq!(told(dialect, by_lines, [text.as_bytes()]), expected, "{dialect:?}: {text}");
    }
}

#[test]
fn a_cut_anywhere_makes_no_difference() {
    for (dialect, by_lines, text, expected) in replies() {
        let bytes = text.as_bytes();
        assert_eq!(told(dialect, by_lines, bytes.chunks(1)), expected, "a byte at a time: {text}");
        for cut in 0..bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(told(dialect, by_lines, [before, after]), expected, "{dialect:?} cut at {cut}: {text}");
        }
    }
}

#[test]
fn what_providers_were_seen_to_send_is_read() {
    use Dialect::{Anthropic, Gemini, OpenAi};
    for (dialect, fixture, expected) in [
        (OpenAi, "openai_chat_response_text.json", (1220, Some(1024), 78)),
        (OpenAi, "openai_chat_stream_text.sse", (20, Some(0), 6)),
        (OpenAi, "openai_responses_response.json", (90, Some(0), 30)),
        (OpenAi, "openai_responses_stream_tool.sse", (90, Some(0), 30)),
        (Anthropic, "anthropic_response_tools.json", (1220, Some(1024), 78)),
        (Anthropic, "anthropic_stream_text.sse", (1220, Some(1024), 6)),
        (Anthropic, "anthropic_stream_thinking_parallel_tools.sse", (1220, Some(1024), 78)),
        (Gemini, "gemini_response_text.json", (1220, Some(1024), 78)),
        (Gemini, "gemini_stream_text_thought.sse", (1220, Some(1024), 78)),
    ] {
        let path = format!("{}/../tests/fixtures/protocols/{fixture}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("the fixture is there");
        assert_eq!(told(dialect, fixture.ends_with(".sse"), bytes.chunks(7)), Some(expected), "{fixture}");
    }
}

#[test]
fn only_json_that_can_be_read_is_read() {
    for (kind, encoding, read) in [
        ("application/json", None, true),
        ("application/json; charset=utf-8", Some("identity"), true),
        ("Text/Event-Stream;charset=utf-8", None, true),
        ("text/event-stream", Some("gzip"), false),
        ("audio/mpeg", None, false),
        ("", None, false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        encoding.map(|encoding| headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding)));
        assert_eq!(Reader::of(Dialect::OpenAi, &headers).is_some(), read, "{kind} {encoding:?}");
    }
}

proptest! {
    #[test]
    fn any_split_of_a_stream_gives_the_same_usage(
        which in 0..replies().len(),
        mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let (dialect, by_lines, text, expected) = replies().swap_remove(which);
        cuts.sort_by_key(|cut| cut.index(text.len()));
        let mut begin = 0;
        let mut pieces: Vec<&[u8]> = cuts.iter().map(|cut| {
            let piece = &text.as_bytes()[begin..cut.index(text.len())];
            begin = cut.index(text.len());
            piece
        }).collect();
        pieces.push(&text.as_bytes()[begin..]);
        prop_assert_eq!(told(dialect, by_lines, pieces), expected);
    }

    #[test]
    fn no_bytes_stop_the_reader(
        pieces in proptest::collection::vec(r#"[\[\]{}:,"\\a\n ]{0,8}|"usage" ?:|\{"prompt_tokens":1\}"#, 0..30),
        by_lines in any::<bool>(),
        step in 1..10_usize,
    ) {
        let text = pieces.concat();
        let end: &[u8] = b"";
        let in_one_piece = told(Dialect::OpenAi, by_lines, [text.as_bytes(), end]);
        prop_assert_eq!(told(Dialect::OpenAi, by_lines, text.as_bytes().chunks(step).chain([end])), in_one_piece);
        told(Dialect::OpenAi, by_lines, [text.as_bytes()]);
    }

    #[test]
    fn a_whole_reply_tells_the_same_as_its_bytes_one_by_one(text in json()) {
        for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
            let one_by_one = told(dialect, false, text.as_bytes().chunks(1));
            prop_assert_eq!(told(dialect, false, [text.as_bytes()]), one_by_one, "{}", text);
        }
    }
}
