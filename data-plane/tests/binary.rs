//! The real binary: what it says of itself, and of flags it cannot use.

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pointsman-proxy")).args(args).output().expect("the binary starts")
}

#[test]
fn it_says_what_it_is_and_what_its_exit_codes_mean() {
    let version = run(&["--version"]);
    assert!(version.status.success() && version.stdout.starts_with(b"pointsman-proxy "));
    let help = String::from_utf8(run(&["--help"]).stdout).expect("it is text");
    for part in ["Exit codes", "--control", "POINTSMAN_JOIN_TOKEN", "--drain-seconds"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn a_flag_it_cannot_use_ends_it_with_a_line_that_names_it() {
    for (args, code, named) in [
        (vec![], 2, "--node"),
        (vec!["--node", "n", "--drain-seconds", "soon"], 2, "--drain-seconds"),
        (vec!["--node", "no/slash"], 1, "--node"),
        (vec!["--node", "n", "--ca-file", "/nonexistent.pem"], 1, "/nonexistent.pem"),
    ] {
        let output = run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(named), "{said}");
    }
}
