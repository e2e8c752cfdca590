//! What routing needs of a request's body, and nothing more: the `model`, and where it stands.
//!
//! The body is scanned once and kept as it came. Fields nobody asked about are neither parsed into values nor copied.

mod form;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{fmt, ops::Range};

/// A body, and what routing needs of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub body: Bytes,
    pub model: String,
    pub place: Place,
}

impl Asked {
    /// Takes these parts out of the body, which are in order and have nothing of the model's name.
    pub fn cut(&mut self, cuts: &[Range<usize>]) {
        let (mut left, mut at) = (Vec::with_capacity(self.body.len()), 0);
        for cut in cuts {
            left.extend_from_slice(&self.body[at..cut.start]);
            at = cut.end;
        }
        left.extend_from_slice(&self.body[at..]);
        self.body = left.into();
        if let Place::Json(span) | Place::Form(span) = &mut self.place {
            let before: usize = cuts.iter().filter(|cut| cut.end <= span.start).map(Range::len).sum();
            *span = span.start - before..span.end - before;
        }
    }
}

/// Where a request names its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A JSON string in the body, quotes included.
    Json(Range<usize>),
    /// A field of a multipart form.
    Form(Range<usize>),
    Path,
}

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the body is not valid JSON: {0}")]
    Json(String),
    #[error("you must provide a model parameter")]
    NoModel,
    #[error("'model' must be a string")]
    ModelType,
    #[error("the body is not a complete multipart form with the boundary that its content type names")]
    Form,
    #[error("'model' is given twice")]
    TwoModels,
}

struct Fields<'a> {
    model: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut model = None;
        while let Some(name) = map.next_key()? {
            match name {
                FieldName::Model if model.is_some() => return Err(A::Error::custom("'model' is given twice")),
                FieldName::Model => model = Some(map.next_value()?),
                FieldName::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Fields { model })
    }
}

enum FieldName {
    Model,
    Other,
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = FieldName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }
            fn visit_str<E>(self, name: &str) -> Result<FieldName, E> {
                Ok(match name {
                    "model" => FieldName::Model,
                    _ => FieldName::Other,
                })
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reads a body of this content type.
///
/// # Errors
/// It is neither a JSON object nor a form, or has no usable `model`.
pub fn read(body: Bytes, content_type: &str) -> Result<Asked, Unreadable> {
    match form::boundary(content_type) {
        Some(boundary) => read_form(body, boundary),
        None => read_json(body),
    }
}

fn read_form(body: Bytes, boundary: &str) -> Result<Asked, Unreadable> {
    let span = form::model(&body, boundary)?;
    let model = std::str::from_utf8(&body[span.clone()]).map_err(|_| Unreadable::ModelType)?.to_owned();
    if model.is_empty() {
        return Err(Unreadable::NoModel);
    }
    Ok(Asked { model, place: Place::Form(span), body })
}

fn read_json(body: Bytes) -> Result<Asked, Unreadable> {
    let fields: Fields<'_> = serde_json::from_slice(&body).map_err(|e| Unreadable::Json(e.to_string()))?;
    let raw = fields.model.ok_or(Unreadable::NoModel)?.get();
    let model: String = serde_json::from_str(raw).map_err(|_| Unreadable::ModelType)?;
    if model.is_empty() {
        return Err(Unreadable::NoModel);
    }
    let start = raw.as_ptr() as usize - body.as_ptr() as usize;
    Ok(Asked { model, place: Place::Json(start..start + raw.len()), body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(body: &str) -> Result<Asked, Unreadable> {
        read(Bytes::copy_from_slice(body.as_bytes()), "application/json")
    }

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        for body in [
            r#"{"model":"gpt-4"}"#,
            r#" { "messages":[{"model":"not me"}], "stream" : true, "model" : "gpt-4" } "#,
            r#"{"mod\u0065l":"gpt\u002d4"}"#,
        ] {
            let asked = asked(body).expect("it is readable");
            assert_eq!(asked.model, "gpt-4", "{body}");
            let Place::Json(span) = asked.place else { panic!("it is JSON: {asked:?}") };
            let named: String = serde_json::from_str(&body[span]).expect("the span is a JSON string");
            assert_eq!(named, "gpt-4");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = |body| asked(body).expect_err("it is unreadable").to_string();
        assert!(text("{").contains("not valid JSON"));
        assert!(text(r#"["model"]"#).contains("not valid JSON"));
        assert!(text(r#"{"model":"a","model":"b"}"#).contains("'model' is given twice"));
        assert!(text(r#"{"model":"a"} x"#).contains("not valid JSON"));
        assert_eq!(asked("{}").expect_err("no model"), Unreadable::NoModel);
        assert_eq!(asked(r#"{"model":""}"#).expect_err("no model"), Unreadable::NoModel);
        assert_eq!(asked(r#"{"model":7}"#).expect_err("no string"), Unreadable::ModelType);
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(Bytes::from(bytes), "");
        }

        #[test]
        fn any_model_name_survives(name in "\\PC{1,40}") {
            let body = serde_json::json!({"a": {"model": "x"}, "model": name, "z": [1, 2]}).to_string();
            prop_assert_eq!(asked(&body).expect("it is readable").model, name);
        }
    }
}
