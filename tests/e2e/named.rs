//! Who serves by other means than a rule, as users of claude-code-router expect: a backend by name, a sub-agent's tag, a
//! session that was long; and that a reply says which rule fired, whatever came of the request.

use crate::{
    harness::{World, chat, config, eventually, fake, model, rate_limited, seconds},
    routing::{CLAUDE_CODE, claude, header, of_class, send, served, turn},
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use pointsman_proto::admin::v1::{
    Capabilities, ExplainRequest, Explanation, Hedging, Model, Provider, Rule, Settings, VirtualKey,
    config_service_client::ConfigServiceClient,
};
use pointsman_tests::Mode;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

async fn explained(world: &World, request: ExplainRequest) -> Explanation {
    let mut client = ConfigServiceClient::new(world.admin().await);
    let mut response = client.explain(request).await.expect("the nodes are asked").into_inner();
    response.explanations.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_says_which_rule_fired_whatever_came_of_it() {
    let (a, counting) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a)]);
    config.models[0].backends[0].capabilities = Some(Capabilities { vision: Some(false), ..Default::default() });
    let exact = claude(&counting, &["exact"]);
    config.providers.extend(exact.providers);
    config.keys.extend(exact.keys);
    config.models.extend(exact.models);
    let haiku = Rule { model: "exact".into(), ..of_class("background", 1) };
    config.rules = vec![haiku, Rule { model: "m".into(), ..of_class("default", 2) }];
    let world = World::with(1, config).await;
    let told = async |path: &str, body: &Value| {
        let response = send(&world, 0, path, body, CLAUDE_CODE).await;
        let how = header(&response, "x-pointsman-token-count");
        (response.status().as_u16(), header(&response, "x-pointsman-rule"), how)
    };
    let fired = |status, rule: &str, how: &str| (status, rule.to_owned(), how.to_owned());
    let counted = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    let (plain, count) = (turn(json!({"stream": false})), "/v1/messages/count_tokens");
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}});
    let seeing = turn(json!({"messages": [{"role": "user", "content": [image]}]}));
    assert_eq!(told("/v1/messages", &plain).await, fired(200, "to-default", ""));
    assert_eq!(told(count, &counted("claude-haiku-4-5")).await, fired(200, "to-background", "provider"));
    assert_eq!(told(count, &counted("claude-sonnet-4-5")).await, fired(200, "to-default", "estimate"));
    assert_eq!(told("/v1/messages", &seeing).await, fired(400, "to-default", ""));
    a.set_mode(rate_limited(60_000));
    assert_eq!(told("/v1/messages", &plain).await, fired(429, "to-default", ""));
    counting.set_mode(Mode::Reset);
    let haiku = turn(json!({"model": "claude-haiku-4-5", "stream": false}));
    assert_eq!(told("/v1/messages", &haiku).await, fired(503, "to-background", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedged_request_is_told_how_sure_the_choice_was_that_served() {
    let (first, second) = (fake(), fake());
    let mut config = config(&[("first", 1.0, &first), ("second", 1.0, &second)]);
    let hedging = Hedging { after: seconds(0.2), budget_percent: 100, ..Default::default() };
    config.models[0] = Model { strategy: "failover".into(), hedging: Some(hedging), ..config.models[0].clone() };
    let world = World::with(1, config).await;
    first.set_mode(Mode::HangBeforeHeaders);
    let asked = world.ask(0, "m").header("x-pointsman-confidence", "1").send().await.expect("the node answers");
    let by = ["x-pointsman-hedged", "x-pointsman-provider"].map(|name| header(&asked, name));
    assert_eq!(by, ["true", "second"]);
    let confidence: f64 = header(&asked, "x-pointsman-confidence").parse().expect("a number");
    assert!((0.5..=1.0).contains(&confidence), "{confidence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_backend_serves_alone() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a), ("b", 9.0, &b)]);
    config.models[0].fallbacks = vec!["spare".into()];
    config.models.extend([model("spare", &[("b", 1.0)]), model("default", &[("b", 1.0)])]);
    config.rules = vec![Rule { model: "spare".into(), ..of_class("default", 1) }];
    let world = World::with(1, config).await;
    let ask = async |name: &str| send(&world, 0, "/v1/chat/completions", &chat(name), &[]).await;
    for name in ["a,upstream", "A,Upstream", "a, upstream"] {
        let response = ask(name).await;
        let by = ["x-pointsman-provider", "x-pointsman-model", "x-pointsman-rule"].map(|h| header(&response, h));
        assert_eq!((response.status().as_u16(), by), (200, ["a".into(), "m".into(), String::new()]), "{name}");
        assert_eq!(a.requests().pop().expect("it was sent on").json()["model"], "upstream", "{name}");
    }
    let explained = explained(&world, ExplainRequest { model: "a,upstream".into(), ..Default::default() }).await;
    assert_eq!(explained.preferences, ["the backend a/upstream alone"]);
    assert_eq!((explained.rules.len(), explained.hops.len(), explained.refusal.as_str()), (0, 1, ""));
    let shares: Vec<f64> = explained.hops[0].candidates.iter().map(|candidate| candidate.share).collect();
    assert_eq!(shares, [1.0, 0.0]);
    assert_eq!(explained.hops[0].candidates[1].excluded[0].reason, "the request names another backend");
    a.set_mode(rate_limited(60_000));
    for _ in 0..2 {
        let response = ask("a,upstream").await;
        assert_eq!(response.status(), 429);
        let said: Value = response.json().await.expect("JSON");
        let message = said["error"]["message"].as_str().expect("a text");
        assert!(message.starts_with("The backend a/upstream, which the request names, is rate-limited."), "{message}");
    }
    assert_eq!(b.stats().total.received, 0, "nobody else is asked");
    for gone in ["a,gone", "c,upstream", ","] {
        let response = ask(gone).await;
        let (status, said) = (response.status().as_u16(), response.json::<Value>().await.expect("JSON"));
        assert_eq!((status, &said["error"]["code"]), (404, &json!("model_not_found")), "{gone}");
        assert!(said["error"]["message"].as_str().is_some_and(|m| m.contains("provider,upstream-model")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_backend_leads_past_what_a_key_may_use() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a), ("b", 1.0, &b)]);
    config.settings = Some(Settings::default());
    config.models = vec![model("mine", &[("a", 1.0)]), model("closed", &[("a", 1.0), ("b", 1.0)])];
    let world = World::with(1, config).await;
    let key = VirtualKey { name: "k".into(), allowed_models: vec!["mine".into()], ..Default::default() };
    let token = crate::security::create(&world, key).await;
    let ask = async |name: &str| {
        let (path, headers) = ("/v1/chat/completions", [("authorization", &*format!("Bearer {token}"))]);
        let response = send(&world, 0, path, &chat(name), &headers).await;
        (response.status().as_u16(), header(&response, "x-pointsman-model"))
    };
    eventually("the node knows the key", || async { (ask("mine").await.0 == 200).then_some(()) }).await;
    assert_eq!(ask("a,upstream").await, (200, "mine".to_owned()), "of the models that it may use");
    assert_eq!(ask("b,upstream").await, (404, String::new()));
    assert_eq!(b.stats().total.received, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_agents_tag_names_its_model_and_stays_at_the_gateway() {
    const TAG: &str = "<CCR-SUBAGENT-MODEL>NAME</CCR-SUBAGENT-MODEL>";
    let (provider, other) = (fake(), fake());
    let mut config = claude(&provider, &["big", "small"]);
    let foreign = crate::harness::config(&[("o", 1.0, &other)]);
    config.providers.extend(foreign.providers);
    config.keys.extend(foreign.keys);
    config.models.extend(foreign.models);
    config.rules = vec![Rule { model: "big".into(), ..of_class("default", 1) }];
    let world = World::with(1, config.clone()).await;
    // Written by hand, so that every byte that is kept can be told.
    let body = r#"{ "system": [{"type":"text","text":"You are\u0020Claude Code."}, {"text":"TAGDo \"it\".","type":"text"}],
        "model":"big", "max_tokens" : 100, "messages":[{"role":"user","content":"h\u00e9"}], "temperature": 1.0 }"#;
    let ask = async |world: &World, tag: &str| {
        let url = format!("{}/v1/messages?beta=true", world.nodes[0].url);
        let request = world.http.post(url).header("content-type", "application/json").body(body.replace("TAG", tag));
        let response = request.send().await.expect("the node answers");
        let by = ["x-pointsman-model", "x-pointsman-rule"].map(|name| header(&response, name));
        (response.status().as_u16(), by)
    };
    let by = |model: &str, rule: &str| (200, [model.to_owned(), rule.to_owned()]);
    let sent = || String::from_utf8(provider.requests().pop().expect("it was sent on").body.to_vec()).expect("text");
    let as_sent = |model: &str| body.replace("TAG", "").replace("\"big\"", &format!("\"{model}\""));
    for (name, model, rule) in [
        ("small", "small", ""),
        ("claude,SMALL", "small", ""),
        ("gone", "big", "to-default"),
        ("gone,small", "big", "to-default"),
        ("", "big", "to-default"),
    ] {
        assert_eq!(ask(&world, &TAG.replace("NAME", name)).await, by(model, rule), "{name}");
        assert_eq!(sent(), as_sent(model), "{name}");
    }
    assert_eq!(ask(&world, &TAG.replace("NAME", "m").replace('<', "\\u003c").replace('/', "\\/")).await, by("m", ""));
    let translated = other.requests().pop().expect("it was sent on").json();
    let text = translated["messages"].to_string();
    assert!(text.contains("Do \\\"it\\\".") && !text.contains("SUBAGENT"), "{text}");
    assert_eq!([provider.violations(), other.violations()].concat(), []);
    let (path, tagged) = ("/v1/messages".to_owned(), body.replace("TAG", &TAG.replace("NAME", "claude,small")));
    let explained = explained(&world, ExplainRequest { path, body: Some(tagged.into()), ..Default::default() }).await;
    assert_eq!(explained.preferences, ["the backend claude/small alone, as its sub-agent's tag says"]);
    assert_eq!((explained.hops[0].model.as_str(), explained.rules.len()), ("small", 0));
    // Without a rule that is enabled nobody looks.
    config.rules[0].enabled = Some(false);
    let mut world = world;
    let version = world.apply(config).await;
    world.settled(version).await;
    let tag = TAG.replace("NAME", "small");
    assert_eq!(ask(&world, &tag).await, by("big", ""));
    assert_eq!(sent(), body.replace("TAG", &tag));
}

/// A provider whose every reply, in Anthropic's dialect or OpenAI's, tells of a prompt of so many tokens, nearly all from a
/// cache.
async fn telling(tokens: Arc<AtomicU64>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tokens = tokens.clone();
            let answer = service_fn(move |request| reply(request, tokens.load(Relaxed)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

async fn reply(request: Request<Incoming>, tokens: u64) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let is_chat = request.uri().path().ends_with("/chat/completions");
    let body = request.into_body().collect().await.expect("it comes whole").to_bytes();
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let usage = json!({
        "input_tokens": 5, "cache_creation_input_tokens": 5, "cache_read_input_tokens": tokens - 10, "output_tokens": 1,
    });
    let message = |content: Value, stop: Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": usage,
        })
    };
    let (kind, text) = if is_chat {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1});
        let reply = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "x", "choices": [choice], "usage": usage});
        ("application/json", reply.to_string())
    } else if asked["stream"] == true {
        let events = [
            json!({"type": "message_start", "message": message(json!([]), Value::Null)}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
            json!({"type": "message_stop"}),
        ];
        let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
        ("text/event-stream", events.iter().map(event).collect())
    } else {
        let content = json!([{"type": "text", "text": "ok"}]);
        ("application/json", message(content, json!("end_turn")).to_string())
    };
    Ok(Response::builder().header("content-type", kind).body(Full::from(text)).expect("it is well formed"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_last_prompt_was_long_stays_long() {
    let tokens = Arc::new(AtomicU64::new(70_000));
    let (url, unused) = (telling(tokens.clone()).await, fake());
    let mut config = claude(&unused, &["m", "long"]);
    config.providers[0].base_url = format!("{url}/v1");
    let foreign = crate::harness::config(&[("o", 1.0, &unused)]);
    config.providers.extend(foreign.providers.into_iter().map(|o| Provider { base_url: format!("{url}/v1"), ..o }));
    config.keys.extend(foreign.keys);
    config.models.push(model("foreign", &[("o", 1.0)]));
    config.rules = vec![Rule { model: "long".into(), ..of_class("long_context", 1) }];
    let world = World::with(1, config).await;
    // About 40,000 tokens, and about 6.
    let (some, few) = ("word ".repeat(40_000), "a few words, no more");
    let user = |session: &str| json!({"user_id": format!("user_0f_account_1e_session_{session}")});
    let body = |model: &str, session: &str, said: &str, stream: bool| {
        let messages = json!([{"role": "user", "content": said}]);
        turn(json!({"model": model, "metadata": user(session), "messages": messages, "stream": stream, "tools": []}))
    };
    for (i, (model, stream)) in [("m", false), ("m", true), ("foreign", false)].into_iter().enumerate() {
        let session = format!("5e55-{i}");
        let fired = async |said: &str| served(&world, &body(model, &session, said, stream), &[]).await.0;
        tokens.store(70_000, Relaxed);
        assert_eq!(fired(&some).await, "", "nothing is known yet");
        assert_eq!(fired(few).await, "", "a short one is never long");
        assert_eq!(fired(&some).await, "to-long_context", "{model}, streamed: {stream}");
        tokens.store(500, Relaxed);
        assert_eq!(fired(&some).await, "to-long_context");
        assert_eq!(fired(&some).await, "", "the last reply counts");
    }
    tokens.store(60_001, Relaxed);
    assert_eq!(served(&world, &body("m", "by-header", few, false), &[]).await.0, "");
    let by_header = body("m", "other", &some, false);
    let found = served(&world, &by_header, &[("x-claude-code-session-id", "by-header")]).await;
    assert_eq!(found.0, "to-long_context", "the same session, by its header");
    let path = "/v1/messages".to_owned();
    let body = body("m", "by-header", &some, false).to_string();
    let explained = explained(&world, ExplainRequest { path, body: Some(body.into()), ..Default::default() }).await;
    assert_eq!((explained.rule.as_str(), explained.features.map(|f| f.last_prompt)), ("to-long_context", Some(60_001)));
}
