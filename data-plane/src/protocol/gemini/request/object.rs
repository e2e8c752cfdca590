//! A client's JSON as it is walked: each value knows its path, for the error that names it, and each field is found in
//! camelCase and in snake_case, both of which Google's servers take. As there, null is absent, one thing stands for a
//! list of one, and a number may stand in quotes.

use crate::protocol::neutral::{Extra, Unreadable};
use serde_json::{Map, Value};

/// A value and where it stands.
#[derive(Debug)]
pub struct Node {
    pub path: String,
    pub value: Value,
}

/// A JSON object, of which each field is taken once.
#[derive(Debug)]
pub struct Object {
    path: String,
    fields: Map<String, Value>,
}

impl Node {
    pub fn object(self) -> Result<Object, Unreadable> {
        match self.value {
            Value::Object(fields) => Ok(Object { path: self.path, fields }),
            _ => Err(wrong(self.path, "an object")),
        }
    }

    pub fn list(self) -> Vec<Self> {
        match self.value {
            Value::Array(values) => {
                let path = |i| format!("{}[{i}]", self.path);
                values.into_iter().enumerate().map(|(i, value)| Self { path: path(i), value }).collect()
            }
            value => vec![Self { path: self.path, value }],
        }
    }

    pub fn string(self) -> Result<String, Unreadable> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => Err(wrong(self.path, "a string")),
        }
    }

    fn number(self) -> Result<f64, Unreadable> {
        let number = match &self.value {
            Value::String(text) => text.parse().ok().filter(|n: &f64| n.is_finite()),
            value => value.as_f64(),
        };
        number.ok_or_else(|| wrong(self.path, "a number"))
    }

    fn integer(self) -> Result<i64, Unreadable> {
        let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9.0e15).then_some(n as i64);
        let number = match &self.value {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64().or_else(|| value.as_f64().and_then(whole)),
        };
        number.ok_or_else(|| wrong(self.path, "an integer"))
    }
}

impl Object {
    /// The whole body.
    pub fn of_body(body: &[u8]) -> Result<Self, Unreadable> {
        let value = serde_json::from_slice(body)
            .map_err(|e| Unreadable::new("", format!("the body is not valid JSON: {e}")))?;
        Node { path: String::new(), value }.object()
    }

    pub fn take(&mut self, name: &str) -> Option<Node> {
        let snake = snake(name);
        [name, &snake].into_iter().find_map(|key| {
            let value = self.fields.remove(key).filter(|value| !value.is_null())?;
            Some(Node { path: self.at(key), value })
        })
    }

    pub fn object(&mut self, name: &str) -> Result<Option<Self>, Unreadable> {
        self.take(name).map(Node::object).transpose()
    }

    pub fn list(&mut self, name: &str) -> Vec<Node> {
        self.take(name).map(Node::list).unwrap_or_default()
    }

    pub fn string(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        self.take(name).map(Node::string).transpose()
    }

    pub fn strings(&mut self, name: &str) -> Result<Vec<String>, Unreadable> {
        self.list(name).into_iter().map(Node::string).collect()
    }

    pub fn number(&mut self, name: &str) -> Result<Option<f64>, Unreadable> {
        self.take(name).map(Node::number).transpose()
    }

    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, Unreadable> {
        self.take(name).map(Node::integer).transpose()
    }

    pub fn unsigned(&mut self, name: &str) -> Result<Option<u64>, Unreadable> {
        let path = self.at(name);
        let number = self.integer(name)?;
        number.map(|n| u64::try_from(n).map_err(|_| wrong(path, "not negative"))).transpose()
    }

    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, Unreadable> {
        let node = self.take(name);
        node.map(|node| node.value.as_bool().ok_or_else(|| wrong(node.path, "true or false"))).transpose()
    }

    /// The path of a field.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn missing(&self, name: &str) -> Unreadable {
        let path = self.at(name);
        Unreadable::new(path.clone(), format!("'{path}' is missing"))
    }

    /// The fields that nobody took: their names in camelCase, and their paths.
    pub fn left(&self) -> impl Iterator<Item = (String, String)> {
        let given = self.fields.iter().filter(|(_, value)| !value.is_null());
        given.map(|(name, _)| (camel(name), self.at(name)))
    }

    /// The same, each of no consequence for the answer.
    pub fn left_as_hints(&self) -> impl Iterator<Item = Extra> {
        self.left().map(|(_, path)| Extra::hint(path))
    }
}

pub fn wrong(path: String, expected: &str) -> Unreadable {
    let message =
        if path.is_empty() { format!("the body must be {expected}") } else { format!("'{path}' must be {expected}") };
    Unreadable::new(path, message)
}

fn snake(camel: &str) -> String {
    camel.chars().fold(String::with_capacity(camel.len() + 4), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}

fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    })
}
