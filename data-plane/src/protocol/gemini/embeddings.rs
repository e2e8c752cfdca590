//! `batchEmbedContents`: vectors of texts.

use super::{
    content::{self, Content, Part},
    error, model,
};
use crate::protocol::neutral::Broken;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<EmbedContent<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmbedContent<'a> {
    model: &'a str,
    content: Content<[Part<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u64>,
}

#[derive(Deserialize)]
struct Embeddings {
    embeddings: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

/// The body that asks `model` for a vector of each text.
pub fn write(inputs: &[String], model: &str, dimensions: Option<u64>) -> Vec<u8> {
    let model = model::resource(model);
    let requests = inputs.iter().map(|input| EmbedContent {
        model: &model,
        content: Content { role: None, parts: [Part::text(input)] },
        output_dimensionality: dimensions,
    });
    content::to_vec(&Batch { requests: requests.collect() })
}

/// The vectors, in the order of the texts.
///
/// # Errors
/// The body tells of an error, or is no reply to [`write`].
pub fn read(body: &[u8]) -> Result<Vec<Vec<f32>>, Broken> {
    let Ok(reply) = serde_json::from_slice::<Embeddings>(body) else {
        let told = error::read(&HeaderMap::new(), body);
        let is_error = told.status.is_some() || !told.words.is_empty();
        return Err(if is_error {
            Broken::Told(told)
        } else {
            Broken::Malformed("Gemini's reply holds no embeddings")
        });
    };
    Ok(reply.embeddings.into_iter().map(|embedding| embedding.values).collect())
}

/// A client's request with the provider's name for the model, which Google wants to be that of the path; none if it names
/// none, or is no JSON.
pub fn renamed(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let name = Value::String(super::model::resource(model).into_owned());
    let mut changed = false;
    let mut rename = |value: &mut Value| {
        if let Some(named) = value.get_mut("model") {
            *named = name.clone();
            changed = true;
        }
    };
    rename(&mut request);
    request.get_mut("requests").and_then(Value::as_array_mut).into_iter().flatten().for_each(rename);
    changed.then(|| request.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn each_text_is_a_request() {
        let inputs = ["a".to_owned(), "b".to_owned()];
        let request = |text, dimensions: Option<u64>| {
            let mut request = json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}});
            if let Some(dimensions) = dimensions {
                request["outputDimensionality"] = dimensions.into();
            }
            request
        };
        for dimensions in [None, Some(256)] {
            let body: Value =
                serde_json::from_slice(&write(&inputs, "gemini-embedding-001", dimensions)).expect("it is JSON");
            assert_eq!(body, json!({"requests": [request("a", dimensions), request("b", dimensions)]}));
        }
    }

    #[test]
    fn vectors_and_errors_are_read() {
        assert_eq!(
            read(br#"{"embeddings":[{"values":[0.5,-1]},{"values":[]}],"usageMetadata":{}}"#),
            Ok(vec![vec![0.5, -1.0], vec![]])
        );
        let told = read(br#"{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}"#);
        assert!(matches!(told, Err(Broken::Told(told)) if told.message == "no such model" && told.status == Some(404)));
        for body in [&b"{}"[..], b"", b"[1]", br#"{"embeddings":[{"values":["x"]}]}"#] {
            assert!(matches!(read(body), Err(Broken::Malformed(_))));
        }
    }
}
