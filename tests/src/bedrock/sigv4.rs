//! Signature version 4: its form, its scope, what it covers, and, for keys whose secret is known, that it is right.

mod verify;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::wire::{ApiError, Ask};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "bedrock";

/// The parts of an `Authorization` header.
struct Signed<'a> {
    /// Id, date, region, service, `aws4_request`.
    credential: Vec<&'a str>,
    headers: Vec<&'a str>,
    signature: &'a str,
}

fn parse(headers: &HeaderMap) -> Option<Signed<'_>> {
    let rest = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix(ALGORITHM)?;
    let field = |name: &str| rest.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    Some(Signed {
        credential: field("Credential")?.split('/').collect(),
        headers: field("SignedHeaders")?.split(';').collect(),
        signature: field("Signature")?,
    })
}

pub(super) fn access_key(headers: &HeaderMap) -> Option<&str> {
    parse(headers)?.credential.first().copied().filter(|id| !id.is_empty())
}

/// `secret` is that of the key, if it is known.
pub(super) fn check(ask: &Ask<'_>, secret: Option<&str>) -> Result<(), ApiError> {
    let claimed = ask.header("authorization").is_some_and(|value| value.starts_with("AWS4"));
    if !claimed {
        return Ok(());
    }
    let problem = match parse(ask.headers) {
        None => Some("Credential, SignedHeaders and Signature are all needed".to_owned()),
        Some(signed) => match scope(ask, &signed).or_else(|| covered(ask, &signed)).or_else(|| signature(&signed)) {
            None => return genuine(ask, &signed, secret),
            problem => problem,
        },
    };
    match problem {
        None => Ok(()),
        Some(problem) => {
            let message = format!("Authorization header is not a valid signature: {problem}");
            Err(ApiError::numbered(403, "IncompleteSignatureException", message.clone()).because(message))
        }
    }
}

fn genuine(ask: &Ask<'_>, signed: &Signed<'_>, secret: Option<&str>) -> Result<(), ApiError> {
    match secret.map(|secret| verify::signature(ask, signed, secret)) {
        Some(expected) if expected != signed.signature => {
            let message = "The request signature we calculated does not match the signature you provided. Check your \
                           AWS \
                           Secret Access Key and signing method. Consult the service documentation for details.";
            Err(ApiError::numbered(403, "InvalidSignatureException", message).because(message))
        }
        _ => Ok(()),
    }
}

fn scope(ask: &Ask<'_>, signed: &Signed<'_>) -> Option<String> {
    let [id, date, region, service, end] = signed.credential[..] else {
        return Some("Credential must be KEY/DATE/REGION/SERVICE/aws4_request".into());
    };
    let Some(time) = ask.header("x-amz-date").filter(|time| is_time(time)) else {
        return Some("x-amz-date must be there, as YYYYMMDDTHHMMSSZ".into());
    };
    if id.is_empty() || region.is_empty() || end != "aws4_request" {
        return Some("Credential must be KEY/DATE/REGION/SERVICE/aws4_request".into());
    }
    if service != SERVICE {
        return Some(format!("Credential should be scoped to correct service: '{SERVICE}', not '{service}'"));
    }
    (!time.starts_with(date) || date.len() != 8).then(|| "the Credential's date is not x-amz-date's".into())
}

fn is_time(time: &str) -> bool {
    let mut digits = time.bytes().enumerate();
    time.len() == 16
        && digits.all(|(index, byte)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

fn covered(ask: &Ask<'_>, signed: &Signed<'_>) -> Option<String> {
    let mut sorted = signed.headers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted != signed.headers || signed.headers.iter().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
    {
        return Some("SignedHeaders must be in small letters, sorted, each once".into());
    }
    let mut needed = vec!["host", "x-amz-date"];
    needed.extend(["x-amz-security-token"].into_iter().filter(|name| ask.headers.contains_key(*name)));
    if let Some(missing) = needed.iter().find(|name| !signed.headers.contains(name)) {
        return Some(format!("'{missing}' must be a 'SignedHeader' in the AWS Authorization"));
    }
    // With HTTP/2 the host is no header.
    let absent = |name: &&&str| **name != "host" && !ask.headers.contains_key(**name);
    signed.headers.iter().find(absent).map(|name| format!("'{name}' is signed, but was not sent"))
}

fn signature(signed: &Signed<'_>) -> Option<String> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let whole = signed.signature.len() == 64 && signed.signature.bytes().all(hex);
    (!whole).then(|| "Signature must be 64 hexadecimal digits".into())
}

#[cfg(test)]
mod tests {
    use hyper::{Method, Uri};

    use super::*;

    /// Made by botocore, with the secret `secret`.
    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKIDFAKE/20261121/us-east-1/bedrock/aws4_request, \
                        SignedHeaders=content-type;host;x-amz-date, \
                        Signature=b72019f73862fc74999b244da1ba342d8089749c6b6df092ac2e5821cf0a6d6f";
    const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#;

    fn problem(authorization: &str, others: &[(&'static str, &str)], secret: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        let all = [
            ("authorization", authorization),
            ("content-type", "application/json"),
            ("host", "bedrock.test"),
            ("x-amz-date", "20261121T040000Z"),
        ];
        for (name, value) in all.iter().chain(others) {
            headers.insert(*name, value.parse().expect("valid"));
        }
        let (method, uri) = (Method::POST, Uri::from_static("/model/us.anthropic.claude-v1%3A0/converse"));
        let ask = Ask { method: &method, uri: &uri, headers: &headers, raw: BODY.as_bytes(), body: None };
        check(&ask, secret).err()?.violation.map(String::from)
    }

    #[test]
    fn a_whole_signature_is_let_in_and_a_known_key_verified() {
        assert_eq!(problem(GOOD, &[], None), None);
        assert_eq!(problem("Bearer key", &[], None), None);
        assert_eq!(problem(GOOD, &[], Some("secret")), None);
        assert!(problem(GOOD, &[], Some("another")).is_some_and(|words| words.contains("does not match")));
        assert!(problem(GOOD, &[("host", "elsewhere")], Some("secret")).is_some());
    }

    #[test]
    fn each_part_must_be_right() {
        let cases = [
            (GOOD.replace("Signature=b7", "Signature="), "64 hexadecimal"),
            (GOOD.replace("host;", ""), "'host' must"),
            (GOOD.replace("content-type;host", "host;content-type"), "sorted"),
            (GOOD.replace("/bedrock/", "/bedrock-runtime/"), "correct service"),
            (GOOD.replace("20261121/", "20261120/"), "date"),
            (GOOD.replace("content-type;", "accept;"), "'accept' is signed"),
            (GOOD.replace("Signature=", "Sign="), "all needed"),
            (GOOD.replace("AKIDFAKE/", ""), "KEY/DATE"),
        ];
        for (authorization, words) in cases {
            let problem = problem(&authorization, &[], None).expect("refused");
            assert!(problem.contains(words), "{authorization}: {problem}");
        }
        let problem = problem(GOOD, &[("x-amz-security-token", "t")], None).expect("refused");
        assert!(problem.contains("x-amz-security-token"));
    }
}
