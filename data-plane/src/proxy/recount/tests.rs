use crate::{
    insight::explain::explain,
    place::Place,
    protocol::tokens::of_text,
    router::Router,
    simulate::{Read, Unreadable, read},
};
use pointsman_proto::{
    admin::v1::{Backend, Capabilities, Config, ExplainRequest, Model, Provider},
    clock::Clock,
};
use serde_json::{Value, json};

/// Estimated at a fifth more than it is.
const TEXT: &str = "バックエンドが過負荷でない限り、各会話をプロンプトキャッシュのある場所に保持します。\n";
const WINDOW: u64 = 3000;

/// With the model `m`, of backends of these capabilities.
fn router(capabilities: &[Capabilities]) -> Router {
    let names: Vec<String> = (0..capabilities.len()).map(|i| format!("p{i}")).collect();
    let provider = |name: &String| Provider { name: name.clone(), protocol: "openai".into(), ..Default::default() };
    let lines = names.iter().zip(capabilities).map(|(name, capabilities)| Backend {
        provider: name.clone(),
        capabilities: Some(*capabilities),
        ..Default::default()
    });
    let model = Model { name: "m".into(), backends: lines.collect(), ..Default::default() };
    let mut router = Router::new(Clock::start(), Place::default(), "test");
    let providers = names.iter().map(provider).collect();
    router.configure(&Config { providers, models: vec![model], ..Default::default() }).expect("it is valid");
    router
}

fn asked(path: &str, body: &Value) -> ExplainRequest {
    ExplainRequest { path: path.into(), body: Some(body.to_string().into_bytes().into()), ..Default::default() }
}

fn found(capabilities: &[Capabilities], path: &str, body: &Value) -> Result<Read, Unreadable> {
    read(&router(capabilities), &asked(path, body))
}

fn small() -> Capabilities {
    Capabilities { context_window: WINDOW as u32, ..Default::default() }
}

fn said(refused: Result<Read, Unreadable>) -> String {
    match refused {
        Err(Unreadable::Refused(message)) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is not refused"),
    }
}

#[test]
fn a_prompt_that_fits_by_count_is_not_refused_for_its_estimate() {
    let body = |times: usize| json!({"model": "m", "messages": [{"role": "user", "content": TEXT.repeat(times)}]});
    let exact = |times: usize| of_text(&TEXT.repeat(times));
    for (times, fits, is_counted) in [(50, true, false), (100, true, true), (110, false, true), (200, false, false)] {
        assert_eq!(exact(times) < WINDOW, fits, "{times}");
        let found = found(&[small()], "/v1/chat/completions", &body(times));
        let counted = exact(times)..exact(times) + 10;
        if fits {
            let tokens = found.expect("it fits").hops[0].features.tokens;
            assert_eq!(counted.contains(&tokens), is_counted, "{times}: {tokens}");
        } else {
            let message = said(found);
            let tells = counted.clone().any(|tokens| message.contains(&format!("context_window of {tokens} tokens")));
            assert_eq!(tells, is_counted, "{times}: {message}");
        }
    }
}

#[test]
fn explanations_count_too_and_counts_of_tokens_are_not_refused() {
    let router = router(&[small()]);
    let body = |times: usize| json!({"model": "m", "messages": [{"role": "user", "content": TEXT.repeat(times)}]});
    let refusal = |path: &str, times| explain(router.keeper(), &asked(path, &body(times))).refusal;
    let too_long = |refusal: &str| refusal.contains("context_window");
    assert!(!too_long(&refusal("/v1/chat/completions", 100)));
    assert!(too_long(&refusal("/v1/chat/completions", 110)));
    assert_eq!(refusal("/v1/messages/count_tokens", 300), "");
}

#[test]
fn an_answer_takes_its_part_of_the_window() {
    let body = |most: u64| json!({"model": "m", "max_tokens": most, "messages": [{"role": "user", "content": "hi"}]});
    assert!(found(&[small()], "/v1/chat/completions", &body(WINDOW - 100)).is_ok());
    let message = said(found(&[small()], "/v1/chat/completions", &body(WINDOW + 1)));
    assert!(message.contains("an answer of up to 3001") && message.contains("the largest has 3000"), "{message}");
}

#[test]
fn an_effort_needs_thinking_where_the_client_could_leave_it_out() {
    let said_so = |fields: Value| {
        let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        let fields = fields.as_object().expect("fields").clone();
        body.as_object_mut().expect("an object").extend(fields);
        body
    };
    let dull = Capabilities { thinking: Some(false), ..Default::default() };
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let with_effort = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}});
    let enabled = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    for (path, fields, served_dull, needs) in [
        ("/v1/chat/completions", json!({"reasoning_effort": "low"}), false, true),
        ("/v1/chat/completions", json!({"reasoning_effort": "minimal"}), true, false),
        ("/v1/messages", enabled, false, true),
        ("/v1/messages", adaptive, true, false),
        ("/v1/messages", with_effort, true, true),
    ] {
        let body = said_so(fields);
        let alone = found(&[dull], path, &body);
        assert_eq!(alone.is_ok(), served_dull, "{body}");
        let both = found(&[dull, Capabilities::default()], path, &body).expect("one of them can think");
        let Some(hop) = both.hops.first() else { panic!("there is a model") };
        let lacks = |i: usize| hop.features.lacking(&hop.model.backends[i].line.capabilities);
        assert_eq!((lacks(0), lacks(1)), (needs.then_some("thinking"), None), "{body}");
    }
    // What can think cannot take tools: an effort does not make that a refusal.
    let bare = Capabilities { tools: Some(false), ..Default::default() };
    let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    let body = said_so(json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}, "tools": tools}));
    assert!(found(&[dull, bare], "/v1/messages", &body).is_ok());
}
