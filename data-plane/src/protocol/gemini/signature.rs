//! Signatures in the clients' dialect. `thoughtSignature` is base64, and the SDKs decode it: what another provider issued
//! is tagged, as everywhere, and the tagged text then encoded. Encoded, a tag always begins with the same five letters.

use crate::protocol::neutral::{Issuer, Signature};
use base64::{
    Engine,
    alphabet::STANDARD as LETTERS,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use std::borrow::Cow;

/// The base64 of `pm1.`, as far as it does not depend on what follows.
const ENCODED_TAG: &str = "cG0xL";

/// Marks what is not a signature but thinking that only its issuer can read. No base64 holds a colon.
const REDACTED: &str = "redacted:";

const PADDED_OR_NOT: GeneralPurpose =
    GeneralPurpose::new(&LETTERS, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// What a client's `thoughtSignature` holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Held {
    Signature(Signature),
    Redacted(Signature),
}

pub fn write(signature: &Signature) -> Cow<'_, str> {
    match signature.issuer {
        Issuer::Gemini => Cow::Borrowed(&signature.value),
        _ => STANDARD.encode(Signature::tagged(Some(signature), Issuer::Gemini)).into(),
    }
}

/// Of a call that goes to a client. One that nobody signed says so: Gemini, should it come to see it, wants a signature.
pub fn write_of_call(signature: Option<&Signature>) -> Cow<'_, str> {
    signature.map_or_else(|| STANDARD.encode(Signature::tagged(None, Issuer::Gemini)).into(), write)
}

pub fn write_redacted(signature: &Signature) -> Cow<'_, str> {
    match signature.issuer {
        Issuer::Gemini => Cow::Borrowed(&signature.value),
        issuer => {
            let value = format!("{REDACTED}{}", signature.value);
            write(&Signature { issuer, value }).into_owned().into()
        }
    }
}

/// Whether a client's `thoughtSignature` is another provider's.
pub fn is_foreign(text: &str) -> bool {
    text.starts_with(ENCODED_TAG)
}

/// Whether a body may hold one of those.
pub fn may_be_foreign(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"\"cG0xL").is_some()
}

/// None where nobody signed, or nobody known here.
pub fn read(text: &str) -> Option<Held> {
    let tagged = if text.starts_with(ENCODED_TAG) { decode(text) } else { None };
    let signature = Signature::untagged(tagged.as_deref().unwrap_or(text), Issuer::Gemini)?;
    Some(match signature.value.strip_prefix(REDACTED) {
        Some(value) => Held::Redacted(Signature { value: value.to_owned(), ..signature }),
        None => Held::Signature(signature),
    })
}

/// The Python SDK sends back the URL-safe letters, whichever it was given.
fn decode(text: &str) -> Option<String> {
    let bytes = PADDED_OR_NOT.decode(standard_letters(text).as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

/// Base64 in its standard letters, with its padding.
pub fn standard(data: String) -> String {
    if data.len().is_multiple_of(4) && !data.contains(['-', '_']) {
        return data;
    }
    let mut data = standard_letters(&data).into_owned();
    while !data.len().is_multiple_of(4) {
        data.push('=');
    }
    data
}

fn standard_letters(text: &str) -> Cow<'_, str> {
    if text.contains(['-', '_']) { text.replace('-', "+").replace('_', "/").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_providers_own_stays_as_it_is() {
        let own = Signature { issuer: Issuer::Gemini, value: "ab+/c2ln".to_owned() };
        assert_eq!(write(&own), "ab+/c2ln");
        assert_eq!(read("ab+/c2ln"), Some(Held::Signature(own)));
        assert_eq!(read(""), None);
    }

    #[test]
    fn base64_becomes_standard() {
        for (given, expected) in [("ab-_", "ab+/"), ("abc", "abc="), ("ab", "ab=="), ("abcd", "abcd"), ("", "")] {
            assert_eq!(standard(given.to_owned()), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn anothers_comes_back(value in "[A-Za-z0-9+/=_-]{1,40}", anthropic: bool, redacted: bool, url_safe: bool) {
            let issuer = if anthropic { Issuer::Anthropic } else { Issuer::OpenAi };
            let signature = Signature { issuer, value };
            let mut text = if redacted { write_redacted(&signature) } else { write(&signature) }.into_owned();
            prop_assert!(text.starts_with(ENCODED_TAG));
            prop_assert!(STANDARD.decode(&text).is_ok(), "the SDKs decode it");
            if url_safe {
                text = text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
            }
            let held = if redacted { Held::Redacted(signature) } else { Held::Signature(signature) };
            prop_assert_eq!(read(&text), Some(held));
        }
    }
}
