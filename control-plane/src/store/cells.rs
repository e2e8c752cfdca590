//! The cells of a row that may have been written by hand.

use bytes::Bytes;
use pbjson_types::Duration;
use pointsman_proto::violation::Violation;
use serde::de::DeserializeOwned;
use sqlx::{Decode, Row, Sqlite, Type, ValueRef, sqlite::SqliteRow};

/// The cells of one row, and where to complain about them.
pub(super) struct Cells<'a> {
    row: &'a SqliteRow,
    path: String,
    violations: &'a mut Vec<Violation>,
}

impl<'a> Cells<'a> {
    pub(super) fn of(row: &'a SqliteRow, path: String, violations: &'a mut Vec<Violation>) -> Self {
        Self { row, path, violations }
    }

    pub(super) fn refuse(&mut self, column: &str, description: impl Into<String>) {
        let dot = if column.is_empty() { "" } else { "." };
        let field = format!("{}{dot}{column}", self.path);
        self.violations.push(Violation { field, description: description.into() });
    }

    /// The cell's value; none when it is NULL.
    pub(super) fn cell<T: for<'r> Decode<'r, Sqlite> + Type<Sqlite>>(&mut self, column: &str) -> Option<T> {
        let is_null = self.row.try_get_raw(column).is_ok_and(|value| value.is_null());
        match self.row.try_get::<T, _>(column) {
            Ok(value) => (!is_null).then_some(value),
            Err(_) if is_null => None,
            Err(_) => {
                self.refuse(column, "cannot be read");
                None
            }
        }
    }

    pub(super) fn text(&mut self, column: &str) -> String {
        self.cell(column).unwrap_or_default()
    }

    pub(super) fn bytes(&mut self, column: &str) -> Bytes {
        self.cell::<Vec<u8>>(column).unwrap_or_default().into()
    }

    pub(super) fn digest(&mut self, column: &str) -> Bytes {
        let digest = self.bytes(column);
        if digest.len() != 32 {
            self.refuse(column, "must be the 32 bytes that the server wrote");
        }
        digest
    }

    pub(super) fn number(&mut self, column: &str) -> u32 {
        let value: i64 = self.cell(column).unwrap_or(0);
        u32::try_from(value).unwrap_or_else(|_| {
            self.refuse(column, format!("must be from 0 to {}, found {value}", u32::MAX));
            0
        })
    }

    /// True is not said aloud.
    pub(super) fn enabled(&mut self) -> Option<bool> {
        self.flag("enabled").filter(|enabled| !enabled)
    }

    pub(super) fn flag(&mut self, column: &str) -> Option<bool> {
        match self.cell::<i64>(column)? {
            0 => Some(false),
            1 => Some(true),
            other => {
                self.refuse(column, format!("must be 0 or 1, found {other}"));
                None
            }
        }
    }

    /// Whole milliseconds; their range is the domain's to check.
    pub(super) fn duration(&mut self, column: &str) -> Option<Duration> {
        let ms: i64 = self.cell(column)?;
        Some(Duration { seconds: ms / 1000, nanos: (ms % 1000 * 1_000_000) as i32 })
    }

    pub(super) fn list(&mut self, column: &str) -> Vec<String> {
        let text = self.text(column);
        serde_json::from_str(&text).unwrap_or_else(|_| {
            self.refuse(column, format!("must be a JSON list of strings, found {text}"));
            Vec::new()
        })
    }

    /// A message in its JSON form; none when it says nothing.
    pub(super) fn message<T: DeserializeOwned + Default + PartialEq>(&mut self, column: &str) -> Option<T> {
        let text = self.text(column);
        let message = serde_json::from_str(&text).unwrap_or_else(|error| {
            self.refuse(column, format!("must be a JSON object in the form of configuration files: {error}"));
            T::default()
        });
        (message != T::default()).then_some(message)
    }
}
