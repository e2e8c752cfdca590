//! A tool call as it is written: in a history, in a reply, and piece by piece in a stream.

use crate::protocol::neutral::{Issuer, Signature};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Serialize, Default)]
pub(super) struct Call<'a> {
    /// In streams alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Not repeated by the later pieces of a call, as `type` and `name` are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Signed<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Custom<'a> {
    name: &'a str,
    input: Cow<'a, str>,
}

/// `extra_content`, in which Google's compatible endpoint carries Gemini's signatures.
#[derive(Serialize)]
struct Signed<'a> {
    google: Google<'a>,
}

#[derive(Serialize)]
struct Google<'a> {
    thought_signature: Cow<'a, str>,
}

impl<'a> Call<'a> {
    /// The call of a function, or its first piece.
    pub(super) fn function(id: &'a str, name: &'a str, arguments: &'a str) -> Self {
        let function = Some(Function { name: Some(name), arguments });
        Self { id: Some(id), kind: Some("function"), function, ..Self::default() }
    }

    /// A later piece.
    pub(super) fn more(arguments: &'a str) -> Self {
        Self { function: Some(Function { name: None, arguments }), ..Self::default() }
    }

    /// The call of a custom tool.
    pub(super) fn custom(id: &'a str, name: &'a str, arguments: &'a str) -> Self {
        let custom = Some(Custom { name, input: input(arguments) });
        Self { id: Some(id), kind: Some("custom"), custom, ..Self::default() }
    }

    /// The call's place among those of a stream.
    pub(super) fn at(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }

    /// With the signature as Gemini wrote it, if it did.
    pub(super) fn signed_by_gemini(self, signature: Option<&'a Signature>) -> Self {
        let value = signature.filter(|signature| signature.issuer == Issuer::Gemini);
        self.signed(value.map(|signature| Cow::Borrowed(signature.value.as_str())))
    }

    /// With anybody's signature, for a client that may bring it back.
    pub(super) fn signed_by_anyone(self, signature: Option<&Signature>) -> Self {
        self.signed(signature.map(|signature| Signature::tagged(Some(signature), Issuer::Gemini).into()))
    }

    fn signed(self, value: Option<Cow<'a, str>>) -> Self {
        let extra_content = value.map(|thought_signature| Signed { google: Google { thought_signature } });
        Self { extra_content, ..self }
    }
}

/// Nothing at all is an empty object, since clients and servers parse it.
pub(super) fn arguments(text: &str) -> &str {
    if text.trim().is_empty() { "{}" } else { text }
}

/// What a custom tool is called with; a model that has not kept to the form is given in its own words.
fn input(arguments: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Input {
        input: String,
    }
    match serde_json::from_str::<Input>(arguments) {
        Ok(Input { input }) => Cow::Owned(input),
        Err(_) => Cow::Borrowed(arguments),
    }
}

/// Reads an upstream's `extra_content`.
pub(super) fn signature(extra_content: Option<&RawValue>) -> Option<Signature> {
    #[derive(Deserialize)]
    struct Extra {
        google: Given,
    }
    #[derive(Deserialize)]
    struct Given {
        thought_signature: String,
    }
    let extra: Extra = serde_json::from_str(extra_content?.get()).ok()?;
    Signature::untagged(&extra.google.thought_signature, Issuer::Gemini)
}
