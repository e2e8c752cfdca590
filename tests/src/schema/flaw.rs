//! What is wrong with a value, and where. Protocols put it into their own words.

use std::fmt::Write as _;

use serde_json::Value;

/// The first thing found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Of the value; for a missing or an unknown field, of that field.
    pub path: Path,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Unknown,
    Missing,
    Type {
        expected: &'static str,
        got: &'static str,
    },
    /// A number or a length outside its range; the words name the range.
    Range(String),
    /// Not one of these.
    Word {
        known: Vec<&'static str>,
        got: String,
    },
    /// Not exactly one of these fields.
    NotOne(Vec<&'static str>),
}

/// The way to a value: `messages`, 0, `content`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    pub(super) fn field(&mut self, name: &str) {
        self.0.push(Step::Field(name.to_owned()));
    }

    pub(super) fn index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(super) fn up(&mut self) {
        self.0.pop();
    }

    /// `messages.0.content`.
    pub(crate) fn dotted(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Field(name) => name.clone(),
            Step::Index(index) => index.to_string(),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    /// `messages[0].content`.
    pub(crate) fn bracketed(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            let written = match step {
                Step::Field(name) if text.is_empty() => write!(text, "{name}"),
                Step::Field(name) => write!(text, ".{name}"),
                Step::Index(index) => write!(text, "[{index}]"),
            };
            written.expect("a string takes all");
        }
        text
    }

    /// The last field's name, and the path to its object.
    pub(crate) fn split(mut self) -> (String, Self) {
        let last = match self.0.pop() {
            Some(Step::Field(name)) => name,
            Some(Step::Index(index)) => index.to_string(),
            None => String::new(),
        };
        (last, self)
    }
}

/// A value's JSON type, with its article.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
