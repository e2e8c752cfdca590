//! Signatures of thinking: opaque to everyone else, and checked without any memory of having issued them.
//!
//! One is base64 of `fake:ISSUER:` with a digest of what it signs, so that any fake accepts what another of the same
//! issuer has said, as a family's endpoints do, and what is cut, changed or taken from elsewhere is found out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whose models can read it: Anthropic's wherever they run, Gemini's, OpenAI's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    Anthropic,
    Gemini,
    OpenAi,
}

impl Issuer {
    const fn word(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
        }
    }
}

/// The signature of `what`. Real ones are longer than an id may be, and so is this.
pub(crate) fn sign(issuer: Issuer, what: &str) -> String {
    let digest = digest(what);
    STANDARD.encode(format!("fake:{}:{digest:016x}:{}", issuer.word(), filler(digest)))
}

/// Whether `signature` is that of `what`.
pub(crate) fn is_signed(issuer: Issuer, what: &str, signature: &str) -> bool {
    sign(issuer, what) == signature
}

/// Whether `signature` was issued, for whatever it was.
pub(crate) fn is_issued(issuer: Issuer, signature: &str) -> bool {
    let Some(text) = STANDARD.decode(signature).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return false;
    };
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        ["fake", word, digest, rest] => {
            let digest = u64::from_str_radix(digest, 16);
            word == issuer.word() && digest.is_ok_and(|digest| rest == filler(digest))
        }
        _ => false,
    }
}

/// Sixty-four characters that follow from the digest, so that nothing of a signature can be left out.
fn filler(digest: u64) -> String {
    (1..=4).map(|round| format!("{:016x}", digest.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(round * 7))).collect()
}

/// FNV-1a, which is enough to tell mistakes from the truth.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_what_it_signed_and_nothing_else() {
        let signature = sign(Issuer::Gemini, "thought");
        assert!(is_signed(Issuer::Gemini, "thought", &signature) && is_issued(Issuer::Gemini, &signature));
        assert!(!is_signed(Issuer::Gemini, "Thought", &signature));
        assert!(!is_issued(Issuer::Anthropic, &signature));
        assert!(signature.len() > 100);
    }

    #[test]
    fn a_damaged_signature_was_never_issued() {
        let signature = sign(Issuer::Anthropic, "thought");
        for damaged in [&signature[4..], &signature[..signature.len() - 4], "", "EqMBexampleSignature=="] {
            assert!(!is_issued(Issuer::Anthropic, damaged));
        }
    }
}
