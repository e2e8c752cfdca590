//! A signature computed again, to be compared with the one that came.
//!
//! The trap is the path: what is percent-encoded on the wire is encoded once more before it is signed.

use aws_lc_rs::{digest, hmac};
use hyper::HeaderMap;

use super::{ALGORITHM, Signed};
use crate::wire::Ask;

/// The signature that the request should have.
pub(super) fn signature(ask: &Ask<'_>, signed: &Signed<'_>, secret: &str) -> String {
    let request = canonical(ask, signed);
    let scope = signed.credential[1..].join("/");
    let time = ask.header("x-amz-date").unwrap_or_default();
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(request.as_bytes()));
    let first = format!("AWS4{secret}").into_bytes();
    let key = signed.credential[1..].iter().fold(first, |key, part| hmac(&key, part));
    hex(&hmac(&key, &to_sign))
}

fn canonical(ask: &Ask<'_>, signed: &Signed<'_>) -> String {
    let mut query: Vec<&str> = ask.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let headers: String = signed.headers.iter().map(|name| format!("{name}:{}\n", header(ask, name))).collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        ask.method,
        encoded(ask.path()),
        query.join("&"),
        signed.headers.join(";"),
        sha256(ask.raw)
    )
}

/// All that is not unreserved, but for the slashes between segments.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// All values of a header, with single spaces. With HTTP/2 the host is in the address.
fn header(ask: &Ask<'_>, name: &str) -> String {
    let host = || ask.uri.authority().map(ToString::to_string);
    let values = |headers: &HeaderMap| -> Vec<String> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    match values(ask.headers) {
        values if values.is_empty() && name == "host" => host().unwrap_or_default(),
        values => values.join(","),
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
