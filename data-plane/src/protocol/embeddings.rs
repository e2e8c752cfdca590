//! OpenAI's `/v1/embeddings` for providers whose embeddings have another form. Source: openai-openapi, and the protocols'
//! own `embeddings` files.

use super::{
    bedrock, gemini,
    neutral::{Broken, Usage},
    openai::{Fields, request::left_over},
    tokens,
    translate::Translated,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use pointsman_proto::domain::Protocol;
use serde_json::{Value, json};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub inputs: Vec<String>,
    pub dimensions: Option<u64>,
    /// Little-endian 32-bit floats in base64: what OpenAI's SDKs ask for when their caller says nothing.
    pub base64: bool,
    /// What the client sent and no provider here is told.
    pub dropped: Vec<String>,
}

/// A field of the client's, and what is wrong with it.
pub type Refused = (&'static str, String);

/// Reads a client's request.
///
/// # Errors
/// It is no embeddings request, or one of tokens, which another provider's model would read as other words.
pub fn read(body: &[u8]) -> Result<Asked, Refused> {
    let mut fields = Fields::of_body(body).map_err(|unreadable| ("input", unreadable.message))?;
    fields.take("model");
    let inputs: Option<Vec<String>> = match fields.take("input") {
        Some(Value::String(text)) => Some(vec![text]),
        several => several.and_then(|several| serde_json::from_value(several).ok()),
    };
    let inputs = inputs.ok_or(("input", "this provider takes a string or an array of strings".to_owned()))?;
    if inputs.is_empty() || inputs.iter().any(String::is_empty) {
        return Err(("input", "input must not be empty".into()));
    }
    let whole = |value: Value| value.as_u64().ok_or(("dimensions", format!("a whole number; found {value}")));
    let dimensions = fields.take("dimensions").map(whole).transpose()?;
    let base64 = match fields.take("encoding_format") {
        None => false,
        Some(given) if given == "float" || given == "base64" => given == "base64",
        Some(other) => return Err(("encoding_format", format!("allowed: float, base64; found {other}"))),
    };
    let mut extra = Vec::new();
    left_over(fields, &mut extra, |_| false);
    let dropped = extra.into_iter().map(|extra| extra.field).collect();
    Ok(Asked { inputs, dimensions, base64, dropped })
}

/// The provider's request.
///
/// # Errors
/// What it cannot be given.
pub fn write(asked: &Asked, protocol: Protocol, model: &str) -> Result<Vec<u8>, Refused> {
    match protocol {
        Protocol::Gemini => Ok(gemini::embeddings::write(&asked.inputs, model, asked.dimensions)),
        _ => bedrock::embeddings::write(&asked.inputs, model, asked.dimensions)
            .map_err(|unsupported| ("input", unsupported.why.into_owned())),
    }
}

/// The client's reply.
///
/// # Errors
/// The provider's is not of its protocol.
pub fn reply(asked: &Asked, protocol: Protocol, model: &str, body: &[u8]) -> Result<Translated, Broken> {
    let (vectors, counted) = match protocol {
        Protocol::Gemini => (gemini::embeddings::read(body)?, None),
        _ => bedrock::embeddings::read(body)?,
    };
    if vectors.len() != asked.inputs.len() {
        return Err(Broken::Malformed("it holds another number of embeddings than were asked for"));
    }
    let data = vectors.iter().enumerate().map(|(index, vector)| {
        let embedding = if asked.base64 { json!(base64(vector)) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let tokens = counted.unwrap_or_else(|| asked.inputs.iter().map(|text| tokens::of_text(text)).sum());
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let body = json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": model, "usage": usage});
    let usage = Usage { input: tokens, estimated: counted.is_none(), ..Usage::default() };
    Ok(Translated { body: Some(body.to_string().into_bytes()), usage: Some(usage) })
}

fn base64(vector: &[f32]) -> String {
    BASE64_STANDARD.encode(vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_or_refused_by_field() {
        let asked = read(br#"{"model":"m","input":["a","b"],"dimensions":8,"encoding_format":"base64","user":"u"}"#);
        let (inputs, dropped) = (vec!["a".into(), "b".into()], vec!["user".into()]);
        assert_eq!(asked, Ok(Asked { inputs, dimensions: Some(8), base64: true, dropped }));
        for (body, field) in [
            (r#"{"input":[1,2]}"#, "input"),
            (r#"{"input":[]}"#, "input"),
            (r#"{"input":""}"#, "input"),
            (r#"{"model":"m"}"#, "input"),
            (r#"{"input":"a","encoding_format":"hex"}"#, "encoding_format"),
            (r#"{"input":"a","dimensions":-1}"#, "dimensions"),
            ("[]", "input"),
        ] {
            assert_eq!(read(body.as_bytes()).map_err(|(field, _)| field), Err(field), "{body}");
        }
    }

    #[test]
    fn base64_is_of_little_endian_floats() {
        assert_eq!(base64(&[1.0, -2.0]), "AACAPwAAAMA=");
    }
}
