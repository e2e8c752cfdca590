//! AWS Signature Version 4, for Bedrock alone, by which nodes ask its models and the control plane for their names: a request carries proof that its sender knows a secret key, and that
//! nothing of it was changed on the way. The path is encoded twice, once for the wire and once more for the signature.
//!
//! The vendor's own crate is not used: it brings a runtime's interfaces, a second library of hashes and one of time for
//! what the hundred lines below do.

use crate::domain::AwsCredentials;
use aws_lc_rs::{digest, hmac};
use http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::time::SystemTime;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "bedrock";
const AUTHORIZATION: &str = "authorization";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";

/// The headers that are signed where they are there, in order of name. The host is given apart, since over HTTP/2 it is
/// no header.
const SIGNED: [&str; 4] = ["content-type", "host", DATE, TOKEN];

/// Signs a request whose body is complete, and puts the proof into its headers.
///
/// `path` is what goes over the wire, without a query. A key id or token that no header can hold, as one with a line
/// end, is left out: AWS then refuses the request for its credential, which is what is wrong with it.
#[expect(clippy::too_many_arguments, reason = "each is a part of what is signed")]
pub fn sign(
    credentials: &AwsCredentials,
    region: &str,
    now: SystemTime,
    method: &str,
    host: &str,
    path: &str,
    headers: &mut HeaderMap,
    body: &[u8],
) {
    let time = amz_date(now);
    headers.remove(AUTHORIZATION);
    headers.remove(TOKEN);
    set(headers, DATE, &time, false);
    if let Some(token) = &credentials.session_token {
        set(headers, TOKEN, token.expose_secret(), true);
    }
    let (names, canonical) = canonical_headers(host, headers);
    let path = percent_encode(if path.is_empty() { "/" } else { path }, "/");
    let request = format!("{method}\n{path}\n\n{canonical}\n{names}\n{}", sha256(body));
    let day = &time[..8];
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let signed = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(request.as_bytes()));
    let signature = hex(mac(&key(credentials, day, region), &signed).as_ref());
    let id = &credentials.access_key_id;
    let proof = format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    set(headers, AUTHORIZATION, &proof, true);
}

/// Encodes all but letters, digits, `-._~` and what is to be kept, as AWS prescribes it.
pub fn percent_encode(text: &str, keep: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all that is written to it");
        }
    }
    encoded
}

/// The signed headers' names, and their lines.
fn canonical_headers(host: &str, headers: &HeaderMap) -> (String, String) {
    let mut names = Vec::with_capacity(SIGNED.len());
    let mut lines = String::new();
    for name in SIGNED {
        let given = headers.get(name).and_then(|value| value.to_str().ok());
        let Some(value) = (if name == "host" { Some(host) } else { given }) else { continue };
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        names.push(name);
        lines.extend([name, ":", &value, "\n"]);
    }
    (names.join(";"), lines)
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str, sensitive: bool) {
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(sensitive);
        headers.insert(name, value);
    }
}

/// `20251121T100000Z`. A clock beyond the calendar signs with its beginning, and is refused for that.
fn amz_date(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The key for a day, a region and this service.
fn key(credentials: &AwsCredentials, day: &str, region: &str) -> hmac::Key {
    let secret = format!("AWS4{}", credentials.secret_access_key.expose_secret());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    [day, region, SERVICE, "aws4_request"]
        .into_iter()
        .fold(key, |key, word| hmac::Key::new(hmac::HMAC_SHA256, mac(&key, word).as_ref()))
}

fn mac(key: &hmac::Key, text: &str) -> hmac::Tag {
    hmac::sign(key, text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
    }
    text
}

#[cfg(test)]
mod tests;
