//! Routing end to end: which rule a request as Claude Code sends it fires, what preferences in headers come to, what is
//! refused and in which words, and strategies that are changed while the fleet serves.

use crate::harness::{World, chat, config, dialects, eventually, fake, model, rate_limited};
use pointsman_proto::admin::v1::{
    Capabilities, Condition, Config, HeaderMatch, Model, Preferences, Price, Provider, Rule, Settings,
    UpdateModelRequest, VirtualKey, model_service_client::ModelServiceClient,
};
use pointsman_tests::{FakeProvider, Pace};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// What Claude Code says of itself with every request.
pub const CLAUDE_CODE: Headers<'static> = &[
    ("user-agent", "claude-cli/2.0.14 (external, cli)"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"),
    ("x-app", "cli"),
];

/// Models of these names at one provider that speaks Anthropic's protocol and calls them the same.
pub fn claude(provider: &FakeProvider, models: &[&str]) -> Config {
    let config = config(&[("claude", 1.0, provider)]);
    let speaks = Provider {
        protocol: "anthropic".into(),
        base_url: provider.base_url_of("anthropic"),
        ..config.providers[0].clone()
    };
    let named = |name: &&str| {
        let mut model = model(name, &[("claude", 1.0)]);
        model.backends[0].model.clear();
        model
    };
    Config { providers: vec![speaks], models: models.iter().map(named).collect(), ..config }
}

/// A rule of this class that names the model of the same name.
pub fn of_class(class: &str, position: u32) -> Rule {
    Rule { name: format!("to-{class}"), class: class.into(), model: class.into(), position, ..Default::default() }
}

/// A turn of a session of Claude Code, and what is changed of it.
pub fn turn(changes: Value) -> Value {
    let schema = json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]});
    let said = json!({"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}});
    let mut body = json!({
        "model": "claude-sonnet-4-5-20250929",
        "max_tokens": 32000,
        "stream": true,
        "system": [{"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."}],
        "messages": [{"role": "user", "content": [said]}],
        "tools": [{"name": "Bash", "description": "Runs a command.", "input_schema": schema}],
        "metadata": {"user_id": "user_0f_account_1e_session_b1946ac9-2ff6-4f2d-9f6e-000000000001"},
    });
    for (name, value) in changes.as_object().expect("changes are fields") {
        body[name] = value.clone();
    }
    body
}

fn image() -> Value {
    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}})
}

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

pub fn header(response: &reqwest::Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default()
}

pub async fn send(world: &World, node: usize, path: &str, body: &Value, headers: Headers<'_>) -> reqwest::Response {
    let request = world.http.post(format!("{}{path}", world.nodes[node].url)).json(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("the node answers")
}

/// Sends a turn that must be served: the rule that fired, the model that served, and the provider.
pub async fn served(world: &World, body: &Value, headers: Headers<'_>) -> (String, String, String) {
    let response = send(world, 0, "/v1/messages?beta=true", body, &[CLAUDE_CODE, headers].concat()).await;
    let by = ["x-pointsman-rule", "x-pointsman-model", "x-pointsman-provider"].map(|name| header(&response, name));
    let (status, text) = (response.status(), response.text().await.expect("it ends"));
    assert_eq!(status, 200, "{text}");
    by.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_claude_code_sends_goes_where_its_class_says() {
    let classes = ["long_context", "background", "web_search", "thinking", "image", "default"];
    let provider = fake();
    let mut config = claude(&provider, &classes);
    config.rules = classes.iter().zip(1..).map(|(class, position)| of_class(class, position)).collect();
    let world = World::with(1, config).await;
    let haiku = json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 512, "tools": [], "stream": false});
    let long = "word ".repeat(100_000);
    let search = json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]);
    let thinks = |kind: &str| json!({"thinking": {"type": kind}});
    let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 31999}});
    let with_effort = |effort: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}});
    let called = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}});
    let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": [image()]});
    let shown = json!([user(&json!("look")), {"role": "assistant", "content": [called]}, user(&json!([result]))]);
    let seen = json!([user(&json!([image()])), {"role": "assistant", "content": "a dot"}, user(&json!("thanks"))]);
    let (sub_agent, window) = (("x-claude-code-agent-id", "a1"), ("anthropic-beta", "context-1m-2025-08-07"));
    let cases: [(&str, Value, Headers<'_>, &str); 16] = [
        ("plain", json!({}), &[], "default"),
        ("a title", haiku.clone(), &[], "background"),
        ("a sub-agent's haiku", haiku, &[sub_agent], "default"),
        ("a budget", budget.clone(), &[], "thinking"),
        ("adaptive", thinks("adaptive"), &[], "thinking"),
        ("adaptive, little", with_effort("medium"), &[], "default"),
        ("adaptive, most", with_effort("max"), &[], "thinking"),
        ("disabled", thinks("disabled"), &[], "default"),
        ("a search", json!({"tools": search, "thinking": budget["thinking"]}), &[], "web_search"),
        ("an image", json!({"messages": [user(&json!([image()]))]}), &[], "image"),
        ("an image that a tool read", json!({"messages": shown}), &[], "image"),
        ("an image of before", json!({"messages": seen}), &[], "default"),
        ("a long prompt", json!({"messages": [user(&json!(long))]}), &[], "long_context"),
        ("a long thinking one", json!({"system": long, "thinking": budget["thinking"]}), &[], "long_context"),
        ("the mark", json!({"model": "claude-sonnet-4-5-20250929[1m]"}), &[], "long_context"),
        ("the long window", json!({}), &[window], "long_context"),
    ];
    for (name, changes, headers, class) in cases {
        let found = served(&world, &turn(changes), headers).await;
        assert_eq!((found.0, found.1), (format!("to-{class}"), class.to_owned()), "{name}");
        let request = provider.requests().pop().expect("it was sent on");
        assert_eq!(request.json()["model"], class, "{name}");
    }
    assert_eq!(provider.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_the_long_window_is_no_part_of_a_models_name() {
    let provider = fake();
    let world = World::with(1, claude(&provider, &["claude-opus-4-6"])).await;
    for asked in ["claude-opus-4-6", "claude-opus-4-6[1m]", "claude-opus-4-6[1M]"] {
        let found = served(&world, &turn(json!({ "model": asked })), &[]).await;
        assert_eq!((found.0.as_str(), found.1.as_str()), ("", "claude-opus-4-6"), "{asked}");
        assert_eq!(provider.requests().pop().expect("it was sent on").json()["model"], "claude-opus-4-6");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rules_own_fallbacks_serve_instead_of_the_models() {
    let fakes = [fake(), fake(), fake()];
    let mut config = config(&[("a", 1.0, &fakes[0]), ("b", 1.0, &fakes[1]), ("c", 1.0, &fakes[2])]);
    let usual = Model { fallbacks: vec!["usual".into()], ..model("m", &[("a", 1.0)]) };
    config.models = vec![usual, model("spare", &[("b", 1.0)]), model("usual", &[("c", 1.0)])];
    let batch = HeaderMatch { name: "x-batch".into(), ..Default::default() };
    config.rules = vec![Rule {
        name: "batch".into(),
        when: Some(Condition { headers: vec![batch], ..Default::default() }),
        model: "m".into(),
        fallbacks: vec!["spare".into()],
        ..Default::default()
    }];
    let world = World::with(1, config).await;
    let by = |rule: &str, model: &str, provider: &str| (rule.to_owned(), model.to_owned(), provider.to_owned());
    let (plain, batch): (_, Headers<'_>) = (turn(json!({"model": "m"})), &[("x-batch", "1")]);
    assert_eq!(served(&world, &plain, batch).await, by("batch", "m", "a"));
    fakes[0].set_mode(rate_limited(60_000));
    assert_eq!(served(&world, &plain, batch).await, by("batch", "spare", "b"));
    assert_eq!(served(&world, &plain, &[]).await, by("", "usual", "c"));
    fakes[1].set_mode(rate_limited(60_000));
    let of_usual = fakes[2].stats().total.received;
    let response = send(&world, 0, "/v1/messages", &plain, batch).await;
    assert_eq!((response.status().as_u16(), fakes[2].stats().total.received), (429, of_usual));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_takes_nobody_to_a_model_that_they_may_not_use() {
    let provider = fake();
    let mut config = claude(&provider, &["m", "small", "default"]);
    config.settings = Some(Settings::default());
    config.rules = vec![Rule { model: "small".into(), ..of_class("background", 1) }, of_class("default", 2)];
    let world = World::with(1, config).await;
    let body = turn(json!({"model": "m", "tools": []}));
    let haiku = turn(json!({"model": "claude-haiku-4-5", "tools": []}));
    for (name, allowed, of_haiku, of_m) in [
        ("all", &[][..], "to-background", "to-default"),
        ("no-small", &["m", "default"], "to-default", "to-default"),
        ("m-only", &["m"], "-", ""),
    ] {
        let allowed_models = allowed.iter().map(|model| (*model).to_owned()).collect();
        let key = VirtualKey { name: name.into(), allowed_models, ..Default::default() };
        let token = crate::security::create(&world, key).await;
        let ask = async |body: &Value| send(&world, 0, "/v1/messages", body, &[("x-api-key", &token)]).await;
        let known = || async { Some(ask(&body).await).filter(|response| response.status() != 401) };
        let response = eventually("the node knows the key", known).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-pointsman-rule").as_str()), (200, of_m), "{name}");
        let response = ask(&haiku).await;
        let fired = header(&response, "x-pointsman-rule");
        match of_haiku {
            "-" => assert_eq!((response.status().as_u16(), fired.as_str()), (404, ""), "{name}"),
            rule => assert_eq!((response.status().as_u16(), fired.as_str()), (200, rule), "{name}"),
        }
    }
}

/// How often each provider served so many requests for `m` at a node.
async fn shares(world: &World, node: usize, count: usize, headers: Headers<'_>) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for _ in 0..count {
        let response = send(world, node, "/v1/chat/completions", &chat("m"), headers).await;
        assert_eq!(response.status(), 200, "{}", response.text().await.expect("it ends"));
        *found.entry(header(&response, "x-pointsman-provider")).or_insert(0) += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_would_like_moves_the_choice_and_what_it_excludes_binds() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a), ("b", 1.0, &b)]);
    (config.providers[0].region, config.models[0].backends[1].region) = ("us-east-1".into(), "eu-west-1".into());
    config.models[0].backends[0].tags = vec!["gdpr".into()];
    let world = World::with(1, config).await;
    for (wish, value, expected) in [
        ("x-pointsman-exclude-providers", "a", "b"),
        ("x-pointsman-exclude-providers", "b", "a"),
        ("x-pointsman-require-tags", "gdpr", "a"),
    ] {
        let found = shares(&world, 0, 60, &[(wish, value)]).await;
        assert_eq!(found, [(expected.to_owned(), 60)].into(), "{wish}: {value}");
    }
    for (wish, value, expected) in [
        ("x-pointsman-prefer-providers", "b", "b"),
        ("x-pointsman-prefer-providers", "a", "a"),
        ("x-pointsman-region", "eu-west-1", "b"),
        ("x-pointsman-region", "US-East-1", "a"),
    ] {
        // The other has a twentieth of its weight, which is 9.5 of 200; four standard errors more are 22.
        let found = shares(&world, 0, 200, &[(wish, value)]).await;
        assert!(found.get(expected).is_some_and(|count| *count >= 178), "{wish}: {value}: {found:?}");
    }
    let leaked = |request: &pointsman_tests::ReceivedRequest| {
        request.headers.keys().any(|name| name.as_str().starts_with("x-pointsman-"))
    };
    assert!(!a.requests().iter().chain(&b.requests()).any(leaked), "wishes are for the gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_goes_by_the_priority_of_the_request() {
    let (slow, quick) = (fake(), fake());
    slow.set_pace(Pace { latency: Duration::from_millis(60), ..Pace::default() });
    let mut config = config(&[("slow", 1.0, &slow), ("quick", 1.0, &quick)]);
    config.models[0].strategy = "auto".into();
    let world = World::with(1, config).await;
    let in_turn = shares(&world, 0, 20, &[("x-pointsman-priority", "low")]).await;
    assert_eq!(in_turn, [("quick".to_owned(), 10), ("slow".to_owned(), 10)].into(), "low takes turns");
    // One in 16 is drawn by weight, half of them for the slow one: 1.25 of 40.
    let soonest = shares(&world, 0, 40, &[("x-pointsman-priority", "critical")]).await;
    assert!(soonest["quick"] >= 32, "critical goes where the first byte comes soonest: {soonest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_sure_a_choice_is_is_told_on_request() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let plain = world.ask(0, "m").send().await.expect("the node answers");
    assert_eq!(header(&plain, "x-pointsman-confidence"), "");
    let told = world.ask(0, "m").header("x-pointsman-confidence", "1").send().await.expect("the node answers");
    let confidence: f64 = header(&told, "x-pointsman-confidence").parse().expect("a number");
    assert!((0.5..=1.0).contains(&confidence), "{confidence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_serve_is_refused_in_the_clients_dialect() {
    let only = fake();
    let mut config = config(&[("a", 1.0, &only)]);
    let line = &mut config.models[0].backends[0];
    line.capabilities = Some(Capabilities { tools: Some(false), context_window: 2_000, ..Default::default() });
    line.region = "eu-west-1".into();
    let world = World::with(1, config).await;
    for client in dialects::CLIENTS {
        let path = client.path("m", false);
        let (plain, tool) = (client.body("m", "hello", false), client.body_with_tool("m", "hello", false));
        let long = client.body("m", &"word ".repeat(4_000), false);
        let cases: [(&Value, Headers<'_>, &[&str]); 10] = [
            (&plain, &[("x-pointsman-cost-sensitivity", "1.5")], &["x-pointsman-cost-sensitivity", "from 0 to 1"]),
            (&plain, &[("x-pointsman-priority", "urgent")], &["x-pointsman-priority", "critical, high, normal, low"]),
            (&plain, &[("x-pointsman-latency-tolerance", "-1s")], &["x-pointsman-latency-tolerance"]),
            (&plain, &[("x-pointsman-region", "mars")], &["\"mars\"", "eu-west-1"]),
            (&plain, &[("x-pointsman-require-tags", "gdpr")], &["\"gdpr\"", "x-pointsman-require-tags"]),
            (&plain, &[("x-pointsman-exclude-providers", "a")], &["excluded", "x-pointsman-exclude-providers"]),
            (&plain, &[("x-pointsman-exclude-providers", "nobody")], &["\"nobody\"", "no provider"]),
            (&plain, &[("x-pointsman-prefer-providers", "a, nobody")], &["\"nobody\"", "no provider"]),
            (&tool, &[], &["no tools"]),
            (&long, &[], &["no context_window", "2000"]),
        ];
        for (body, headers, words) in cases {
            let response = send(&world, 0, &path, body, headers).await;
            let status = response.status().as_u16();
            let said: Value = response.json().await.expect("JSON");
            let message = client.error(&said).expect("an error of the dialect");
            assert_eq!(status, 400, "{client:?} {headers:?}: {message}");
            assert!(words.iter().all(|word| message.contains(word)), "{client:?} {headers:?}: {message}");
        }
        assert_eq!(send(&world, 0, &path, &plain, &[]).await.status(), 200, "{client:?}");
    }
    assert_eq!(only.stats().total.received, dialects::CLIENTS.len() as u64, "nobody was asked in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_by_its_estimate_alone_is_served_and_what_nobody_could_take_is_counted() {
    let only = fake();
    let mut config = config(&[("a", 1.0, &only)]);
    let line = &mut config.models[0].backends[0];
    line.capabilities = Some(Capabilities { thinking: Some(false), context_window: 3_000, ..Default::default() });
    let world = World::with(1, config).await;
    // 28 tokens, estimated at a fifth more.
    let text = "バックエンドが過負荷でない限り、各会話をプロンプトキャッシュのある場所に保持します。\n";
    let messages = |times: usize| json!([{"role": "user", "content": text.repeat(times)}]);
    for (times, status) in [(100, 200), (110, 400), (300, 400)] {
        let body = json!({"model": "m", "messages": messages(times)});
        assert_eq!(send(&world, 0, "/v1/chat/completions", &body, &[]).await.status(), status, "{times}");
        let response = send(&world, 0, "/v1/messages/count_tokens", &body, &[]).await;
        assert_eq!(response.status(), 200, "{times}");
        let counted: Value = response.json().await.expect("JSON");
        assert!(counted["input_tokens"].as_u64() > Some(28 * times as u64), "{times}: {counted}");
    }
    let effort = json!({"effort": "high"});
    for (path, changes, status) in [
        ("/v1/messages", json!({"thinking": {"type": "adaptive"}, "output_config": effort}), 200),
        ("/v1/messages", json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), 400),
        ("/v1/chat/completions", json!({"reasoning_effort": "high"}), 400),
    ] {
        let mut body = json!({"model": "m", "max_tokens": 2000, "messages": messages(1)});
        body.as_object_mut().expect("an object").extend(changes.as_object().expect("fields").clone());
        assert_eq!(send(&world, 0, path, &body, &[]).await.status(), status, "{body}");
    }
}

/// Changes the strategy of `m` alone while the fleet serves; every node must go by it within a second.
async fn switch(world: &World, strategy: &str) {
    let request = UpdateModelRequest {
        model: Some(Model { name: "m".into(), strategy: strategy.into(), ..Default::default() }),
        ..Default::default()
    };
    let mut client = ModelServiceClient::new(world.admin().await);
    let begun = Instant::now();
    let response = client.update_model(request).await.expect("a good strategy").into_inner();
    world.settled(response.commit.expect("it was made").version).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{strategy}: {:?}", begun.elapsed());
}

/// Who serves 30 requests at each of two nodes, which must come to the same.
async fn at_each_node(world: &World, what: &str, expected: &[(&str, usize)]) {
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    for node in 0..2 {
        assert_eq!(shares(world, node, 30, &[]).await, expected, "{what} at node {node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_change_while_the_fleet_serves_and_are_exact() {
    let fakes = [fake(), fake(), fake(), fake()];
    let mut config =
        config(&[("a", 5.0, &fakes[0]), ("b", 3.0, &fakes[1]), ("c", 2.0, &fakes[2]), ("d", 1.0, &fakes[3])]);
    let price = |input: f64| Some(Price { input, output: 2.0 * input, ..Default::default() });
    let mut m = model("m", &[("a", 5.0), ("b", 3.0), ("c", 2.0)]);
    (m.backends[1].price, m.backends[2].price) = (price(3.0), price(1.0));
    config.models = vec![Model { fallbacks: vec!["other".into()], ..m }, model("other", &[("d", 1.0)])];
    let world = World::with(2, config).await;
    let rounds: [(&str, &[(&str, usize)]); 5] = [
        ("failover", &[("a", 30)]),
        ("single", &[("a", 30)]),
        ("cheapest", &[("c", 30)]),
        ("round_robin", &[("a", 10), ("b", 10), ("c", 10)]),
        ("weighted_round_robin", &[("a", 15), ("b", 9), ("c", 6)]),
    ];
    for (strategy, expected) in rounds {
        switch(&world, strategy).await;
        at_each_node(&world, strategy, expected).await;
    }
    fakes[0].set_mode(rate_limited(120_000));
    eventually("a's 429", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (fakes[0].stats().total.rate_limited == 1).then_some(())
    })
    .await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 0.0), ("b", 6.0), ("c", 4.0)]).await;
    }
    let rounds: [(&str, &[(&str, usize)]); 5] = [
        ("failover", &[("b", 30)]),
        ("single", &[("d", 30)]),
        ("cheapest", &[("c", 30)]),
        ("round_robin", &[("b", 15), ("c", 15)]),
        ("weighted_round_robin", &[("b", 18), ("c", 12)]),
    ];
    for (strategy, expected) in rounds {
        switch(&world, strategy).await;
        at_each_node(&world, &format!("{strategy} without a"), expected).await;
    }
    assert_eq!(fakes[0].stats().total.rate_limited, 1, "what is out is not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_of_a_virtual_key_and_of_a_rule_bind_and_move_as_headers_do() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a), ("b", 1.0, &b)]);
    config.settings = Some(Settings::default());
    config.models[0].backends[0].tags = vec!["gdpr".into()];
    let preferred = Preferences { preferred_providers: vec!["b".into()], ..Default::default() };
    let tagged = HeaderMatch { name: "x-team".into(), value: "legal".into(), ..Default::default() };
    let when = Condition { headers: vec![tagged], ..Default::default() };
    let required = Preferences { required_tags: vec!["gdpr".into()], ..Default::default() };
    config.rules = vec![Rule {
        name: "legal".into(),
        model: "m".into(),
        when: Some(when),
        preferences: Some(required),
        ..Default::default()
    }];
    let world = World::with(1, config).await;
    let key = VirtualKey { name: "team".into(), preferences: Some(preferred), ..Default::default() };
    let bearer = format!("Bearer {}", crate::security::create(&world, key).await);
    let plain = [("authorization", &*bearer)];
    let known = || async {
        let response = send(&world, 0, "/v1/chat/completions", &chat("m"), &plain).await;
        (response.status() == 200).then_some(())
    };
    eventually("the node knows the key", known).await;
    let of_b = shares(&world, 0, 200, &plain).await.remove("b").unwrap_or_default();
    assert!(of_b >= 178, "the key prefers b: {of_b} of 200");
    let legal = [("authorization", &*bearer), ("x-team", "legal")];
    assert_eq!(shares(&world, 0, 60, &legal).await, [("a".to_owned(), 60)].into(), "the rule requires a tag");
    let both = [("authorization", &*bearer), ("x-team", "legal"), ("x-pointsman-exclude-providers", "a")];
    let response = send(&world, 0, "/v1/chat/completions", &chat("m"), &both).await;
    assert_eq!(response.status(), 400, "what binds, binds together");
}
