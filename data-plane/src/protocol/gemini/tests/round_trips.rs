use super::*;
use proptest::prelude::*;
use serde_json::json;

fn signature() -> impl Strategy<Value = Signature> {
    let issuer = prop_oneof![Just(Issuer::Gemini), Just(Issuer::Anthropic), Just(Issuer::OpenAi)];
    (issuer, "[A-Zac-z0-9+/]{4,20}").prop_map(|(issuer, value)| Signature { issuer, value })
}

fn arguments() -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[a-z]{1,4}", "\\PC{0,6}", 0..3).prop_map(|map| json!(map).to_string())
}

fn said() -> impl Strategy<Value = Part> {
    let call = ("[a-z]{1,8}", "[a-z_]{1,8}", arguments(), proptest::option::of(signature()));
    prop_oneof![
        "\\PC{1,12}|\n".prop_map(Part::Text),
        ("\\PC{1,12}", proptest::option::of(signature()))
            .prop_map(|(text, signature)| Part::Thinking { text, signature }),
        call.prop_map(|(id, name, arguments, signature)| Part::ToolCall(ToolCall { id, name, arguments, signature })),
    ]
}

/// Two neighbours of a kind are one to the dialect, unless a signature ends the first.
fn one_after_another(parts: &[Part]) -> bool {
    !parts.windows(2).any(|pair| {
        matches!(pair, [Part::Text(_), Part::Text(_)] | [Part::Thinking { signature: None, .. }, Part::Thinking { .. }])
    })
}

fn turn_of_model() -> impl Strategy<Value = Vec<Part>> {
    proptest::collection::vec(said(), 1..6).prop_filter("neighbours would merge", |parts| one_after_another(parts))
}

/// As a provider gives them back, all signatures being its own.
fn as_gemini_s(parts: &[Part]) -> Vec<Part> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        let signature = match part {
            Part::Thinking { signature, .. } => signature,
            Part::ToolCall(call) => &mut call.signature,
            _ => continue,
        };
        if let Some(signature) = signature {
            signature.issuer = Issuer::Gemini;
        }
    }
    parts
}

fn whole(response: &Response) -> Response {
    response::read(&response::write(response, &context()), &context()).expect("it is a reply")
}

fn usage() -> impl Strategy<Value = Usage> {
    (0..9_u64, proptest::option::of(0..9_u64), 9..99_u64, proptest::option::of(0..9_u64)).prop_map(
        |(input, cache_read, output, reasoning)| Usage { input, cache_read, output, reasoning, ..Usage::default() },
    )
}

/// Gemini signs its calls, and those that are not signed are marked on their way to a client.
fn sign_calls(parts: &mut [Part]) {
    for part in parts {
        if let Part::ToolCall(call) = part {
            call.signature.get_or_insert_with(|| Signature { issuer: Issuer::Gemini, value: "c2ln".to_owned() });
        }
    }
}

proptest! {
    #[test]
    fn a_reply_comes_back(parts in turn_of_model(), usage in proptest::option::of(usage())) {
        let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let stop = if calls { Stop::ToolUse } else { Stop::EndTurn };
        let (id, model) = ("r".to_owned(), "m".to_owned());
        let mut reply = Response { id, model, parts: as_gemini_s(&parts), stop, stop_sequence: None, usage };
        sign_calls(&mut reply.parts);
        prop_assert_eq!(&whole(&reply), &reply);
        let stream = write_stream(reply.events());
        prop_assert_eq!(read_whole_stream(&stream), Ok(reply.clone()));
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(7).collect();
        prop_assert_eq!(read_stream(&bytes).1, Ok(reply));
    }

    /// What a client stores of a reply and sends with its next request, whole or in pieces, is what was said.
    #[test]
    fn a_client_sends_back_what_it_was_told(parts in turn_of_model()) {
        let reply = Response { parts: parts.clone(), ..Response::default() };
        let whole = json(&response::write(&reply, &context()))["candidates"][0]["content"].take();
        let pieces = data(&write_stream(reply.events())).into_iter().map(|mut chunk| chunk["candidates"][0]["content"].take());
        for mut contents in [vec![whole], pieces.collect()] {
            contents.insert(0, json!({"parts": [{"text": "Hi"}]}));
            let request = request::read(json!({"contents": contents}).to_string().as_bytes()).expect("it is readable");
            prop_assert_eq!(&request.turns[1].parts, &parts);
        }
    }

    #[test]
    fn a_request_comes_back(
        parts in turn_of_model(),
        results in proptest::collection::vec(("\\PC{1,9}", any::<bool>()), 9),
        system in proptest::collection::vec("\\PC{1,9}".prop_map(Part::Text), 0..3),
        temperature in proptest::option::of((0..9_u8).prop_map(|quarters| f64::from(quarters) / 4.0)),
        max_tokens in proptest::option::of(1..9_u64),
        seed in proptest::option::of(any::<i32>()),
        stop in proptest::collection::vec("\\PC{1,3}", 0..5),
    ) {
        let mut said = as_gemini_s(&parts);
        // Nobody signed it: it has no business with the provider.
        said.retain(|part| !matches!(part, Part::Thinking { signature: None, .. }));
        prop_assume!(!said.is_empty() && one_after_another(&said));
        let mut answers = Vec::new();
        for (i, part) in said.iter_mut().enumerate() {
            if let Part::ToolCall(call) = part {
                call.id = format!("id{i}");
                let (said, is_error) = results[i].clone();
                answers.push(result(&call.id, vec![Part::Text(said)], is_error));
            }
        }
        answers.push(text("Go on."));
        let turns = vec![user(vec![text("Hi")]), model(said), user(answers)];
        let seed = seed.map(i64::from);
        let request = Request { system, turns, temperature, max_tokens, seed, stop, ..Request::default() };
        let written = request::write(&request, "gemini-2.5-pro").expect("it can be written");
        prop_assert_eq!(written.dropped, vec![]);
        prop_assert_eq!(request::read(&written.body), Ok(request));
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), piece in "[\\[\\]{}\",:a-z0-9 ]{0,60}") {
        for body in [&bytes[..], piece.as_bytes()] {
            let _ = request::read(body);
            let _ = response::read(body, &context());
            let _ = read_stream(&[b"data: ", body]);
            crate::protocol::gemini::error::read(&http::HeaderMap::new(), body);
        }
    }
}
