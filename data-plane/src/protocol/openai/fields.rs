//! An object of a client's request, taken apart field by field: what is wrong is told with its place, and what is left
//! at the end is what nobody knew. Null is the same as absent, as it is for OpenAI.

use crate::protocol::neutral::Unreadable;
use serde_json::{Map, Value};

#[derive(Debug)]
pub(in crate::protocol) struct Fields {
    map: Map<String, Value>,
    /// Where the object stands, `messages[2]`; empty for the body itself.
    at: String,
}

impl Fields {
    pub(in crate::protocol) fn of_body(body: &[u8]) -> Result<Self, Unreadable> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self { map, at: String::new() }),
            Ok(_) => Err(Unreadable::new("", "the body must be a JSON object")),
            Err(e) => Err(Unreadable::new("", format!("the body is not valid JSON: {e}"))),
        }
    }

    /// An item of a list.
    pub(super) fn of_item((at, value): (String, Value)) -> Result<Self, Unreadable> {
        match value {
            Value::Object(map) => Ok(Self { map, at }),
            _ => Err(Unreadable::new(&at, format!("'{at}' must be an object"))),
        }
    }

    /// Where a field stands.
    pub(super) fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    /// `what` ends a sentence that begins with the field.
    pub(in crate::protocol) fn wrong(&self, name: &str, what: &str) -> Unreadable {
        let at = self.place(name);
        Unreadable { message: format!("'{at}' {what}"), field: at }
    }

    pub(in crate::protocol) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        self.read(name, "must be a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.read(name, "must be true or false", |value| value.as_bool())
    }

    pub(super) fn whole(&mut self, name: &str) -> Result<Option<u64>, Unreadable> {
        self.read(name, "must be a whole number of at least 0", |value| value.as_u64())
    }

    pub(super) fn signed(&mut self, name: &str) -> Result<Option<i64>, Unreadable> {
        self.read(name, "must be a whole number", |value| value.as_i64())
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, Unreadable> {
        self.read(name, "must be a number", |value| value.as_f64())
    }

    pub(super) fn map(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Unreadable> {
        self.read(name, "must be an object", |value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        })
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Unreadable> {
        let at = self.place(name);
        Ok(self.map(name)?.map(|map| Self { map, at }))
    }

    /// The items of a list, each with its place.
    pub(super) fn items(&mut self, name: &str) -> Result<Option<Vec<(String, Value)>>, Unreadable> {
        let at = self.place(name);
        let list = self.read(name, "must be a list", |value| match value {
            Value::Array(list) => Some(list),
            _ => None,
        })?;
        Ok(list.map(|list| list.into_iter().enumerate().map(|(i, value)| (format!("{at}[{i}]"), value)).collect()))
    }

    pub(super) fn needed_text(&mut self, name: &str) -> Result<String, Unreadable> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is required"))
    }

    pub(super) fn needed_object(&mut self, name: &str) -> Result<Self, Unreadable> {
        self.object(name)?.ok_or_else(|| self.wrong(name, "is required"))
    }

    /// What was not taken.
    pub(in crate::protocol) fn left(self) -> impl Iterator<Item = (String, Value)> {
        self.map.into_iter().filter(|(_, value)| !value.is_null())
    }

    fn read<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(name, what))
    }
}
