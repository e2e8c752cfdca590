//! Embeddings, which Converse does not know: each maker's models have bodies of their own, sent to InvokeModel. Those
//! of Amazon's Titan and of Cohere are known here.

use super::request::json;
use crate::protocol::neutral::{Broken, Field, Unsupported};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Titan<'a> {
    input_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u64>,
}

#[derive(Serialize)]
struct Cohere<'a> {
    texts: &'a [String],
    input_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u64>,
}

/// Both makers' replies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    embedding: Option<Vec<f32>>,
    embeddings: Option<Embeddings>,
    input_text_token_count: Option<u64>,
}

/// Cohere's, a list or one list for each type of number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Embeddings {
    Plain(Vec<Vec<f32>>),
    Typed { float: Vec<Vec<f32>> },
}

/// Writes a request for the embeddings of texts. Titan takes one at a time.
///
/// # Errors
/// The model is not known, or takes fewer texts or no wish for dimensions.
pub fn write(inputs: &[String], model: &str, dimensions: Option<u64>) -> Result<Vec<u8>, Unsupported> {
    let model = model.to_ascii_lowercase();
    let fixed = |takes: bool| match dimensions {
        Some(_) if !takes => Err(Unsupported::new(Field::Format, "this model's embeddings have one size alone")),
        _ => Ok(()),
    };
    if model.contains("titan-embed") {
        fixed(model.contains("titan-embed-text-v2"))?;
        let [input] = inputs else {
            return Err(Unsupported::new(Field::Documents, "Titan embeds one input at a time"));
        };
        return Ok(json(&Titan { input_text: input, dimensions }));
    }
    if model.contains("cohere.embed") {
        fixed(model.contains("cohere.embed-v4"))?;
        return Ok(json(&Cohere { texts: inputs, input_type: "search_document", output_dimension: dimensions }));
    }
    Err(Unsupported::new(Field::Documents, "of Bedrock's models for embeddings, Titan's and Cohere's are known here"))
}

/// Reads the vectors, in the order of their inputs, and the tokens of the inputs where the body counts them.
///
/// # Errors
/// The body is neither maker's.
pub fn read(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<u64>), Broken> {
    let unknown = Broken::Malformed("the reply holds no embeddings");
    let body: Body = serde_json::from_slice(body).map_err(|_| unknown.clone())?;
    let vectors = match (body.embeddings, body.embedding) {
        (Some(Embeddings::Plain(vectors) | Embeddings::Typed { float: vectors }), _) => vectors,
        (None, Some(vector)) => vec![vector],
        (None, None) => return Err(unknown),
    };
    Ok((vectors, body.input_text_token_count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const TITAN: &str = "amazon.titan-embed-text-v2:0";
    const COHERE: &str = "cohere.embed-multilingual-v3";

    fn written(inputs: &[&str], model: &str, dimensions: Option<u64>) -> Result<Value, Field> {
        let inputs: Vec<String> = inputs.iter().map(|input| (*input).to_owned()).collect();
        let body = write(&inputs, model, dimensions).map_err(|unsupported| unsupported.field)?;
        Ok(serde_json::from_slice(&body).expect("JSON"))
    }

    #[test]
    fn each_maker_gets_its_own_body() {
        assert_eq!(written(&["a"], TITAN, None), Ok(json!({"inputText": "a"})));
        assert_eq!(written(&["a"], TITAN, Some(256)), Ok(json!({"inputText": "a", "dimensions": 256})));
        let cohere = json!({"texts": ["a", "b"], "input_type": "search_document"});
        assert_eq!(written(&["a", "b"], COHERE, None), Ok(cohere));
        let cohere = json!({"texts": ["a"], "input_type": "search_document", "output_dimension": 512});
        assert_eq!(written(&["a"], "us.cohere.embed-v4:0", Some(512)), Ok(cohere));
    }

    #[test]
    fn what_a_model_cannot_do_is_refused() {
        assert_eq!(written(&["a", "b"], TITAN, None), Err(Field::Documents));
        assert_eq!(written(&[], TITAN, None), Err(Field::Documents));
        assert_eq!(written(&["a"], "amazon.titan-embed-text-v1", Some(256)), Err(Field::Format));
        assert_eq!(written(&["a"], COHERE, Some(256)), Err(Field::Format));
        assert_eq!(written(&["a"], "meta.llama3-8b", None), Err(Field::Documents));
    }

    #[test]
    fn each_makers_reply_is_read() {
        let titan = br#"{"embedding":[0.5,-1],"inputTextTokenCount":3,"embeddingsByType":{"float":[0.5,-1]}}"#;
        assert_eq!(read(titan), Ok((vec![vec![0.5, -1.0]], Some(3))));
        let plain = br#"{"embeddings":[[1,2],[3,4]],"id":"x","response_type":"embeddings_floats"}"#;
        assert_eq!(read(plain), Ok((vec![vec![1.0, 2.0], vec![3.0, 4.0]], None)));
        let typed = br#"{"embeddings":{"float":[[1]]},"response_type":"embeddings_by_type"}"#;
        assert_eq!(read(typed), Ok((vec![vec![1.0]], None)));
        for bad in [&b"{}"[..], b"[]", b"{", br#"{"embedding":["a"]}"#] {
            assert_eq!(read(bad), Err(Broken::Malformed("the reply holds no embeddings")));
        }
    }
}
