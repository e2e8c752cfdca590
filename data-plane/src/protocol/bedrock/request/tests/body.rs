use super::*;

const FIXTURE: &str = fixture!("bedrock_request_tools_image.json");

#[test]
fn a_conversation_with_all_that_agents_send_is_written() {
    let fixture: Value = serde_json::from_str(FIXTURE).expect("a fixture is JSON");
    let tools: Vec<Tool> = fixture["toolConfig"]["tools"].as_array().expect("tools").iter().map(described).collect();
    let data = fixture["messages"][0]["content"][1]["image"]["source"]["bytes"].as_str().expect("bytes").to_owned();
    let signature = Some(Signature { issuer: Issuer::Anthropic, value: "EqMBsig1==".into() });
    let failed = Part::ToolResult { id: "tooluse_2".into(), parts: vec![text("clock offline")], is_error: true };
    let request = Request {
        system: vec![text("Be brief.")],
        turns: vec![
            user(vec![
                text("Which city? Weather and time?"),
                Part::Image(Media::Inline { mime: "image/png".into(), data }),
            ]),
            assistant(vec![
                Part::Thinking { text: "Two lookups.".into(), signature },
                call("tooluse_1", "get_weather", r#"{"city":"Oslo"}"#),
                call("tooluse_2", "get_time", r#"{"city":"Oslo"}"#),
            ]),
            user(vec![result("tooluse_1", vec![text("4 C")]), failed, Part::CachePoint { long: false }]),
        ],
        tools,
        tool_choice: Some(ToolChoice::Auto),
        max_tokens: Some(4096),
        stop: vec!["END".into()],
        reasoning: on(None, Some(2048)),
        ..Request::default()
    };
    assert_eq!(written(&request, CLAUDE), (fixture, vec![]));
}

fn described(entry: &Value) -> Tool {
    let spec = &entry["toolSpec"];
    let text = |name: &str| spec[name].as_str().expect("text").to_owned();
    let schema = spec["inputSchema"]["json"].clone();
    Tool { description: Some(text("description")), schema, ..tool(&text("name")) }
}

#[test]
fn a_plain_question_is_written_plainly() {
    let expected = json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]});
    assert_eq!(written(&asking(), LLAMA), (expected, vec![]));
}

#[test]
fn sampling_goes_to_those_models_that_take_it() {
    let sampled = Request { temperature: Some(1.5), top_p: Some(0.5), top_k: Some(40), ..asking() };
    for (model, config, top_k, dropped) in [
        (LLAMA, json!({"temperature": 1.0, "topP": 0.5}), None, vec![Field::Temperature, Field::TopK]),
        (
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            json!({"temperature": 1.0, "topP": 0.5}),
            Some(40),
            vec![Field::Temperature],
        ),
        (CLAUDE, json!({"temperature": 1.0}), Some(40), vec![Field::Temperature, Field::TopP]),
        ("anthropic.claude-opus-4-7", Value::Null, None, vec![Field::Temperature, Field::TopP, Field::TopK]),
    ] {
        let (body, mut told) = written(&sampled, model);
        told.sort();
        assert_eq!((&body["inferenceConfig"], told), (&config, dropped), "{model}");
        assert_eq!(body["additionalModelRequestFields"]["top_k"].as_u64(), top_k, "{model}");
    }
    let (body, dropped) = written(&Request { temperature: Some(0.25), ..asking() }, CLAUDE);
    assert_eq!((&body["inferenceConfig"]["temperature"], dropped), (&json!(0.25), vec![]));
}

#[test]
fn what_bedrock_has_no_word_for_is_named() {
    let request = Request {
        seed: Some(1),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.5),
        user: Some("u".into()),
        service_tier: Some("scale".into()),
        ..asking()
    };
    let (body, mut dropped) = written(&request, CLAUDE);
    dropped.sort();
    let expected = [Field::Seed, Field::FrequencyPenalty, Field::PresencePenalty, Field::User, Field::ServiceTier];
    assert_eq!(dropped, expected);
    assert_eq!(body, written(&asking(), CLAUDE).0);
}

#[test]
fn service_tiers_are_passed_on_or_are_what_happens_anyway() {
    for (tier, expected) in [("flex", json!({"type": "flex"})), ("auto", Value::Null), ("default", Value::Null)] {
        let (body, dropped) = written(&Request { service_tier: Some(tier.into()), ..asking() }, CLAUDE);
        assert_eq!((&body["serviceTier"], dropped), (&expected, vec![]), "{tier}");
    }
}

#[test]
fn one_stop_sequence_is_a_list_and_which_one_stopped_is_asked_for() {
    let (body, _) = written(&Request { stop: vec!["END".into(), String::new()], ..asking() }, CLAUDE);
    assert_eq!(body["inferenceConfig"]["stopSequences"], json!(["END"]));
    assert_eq!(body["additionalModelResponseFieldPaths"], json!(["/stop_sequence"]));
    let (body, _) = written(&Request { stop: vec![String::new()], ..asking() }, CLAUDE);
    assert_eq!(body, written(&asking(), CLAUDE).0);
}

#[test]
fn a_schema_for_the_answer_goes_out_as_text() {
    let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
    let format = |strict| Some(Format::JsonSchema { name: Some("n".into()), schema: schema.clone(), strict });
    let (body, dropped) = written(&Request { format: format(Some(true)), ..asking() }, CLAUDE);
    let structure = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
    let text = structure["schema"].as_str().expect("a schema is text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), schema);
    assert_eq!((&structure["name"], &body["outputConfig"]["textFormat"]["type"]), (&json!("n"), &json!("json_schema")));
    assert_eq!(dropped, []);
    let (_, dropped) = written(&Request { format: format(Some(false)), ..asking() }, CLAUDE);
    assert_eq!(dropped, [Field::FormatStrict]);
}

#[test]
fn json_without_a_schema_is_asked_for_in_words() {
    let request = Request { system: vec![text("Be brief.")], format: Some(Format::JsonObject), ..asking() };
    let (body, dropped) = written(&request, CLAUDE);
    assert_eq!(body["system"], json!([{"text": "Be brief."}, {"text": JSON_OBJECT}]));
    assert_eq!(dropped, [Field::Format]);
}

#[test]
fn a_models_id_is_one_segment_of_the_path() {
    for (id, expected) in [
        (CLAUDE, "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc",
        ),
        ("a b?c#ä%", "a%20b%3Fc%23%C3%A4%25"),
    ] {
        assert_eq!(path_segment(id), expected);
    }
}
