//! `countTokens`, asked of the provider and answered to clients.

use super::{
    content, model,
    request::{self, object::Object},
};
use crate::protocol::neutral::{Dropped, Request, Unreadable, Unsupported, Written};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    generate_content_request: request::Body<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total_tokens: u64,
}

/// The body that asks `model` how long a request is: the prompt with its instructions and tools.
///
/// # Errors
/// The request holds what Gemini cannot be given.
pub fn count_request(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let mut dropped = Dropped::default();
    let mut body = request::body(request, model, &mut dropped)?;
    body.model = Some(model::resource(model).into_owned());
    Ok(Written { body: content::to_vec(&Asked { generate_content_request: body }), dropped: dropped.into_fields() })
}

/// How many tokens a provider counted.
pub fn count(body: &[u8]) -> Option<u64> {
    serde_json::from_slice(body).ok().map(|counted: Counted| counted.total_tokens)
}

/// The reply to a client.
pub fn count_reply(tokens: u64) -> Vec<u8> {
    content::to_vec(&Counted { total_tokens: tokens })
}

/// Reads what a client wants counted: `contents`, or a whole `generateContentRequest`.
///
/// # Errors
/// It is not JSON, or neither of the two.
pub fn read(body: &[u8]) -> Result<Request, Unreadable> {
    let mut body = Object::of_body(body)?;
    match body.object("generateContentRequest")? {
        Some(request) => request::of_object(request),
        None => request::of_object(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Part, Role, Turn};
    use serde_json::{Value, json};

    #[test]
    fn counts_are_asked_for_and_told() {
        let turns = vec![Turn { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] }];
        let request = Request { turns, system: vec![Part::Text("Be brief.".to_owned())], ..Request::default() };
        let written = count_request(&request, "gemini-2.5-pro").expect("it can be written");
        let body: Value = serde_json::from_slice(&written.body).expect("it is JSON");
        let expected = json!({"generateContentRequest": {
            "model": "models/gemini-2.5-pro",
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        }});
        assert_eq!(body, expected);
        assert_eq!(read(&written.body), Ok(request.clone()));
        assert_eq!(
            read(br#"{"contents":[{"parts":[{"text":"Hi"}]}],"system_instruction":{"parts":{"text":"Be brief."}}}"#),
            Ok(request)
        );
        assert_eq!(count(&count_reply(31)), Some(31));
        assert_eq!(count(br#"{"totalTokens":5,"cachedContentTokenCount":2}"#), Some(5));
        assert_eq!(count(b"{}"), None);
    }

    #[test]
    fn a_wrong_body_is_told_of_with_its_path() {
        let field = |body: &str| read(body.as_bytes()).expect_err("it is wrong").field;
        assert_eq!(field(r#"{"generateContentRequest":{}}"#), "generateContentRequest.contents");
        assert_eq!(
            field(r#"{"generate_content_request":{"contents":[{"parts":[{}]}]}}"#),
            "generate_content_request.contents[0].parts[0]"
        );
        assert_eq!(field("{}"), "contents");
        assert_eq!(field("[]"), "");
    }
}
