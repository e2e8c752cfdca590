//! `pointsman code` on the real binary, with a stub in place of Claude Code and a small server in place of a node.

#[path = "support/run.rs"]
mod run;
#[path = "support/server.rs"]
mod server;

use run::Run;
use server::Server;
use std::{
    io::Read,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const MODELS: &str = r#"{"object":"list","data":[{"id":"claude-x"},{"id":"m0"},{"id":"m1"},{"id":"m2"},{"id":"m3"},
    {"id":"m4"},{"id":"m5"},{"id":"m6"},{"id":"m7"},{"id":"m8"},{"id":"m9"}]}"#;
/// The key that the node takes.
const KEY: &str = "pmk_s3cret";
/// Shows what it was given, and fails in its own way.
const STUB: &str = "#!/bin/sh\nenv | sort\necho \"args: $*\"\nexit 7\n";

/// Answers each request as a node would.
fn node() -> Server {
    Server::answering(|head| match head {
        head if !head.contains(&format!("authorization: Bearer {KEY}\r\n")) => (401, "{}"),
        head if head.starts_with("GET /v1/models?limit=1000 ") => (200, MODELS),
        head if head.starts_with("GET /v1/models/an-alias ") => (200, "{}"),
        _ => (404, "{}"),
    })
}

/// A home with a stub of Claude Code on its path.
struct Home(TempDir);

impl Home {
    fn with(stub: Option<&str>) -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        if let Some(stub) = stub {
            home.program("claude", stub);
        }
        std::fs::write(home.path().join("key"), format!("{KEY}\n")).expect("written");
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }

    fn configure(&self, text: &str) {
        std::fs::create_dir(self.path().join("pointsman")).expect("a folder");
        std::fs::write(self.path().join("pointsman/config.yaml"), text).expect("written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command.arg("code").args(arguments).env_clear().env("XDG_CONFIG_HOME", self.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path().display())).current_dir(self.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run { output: self.command(arguments).output().expect("the binary starts") }
    }
}

/// One line for the user, without the key.
fn told(run: Run) -> Run {
    assert_eq!(run.stderr().trim_end().lines().count(), 1, "{}", run.stderr());
    run.keeps_quiet_about(KEY)
}

#[test]
fn claude_code_is_run_with_the_fleet_in_its_environment() {
    let (node, home) = (node(), Home::with(Some(STUB)));
    let arguments = ["--url", &node.url, "--key-file", "key", "--model", "claude-x", "--", "-p", "two words"];
    let mut command = home.command(&arguments);
    command.env("ANTHROPIC_API_KEY", "sk-ant-theirs").env("CLAUDE_CODE_USE_BEDROCK", "1").env("KEPT", "yes");
    command.env("POINTSMAN_TOKEN", "pma_operator").env("POINTSMAN_VIRTUAL_KEY", "pmk_other");
    let run = Run { output: command.output().expect("the binary starts") }.exits_with(7);
    let seen = run.stdout();
    for line in [
        &format!("ANTHROPIC_BASE_URL={}", node.url),
        &format!("ANTHROPIC_AUTH_TOKEN={KEY}"),
        "ANTHROPIC_MODEL=claude-x",
        "ANTHROPIC_SMALL_FAST_MODEL=claude-x",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL=claude-x",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1",
        "KEPT=yes",
        "args: -p two words",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    for gone in ["sk-ant-theirs", "CLAUDE_CODE_USE_BEDROCK", "pma_operator", "pmk_other"] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
    assert_eq!(run.stderr(), "", "it says nothing of its own");
    assert_eq!(node.heads().len(), 1);
}

#[test]
fn what_is_always_the_same_may_stand_in_the_configuration_file() {
    let (node, home) = (node(), Home::with(None));
    home.program("mine", STUB);
    std::fs::rename(home.path().join("key"), home.path().join("team.key")).expect("moved");
    home.configure(&format!(
        "code: {{url: '{}/v1', model: an-alias, small_model: m9, key_file: ../team.key, command: mine}}\n",
        node.url
    ));
    let seen = home.run(&[]).exits_with(7).stdout();
    assert!(seen.contains(&format!("ANTHROPIC_BASE_URL={}\n", node.url)), "without the version: {seen}");
    assert!(seen.contains("ANTHROPIC_MODEL=an-alias\n") && seen.contains("ANTHROPIC_DEFAULT_HAIKU_MODEL=m9\n"));
    assert!(node.heads().iter().any(|head| head.starts_with("GET /v1/models/an-alias ")), "an alias is asked for");
}

#[test]
fn signals_reach_it() {
    let node = node();
    let home = Home::with(Some("#!/bin/sh\ntrap 'exit 42' TERM\necho ready\nwhile :; do sleep 0.05; done\n"));
    let mut command = home.command(&["--url", &node.url, "--key-file", "key", "--model", "m0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
    let mut ready = [0; 6];
    child.stdout.as_mut().expect("piped").read_exact(&mut ready).expect("it runs");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(42));
}

#[test]
fn what_is_wrong_is_said_in_one_line_before_anything_runs() {
    let (node, home) = (node(), Home::with(Some(STUB)));
    let url = node.url.as_str();
    let nobody = told(home.run(&["--url", "http://127.0.0.1:1"])).exits_with(6);
    nobody.says("no node answers at http://127.0.0.1:1: ").says("is pointsman-proxy running there? (--url)");
    told(home.run(&["--url", url])).exits_with(4).says("asks for a virtual key: give --key-file FILE");
    let mut wrong = home.command(&["--url", url]);
    let output = wrong.env("POINTSMAN_VIRTUAL_KEY", "pmk_wrong").output().expect("the binary starts");
    told(Run { output }).exits_with(4).says("refuses the virtual key").says("pointsman virtual-key create NAME");
    let unknown = told(home.run(&["--url", url, "--key-file", "key", "--model", "gpt"])).exits_with(3);
    let unknown =
        unknown.says("knows no model gpt").says("there are: claude-x, m0, m1, m2, m3, m4, m5, m6, m7, m8 and 1 more");
    assert_eq!(unknown.stdout(), "", "nothing ran");
    let small = ["--url", url, "--key-file", "key", "--model", "m0", "--small-model", "../x"];
    told(home.run(&small)).exits_with(3).says("knows no model ../x");
    told(home.run(&["--url", url, "--key-file", "no-such-file"])).exits_with(1).says("no-such-file");
    told(home.run(&["--url", "localhost:8080"])).exits_with(2).says("is none like http://127.0.0.1:8080");
}

#[test]
fn what_is_no_node_is_told() {
    let home = Home::with(Some(STUB));
    for (status, body, says) in
        [(404, "", "status 404"), (200, "<html>", "its list of models is none"), (302, "", "status 302")]
    {
        let other = Server::answering(move |_| (status, body));
        told(home.run(&["--url", &other.url])).exits_with(1).says("is no node of Pointsman").says(says);
    }
}

#[test]
fn a_missing_claude_is_told_how_to_install() {
    let (node, home) = (node(), Home::with(None));
    let arguments = ["--url", &node.url, "--key-file", "key", "--model", "claude-x"];
    told(home.run(&arguments)).exits_with(1).says("claude is not installed: npm install -g @anthropic-ai/claude-code");
    let other = [&arguments[..], &["--command", "no-such-program"]].concat();
    told(home.run(&other)).exits_with(1).says("cannot run no-such-program");
}

#[test]
fn without_a_model_claude_codes_own_names_must_be_there() {
    let (node, home) = (node(), Home::with(Some(STUB)));
    let fine = home.run(&["--url", &node.url, "--key-file", "key"]).exits_with(7);
    assert!(fine.stderr().is_empty() && !fine.stdout().contains("ANTHROPIC_MODEL="));
    let others = Server::answering(|_| (200, r#"{"data":[{"id":"gpt"}]}"#));
    told(home.run(&["--url", &others.url])).exits_with(7).says("no --model is given").says("there are: gpt");
}
