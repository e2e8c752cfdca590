//! What is wrong with an input: every violation at once, each with the path of its field as the user wrote it.

use std::{collections::BTreeSet, fmt, time::Duration};

/// One field and what it should have been.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// For example `models["gpt-4"].backends[2].weight`.
    pub field: String,
    /// What is allowed, and what was found.
    pub description: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// Collects violations below a path.
#[derive(Debug, Default)]
pub struct Checker {
    path: String,
    found: BTreeSet<Violation>,
}

impl Checker {
    /// A checker whose fields are named below `path`; an empty path names them bare.
    pub fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), found: BTreeSet::new() }
    }

    /// Notes that `field` is wrong.
    pub fn refuse(&mut self, field: &str, description: impl Into<String>) {
        let dot = if self.path.is_empty() || field.is_empty() || field.starts_with('[') { "" } else { "." };
        let field = format!("{}{dot}{field}", self.path);
        self.found.insert(Violation { field, description: description.into() });
    }

    /// The value, if nothing was refused.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found.into_iter().collect()) }
    }

    /// A duration of whole milliseconds within `range`, or the default where none was given.
    pub(crate) fn duration(
        &mut self,
        field: &str,
        value: Option<&pbjson_types::Duration>,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let Some(value) = value else { return default };
        let whole = Duration::try_from(*value).ok().filter(|d| d.subsec_nanos().is_multiple_of(1_000_000));
        match whole {
            Some(duration) if range.contains(&duration) => duration,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.refuse(field, format!("must be whole milliseconds from {low:?} to {high:?}"));
                default
            }
        }
    }
}
