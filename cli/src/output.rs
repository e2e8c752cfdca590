//! What is printed on stdout. JSON and YAML are the proto's JSON form.

use crate::error::CliError;
use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::{collections::BTreeMap, io::Write};

#[derive(Clone, Copy, Default, ValueEnum, PartialEq, Debug)]
pub enum Format {
    #[default]
    Table,
    Json,
    Yaml,
    Name,
}

/// What a machine reads back.
#[derive(Clone, Copy, Default, ValueEnum, PartialEq, Debug)]
pub enum Document {
    #[default]
    Yaml,
    Json,
}

/// One line or more, with a line end after them. A reader that has gone is `CliError::Output`, not a panic.
pub fn print(text: &str) -> Result<(), CliError> {
    match text {
        "" => Ok(()),
        text if text.ends_with('\n') => write(text),
        text => write(&format!("{text}\n")),
    }
}

/// As it is.
pub fn write(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

pub fn print_document<T: Serialize>(value: &T, format: Document) -> Result<(), CliError> {
    match format {
        Document::Yaml => print(&yaml(value)?),
        Document::Json => print(&serde_json::to_string_pretty(value).map_err(encoding)?),
    }
}

/// Something that can be a row of a table.
pub trait Row: Serialize {
    const HEADERS: &'static [&'static str];
    /// The key of a list in JSON and YAML, as in a configuration file.
    const PLURAL: &'static str;
    fn name(&self) -> String;
    fn row(&self) -> Vec<String>;
}

pub fn print_list<T: Row>(items: &[T], format: Format) -> Result<(), CliError> {
    match format {
        Format::Table if items.is_empty() => {
            eprintln!("there are no {}", T::PLURAL.replace('_', " "));
            Ok(())
        }
        Format::Table => print_rows(items),
        Format::Name => print(&items.iter().map(|item| item.name() + "\n").collect::<String>()),
        Format::Json => print_document(&BTreeMap::from([(T::PLURAL, items)]), Document::Json),
        Format::Yaml => print_document(&BTreeMap::from([(T::PLURAL, items)]), Document::Yaml),
    }
}

pub fn print_one<T: Row>(item: &T, format: Format) -> Result<(), CliError> {
    match format {
        Format::Table => print_rows(std::slice::from_ref(item)),
        Format::Name => print(&item.name()),
        Format::Json => print_document(item, Document::Json),
        Format::Yaml => print_document(item, Document::Yaml),
    }
}

fn print_rows<T: Row>(items: &[T]) -> Result<(), CliError> {
    print(&table(T::HEADERS, items.iter().map(Row::row)))
}

/// Columns two spaces apart, as kubectl prints them.
pub fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headers.to_vec()).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

pub fn yaml<T: Serialize>(value: &T) -> Result<String, CliError> {
    serde_yaml::to_string(value).map_err(encoding)
}

/// One line, for streams (NDJSON).
pub fn json_line<T: Serialize>(value: &T) -> Result<String, CliError> {
    serde_json::to_string(value).map_err(encoding)
}

fn encoding(error: impl std::fmt::Display) -> CliError {
    CliError::Encoding(error.to_string())
}

/// `-` where a table would have a hole.
pub fn or_dash(text: impl Into<String>) -> String {
    Some(text.into()).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// Unset means true.
pub fn enabled(value: Option<bool>) -> String {
    value.unwrap_or(true).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_look_like_kubectls() {
        let rows = [vec!["openai".to_owned(), "true".to_owned()], vec!["az".to_owned(), "-".to_owned()]];
        assert_eq!(table(&["NAME", "ENABLED"], rows), "NAME    ENABLED\nopenai  true\naz      -\n");
    }
}
