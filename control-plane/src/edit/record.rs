//! One resource as it is kept: the admin API's own message in canonical form, and beside it what is never shown.

use crate::secrets::hex;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use pointsman_proto::admin::v1;
use prost::Message;
use std::fmt;

/// The name of a resource among all. The order of the variants is the order in which references are satisfied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    Settings,
    Provider(String),
    /// Provider and name.
    Key(String, String),
    Model(String),
    Rule(String),
    VirtualKey(String),
    /// Kept beside the configuration, and no part of what nodes receive.
    Node(String),
}

impl Id {
    /// As in `update model gpt-4`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Provider(_) => "provider",
            Self::Key(..) => "key",
            Self::Model(_) => "model",
            Self::Rule(_) => "rule",
            Self::VirtualKey(_) => "virtual_key",
            Self::Node(_) => "node",
        }
    }

    /// The name within the kind.
    pub fn name(&self) -> String {
        match self {
            Self::Settings => String::new(),
            Self::Key(provider, key) => format!("{provider}/{key}"),
            Self::Provider(name) | Self::Model(name) | Self::Rule(name) | Self::VirtualKey(name) | Self::Node(name) => {
                name.clone()
            }
        }
    }

    /// The inverse of [`Self::kind`] and [`Self::name`].
    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        Some(match kind {
            "settings" => Self::Settings,
            "provider" => Self::Provider(name.into()),
            "key" => {
                let (provider, key) = name.split_once('/')?;
                Self::Key(provider.into(), key.into())
            }
            "model" => Self::Model(name.into()),
            "rule" => Self::Rule(name.into()),
            "virtual_key" => Self::VirtualKey(name.into()),
            "node" => Self::Node(name.into()),
            _ => return None,
        })
    }

    /// Where violations are named, for example `models["gpt-4"]`.
    pub fn path(&self) -> String {
        match self {
            Self::Settings => "settings".into(),
            _ => format!("{}s[{:?}]", self.kind(), self.name()),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("settings"),
            _ => write!(f, "{} {}", self.kind().replace('_', " "), self.name()),
        }
    }
}

/// What a resource says, as a message of the admin API.
#[derive(Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there are few, and those that are kept are behind an Arc")]
pub enum Body {
    Settings(v1::Settings),
    Provider(v1::Provider),
    Key(v1::Key),
    Model(v1::Model),
    Rule(v1::Rule),
    VirtualKey(v1::VirtualKey),
    Node(v1::Node),
}

/// Debug output names it; the content may hold a secret.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({})", self.id())
    }
}

impl Body {
    /// Whose body this is.
    pub fn id(&self) -> Id {
        match self {
            Self::Settings(_) => Id::Settings,
            Self::Provider(p) => Id::Provider(p.name.clone()),
            Self::Key(k) => Id::Key(k.provider.clone(), k.name.clone()),
            Self::Model(m) => Id::Model(m.name.clone()),
            Self::Rule(r) => Id::Rule(r.name.clone()),
            Self::VirtualKey(v) => Id::VirtualKey(v.name.clone()),
            Self::Node(n) => Id::Node(n.name.clone()),
        }
    }

    /// The etag that came with it; empty when none did.
    pub fn etag(&self) -> &str {
        match self {
            Self::Settings(m) => &m.etag,
            Self::Provider(m) => &m.etag,
            Self::Key(m) => &m.etag,
            Self::Model(m) => &m.etag,
            Self::Rule(m) => &m.etag,
            Self::VirtualKey(m) => &m.etag,
            Self::Node(m) => &m.etag,
        }
    }

    pub(crate) fn set_etag(&mut self, etag: String) {
        match self {
            Self::Settings(m) => m.etag = etag,
            Self::Provider(m) => m.etag = etag,
            Self::Key(m) => m.etag = etag,
            Self::Model(m) => m.etag = etag,
            Self::Rule(m) => m.etag = etag,
            Self::VirtualKey(m) => m.etag = etag,
            Self::Node(m) => m.etag = etag,
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Settings(m) => m.encode_to_vec(),
            Self::Provider(m) => m.encode_to_vec(),
            Self::Key(m) => m.encode_to_vec(),
            Self::Model(m) => m.encode_to_vec(),
            Self::Rule(m) => m.encode_to_vec(),
            Self::VirtualKey(m) => m.encode_to_vec(),
            Self::Node(m) => m.encode_to_vec(),
        }
    }
}

/// A resource in canonical form.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// A key's body names an env or file source, never a secret; its output-only fields are filled in, the etag is not.
    pub body: Body,
    /// A key's sealed secret, or the digest of a virtual key's or node's token; empty where there is none.
    pub hidden: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({})", self.body.id())
    }
}

impl Record {
    /// A resource that hides nothing.
    pub fn plain(body: Body) -> Self {
        Self { body, hidden: Bytes::new() }
    }

    /// A hash of the content: equal content has equal etags, however it came about.
    pub fn etag(&self) -> String {
        hex(&digest(&SHA256, &self.body.encode()).as_ref()[..8])
    }

    /// As the admin API shows it.
    pub fn shown(&self) -> Body {
        let mut body = self.body.clone();
        body.set_etag(self.etag());
        body
    }

    /// As a revision shows it; nodes are not in revisions.
    pub fn resource(&self) -> Option<v1::Resource> {
        use v1::resource::Kind;
        let kind = match self.shown() {
            Body::Settings(m) => Kind::Settings(m),
            Body::Provider(m) => Kind::Provider(m),
            Body::Key(m) => Kind::Key(m),
            Body::Model(m) => Kind::Model(m),
            Body::Rule(m) => Kind::Rule(m),
            Body::VirtualKey(m) => Kind::VirtualKey(m),
            Body::Node(_) => return None,
        };
        Some(v1::Resource { kind: Some(kind) })
    }

    /// The key, if it is one.
    pub fn key(&self) -> Option<&v1::Key> {
        match &self.body {
            Body::Key(key) => Some(key),
            _ => None,
        }
    }
}

/// A message of the admin API is a body, and a body is one of them.
macro_rules! bodies {
    ($($kind:ident),*) => {$(
        impl From<v1::$kind> for Body {
            fn from(message: v1::$kind) -> Self {
                Self::$kind(message)
            }
        }

        impl TryFrom<Body> for v1::$kind {
            type Error = ();

            fn try_from(body: Body) -> Result<Self, ()> {
                match body {
                    Body::$kind(message) => Ok(message),
                    _ => Err(()),
                }
            }
        }
    )*};
}

bodies!(Settings, Provider, Key, Model, Rule, VirtualKey, Node);
