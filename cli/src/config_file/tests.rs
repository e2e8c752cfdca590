use super::*;
use secrecy::ExposeSecret;

const FILE: &str = "
current: prod
contexts:
  - {name: prod, server: https://prod:7700, token: prod-token, ca_file: prod.pem}
  - {name: lab, server: http://lab:7700}
";

fn args(server: Option<&str>, context: Option<&str>) -> ConnectionArgs {
    let (server, context) = (server.map(str::to_owned), context.map(str::to_owned));
    ConnectionArgs { server, context, token_file: None, ca_file: None }
}

fn file(text: &str) -> ConfigFile {
    input::yaml("config.yaml", text).expect("legal").pop().unwrap_or_default()
}

fn chosen(args: &ConnectionArgs, token: Option<&str>) -> (String, Option<String>) {
    let environment = Environment { token: token.map(str::to_owned), ..Environment::default() };
    let target = choose(args, environment, file(FILE)).expect("legal");
    (target.server, target.token.map(|token| token.expose_secret().to_owned()))
}

#[test]
fn flag_before_environment_before_file() {
    let check = |args, token, server: &str, expected: Option<&str>| {
        assert_eq!(chosen(&args, token), (server.to_owned(), expected.map(str::to_owned)));
    };
    check(args(None, None), None, "https://prod:7700", Some("prod-token"));
    check(args(None, None), Some("mine"), "https://prod:7700", Some("mine"));
    check(args(None, Some("lab")), None, "http://lab:7700", None);
    check(args(Some("https://prod:7700"), None), None, "https://prod:7700", Some("prod-token"));
}

#[test]
fn the_environment_names_a_server_or_a_context_unless_a_flag_does() {
    let set = |value: &str| Some(value.to_owned());
    let server = |flags: (Option<&str>, Option<&str>), environment| {
        choose(&args(flags.0, flags.1), environment, file(FILE)).expect("legal").server
    };
    let of_server = || Environment { server: set("http://env:1"), ..Environment::default() };
    let of_context = || Environment { context: set("lab"), ..Environment::default() };
    assert_eq!(server((None, None), of_server()), "http://env:1");
    assert_eq!(server((Some("http://flag:1"), None), of_server()), "http://flag:1");
    assert_eq!(server((None, None), of_context()), "http://lab:7700");
    assert_eq!(server((None, Some("prod")), of_context()), "https://prod:7700");
}

#[test]
fn a_contexts_token_stays_with_its_server() {
    assert_eq!(chosen(&args(Some("http://elsewhere:1"), None), None), ("http://elsewhere:1".to_owned(), None));
}

#[test]
fn without_a_file_the_default_holds() {
    let target = choose(&args(None, None), Environment::default(), ConfigFile::default()).expect("legal");
    assert_eq!(target.server, DEFAULT_SERVER);
}

#[test]
fn an_unknown_context_is_a_usage_error_that_names_the_known() {
    let error = choose(&args(None, Some("moon")), Environment::default(), file(FILE)).expect_err("unknown");
    assert!(matches!(&error, CliError::Usage(text) if text.contains("prod, lab")), "{error}");
}

#[test]
fn the_token_shows_in_no_debug_output() {
    let target = choose(&args(None, None), Environment::default(), file(FILE)).expect("legal");
    assert!(!format!("{target:?}").contains("prod-token"));
}

#[cfg(unix)]
#[test]
fn a_readable_file_with_a_token_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    fs::write(&path, FILE).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
    assert!(load(&path).expect_err("readable").to_string().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    let loaded = load(&path).expect("private");
    assert_eq!(loaded.contexts[0].ca_file.as_deref(), Some(folder.path().join("prod.pem").as_path()));
}

#[test]
fn what_code_takes_stands_beside_the_contexts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let text = "current: prod\ncode: {url: 'http://gateway:8080', model: claude-x, key_file: team.token}\n";
    std::fs::write(&path, text).expect("written");
    let code = load(&path).expect("legal").code;
    assert_eq!((code.url.as_deref(), code.model.as_deref()), (Some("http://gateway:8080"), Some("claude-x")));
    assert_eq!(code.key_file, Some(folder.path().join("team.token")), "relative to the file's folder");
    std::fs::write(&path, "code: {modle: x}\n").expect("written");
    assert!(load(&path).is_err_and(|error| error.to_string().contains("modle")));
}
