//! OpenAI's `/v1/embeddings` for providers whose embeddings have another form. Source: openai-openapi, and the protocols'
//! own `embeddings` files.

use super::{
    bedrock, gemini,
    neutral::{Broken, Usage},
    tokens,
    translate::Translated,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use pointsman_proto::domain::Protocol;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub inputs: Vec<String>,
    pub dimensions: Option<u64>,
    /// Little-endian 32-bit floats in base64: what OpenAI's SDKs ask for when their caller says nothing.
    pub base64: bool,
}

/// A field of the client's, and what is wrong with it.
pub type Refused = (&'static str, String);

#[derive(Deserialize)]
struct Body {
    input: Value,
    dimensions: Option<u64>,
    encoding_format: Option<String>,
}

/// Reads a client's request.
///
/// # Errors
/// It is no embeddings request, or one of tokens, which another provider's model would read as other words.
pub fn read(body: &[u8]) -> Result<Asked, Refused> {
    let body: Body = serde_json::from_slice(body).map_err(|error| ("input", format!("invalid request: {error}")))?;
    let inputs: Option<Vec<String>> = match body.input {
        Value::String(text) => Some(vec![text]),
        several => serde_json::from_value(several).ok(),
    };
    let inputs = inputs.ok_or(("input", "this provider takes a string or an array of strings".to_owned()))?;
    let base64 = match body.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => return Err(("encoding_format", format!("allowed: float, base64; found {other:?}"))),
    };
    if inputs.is_empty() || inputs.iter().any(String::is_empty) {
        return Err(("input", "input must not be empty".into()));
    }
    Ok(Asked { inputs, dimensions: body.dimensions, base64 })
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
        let asked = read(br#"{"model":"m","input":["a","b"],"dimensions":8,"encoding_format":"base64"}"#);
        assert_eq!(asked, Ok(Asked { inputs: vec!["a".into(), "b".into()], dimensions: Some(8), base64: true }));
        for (body, field) in [
            (r#"{"input":[1,2]}"#, "input"),
            (r#"{"input":[]}"#, "input"),
            (r#"{"input":""}"#, "input"),
            (r#"{"model":"m"}"#, "input"),
            (r#"{"input":"a","encoding_format":"hex"}"#, "encoding_format"),
        ] {
            assert_eq!(read(body.as_bytes()).map_err(|(field, _)| field), Err(field), "{body}");
        }
    }

    #[test]
    fn base64_is_of_little_endian_floats() {
        assert_eq!(base64(&[1.0, -2.0]), "AACAPwAAAMA=");
    }
}
