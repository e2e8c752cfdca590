use super::*;
use crate::args::{Cli, Command as Typed};
use clap::Parser;

fn typed(line: &str) -> CodeArgs {
    match Cli::try_parse_from(["pointsman"].into_iter().chain(line.split(' '))).map(|cli| cli.command) {
        Ok(Typed::Code(args)) => args,
        _ => panic!("a legal command line: {line}"),
    }
}

fn planned(line: &str, defaults: CodeDefaults, key: Option<&str>) -> Plan {
    decide(typed(line), defaults, key.map(str::to_owned)).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn defaults() -> CodeDefaults {
    CodeDefaults { url: Some("http://gateway:1/".into()), model: Some("file-model".into()), ..Default::default() }
}

#[test]
fn flags_go_before_the_file_and_the_small_model_follows_the_model() {
    let plan = planned("code", CodeDefaults::default(), None);
    assert_eq!((plan.url.as_str(), plan.command.as_str()), ("http://127.0.0.1:8080", "claude"));
    assert_eq!((plan.model, plan.small_model), (None, None));
    let plan = planned("code", defaults(), None);
    assert_eq!((plan.url.as_str(), plan.small_model.as_deref()), ("http://gateway:1", Some("file-model")));
    let plan = planned("code --url https://h/v1/ --model m --small-model s --command other -- -p hi", defaults(), None);
    assert_eq!((plan.url.as_str(), plan.command.as_str()), ("https://h", "other"));
    assert_eq!((plan.model.as_deref(), plan.small_model.as_deref()), (Some("m"), Some("s")));
    assert_eq!(plan.args, ["-p", "hi"]);
}

#[test]
fn a_key_comes_from_a_file_before_the_environment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "pmk_file\n").expect("written");
    let exposed = |plan: Plan| plan.key.map(|key| key.expose_secret().to_owned());
    let line = format!("code --key-file {}", file.display());
    assert_eq!(exposed(planned(&line, CodeDefaults::default(), Some("pmk_env"))).as_deref(), Some("pmk_file"));
    let of_file = || CodeDefaults { key_file: Some(file.clone()), ..Default::default() };
    assert_eq!(exposed(planned("code", of_file(), Some("pmk_env\n"))).as_deref(), Some("pmk_env"));
    assert_eq!(exposed(planned("code", of_file(), None)).as_deref(), Some("pmk_file"));
    let missing = decide(typed("code --key-file /nowhere/key"), CodeDefaults::default(), None);
    assert!(missing.is_err_and(|error| error.to_string().contains("/nowhere/key")));
}

#[test]
fn a_url_is_one() {
    for bad in ["127.0.0.1:8080", "ftp://h", "http://u:p@h", "http://h?x=1", "http://h/#f"] {
        let refused = decide(typed(&format!("code --url {bad}")), CodeDefaults::default(), None);
        assert!(matches!(refused, Err(CliError::Usage(_))), "{bad}");
    }
}

#[test]
fn claude_code_is_given_what_it_needs() {
    let plan = planned("code --model m --small-model s", CodeDefaults::default(), Some("pmk_1"));
    let expected = [
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080"),
        ("ANTHROPIC_AUTH_TOKEN", "pmk_1"),
        ("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY", "1"),
        ("ANTHROPIC_MODEL", "m"),
        ("ANTHROPIC_SMALL_FAST_MODEL", "s"),
        ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "s"),
    ];
    assert_eq!(plan.variables(), expected);
    let bare = planned("code", CodeDefaults::default(), None);
    assert_eq!(bare.variables()[1], ("ANTHROPIC_AUTH_TOKEN", NO_KEY));
    assert_eq!(bare.variables().len(), 3);
}
