//! What keeps a conversation together: hashes that every node comes to alike.
//!
//! Which of them counts is for the model to say, and that is known only once a rule has named it; so both are noted.
//! Hashes are CRC-32, which is the same everywhere and fast over long prompts. Two conversations with the same hash
//! stay together, and nothing worse: it is no security.

use super::json::Cursor;
use crc32fast::Hasher;
use http::HeaderMap;
use pointsman_proto::domain::AffinityBy;

/// Where Claude Code names its session.
const SESSION_HEADERS: [&str; 2] = ["x-claude-code-session-id", "x-claude-session-id"];

/// What a conversation can be told by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affinities {
    /// The client's own session.
    pub session: Option<u64>,
    /// What the client says that its cached prompts go by; several sessions may share it.
    pub cache_key: Option<u64>,
    /// How the prompt begins: system prompt, tools and first message.
    pub prefix: Option<u64>,
}

impl Affinities {
    /// What a model with this affinity keeps the request together by. The headers are the client's own.
    pub fn by(&self, by: &AffinityBy, headers: &HeaderMap) -> Option<u64> {
        match by {
            AffinityBy::Prefix => self.prefix,
            AffinityBy::Session => self.session.or(self.cache_key).or(self.prefix),
            AffinityBy::Header(name) => headers.get(name.as_str()).map(|value| hash(value.as_bytes())),
        }
    }
}

/// The session that Claude Code's headers name.
pub fn session_of_headers(headers: &HeaderMap) -> Option<u64> {
    let found = SESSION_HEADERS.iter().find_map(|name| headers.get(*name));
    found.filter(|value| !value.is_empty()).map(|value| hash(value.as_bytes()))
}

/// The session within Anthropic's `metadata.user_id`, in either form: `user_…_account_…_session_<id>`, or a JSON
/// object with a `session_id`, as a string.
pub fn session_of_user_id(user_id: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"_session_";
    if !user_id.starts_with(b"{") {
        let at = memchr::memmem::rfind(user_id, MARK)?;
        return session(&user_id[at + MARK.len()..]);
    }
    let mut found = None;
    Cursor::new(user_id).fields(|json, name| match name {
        b"session_id" => found = json.text().and_then(|text| session(&text.plain())),
        _ => json.skip(),
    });
    found
}

/// The hash of a session's name; none where it is empty.
pub fn session(name: &[u8]) -> Option<u64> {
    (!name.is_empty()).then(|| hash(name))
}

fn hash(bytes: &[u8]) -> u64 {
    u64::from(crc32fast::hash(bytes))
}

/// A hash of a prompt's beginning, or a part of it.
#[derive(Clone, Debug, Default)]
pub struct Prefix(Option<Hasher>);

impl Prefix {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.get_or_insert_default().update(bytes);
    }

    /// The hash of a whole beginning; none where all parts are empty.
    pub fn of(parts: [Self; 3]) -> Option<u64> {
        if parts.iter().all(|part| part.0.is_none()) {
            return None;
        }
        let [system, tools, first] = parts.map(|part| u64::from(part.0.map_or(0, Hasher::finalize)));
        // An odd factor, 2⁶⁴ over the golden ratio, so that none of them can undo another.
        Some((system << 32 | tools) ^ first.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_session_is_the_same_wherever_it_is_named() {
        let mut headers = HeaderMap::new();
        assert_eq!(session_of_headers(&headers), None);
        headers.insert("x-claude-session-id", HeaderValue::from_static("5f0e"));
        let expected = session_of_headers(&headers);
        assert!(expected.is_some());
        for user_id in ["user_a1_account_b2_session_5f0e", r#"{"device_id":"d","account_uuid":"","session_id":"5f0e"}"#]
        {
            assert_eq!(session_of_user_id(user_id.as_bytes()), expected, "{user_id}");
        }
        for other in ["", "alice", "user_a_session_", "{", r#"{"session_id":7}"#, r#"{"session_id":""}"#] {
            assert_eq!(session_of_user_id(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn each_model_goes_by_what_it_says() {
        let mut headers = HeaderMap::new();
        headers.insert("x-team", HeaderValue::from_static("blue"));
        let both = Affinities { session: Some(1), prefix: Some(2), cache_key: None };
        let prefix = Affinities { session: None, ..both };
        let cache = Affinities { cache_key: Some(3), ..prefix };
        assert_eq!(cache.by(&AffinityBy::Session, &headers), Some(3));
        assert_eq!(Affinities { session: Some(1), ..cache }.by(&AffinityBy::Session, &headers), Some(1));
        assert_eq!(both.by(&AffinityBy::Session, &headers), Some(1));
        assert_eq!(prefix.by(&AffinityBy::Session, &headers), Some(2));
        assert_eq!(both.by(&AffinityBy::Prefix, &headers), Some(2));
        assert_eq!(both.by(&AffinityBy::Header("x-team".into()), &headers), Some(hash(b"blue")));
        assert_eq!(both.by(&AffinityBy::Header("x-other".into()), &headers), None);
    }
}
