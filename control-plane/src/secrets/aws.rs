//! Key pairs where AWS's own tools keep them: a profile of the shared credentials file, or the environment.
//!
//! Profiles that name something else to ask (a role, single sign-on, a process) are not followed: the file must hold the
//! key pair itself, as `aws configure` and tools that log in write it.

use pointsman_proto::domain::AwsCredentials;
use secrecy::SecretString;
use std::{collections::HashMap, path::PathBuf};

/// A variable of the environment; a parameter, so that tests need not change the process's own.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where the shared credentials file is.
///
/// # Errors
/// The environment names neither it nor a home.
pub(super) fn credentials_file(variable: Variable<'_>) -> Result<PathBuf, String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    set("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".aws/credentials")))
        .ok_or_else(|| "neither AWS_SHARED_CREDENTIALS_FILE nor HOME is set".into())
}

/// The key pair of a profile, in its canonical text.
///
/// # Errors
/// Why the file's text holds none; nothing of a secret is repeated.
pub(super) fn profile(text: &str, name: &str) -> Result<SecretString, String> {
    let settings = section(text, name).ok_or_else(|| format!("there is no profile {name:?}"))?;
    let get = |key: &str| settings.get(key).copied().unwrap_or_default();
    let (id, secret) = (get("aws_access_key_id"), get("aws_secret_access_key"));
    if id.is_empty() || secret.is_empty() {
        let elsewhere = ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"];
        let found = elsewhere.into_iter().find(|key| settings.contains_key(key));
        let hint = found.map(|key| format!("; {key} is not followed")).unwrap_or_default();
        return Err(format!("profile {name:?} has no aws_access_key_id and aws_secret_access_key{hint}"));
    }
    let pair = AwsCredentials::new(id, secret, Some(get("aws_session_token")));
    pair.map(|pair| pair.to_secret()).ok_or_else(|| format!("the key pair of profile {name:?} is malformed"))
}

/// The settings of `[name]` or `[profile name]`; of those that are stated twice, the last.
fn section<'a>(text: &'a str, name: &str) -> Option<HashMap<&'a str, &'a str>> {
    let mut settings = None;
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let title = title.trim();
            inside = title == name || title.strip_prefix("profile ").is_some_and(|rest| rest.trim() == name);
            if inside {
                settings.get_or_insert_with(HashMap::new);
            }
        } else if inside
            && !line.starts_with(['#', ';'])
            && let (Some((key, value)), Some(settings)) = (line.split_once('='), settings.as_mut())
        {
            settings.insert(key.trim(), value.trim());
        }
    }
    settings
}

/// What AWS's variables hold: a bearer of Bedrock, which has precedence there, or a key pair in its canonical text.
///
/// # Errors
/// Which variables are missing.
pub(super) fn environment(variable: Variable<'_>) -> Result<SecretString, String> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    if let Some(bearer) = set("AWS_BEARER_TOKEN_BEDROCK") {
        return Ok(bearer.into());
    }
    let (Some(id), Some(secret)) = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) else {
        return Err("neither AWS_BEARER_TOKEN_BEDROCK nor AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is set".into());
    };
    let pair = AwsCredentials::new(&id, &secret, set("AWS_SESSION_TOKEN").as_deref());
    pair.map(|pair| pair.to_secret())
        .ok_or_else(|| "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold no key pair".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const FILE: &str = "\
# made by hand
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key=de/fault+

[profile work]
  aws_access_key_id=ASIAWORK
aws_secret_access_key = wo=rk
aws_session_token = session==
; region is for others
region = eu-west-1
[role]
role_arn = arn:aws:iam::1:role/x
[broken]
aws_access_key_id = lower case
aws_secret_access_key = s
[default]
aws_secret_access_key = later
";

    fn told(result: Result<SecretString, String>) -> Result<String, String> {
        result.map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn a_profile_is_read_as_awss_tools_write_it() {
        let check = |name: &str, expected: &str| assert_eq!(told(profile(FILE, name)).as_deref(), Ok(expected));
        check("default", r#"{"access_key_id":"AKIADEFAULT","secret_access_key":"later"}"#);
        let work = r#"{"access_key_id":"ASIAWORK","secret_access_key":"wo=rk","session_token":"session=="}"#;
        check("work", work);
    }

    #[test]
    fn a_profile_without_a_key_pair_says_what_is_missing() {
        let check = |name: &str, part: &str| {
            let why = told(profile(FILE, name)).expect_err("there is none");
            assert!(why.contains(part) && !why.contains("fault"), "{why}");
        };
        check("none", "there is no profile \"none\"");
        check("role", "role_arn is not followed");
        check("broken", "is malformed");
        assert!(profile("", "default").is_err());
        assert!(profile("[default", "default").is_err(), "an open bracket is a title without settings");
    }

    #[test]
    fn the_environment_holds_a_bearer_or_a_key_pair() {
        let with = |variables: &[(&str, &str)]| {
            let found: HashMap<String, String> =
                variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            told(environment(&move |name| found.get(name).cloned()))
        };
        let pair = [("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "s1")];
        let json = r#"{"access_key_id":"AKIA1","secret_access_key":"s1"}"#;
        assert_eq!(with(&pair).as_deref(), Ok(json));
        assert_eq!(with(&[&pair[..], &[("AWS_SESSION_TOKEN", "")]].concat()).as_deref(), Ok(json));
        let temporary = with(&[&pair[..], &[("AWS_SESSION_TOKEN", "t")]].concat());
        assert!(temporary.is_ok_and(|text| text.ends_with(r#""session_token":"t"}"#)));
        let bearer = with(&[&pair[..], &[("AWS_BEARER_TOKEN_BEDROCK", "ABSK1")]].concat());
        assert_eq!(bearer.as_deref(), Ok("ABSK1"));
        assert!(with(&[("AWS_ACCESS_KEY_ID", "AKIA1")]).is_err_and(|why| why.contains("AWS_SECRET_ACCESS_KEY")));
        assert!(with(&[("AWS_ACCESS_KEY_ID", "a b"), ("AWS_SECRET_ACCESS_KEY", "s1")]).is_err());
    }

    #[test]
    fn the_file_is_where_aws_says_it_is() {
        let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        assert_eq!(credentials_file(&home), Ok(PathBuf::from("/home/me/.aws/credentials")));
        let named = |name: &str| Some(if name == "HOME" { "/home/me" } else { "/etc/aws" }.to_owned());
        assert_eq!(credentials_file(&named), Ok(PathBuf::from("/etc/aws")));
        assert!(credentials_file(&|_| None).is_err());
    }
}
