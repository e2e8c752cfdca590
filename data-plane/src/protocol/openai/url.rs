//! Where a medium is, or the medium itself: `data:image/png;base64,…` (RFC 2397).

use crate::protocol::neutral::Media;
use serde::{Serialize, Serializer};

/// An address, or the bytes in base64, which become a data URL only as they are written.
pub(in crate::protocol) enum Url<'a> {
    There(&'a str),
    Here { mime: &'a str, data: &'a str },
}

impl<'a> Url<'a> {
    /// None for plain text.
    pub fn of(media: &'a Media) -> Option<Self> {
        match media {
            Media::Url(url) => Some(Self::There(url)),
            Media::Inline { mime, data } => Some(Self::Here { mime, data }),
            Media::Text(_) => None,
        }
    }
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::There(url) => serializer.serialize_str(url),
            Self::Here { mime, data } => serializer.collect_str(&format_args!("data:{mime};base64,{data}")),
        }
    }
}

pub(in crate::protocol) fn is_data(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}
