//! Walking through a request's JSON with the path at hand, so that whatever is wrong can be named.

use crate::protocol::neutral::{Extra, Unreadable};
use serde_json::{Map, Value};

/// An object of the request, from which fields are taken as they are read.
pub(super) struct Object {
    path: String,
    map: Map<String, Value>,
}

/// What a request has besides what it is read into.
#[derive(Default)]
pub(super) struct Extras(pub Vec<Extra>);

impl Object {
    pub fn of(value: Value, path: String) -> Result<Self, Unreadable> {
        match value {
            Value::Object(map) => Ok(Self { path, map }),
            _ => Err(wrong(path, "an object")),
        }
    }

    /// Where a field of this object stands.
    pub fn path(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Where the object itself stands.
    pub fn place(&self) -> &str {
        &self.path
    }

    /// A field's value; null is none.
    pub fn take(&mut self, field: &str) -> Option<Value> {
        self.map.shift_remove(field).filter(|value| !value.is_null())
    }

    pub fn has(&self, field: &str) -> bool {
        self.map.get(field).is_some_and(|value| !value.is_null())
    }

    pub fn text(&mut self, field: &str) -> Result<Option<String>, Unreadable> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(self.path(field), "a string")),
        }
    }

    pub fn needed(&mut self, field: &str) -> Result<String, Unreadable> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    pub fn flag(&mut self, field: &str) -> Result<Option<bool>, Unreadable> {
        self.take(field)
            .map(|value| value.as_bool().ok_or_else(|| wrong(self.path(field), "true or false")))
            .transpose()
    }

    pub fn count(&mut self, field: &str) -> Result<Option<u64>, Unreadable> {
        let value = self.take(field);
        value.map(|value| value.as_u64().ok_or_else(|| wrong(self.path(field), "a whole number"))).transpose()
    }

    pub fn number(&mut self, field: &str) -> Result<Option<f64>, Unreadable> {
        self.take(field).map(|value| value.as_f64().ok_or_else(|| wrong(self.path(field), "a number"))).transpose()
    }

    pub fn object(&mut self, field: &str) -> Result<Option<Self>, Unreadable> {
        self.take(field).map(|value| Self::of(value, self.path(field))).transpose()
    }

    /// A list of objects.
    pub fn objects(&mut self, field: &str) -> Result<Option<Vec<Self>>, Unreadable> {
        self.take(field).map(|value| objects(value, &self.path(field))).transpose()
    }

    pub fn missing(&self, field: &str) -> Unreadable {
        let path = self.path(field);
        Unreadable::new(path.clone(), format!("'{path}' is required"))
    }

    pub fn unknown(&self, field: &str, word: &str) -> Unreadable {
        let path = self.path(field);
        Unreadable::new(path.clone(), format!("'{path}' is '{word}', which is not supported here"))
    }

    /// Names of the fields that nobody took, except for nulls.
    pub fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.map.into_iter().filter(|(_, value)| !value.is_null())
    }
}

impl Extras {
    pub fn hint(&mut self, field: impl Into<String>) {
        self.0.push(Extra::hint(field));
    }

    pub fn essential(&mut self, field: impl Into<String>) {
        self.0.push(Extra::essential(field));
    }

    /// A hint that may stand in every item: the first one is enough to be told.
    pub fn hint_once(&mut self, object: &Object, field: &str) {
        let told = |extra: &Extra| extra.field.rsplit_once('.').is_some_and(|(_, last)| last == field);
        if !self.0.iter().any(told) {
            self.hint(object.path(field));
        }
    }
}

/// The objects of a list.
pub(super) fn objects(value: Value, path: &str) -> Result<Vec<Object>, Unreadable> {
    let Value::Array(list) = value else { return Err(wrong(path.to_owned(), "a list")) };
    list.into_iter().enumerate().map(|(index, value)| Object::of(value, format!("{path}[{index}]"))).collect()
}

pub(super) fn wrong(path: String, wanted: &str) -> Unreadable {
    let message =
        if path.is_empty() { format!("the body must be {wanted}") } else { format!("'{path}' must be {wanted}") };
    Unreadable::new(path, message)
}
