//! Schemas. Gemini's are a subset of OpenAPI's, and one keyword too many is a 400: what is written keeps only what the
//! API knows, and of that only what goes with the type. A property's name is never taken for a keyword.

mod flat;
mod read;

pub use read::{of_object, to_json_schema};

use super::content;
use flat::Flat;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Deeper schemas are cut to plain objects, and those in which references multiply.
const DEEPEST: usize = 32;
const MOST_SCHEMAS: usize = 5_000;
/// What may be said more than once, in bytes: a reference says all that it leads to wherever it stands.
const MOST_COPIES: usize = 1024 * 1024;

/// A JSON Schema as Gemini takes it.
pub fn sanitise(schema: &Value) -> Value {
    let mut sanitiser = Sanitiser { root: schema, references: Vec::new(), left: MOST_SCHEMAS, copies: MOST_COPIES };
    Value::Object(sanitiser.schema(schema, None, DEEPEST))
}

struct Sanitiser<'a> {
    root: &'a Value,
    /// Those that the schema at hand was reached through. One that is met again has no end.
    references: Vec<&'a str>,
    left: usize,
    /// Bytes that may still be said once more.
    copies: usize,
}

impl<'a> Sanitiser<'a> {
    fn schema(&mut self, given: &'a Value, inherited: Option<&'static str>, depth: usize) -> Map<String, Value> {
        if depth == 0 || self.left == 0 {
            return Map::from_iter([("type".to_owned(), "object".into())]);
        }
        self.left -= 1;
        let reached = self.references.len();
        let mut flat = Flat::default();
        self.flatten(given, &mut flat);
        let written = self.flattened(flat, inherited, depth - 1);
        self.references.truncate(reached);
        written
    }

    /// Takes in a schema with all that it refers to. What was there before stays.
    fn flatten(&mut self, given: &'a Value, flat: &mut Flat<'a>) {
        let Value::Object(fields) = given else { return };
        flat.take(fields);
        if let Some(Value::String(name)) = fields.get("$ref") {
            self.refer(name, flat);
        }
        for member in fields.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.flatten(member, flat);
        }
    }

    fn refer(&mut self, name: &'a str, flat: &mut Flat<'a>) {
        let known = name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let room = self.left > 0 && self.references.len() < DEEPEST && !self.references.contains(&name);
        match known.filter(|_| room) {
            Some(target) if self.copies(weight(target, self.copies)) => {
                self.left -= 1;
                self.references.push(name);
                self.flatten(target, flat);
            }
            _ => flat.cut = true,
        }
    }

    /// Whether so many bytes may be said once more. After too many nothing may.
    fn copies(&mut self, bytes: usize) -> bool {
        let left = self.copies.checked_sub(bytes);
        self.copies = left.unwrap_or(0);
        left.is_some()
    }

    fn flattened(&mut self, mut flat: Flat<'a>, inherited: Option<&'static str>, depth: usize) -> Map<String, Value> {
        while let Some(variants) = flat.take_variants() {
            match variants[..] {
                [] => {}
                [only] => self.flatten(only, &mut flat),
                _ => return self.any_of(&flat, &variants, depth),
            }
        }
        match flat.types()[..] {
            [] => {
                let kind = flat.inferred_type().or(inherited).unwrap_or(if flat.cut { "object" } else { "string" });
                self.plain(&flat, kind, depth)
            }
            [kind] => self.plain(&flat, kind, depth),
            ref kinds => one_of(kinds.iter().map(|kind| self.plain(&flat, kind, depth)).collect()),
        }
    }

    /// The API takes nothing beside `anyOf`: what is said of all variants is said of each.
    fn any_of(&mut self, flat: &Flat<'a>, variants: &[&'a Value], depth: usize) -> Map<String, Value> {
        let inherited = flat.types().first().copied();
        let mut written = Vec::with_capacity(variants.len());
        for variant in variants {
            let mut schema = self.schema(variant, inherited, depth);
            match schema.remove("anyOf") {
                Some(Value::Array(inner)) => written.extend(inner.into_iter().filter_map(object)),
                _ => written.push(schema),
            }
        }
        for schema in &mut written {
            if let Some(description) = flat.description().filter(|_| !schema.contains_key("description"))
                && self.copies(description.len())
            {
                schema.insert("description".to_owned(), description.into());
            }
            if flat.nullable() {
                schema.insert("nullable".to_owned(), true.into());
            }
        }
        one_of(written)
    }

    fn plain(&mut self, flat: &Flat<'a>, kind: &'static str, depth: usize) -> Map<String, Value> {
        let mut schema = flat.scalars(kind);
        match kind {
            "array" => {
                let items = match flat.items()[..] {
                    // An array without items is refused.
                    [] => Map::from_iter([("type".to_owned(), "string".into())]),
                    [items] => self.schema(items, None, depth),
                    ref tuple => one_of(tuple.iter().map(|items| self.schema(items, None, depth)).collect()),
                };
                schema.insert("items".to_owned(), items.into());
            }
            // As is an object with an empty list of properties, and one that requires what it does not have.
            "object" if !flat.properties.is_empty() => {
                let properties = flat.properties.iter();
                let properties: Map<String, Value> = properties
                    .map(|(name, given)| ((*name).to_owned(), self.schema(given, None, depth).into()))
                    .collect();
                schema.insert("properties".to_owned(), properties.into());
                let required = flat.required();
                if !required.is_empty() {
                    schema.insert("required".to_owned(), required.into());
                }
            }
            _ => {}
        }
        schema
    }
}

/// Whichever of these fits.
fn one_of(mut schemas: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut known = HashSet::new();
    schemas.retain(|schema| known.insert(content::to_vec(schema)));
    match schemas.len() {
        1 => schemas.remove(0),
        _ => Map::from_iter([("anyOf".to_owned(), schemas.into())]),
    }
}

/// The bytes of a schema's texts, and one for each of its values; what is more than `most` is not told exactly.
fn weight(value: &Value, most: usize) -> usize {
    let add = |sum: usize, (name, value): (&str, &Value)| {
        if sum > most { sum } else { sum + name.len() + weight(value, most - sum) }
    };
    match value {
        Value::String(text) => 1 + text.len(),
        Value::Array(values) => values.iter().map(|value| ("", value)).fold(1, add),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.as_str(), value)).fold(1, add),
        _ => 1,
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
