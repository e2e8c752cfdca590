//! Which headers pass, in each direction. Hop-by-hop ones never do (RFC 9110 §7.6.1), nor do the client's credentials.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Whether a header speaks of one connection alone.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "keep-alive"
    )
}

/// The client's credentials and whatever speaks of its place in the network; and what the client library sets anew.
fn is_not_for_upstreams(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "x-api-key"
            | "api-key"
            | "x-goog-api-key"
            | "openai-organization"
            | "openai-project"
            | "cookie"
            | "host"
            | "content-length"
            | "expect"
            // The first events of a stream are read: they come as they are.
            | "accept-encoding"
            | "forwarded"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-proto"
            | "x-real-ip"
    )
}

/// How the names begin of what clients say to the gateway, and the gateway to clients.
pub(crate) const OURS: &str = "x-pointsman-";

/// What an upstream says of itself and not of its answer.
fn is_not_for_clients(name: &str) -> bool {
    matches!(name, "set-cookie" | "alt-svc" | "strict-transport-security")
}

/// Makes a client's headers fit for an upstream.
pub(crate) fn for_upstream(headers: &mut HeaderMap) {
    strip(headers, is_not_for_upstreams);
}

/// Makes an upstream's headers fit for the client.
pub(crate) fn for_client(headers: &mut HeaderMap) {
    strip(headers, is_not_for_clients);
}

/// Removes what is hop by hop, said between client and gateway alone, or unwanted. There are few of them, so each is looked
/// for anew and nothing is collected.
fn strip(headers: &mut HeaderMap, is_unwanted: impl Fn(&str) -> bool) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        named.iter().for_each(|name| drop(headers.remove(name)));
    }
    let is_gone = |name: &&HeaderName| {
        let name = name.as_str();
        // An upstream may be a gateway of this kind: what it says of itself goes as well.
        is_hop_by_hop(name) || is_unwanted(name) || name.starts_with(OURS)
    };
    while let Some(name) = headers.keys().find(is_gone).cloned() {
        headers.remove(name);
    }
}

/// The bytes of a header section.
pub(crate) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// A value from a name of ours, which is printable ASCII.
pub(crate) fn value(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).unwrap_or_else(|_| HeaderValue::from_static("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_hops_do_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer mine"),
            ("x-api-key", "mine"),
            ("cookie", "a=b"),
            ("connection", "close, x-secret-hop"),
            ("x-secret-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("host", "gateway"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-pointsman-priority", "high"),
            ("x-pointsman-whatever", "1"),
            ("content-type", "application/json"),
            ("x-stainless-lang", "python"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for_upstream(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "x-stainless-lang"]);
    }

    #[test]
    fn what_an_upstream_says_in_our_name_does_not_pass() {
        let mut headers = HeaderMap::new();
        headers.insert("x-pointsman-model", HeaderValue::from_static("theirs"));
        headers.insert("x-request-id", HeaderValue::from_static("r1"));
        for_client(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id"]);
    }
}
