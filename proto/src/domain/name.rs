//! Names and the identities made of them. Cloning one is a reference count.

use crate::violation::Checker;
use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

const NAME_LIMIT: usize = 63;
const MODEL_LIMIT: usize = 255;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str { &self.0 }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&*self.0, f) }
        }
    };
}

name_type! {
    /// The name of a provider, key, account, virtual key or node: letters, digits, `.`, `_`, `-`, at most 63 characters,
    /// beginning with a letter or digit.
    Name
}

name_type! {
    /// The name of a model, ours or an upstream's: like [`Name`], and also `/ : @ + ~` and spaces within, at most 255 characters.
    ModelName
}

fn well_formed(text: &str, limit: usize, more: &[u8]) -> bool {
    let ok = |b: &u8| b.is_ascii_alphanumeric() || more.contains(b);
    text.len() <= limit
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && !text.ends_with(' ')
        && text.bytes().all(|b| ok(&b))
}

impl Name {
    /// The name, if it is well formed.
    pub fn parse(text: &str) -> Option<Self> {
        well_formed(text, NAME_LIMIT, b"._-").then(|| Self(text.into()))
    }

    pub(crate) fn check(at: &mut Checker, field: &str, text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| {
            at.refuse(
                field,
                format!(
                    "must be 1 to {NAME_LIMIT} of letters, digits, '.', '_', '-', beginning with a letter or digit"
                ),
            );
            Self("?".into())
        })
    }
}

impl ModelName {
    /// The name, if it is well formed.
    pub fn parse(text: &str) -> Option<Self> {
        well_formed(text, MODEL_LIMIT, b"._-/:@+~ ").then(|| Self(text.into()))
    }

    pub(crate) fn check(at: &mut Checker, field: &str, text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| {
            at.refuse(
                field,
                format!(
                    "must be 1 to {MODEL_LIMIT} of letters, digits and '._-/:@+~ ', beginning with a letter or digit"
                ),
            );
            Self("?".into())
        })
    }
}

/// A key, within the whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    pub provider: Name,
    pub key: Name,
}

/// The scope in which providers rate-limit, so the scope of cooldowns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    pub provider: Name,
    pub account: Name,
    /// The upstream's name for the model.
    pub model: ModelName,
}

/// The scope of circuits and ramps; without a model, the provider as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    pub provider: Name,
    pub model: Option<ModelName>,
}

impl SlotId {
    /// The endpoint that this slot serves.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId { provider: self.provider.clone(), model: Some(self.model.clone()) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.key)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}/{model}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_path_and_a_label_can_carry() {
        for good in ["a", "gpt-4", "Team_A.eu", &"x".repeat(63)] {
            assert!(Name::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-a", "a/b", "a b", "ä", "a\n", &"x".repeat(64)] {
            assert!(Name::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_model_name_may_also_hold_what_upstreams_use() {
        for good in ["meta-llama/Llama-3:free", "gpt-4o@2024", "my model"] {
            assert!(ModelName::parse(good).is_some(), "{good}");
        }
        for bad in ["", " a", "a ", "a\"b", "a\\b", "a\r\nb", "?"] {
            assert!(ModelName::parse(bad).is_none(), "{bad:?}");
        }
    }
}
