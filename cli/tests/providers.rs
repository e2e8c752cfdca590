//! Providers, their keys and their models on the real binary, with a control plane in this process and a provider on
//! loopback.

#[path = "support/run.rs"]
mod run;
#[path = "support/server.rs"]
mod server;

use pointsman_control_plane::{config::Config, server as control};
use run::Run;
use server::Server;
use std::{
    io::Write,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const MODELS: &str =
    r#"{"object":"list","data":[{"id":"small","context_window":8192},{"id":"large","name":"The Large"}]}"#;

struct World {
    control: control::Running,
    home: TempDir,
}

impl World {
    async fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let config = Config { insecure_dev: true, ..Config::local(home.path().join("db")) };
        Self { control: control::start(config).await.expect("it starts"), home }
    }

    /// Off the runtime's threads, so that the control plane can answer.
    async fn run(&self, arguments: &[&str], stdin: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command.args(arguments).env_clear().env("XDG_CONFIG_HOME", self.home.path());
        command.env("POINTSMAN_ADDR", format!("http://{}", self.control.admin_addr));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let stdin = stdin.to_owned();
        let ran = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("the binary starts");
            let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes()); // it need not read
            child.wait_with_output().expect("the binary ends")
        });
        Run { output: ran.await.expect("it ends") }
    }

    async fn ok(&self, arguments: &[&str], stdin: &str) -> Run {
        self.run(arguments, stdin).await.exits_with(0)
    }

    /// A provider `p` at `url`, with a key.
    async fn furnish(&self, url: &str) {
        self.ok(&["provider", "create", "p", "--base-url", &format!("{url}/v1")], "").await;
        self.ok(&["key", "create", "p/main", "--secret-file", "-"], "sk-s3cret-0123456789\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_is_enough_of_a_provider() {
    let world = World::start().await;
    world.ok(&["provider", "create", "d", "--preset", "deepseek"], "").await;
    world.ok(&["provider", "get", "d"], "").await.prints("https://api.deepseek.com").prints("openai");
    world.ok(&["provider", "get", "d", "-o", "yaml"], "").await.prints("preset: deepseek");
    world.ok(&["provider", "create", "b", "--preset", "bedrock", "--region", "eu-west-1"], "").await;
    world.ok(&["provider", "get", "b"], "").await.prints("https://bedrock-runtime.eu-west-1.amazonaws.com");
    world.ok(&["provider", "update", "d", "--api", "both", "--compatible", "false"], "").await;
    world.ok(&["provider", "get", "d", "-o", "yaml"], "").await.prints("api: both").prints("compatible: false");
    world.ok(&["provider", "update", "d", "--unset", "api"], "").await;
    let wrong = world.run(&["provider", "create", "x", "--preset", "depseek"], "").await.exits_with(1);
    wrong.says("preset: allowed: openai, anthropic").says("deepseek, ").says("\"depseek\"");
    let wrong = world.run(&["provider", "create", "x", "--protocol", "smtp"], "").await.exits_with(1);
    wrong.says("allowed: openai, azure_openai, anthropic, gemini, bedrock, codewhisperer");

    let exported = world.ok(&["export"], "").await.stdout();
    assert!(exported.contains("preset: deepseek") && !exported.contains("api.deepseek.com"), "{exported}");
    world.ok(&["diff", "-f", "-"], &exported).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_own_models_are_listed_and_names_it_has_not_are_warned_of() {
    let world = World::start().await;
    let upstream = Server::answering(|head| match head.starts_with("GET /v1/models ") {
        true => (200, MODELS),
        false => (404, "{}"),
    });
    world.furnish(&upstream.url).await;
    let table = world.ok(&["provider", "models", "p"], "").await.stdout();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    assert!(rows[0].contains(&"CONTEXT") && rows[1].contains(&"The Large") && rows[2].contains(&"8192"), "{table}");
    world.ok(&["provider", "models", "p", "-o", "json"], "").await.prints("\"context_window\": 8192");
    world.ok(&["provider", "models", "p", "-o", "yaml"], "").await.prints("- name: large");
    let sent = upstream.heads();
    assert!(sent.iter().all(|head| head.contains("authorization: Bearer sk-s3cret-0123456789\r\n")), "{sent:?}");

    let made = world.ok(&["model", "create", "m", "--backend", "p/tiny"], "").await;
    made.says("warning: model m: provider p lists no model tiny").says("model m created");
    let quiet = world.ok(&["model", "update", "m", "--backend", "p/small"], "").await;
    assert!(!quiet.stderr().contains("warning"), "{}", quiet.stderr());
    let applied = "models: [{name: n, backends: [{provider: p, model: huge}]}]\n";
    world.ok(&["apply", "-f", "-"], applied).await.says("warning: model n: provider p lists no model huge");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_had_is_explained_without_the_key() {
    let world = World::start().await;
    world.run(&["provider", "models", "none"], "").await.exits_with(3).says("there is no provider none");
    world.ok(&["provider", "create", "keyless", "--preset", "groq"], "").await;
    world.run(&["provider", "models", "keyless"], "").await.exits_with(1).says("no key that can be used");
    let strict = Server::answering(|_| (401, r#"{"error":{"message":"bad key sk-s3cret-0123456789"}}"#));
    world.furnish(&strict.url).await;
    let refused = world.run(&["provider", "models", "p"], "").await.exits_with(1);
    let refused = refused.says("asked with key p/main, answered status 401: bad key …");
    assert!(!refused.stderr().contains("s3cret"));
    world.ok(&["provider", "update", "p", "--base-url", "http://127.0.0.1:1/v1"], "").await;
    world
        .run(&["provider", "models", "p"], "")
        .await
        .exits_with(1)
        .says("cannot be reached")
        .keeps_quiet_about("control plane");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_name_the_places_of_aws_and_of_kiro() {
    let world = World::start().await;
    world.ok(&["provider", "create", "aws", "--preset", "bedrock"], "").await;
    let made = world.ok(&["key", "create", "aws/profile", "--aws-profile", "none"], "").await;
    made.says("warning: key aws/profile: its secret cannot be read");
    world.ok(&["key", "get", "aws/profile"], "").await.prints("aws profile none").prints("PROBLEM");
    world.ok(&["key", "get", "aws/profile", "-o", "yaml"], "").await.prints("aws_profile: none").prints("problem: ");
    world.ok(&["key", "create", "aws/pair", "--secret-file", "-"], "AKIAIOSFODNN7EXAMPLE:s3cret\n").await;
    let exported = world.ok(&["export"], "").await.stdout();
    assert!(exported.contains("aws_profile: none") && !exported.contains("problem"), "{exported}");

    world.ok(&["provider", "create", "kiro", "--preset", "codewhisperer"], "").await;
    let file = world.home.path().join("kiro.json");
    std::fs::write(&file, r#"{"accessToken":"aoa-s3cret-0123456789"}"#).expect("written");
    let file = file.display().to_string();
    world.ok(&["key", "create", "kiro/main", "--token-file-ref", &file], "").await;
    world.ok(&["key", "get", "kiro/main"], "").await.prints(&format!("token file {file}")).prints("6789");
    let wrong = world.ok(&["key", "update", "aws/profile", "--token-file-ref", &file], "").await;
    wrong.says("token_file is for codewhisperer, and provider aws speaks bedrock");
    let both = ["key", "create", "aws/x", "--aws-environment", "--aws-profile", "a"];
    world.run(&both, "").await.exits_with(2).says("cannot be used with");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_shows_presets_and_examples() {
    let world = World::start().await;
    let help = world.ok(&["provider", "create", "--help"], "").await;
    help.prints("--preset <NAME>").prints("Presets: openai, ").prints("--preset bedrock --region eu-west-1");
    world.ok(&["provider", "--help"], "").await.prints("models ").prints("--preset deepseek");
    let help = world.ok(&["key", "create", "--help"], "").await;
    help.prints("--aws-profile <PROFILE>")
        .prints("--token-file-ref <PATH>")
        .prints("pointsman key create bedrock/main");
    world.ok(&["code", "--help"], "").await.prints("--small-model <NAME>").prints("small_model: claude-haiku-4-5");
}
