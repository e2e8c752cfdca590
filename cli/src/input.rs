//! Configuration files: YAML, JSON (`.json`) or TOML (`.toml`). The only place that parses YAML.
//!
//! A key that is given twice is refused, at any depth, with its line: YAML and JSON are first walked for that alone,
//! TOML refuses it by itself. Durations are what they are in flags. Several YAML documents in a file count as several files. Several files are merged by
//! concatenating their lists; a resource that is named twice is then the server's to refuse.

mod duplicates;
mod durations;
mod toml_form;

use duplicates::NoDuplicates;
use durations::Durations;
use pointsman_proto::admin::v1::Config;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed},
};
use std::{fs, io, path::Path};

#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("cannot read {name}: {source}")]
    Read { name: String, source: io::Error },
    #[error("{}{}: {message}", name, place(*line))]
    Parse { name: String, line: Option<usize>, message: String },
    #[error("{name}: the settings are stated a second time; state them once")]
    SettingsTwice { name: String },
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

/// Where a parser stopped and why; the file's name is added outside.
#[derive(Debug, PartialEq)]
struct Fault {
    line: Option<usize>,
    message: String,
}

impl Fault {
    /// The parsers put the position into the message too; it is already at the front.
    fn new(line: Option<usize>, path: &str, message: &str) -> Self {
        let message = message.split(" at line ").next().unwrap_or(message);
        let message = match path {
            "" | "." => message.to_owned(),
            path => format!("{path}: {message}"),
        };
        Self { line, message }
    }

    fn of(self, name: &str) -> InputError {
        InputError::Parse { name: name.to_owned(), line: self.line, message: self.message }
    }
}

/// Reads and merges the files.
pub fn configs<P: AsRef<Path>>(files: &[P]) -> Result<Config, InputError> {
    let mut merged = Config::default();
    for file in files {
        let (name, text) = read(file.as_ref())?;
        for config in parse(file.as_ref(), &text).map_err(|fault| fault.of(&name))? {
            merge(&mut merged, config, &name)?;
        }
    }
    Ok(merged)
}

/// The text of a file, or of stdin for `-`, and how to call it.
pub fn read(file: &Path) -> Result<(String, String), InputError> {
    let stdin = file.as_os_str() == "-";
    let name = if stdin { "(stdin)".to_owned() } else { file.display().to_string() };
    let text = if stdin { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    match text {
        Ok(text) => Ok((name, text)),
        Err(source) => Err(InputError::Read { name, source }),
    }
}

/// The documents of one YAML file, empty ones left out.
pub fn yaml<T: DeserializeOwned>(name: &str, text: &str) -> Result<Vec<T>, InputError> {
    parse_yaml(text).map_err(|fault| fault.of(name))
}

fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<Vec<T>, Fault> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => parse_json(text).map(|value| vec![value]),
        Some("toml") => toml_form::parse(text).map(|value| vec![value]),
        _ => parse_yaml(text),
    }
}

fn parse_yaml<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Fault> {
    for document in serde_yaml::Deserializer::from_str(text) {
        NoDuplicates.deserialize(document).map_err(|error| yaml_fault(&error))?;
    }
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Option::<T>::deserialize(Durations(document)).map_err(|error| yaml_fault(&error)))
        .filter_map(Result::transpose)
        .collect()
}

/// The YAML parser names the field's path by itself.
fn yaml_fault(error: &serde_yaml::Error) -> Fault {
    Fault::new(error.location().map(|at| at.line()), "", &error.to_string())
}

fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let mut walk = serde_json::Deserializer::from_str(text);
    NoDuplicates.deserialize(&mut walk).and_then(|()| walk.end()).map_err(|error| json_fault(&error, ""))?;
    with_path(&mut serde_json::Deserializer::from_str(text), json_fault)
}

fn json_fault(error: &serde_json::Error, path: &str) -> Fault {
    Fault::new(Some(error.line()).filter(|&line| line > 0), path, &error.to_string())
}

/// Deserialises, and hands the path of the field to `fault` when that fails.
fn with_path<'de, T, D>(source: D, fault: impl FnOnce(&D::Error, &str) -> Fault) -> Result<T, Fault>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(Durations(source)).map_err(|error| fault(error.inner(), &error.path().to_string()))
}

fn merge(into: &mut Config, from: Config, name: &str) -> Result<(), InputError> {
    if into.settings.is_some() && from.settings.is_some() {
        return Err(InputError::SettingsTwice { name: name.to_owned() });
    }
    into.settings = into.settings.take().or(from.settings);
    into.providers.extend(from.providers);
    into.keys.extend(from.keys);
    into.models.extend(from.models);
    into.rules.extend(from.rules);
    into.virtual_keys.extend(from.virtual_keys);
    Ok(())
}

#[cfg(test)]
mod tests;
