//! Starts the real binary: what is said, where, and with which exit code.

#[path = "support/run.rs"]
mod run;

use run::Run;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Nothing listens on port 1.
const NOWHERE: &str = "http://127.0.0.1:1";

/// With an environment and a home of its own.
fn pointsman_at(home: &Path, arguments: &[&str], stdin: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
        .args(arguments)
        .env_clear()
        .env("XDG_CONFIG_HOME", home)
        .env("POINTSMAN_ADDR", NOWHERE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A child that has ended already does not read; that is its own affair.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    Run { output: child.wait_with_output().expect("the binary ends") }
}

fn pointsman(arguments: &[&str]) -> Run {
    let home = tempfile::tempdir().expect("a temporary folder");
    pointsman_at(home.path(), arguments, "")
}

#[test]
fn the_version_is_printed() {
    pointsman(&["--version"]).exits_with(0).prints(concat!("pointsman ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_lists_the_exit_codes() {
    let help = pointsman(&["--help"]).exits_with(0).prints("Exit codes:");
    help.prints("6  the control plane cannot be reached")
        .prints("7  diff: failed")
        .prints("8  explain:")
        .prints("POINTSMAN_TOKEN");
}

#[test]
fn usage_shows_what_was_left_out_and_not_what_the_environment_says() {
    pointsman(&["model", "create"]).exits_with(2).says("Usage: pointsman model create").keeps_quiet_about("--server");
    pointsman(&["rule", "create", "r", "--class", "default"]).exits_with(2).says("--model NAME");
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    pointsman(&["provider", "frobnicate"]).exits_with(2);
    pointsman(&["model", "set-weights", "gpt-4", "openai=much"]).exits_with(2).says("is no weight");
    pointsman(&["provider", "update", "openai"]).exits_with(2).says("nothing to update");
    pointsman(&["key", "get", "openai"]).exits_with(2).says("PROVIDER/NAME");
    // The wire's 0 stands for the default.
    pointsman(&["model", "update", "m", "--hedge-budget", "0"]).exits_with(2).says("from 1 to 100");
    pointsman(&["model", "update", "m", "--affinity", "session,max_load=0"]).exits_with(2).says("from 1 to 1000");
    pointsman(&["model", "update", "m", "--backend", "p,context=0"]).exits_with(2).says("from 1 upwards");
    for flag in ["--health-retries", "--failure-threshold", "--success-threshold", "--blacklist-after"] {
        pointsman(&["provider", "update", "p", flag, "0"]).exits_with(2).says("from 1 upwards");
    }
    pointsman(&["settings", "update", "--max-attempts", "0"]).exits_with(2).says("from 1 upwards");
    pointsman(&["rule", "update", "r", "--min-tokens", "0"]).exits_with(2).says("from 1 upwards");
}

#[test]
fn a_token_is_no_argument() {
    pointsman(&["--token", "s3cret", "status"]).exits_with(2).keeps_quiet_about("s3cret");
    pointsman(&["--token=s3cret", "status"]).exits_with(2).keeps_quiet_about("s3cret");
}

#[test]
fn an_unreachable_server_exits_with_6() {
    let said =
        pointsman(&["status"]).exits_with(6).says("error: cannot reach the control plane at http://127.0.0.1:1: ");
    said.says("Connection refused").says("is it running? (--server / POINTSMAN_ADDR)");
    let home = tempfile::tempdir().expect("a temporary folder");
    pointsman_at(home.path(), &["diff", "-f", "-"], "providers: [{name: a}]").exits_with(6);
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    for arguments in [
        ["key", "create", "openai/main", "sk-literal"].as_slice(),
        &["key", "create", "openai/main", "--secret", "sk-literal"],
        &["key", "create", "openai/main", "--secret=sk-literal"],
        &["key", "create", "openai/main", "--env", "KEY", "--secret=sk-literal"],
        &["key", "update", "openai/main", "--secret", "sk-literal"],
    ] {
        let said = pointsman(arguments).exits_with(2).keeps_quiet_about("sk-literal");
        said.says("not taken as an argument").says("--secret-file PATH").says("--env VAR").says("--file-ref PATH");
    }
}

#[test]
fn a_new_key_needs_exactly_one_source() {
    pointsman(&["key", "create", "openai/main"]).exits_with(2).says("--secret-file PATH");
    pointsman(&["key", "create", "openai/main", "--env", "A", "--file-ref", "/b"]).exits_with(2);
    // This flag is the operator's own token; the tokens of a login are named otherwise.
    pointsman(&["key", "create", "kiro/main", "--token-file", "/b"]).exits_with(2).says("--token-file-ref PATH");
}

#[test]
fn a_duplicate_yaml_key_is_refused_with_its_line() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("fleet.yaml");
    std::fs::write(&file, "providers:\n  - name: a\n    base_url: http://a\n    name: b\n").expect("written");
    let file = file.to_str().expect("a plain path");
    let place = format!("{file}:4: ");
    pointsman(&["apply", "-f", file]).exits_with(1).says(&place).says("`name` is there twice");
    pointsman(&["diff", "-f", file]).exits_with(7).says(&place);
    let stdin = "providers: []\nproviders: []\n";
    pointsman_at(home.path(), &["apply", "-f", "-"], stdin).exits_with(1).says("(stdin):2: ");
}

#[test]
fn an_input_that_states_nothing_is_refused() {
    let home = tempfile::tempdir().expect("a temporary folder");
    pointsman_at(home.path(), &["apply", "-f", "-"], "# nothing\n").exits_with(1).says("--allow-empty");
}

#[test]
fn deleting_without_a_terminal_needs_yes() {
    pointsman(&["provider", "delete", "openai"]).exits_with(2).says("--yes");
    pointsman(&["provider", "rm", "openai", "--yes"]).exits_with(6);
}

#[cfg(unix)]
#[test]
fn a_readable_configuration_file_with_a_token_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("pointsman/config.yaml");
    std::fs::create_dir(home.path().join("pointsman")).expect("a folder");
    std::fs::write(&file, "current: a\ncontexts: [{name: a, token: s3cret}]\n").expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("mode");
    pointsman_at(home.path(), &["status"], "").exits_with(2).says("chmod 600").keeps_quiet_about("s3cret");
}

#[test]
fn simulate_runs_a_file_without_a_control_plane() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let config = "providers: [{ name: a, protocol: openai }, { name: b, protocol: openai }]\n\
                  keys: [{ provider: a, name: k, env: A }, { provider: b, name: k, env: B }]\n\
                  models: [{ name: m, backends: [{ provider: a }, { provider: b }] }]\n";
    let simulate = |flags: &[&str]| {
        let arguments = [&["simulate", "-f", "-", "--model", "m", "-n", "500"], flags].concat();
        pointsman_at(home.path(), &arguments, config)
    };
    simulate(&["--fail", "a"]).exits_with(0).prints("500 requests for m").prints("100.00 %");
    simulate(&["--fail", "c"]).exits_with(3).says("no provider \"c\" in the configuration; it has: a, b");
    simulate(&["--error-rate", "a=2"]).exits_with(2).says("a number from 0 to 1");
    pointsman(&["simulate", "--model", "m"]).exits_with(6).says("is it running?");
}
