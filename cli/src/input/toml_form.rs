//! TOML has moments of its own; the proto's JSON form has them as strings, so they are turned into strings first.

use super::{Fault, with_path};
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let mut table = DeTable::parse(text).map_err(|error| fault(text, &error, ""))?;
    for value in table.get_mut().iter_mut().map(|(_, value)| value) {
        spell_moments(value.get_mut());
    }
    with_path(Deserializer::from(table), |error, path| fault(text, error, path))
}

fn spell_moments(value: &mut DeValue) {
    match value {
        DeValue::Datetime(moment) => *value = DeValue::String(moment.to_string().into()),
        DeValue::Array(items) => items.iter_mut().for_each(|item| spell_moments(item.get_mut())),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| spell_moments(item.get_mut())),
        _ => {}
    }
}

/// The line is counted here, since the parser's own text would quote the line, secrets included.
fn fault(text: &str, error: &Error, path: &str) -> Fault {
    let before = error.span().and_then(|span| text.get(..span.start));
    Fault::new(before.map(|before| before.matches('\n').count() + 1), path, error.message())
}
