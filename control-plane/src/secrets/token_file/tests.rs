use super::*;
use secrecy::ExposeSecret;
use std::os::unix::fs::PermissionsExt;

const SOCIAL: &str = r#"{"accessToken":"aoa1","refreshToken":"aor1","expiresAt":"2026-11-21T05:00:00.000Z",
    "authMethod":"social","provider":"Google","profileArn":"arn:aws:p","region":"eu-central-1","more":[1]}"#;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn read(text: &str) -> TokenFile {
    TokenFile::parse(text).expect("it has tokens")
}

fn renewed(refresh_token: Option<&str>) -> Renewed {
    Renewed {
        access_token: "aoa2".into(),
        refresh_token: refresh_token.map(Into::into),
        lifetime: Duration::from_secs(3600),
        profile_arn: None,
    }
}

#[test]
fn nodes_are_given_the_access_token_and_the_profile_of_a_social_login() {
    let file = read(SOCIAL);
    let now = at("2026-11-21T04:00:00Z");
    let secret = file.secret(now).expect("it is good");
    assert_eq!(secret.expose_secret(), r#"{"access_token":"aoa1","profile_arn":"arn:aws:p"}"#);
    assert_eq!((file.method(), file.region()), (Method::Social, Ok("eu-central-1")));
    let idc = read(&SOCIAL.replace("\"social\"", "\"IdC\""));
    assert_eq!(idc.secret(now).expect("it is good").expose_secret(), r#"{"access_token":"aoa1"}"#);
    let ended = file.secret(at("2026-11-21T05:00:00Z")).expect_err("it is over");
    assert_eq!(ended, "its access token ended at 2026-11-21T05:00:00Z");
}

#[test]
fn a_login_that_does_not_say_how_is_told_by_its_client() {
    let method = |text: &str| read(text).method();
    assert_eq!(method(r#"{"accessToken":"a"}"#), Method::Social);
    assert_eq!(method(r#"{"accessToken":"a","clientIdHash":"ab12"}"#), Method::IdentityCenter);
    assert_eq!(method(r#"{"accessToken":"a","authMethod":"builder-id"}"#), Method::IdentityCenter);
    assert_eq!(read(r#"{"accessToken":"a","expiresAt":"soon"}"#).expires_at(), None);
}

#[test]
fn a_file_without_tokens_is_refused_and_not_repeated() {
    for (bad, says) in [
        ("", "is not JSON"),
        ("[\"s3cret\"]", "is not a JSON object"),
        ("{\"accessToken\":\"s3cret", "is not JSON (line 1"),
        ("{\"accessToken\":5}", "has neither"),
        ("{\"accessToken\":\"\"}", "has neither"),
    ] {
        let why = TokenFile::parse(bad).expect_err("it has none");
        assert!(why.contains(says) && !why.contains("s3cret"), "{why}");
    }
    let region = read(r#"{"accessToken":"a","region":"evil.example/#"}"#);
    assert!(region.region().is_err());
    let unsendable = read(r#"{"accessToken":"a b"}"#).secret(at("2026-11-21T04:00:00Z"));
    assert!(unsendable.is_err_and(|why| !why.contains("a b")));
    assert!(!format!("{:?}", read(SOCIAL)).contains("ao"));
}

#[test]
fn a_refresh_keeps_what_it_does_not_concern() {
    let now = at("2026-11-21T04:55:00.5Z");
    let file = read(SOCIAL).renewed(&renewed(None), now);
    assert_eq!(file.refresh_token(), Some("aor1"), "none was given, so the old one stays");
    assert_eq!(file.expires_at(), Some(at("2026-11-21T05:55:00.5Z")));
    assert_eq!(file.0.get("more"), Some(&serde_json::json!([1])));
    assert_eq!(file.0.get("expiresAt"), Some(&"2026-11-21T05:55:00.500Z".into()), "as the login writes it");
    let rotated = file.renewed(&renewed(Some("aor2")), now);
    assert_eq!(rotated.refresh_token(), Some("aor2"));
}

#[test]
fn a_file_is_replaced_whole_and_for_its_owner_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
    fs::write(&real, SOCIAL).expect("it is written");
    std::os::unix::fs::symlink(&real, &link).expect("it is linked");
    let path = link.display().to_string();
    let file = TokenFile::load(&path).expect("it is there").renewed(&renewed(Some("aor2")), Timestamp::now());
    file.save(&path).expect("it is written");
    assert_eq!(TokenFile::load(&path).expect("it is there"), file);
    let metadata = fs::symlink_metadata(&real).expect("it is there");
    assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    let left: Vec<_> = fs::read_dir(dir.path()).expect("it is listed").collect();
    assert_eq!(left.len(), 2, "nothing else is left behind");
    assert!(file.save(&dir.path().join("none").display().to_string()).is_err(), "a file that went is not made anew");
}

#[test]
fn a_clients_credentials_are_beside_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("kiro-auth-token.json").display().to_string();
    let file = read(r#"{"accessToken":"a","authMethod":"IdC","clientIdHash":"abc123"}"#);
    assert!(file.client(&path).is_err_and(|why| why.contains("abc123.json")));
    fs::write(dir.path().join("abc123.json"), r#"{"clientId":"id","clientSecret":"s3cret"}"#).expect("it is written");
    let (id, secret) = file.client(&path).expect("it is there");
    assert_eq!((id.as_str(), secret.expose_secret()), ("id", "s3cret"));
    fs::write(dir.path().join("abc123.json"), r#"{"clientSecret":"s3cret"}"#).expect("it is written");
    assert!(file.client(&path).is_err_and(|why| !why.contains("s3cret")));
    let outside = read(r#"{"accessToken":"a","clientIdHash":"../../etc/passwd"}"#);
    assert_eq!(outside.client(&path).err().as_deref(), Some("its clientIdHash is malformed"));
}
