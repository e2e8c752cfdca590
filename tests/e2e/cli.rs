//! The command line, against a running fleet.

use crate::harness::{World, config, dialects::every_protocol, fake};
use std::{
    io::Write,
    process::{Command, Stdio},
};

pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn pointsman(world: &World, args: &[&str], input: &str) -> Said {
    let mut child = Command::new(crate::harness::binary("pointsman"))
        .args(["--server", &format!("http://{}", world.admin_addr)])
        .args(args)
        .env("XDG_CONFIG_HOME", world.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

pub fn ok(world: &World, args: &[&str], input: &str) -> String {
    let said = pointsman(world, args, input);
    assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
    said.out
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_up_a_model_from_nothing() {
    let (a, b) = (fake(), fake());
    let world = World::start(2).await;
    for (name, fake) in [("openai", &a), ("azure", &b)] {
        ok(&world, &["provider", "create", name, "--base-url", &fake.base_url()], "");
        ok(&world, &["key", "create", &format!("{name}/main"), "--secret-file", "-"], &format!("sk-{name}\n"));
    }
    let lines = ["--backend", "openai/upstream=70", "--backend", "azure/upstream=30"];
    ok(&world, &[&["model", "create", "gpt-4", "--wait"], &lines[..]].concat(), "");
    let token = ok(&world, &["virtual-key", "create", "team", "--wait"], "").trim().to_owned();
    ok(&world, &["model", "set-weights", "gpt-4", "openai=40", "azure=60", "--wait"], "");
    for node in 0..2 {
        let body = crate::harness::chat("gpt-4");
        let url = format!("{}/v1/chat/completions", world.nodes[node].url);
        let response = world.http.post(url).bearer_auth(&token).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "--wait means that every node runs it");
        world.until_weights(node, "gpt-4", &[("azure", 60.0), ("openai", 40.0)]).await;
    }
    let status = ok(&world, &["status"], "");
    assert!(status.contains("n0") && status.contains("n1") && status.contains("SYNCED"), "{status}");
    let listed = ok(&world, &["key", "list", "-o", "json"], "");
    assert!(!listed.contains("sk-openai") && listed.contains("fingerprint"), "{listed}");
    assert!(ok(&world, &["revision", "list"], "").contains("gpt-4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_applied_compared_exported_and_rolled_back() {
    let only = fake();
    let world = World::start(1).await;
    let yaml = format!(
        "settings: {{client_authentication: anonymous}}\n\
         providers:\n- name: a\n  base_url: {}\n\
         keys:\n- provider: a\n  name: k\n  secret: sk-a-k\n\
         models:\n- name: m\n  backends:\n  - provider: a\n    model: upstream\n    weight: 5\n",
        only.base_url()
    );
    assert_eq!(pointsman(&world, &["diff", "-f", "-"], &yaml).code, 1, "all of it differs");
    ok(&world, &["apply", "--wait", "-f", "-"], &yaml);
    assert_eq!(world.chat(0, "m").await.0, 200);
    let exported = ok(&world, &["export"], "");
    assert!(!exported.contains("sk-a-k"));
    let same = pointsman(&world, &["diff", "-f", "-"], &exported);
    assert_eq!((same.code, same.out.as_str()), (0, ""), "an export applies again without a change: {}", same.err);
    let version = world.fleet().await.version.to_string();
    ok(&world, &["model", "update", "m", "--alias", "other", "--wait"], "");
    assert_eq!(world.chat(0, "other").await.0, 200);
    ok(&world, &["rollback", &version, "--yes", "--wait"], "");
    assert_eq!(world.chat(0, "other").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_its_exit_code_and_says_what_to_do() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    for (args, code, words) in [
        (vec!["model", "get", "nothing"], 3, "nothing"),
        (vec!["provider", "create", "a", "--base-url", "http://x"], 5, "a"),
        (vec!["provider", "create", "b", "--base-url", "::"], 1, "base_url"),
        (vec!["provider", "delete", "a", "--yes"], 1, "m"),
        (vec!["model", "set-weights", "m", "a=-1"], 2, "-1"),
        (vec!["model", "set-weights", "m", "a=much"], 2, "much"),
        (vec!["key", "create", "a/second", "--secret", "sk-visible"], 2, "--secret-file"),
        (vec!["frobnicate"], 2, "frobnicate"),
        (vec!["apply", "-f", "/nonexistent.yaml"], 1, "/nonexistent.yaml"),
    ] {
        let said = pointsman(&world, &args, "");
        assert_eq!(said.code, code, "{args:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(words) && !said.err.contains("sk-visible"), "{args:?}: {}", said.err);
    }
    let twice = "providers:\n- name: x\n  base_url: http://x\nproviders: []\n";
    let said = pointsman(&world, &["apply", "-f", "-"], twice);
    assert_eq!(said.code, 1);
    assert!(said.err.contains('4'), "it names the line: {}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_configurations_are_valid() {
    let world = World::start(0).await;
    for example in ["pointsman.yaml", "protocols.yaml", "routing.yaml"] {
        let example = format!("{}/../deploy/{example}", env!("CARGO_MANIFEST_DIR"));
        ok(&world, &["apply", "--dry-run", "-f", &example], "");
        assert_eq!(pointsman(&world, &["diff", "-f", &example], "").code, 1, "a dry run changes nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_copies_a_providers_own_names_for_its_models() {
    let fake = fake();
    let world = World::with(0, every_protocol(&fake)).await;
    for (provider, name) in [
        ("openai", "fake-large"),
        ("azure", "fake-large"),
        ("anthropic", "fake-large"),
        ("gemini", "fake-large"),
        ("bedrock", "fake-large"),
        ("codewhisperer", "fake-large"),
    ] {
        let listed = ok(&world, &["provider", "models", provider], "");
        assert!(listed.contains(name), "{provider}: {listed}");
        let listed = ok(&world, &["provider", "models", provider, "-o", "json"], "");
        let parsed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert!(parsed["models"].as_array().is_some_and(|models| !models.is_empty()), "{provider}: {listed}");
    }
    // A name that the provider does not know is a warning, and no more.
    let said = pointsman(&world, &["model", "create", "typo", "--backend", "openai/fake-lrage"], "");
    assert!(said.code == 0 && said.err.contains("warning") && said.err.contains("fake-lrage"), "{}", said.err);
    let said = pointsman(&world, &["provider", "models", "nobody"], "");
    assert!(said.code == 3 && said.err.contains("nobody"), "{} {}", said.code, said.err);
    fake.set_mode(pointsman_tests::Mode::Unauthorized);
    let said = pointsman(&world, &["provider", "models", "openai"], "");
    assert!(said.code == 1 && said.err.contains("401") && !said.err.contains("sk-"), "{} {}", said.code, said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_explanation_finds_is_told_by_zeros_and_the_exit_code_too() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only), ("b", 0.0, &only)])).await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let told = json(&ok(&world, &["explain", "--model", "m", "-o", "json"], ""));
    let candidates = &told["explanations"][0]["hops"][0]["candidates"];
    assert_eq!((&candidates[0]["share"], &candidates[1]["share"]), (&1.0.into(), &0.0.into()), "{told}");
    assert_eq!(candidates[1]["effective_weight"], 0.0, "{told}");
    assert_eq!(json(&ok(&world, &["status", "-o", "json"], ""))["causes"], serde_json::json!([]));
    let stats = json(&ok(&world, &["stats", "-o", "json"], ""));
    assert_eq!(
        (&stats["stats"][0]["requests"], &stats["stats"][0]["error_streak"]),
        (&"0".into(), &0.into()),
        "{stats}"
    );

    let chat = |body| world.post(0, "/v1/chat/completions", &serde_json::Value::Null).body(body);
    for (args, body, refusal) in [
        (&["explain", "--body", "-"][..], "", "the body is not valid JSON"),
        (&["explain", "--model", "m", "--body", "-"], "", "the body is not valid JSON"),
        (&["explain", "--body", "-"], r#"{"model":"none","messages":[]}"#, "does not exist"),
    ] {
        let said = pointsman(&world, args, body);
        assert!(
            said.code == 8 && said.out.contains("REFUSED") && said.out.contains(refusal),
            "{} {}",
            said.code,
            said.out
        );
        assert!(!said.out.contains("Confidence") && said.err.is_empty(), "{}{}", said.out, said.err);
        assert_eq!(pointsman(&world, &[args, &["-o", "json"]].concat(), body).code, 8);
        let told = chat(body).send().await.unwrap().text().await.unwrap();
        assert!(told.contains(refusal), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_once_and_of_whom_it_is() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let said = pointsman(&world, &["model", "set-weights", "m", "a=0"], "");
    assert!(said.code == 1 && said.err.lines().count() == 1, "{}", said.err);
    let said = pointsman(&world, &["provider", "create", "bad name"], "");
    assert_eq!(said.err.matches("base_url: ").count(), 1, "{}", said.err);
    assert!(said.err.starts_with("error: several fields are not valid\n"), "{}", said.err);

    // A node's ports are no control plane's.
    for url in [&world.nodes[0].url, &world.nodes[0].ops] {
        let output =
            Command::new(crate::harness::binary("pointsman")).args(["--server", url, "status"]).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(6) && err.contains("is no control plane"), "{url}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_times_as_flags_do_and_a_diff_only_what_is_stated() {
    let world = World::start(0).await;
    let file = "providers: [{name: p, base_url: 'http://127.0.0.1:1/v1', timeouts: {first_byte: 500ms, idle: 5m}}]\n\
                virtual_keys: [{name: team}]\n";
    let said = pointsman(&world, &["diff", "-f", "-"], file);
    assert!(said.code == 1 && said.out.contains("+name: team") && !said.out.contains("last_four"), "{}", said.out);
    ok(&world, &["apply", "-f", "-"], file);
    let provider = ok(&world, &["provider", "get", "p", "-o", "yaml"], "");
    assert!(provider.contains("first_byte: 0.500s") && provider.contains("idle: 300s"), "{provider}");
    assert_eq!(pointsman(&world, &["diff", "-f", "-"], file).code, 0, "it is what is there");
    let said = pointsman(&world, &["apply", "-f", "-"], &file.replace("5m", "5"));
    let expected = "providers[0].timeouts.idle: `5` is no duration: a number with its unit is, for example 500ms";
    assert!(said.code == 1 && said.err.contains(expected), "{}", said.err);
}
