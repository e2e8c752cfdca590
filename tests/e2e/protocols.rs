//! Every client is understood by every provider; where both speak the same, bytes pass.

use crate::harness::{
    World,
    dialects::{CLIENTS, Client, PROVIDERS, every_protocol, model},
    eventually, fake, start_node,
};
use pointsman_proto::admin::v1::VirtualKey;
use pointsman_tests::{Mode, RetryAfter, usage};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn every_client_is_understood_by_every_provider() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    for client in CLIENTS {
        for provider in PROVIDERS {
            let name = format!("via-{provider}");
            let body = client.body(&name, "say Gleise und Weichen, schön", false);
            let response = client.send(&world, &name, &body, false).await;
            assert_eq!(response.headers()["x-pointsman-provider"], provider);
            let reply: Value = response.json().await.unwrap();
            assert_eq!(client.text(&reply), "Gleise und Weichen, schön", "{client:?} {provider}: {reply}");

            let body = client.body(&name, "say Gleise und Weichen, schön", true);
            let stream = client.send(&world, &name, &body, true).await.text().await.unwrap();
            assert_eq!(client.streamed(&stream), "Gleise und Weichen, schön", "{client:?} {provider}: {stream}");
            assert!(client.has_ended(&stream), "{client:?} {provider}: {stream}");
        }
    }
    assert!(fake.violations().is_empty(), "{:#?}", fake.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_called_through_every_pair() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    let said = "call:look {\"q\":\"Weiche 7\"}";
    for client in CLIENTS {
        for provider in PROVIDERS {
            let name = format!("via-{provider}");
            let reply: Value = {
                let body = client.body_with_tool(&name, said, false);
                client.send(&world, &name, &body, false).await.json().await.unwrap()
            };
            let expected = json!({"q": "Weiche 7"});
            assert_eq!(client.calls(&reply), [("look".to_owned(), expected.clone())], "{client:?} {provider}: {reply}");

            let body = client.body_with_tool(&name, said, true);
            let stream = client.send(&world, &name, &body, true).await.text().await.unwrap();
            assert_eq!(client.streamed_arguments(&stream), json!([expected]), "{client:?} {provider}: {stream}");
        }
    }
    assert!(fake.violations().is_empty(), "{:#?}", fake.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_passes_byte_for_byte() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    for (client, provider) in [(Client::Messages, "anthropic"), (Client::Generate, "gemini"), (Client::Chat, "openai")]
    {
        let name = format!("via-{provider}");
        let body = client.body(&name, "say  spaced ", false).to_string().replacen('{', "{ \n ", 1);
        let url = format!("{}{}", world.nodes[0].url, client.path(&name, false));
        let request = world.http.post(url).header("content-type", "application/json").header("anthropic-beta", "b-1");
        let response = request.header("x-api-key", "mine").body(body.clone()).send().await.unwrap();
        assert_eq!(response.status(), 200, "{client:?}");
        let seen = fake.requests().pop().expect("it was asked");
        let upstream = seen.json()["model"].as_str().unwrap_or_default().to_owned();
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        assert_eq!(text, body.replace(&format!("\"{name}\""), &format!("\"{upstream}\"")), "{client:?}");
        assert_eq!(seen.header("anthropic-beta"), Some("b-1"), "the dialect's own headers pass");
        let sent = ["authorization", "x-api-key", "x-goog-api-key"]
            .map(|name| seen.header(name).unwrap_or_default().to_owned());
        assert!(!sent.iter().any(|value| value.contains("mine")), "the client's credential does not: {sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_counted_as_each_dialect_counts() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    let ask = async |client: Client, name: &str| -> Value {
        let body = client.body(name, "say a", false);
        client.send(&world, name, &body, false).await.json().await.unwrap()
    };
    for provider in ["openai", "anthropic", "gemini", "bedrock"] {
        let name = format!("via-{provider}");
        let chat = ask(Client::Chat, &name).await["usage"].clone();
        assert_eq!(chat["prompt_tokens"], usage::PROMPT, "{provider}: {chat}");
        assert_eq!(chat["prompt_tokens_details"]["cached_tokens"], usage::CACHED, "{provider}: {chat}");
        let messages = ask(Client::Messages, &name).await["usage"].clone();
        assert_eq!(messages["input_tokens"], usage::PROMPT - usage::CACHED, "{provider}: {messages}");
        assert_eq!(messages["cache_read_input_tokens"], usage::CACHED, "{provider}: {messages}");
        let generate = ask(Client::Generate, &name).await["usageMetadata"].clone();
        assert_eq!(generate["promptTokenCount"], usage::PROMPT, "{provider}: {generate}");
        assert_eq!(generate["cachedContentTokenCount"], usage::CACHED, "{provider}: {generate}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_in_the_clients_dialect() {
    let fake = fake();
    let mut config = every_protocol(&fake);
    config.models.push(model("limited", &["bedrock"]));
    let world = World::with(1, config).await;
    for client in CLIENTS {
        let status_and_error = async |name: &str, body: Value| {
            let response = client.send(&world, name, &body, false).await;
            let status = response.status().as_u16();
            let error: Value = response.json().await.unwrap();
            let message = client.error(&error).unwrap_or_else(|| panic!("{client:?}: {error}"));
            (status, message)
        };
        let (status, message) = status_and_error("nobody", client.body("nobody", "hi", false)).await;
        assert!(status == 404 && message.contains("nobody"), "{client:?}: {status} {message}");
        // A client's fault is told in the provider's words.
        fake.set_mode(Mode::BadRequest);
        for name in ["via-openai", "via-anthropic", "via-gemini", "via-bedrock"] {
            let (status, message) = status_and_error(name, client.body(name, "hi", false)).await;
            assert!(status == 400 && !message.is_empty(), "{client:?} {name}: {status} {message}");
        }
        fake.set_mode(Mode::Ok);
    }
    fake.set_mode(Mode::RateLimited(RetryAfter::Seconds(20)));
    for client in CLIENTS {
        let body = client.body("limited", "hi", false);
        let response = client.send(&world, "limited", &body, false).await;
        assert_eq!(response.status(), 429, "{client:?}");
        let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=22).contains(&seconds), "{client:?}: {seconds}");
        assert!(response.headers().contains_key("retry-after-ms"));
        assert!(client.error(&response.json().await.unwrap()).is_some(), "{client:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_is_refused_or_named() {
    let fake = fake();
    let mut config = every_protocol(&fake);
    config.models.push(model("either", &["anthropic", "openai"]));
    let world = World::with(1, config).await;
    let mut body = Client::Chat.body("via-anthropic", "say a", false);
    body["logit_bias"] = json!({"1": 2});
    let response = Client::Chat.send(&world, "via-anthropic", &body, false).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["param"], "logit_bias", "{error}");
    assert_eq!(fake.stats().total.received, 0, "nobody was asked");
    // Another backend of the model can carry it.
    body["model"] = "either".into();
    let response = Client::Chat.send(&world, "either", &body, false).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["x-pointsman-provider"].to_str().unwrap()),
        (200, "openai")
    );
    assert_eq!(response.headers()["x-pointsman-attempts"], "1", "being passed over is no attempt");

    let mut body = Client::Chat.body("via-anthropic", "say a", false);
    body["seed"] = 7.into();
    body["presence_penalty"] = 0.5.into();
    let response = Client::Chat.send(&world, "via-anthropic", &body, false).await;
    assert_eq!(response.headers()["x-pointsman-dropped"], "presence_penalty, seed");
    assert_eq!(response.status(), 200);

    let speech = json!({"model": "via-anthropic", "input": "hi", "voice": "x"});
    let response = world.post(0, "/v1/audio/speech", &speech).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("/v1/audio/speech"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_goes_back_to_its_issuer_alone() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    let ask = async |name: &str, messages: &Value| -> Value {
        let body = json!({"model": name, "max_tokens": 4000, "thinking": thinking, "messages": messages});
        let response = Client::Messages.send(&world, name, &body, false).await;
        let status = response.status();
        let reply: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{name}: {reply}");
        reply
    };
    for first in ["via-gemini", "via-openai", "via-bedrock", "via-responses"] {
        let mut messages = json!([{"role": "user", "content": "think\nsay a"}]);
        let reply = ask(first, &messages).await;
        assert_eq!(reply["content"][0]["type"], "thinking", "{first}: {reply}");
        let turns = messages.as_array_mut().unwrap();
        turns.push(json!({"role": "assistant", "content": reply["content"]}));
        turns.push(json!({"role": "user", "content": "say b"}));
        for second in ["via-anthropic", "via-gemini", "via-openai", "via-bedrock", "via-codewhisperer", "via-responses"]
        {
            assert_eq!(Client::Messages.text(&ask(second, &messages).await), "b", "{first} then {second}");
        }
    }
    assert!(fake.violations().is_empty(), "{:#?}", fake.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_by_the_provider_or_here_and_never_for_money() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    for (provider, how) in [
        ("anthropic", "provider"),
        ("gemini", "provider"),
        ("bedrock", "provider"),
        ("openai", "tokenizer"),
        ("codewhisperer", "estimate"),
    ] {
        let name = format!("via-{provider}");
        let mut body = Client::Messages.body(&name, "Gleise und Weichen", false);
        body.as_object_mut().unwrap().retain(|field, _| field != "max_tokens" && field != "stream");
        let response = world.post(0, "/v1/messages/count_tokens", &body).send().await.unwrap();
        assert_eq!(response.headers()["x-pointsman-token-count"], how, "{provider}");
        let counted: Value = response.json().await.unwrap();
        assert!(counted["input_tokens"].as_u64().is_some_and(|n| n > 0), "{provider}: {counted}");

        let path = format!("/v1beta/models/{name}:countTokens");
        let body = Client::Generate.body(&name, "Gleise und Weichen", false);
        let counted: Value = world.post(0, &path, &body).send().await.unwrap().json().await.unwrap();
        assert!(counted["totalTokens"].as_u64().is_some_and(|n| n > 0), "{provider}: {counted}");
    }
    assert!(fake.violations().is_empty(), "{:#?}", fake.violations());
    // A provider that cannot count now is no failure: it is estimated.
    fake.set_mode(Mode::Status { code: 500 });
    let body = Client::Messages.body("via-anthropic", "hi", false);
    let response = world.post(0, "/v1/messages/count_tokens", &body).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["x-pointsman-token-count"].to_str().unwrap()),
        (200, "estimate")
    );
    assert!(world.fleet().await.causes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_come_from_every_provider_that_has_them() {
    let fake = fake();
    let mut config = every_protocol(&fake);
    for (name, upstream) in [("gemini", "gemini-embedding-001"), ("bedrock", "cohere.embed-english-v3")] {
        let mut embed = model(&format!("embed-{name}"), &[name]);
        embed.backends[0].model = upstream.into();
        config.models.push(embed);
    }
    let world = World::with(1, config).await;
    for name in ["via-openai", "embed-gemini", "embed-bedrock"] {
        let body = json!({"model": name, "input": ["a", "b"], "user": "u"});
        let response = world.post(0, "/v1/embeddings", &body).send().await.unwrap();
        let dropped = response.headers().get("x-pointsman-dropped").cloned();
        assert_eq!(dropped.is_some_and(|dropped| dropped == "user"), name != "via-openai", "{name}");
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["data"].as_array().map(Vec::len), Some(2), "{name}: {reply}");
        assert!(reply["data"][1]["embedding"][0].is_f64() && reply["data"][1]["index"] == 1, "{name}: {reply}");
    }
    let body = json!({"model": "via-anthropic", "input": "a"});
    let response = world.post(0, "/v1/embeddings", &body).send().await.unwrap();
    assert_eq!(response.status(), 400, "it has none");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_as_each_sdk_reads_them_and_probes_are_answered() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    let get = async |path: &str, version: Option<&str>| -> Value {
        let mut request = world.http.get(format!("{}{path}", world.nodes[0].url));
        if let Some(version) = version {
            request = request.header("anthropic-version", version);
        }
        request.send().await.unwrap().json().await.unwrap()
    };
    let openai = get("/v1/models", None).await;
    assert_eq!((&openai["object"], openai["data"].as_array().map(Vec::len)), (&json!("list"), Some(8)));
    let anthropic = get("/v1/models?limit=1000", Some("2023-06-01")).await;
    assert_eq!((&anthropic["data"][0]["type"], &anthropic["has_more"]), (&json!("model"), &json!(false)));
    assert_eq!(get("/v1/models/via-openai", Some("2023-06-01")).await["display_name"], "via-openai");
    let gemini = get("/v1beta/models", None).await;
    assert_eq!(gemini["models"][0]["name"], "models/via-anthropic");
    for path in ["/", "/api/hello"] {
        let response = world.http.head(format!("{}{path}", world.nodes[0].url)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sdks_way_to_authenticate_is_understood() {
    let fake = fake();
    let mut config = every_protocol(&fake);
    config.settings = None;
    let mut world = World::start(1).await;
    world.apply(config).await;
    let token = crate::security::create(&world, VirtualKey { name: "team".into(), ..Default::default() }).await;
    let url = format!("{}/v1beta/models/via-gemini:generateContent", world.nodes[0].url);
    let body = Client::Generate.body("via-gemini", "say a", false);
    for (header, value) in
        [("authorization", format!("Bearer {token}")), ("x-api-key", token.clone()), ("x-goog-api-key", token.clone())]
    {
        eventually(&format!("{header} is accepted"), async || {
            let response = world.http.post(&url).header(header, &value).json(&body).send().await.unwrap();
            (response.status() == 200).then_some(())
        })
        .await;
    }
    let response = world.http.post(format!("{url}?key={token}")).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200, "the query's key");
    let seen = fake.requests().pop().unwrap();
    assert!(!format!("{seen:?}").contains(&token), "and it goes no further");
    let wrong = world.http.post(&url).header("x-goog-api-key", "wrong").json(&body).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let error: Value = wrong.json().await.unwrap();
    assert_eq!(error["error"]["status"], "UNAUTHENTICATED", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_names_its_model_too() {
    let fake = fake();
    let world = World::with(1, every_protocol(&fake)).await;
    let form = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\0\x01\r\n\
                --B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nvia-openai\r\n--B--\r\n";
    let url = format!("{}/v1/audio/transcriptions", world.nodes[0].url);
    let request = world.http.post(url).header("content-type", "multipart/form-data; boundary=B").body(form);
    let response = request.send().await.unwrap();
    assert_ne!(response.headers().get("x-pointsman-provider"), None, "it was passed on: {response:?}");
    let seen = fake.requests().pop().expect("it was asked");
    assert_eq!(String::from_utf8_lossy(&seen.body), form.replace("via-openai", "gpt-5.1"));
    for (kind, body, words) in [
        ("multipart/form-data; boundary=C", form, "boundary"),
        ("multipart/form-data; boundary=B", "--B--\r\n", "model parameter"),
    ] {
        let url = format!("{}/v1/audio/transcriptions", world.nodes[0].url);
        let response = world.http.post(url).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(response.status(), 400);
        let error: Value = response.json().await.unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains(words), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_kept_awake_by_pings() {
    let fake = fake();
    let world = World::with(0, every_protocol(&fake)).await;
    let control = format!("http://{}", world.fleet_addr);
    let node = start_node(&["--node", "p", "--control", &control, "--stream-ping-seconds", "1"], &[]).await;
    eventually("the node is ready", async || {
        let ready = world.http.get(format!("{}/readyz", node.ops)).send().await.unwrap();
        (ready.status() == 200).then_some(())
    })
    .await;
    for (client, provider, ping) in [
        (Client::Chat, "openai", ": ping\n\n"),
        (Client::Chat, "anthropic", ": ping\n\n"),
        (Client::Messages, "anthropic", "event: ping"),
        (Client::Messages, "bedrock", "event: ping"),
    ] {
        let name = format!("via-{provider}");
        fake.set_step(true);
        // The first chunk lets the reply begin.
        fake.release_chunk();
        let url = format!("{}{}", node.url, client.path(&name, true));
        let mut response = world.http.post(&url).json(&client.body(&name, "hi", true)).send().await.unwrap();
        let mut text = String::new();
        let pinged = |text: &str| text.rfind(ping).is_some_and(|at| at > 200);
        while !pinged(&text) {
            let piece = response.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(&String::from_utf8_lossy(&piece));
        }
        fake.set_step(false);
        text.push_str(&response.text().await.unwrap());
        assert!(client.has_ended(&text), "{client:?} {provider}: {text}");
    }
}
