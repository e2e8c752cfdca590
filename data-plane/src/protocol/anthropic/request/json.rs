//! Taking a client's JSON apart, so that whatever is wrong with it is named by its path.

use crate::protocol::neutral::Unreadable;
use serde_json::{Map, Value};
use std::fmt;

/// Where a value stands, `messages[2].content[0]`. It is spelled out only when something is wrong there.
#[derive(Clone, Copy)]
pub(super) enum At<'p> {
    Top,
    Field(&'p At<'p>, &'p str),
    Index(&'p At<'p>, usize),
}

impl<'p> At<'p> {
    pub fn field(&'p self, name: &'p str) -> Self {
        Self::Field(self, name)
    }

    pub fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }

    pub fn wrong(&self, why: impl Into<String>) -> Unreadable {
        Unreadable::new(self.to_string(), why)
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Field(Self::Top, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// An object whose fields are taken out one by one. A field that is null is one that is not there.
pub(super) struct Fields<'p> {
    values: Map<String, Value>,
    at: &'p At<'p>,
}

impl<'p> Fields<'p> {
    pub fn of(value: Value, at: &'p At<'p>) -> Result<Self, Unreadable> {
        match value {
            Value::Object(values) => Ok(Self { values, at }),
            _ => Err(at.wrong("must be an object")),
        }
    }

    pub fn at(&self) -> &'p At<'p> {
        self.at
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &mut self,
        name: &str,
        must: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.at.field(name).wrong(must)),
        }
    }

    pub fn string(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        self.typed(name, "must be a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Unreadable> {
        self.typed(name, "must be an array", |value| match value {
            Value::Array(values) => Some(values),
            _ => None,
        })
    }

    pub fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Unreadable> {
        self.typed(name, "must be an object", |value| match value {
            Value::Object(values) => Some(values),
            _ => None,
        })
    }

    pub fn count(&mut self, name: &str) -> Result<Option<u64>, Unreadable> {
        self.typed(name, "must be a whole number that is not negative", |value| value.as_u64())
    }

    pub fn number(&mut self, name: &str) -> Result<Option<f64>, Unreadable> {
        self.typed(name, "must be a number", |value| value.as_f64())
    }

    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.typed(name, "must be a boolean", |value| value.as_bool())
    }

    /// What has to be there.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Unreadable> {
        value.ok_or_else(|| self.at.field(name).wrong("is required"))
    }

    pub fn required_string(&mut self, name: &str) -> Result<String, Unreadable> {
        let value = self.string(name)?;
        self.required(name, value)
    }

    /// The names of what nobody took, without those that are null.
    pub fn rest(self) -> impl Iterator<Item = String> {
        self.values.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
    }
}
