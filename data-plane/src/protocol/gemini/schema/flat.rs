//! One level of a JSON Schema, with its references and `allOf` taken in.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

#[derive(Debug, Default)]
pub struct Flat<'a> {
    /// All but these four: `$ref`, `allOf`, `properties` and `required`. Sorted, since the same tools must be written
    /// the same way for the provider's prompt cache to know them again.
    keywords: BTreeMap<&'a str, &'a Value>,
    pub properties: Vec<(&'a str, &'a Value)>,
    /// The properties' names.
    names: HashSet<&'a str>,
    required: Vec<&'a str>,
    /// One of the variants was null.
    null: bool,
    /// A reference leads nowhere, or round in a circle.
    pub cut: bool,
}

impl<'a> Flat<'a> {
    /// Takes in what a schema says itself.
    pub fn take(&mut self, fields: &'a Map<String, Value>) {
        for (keyword, value) in fields {
            match (keyword.as_str(), value) {
                ("$ref" | "allOf", _) => {}
                ("properties", Value::Object(properties)) => {
                    for (name, schema) in properties {
                        if self.names.insert(name) {
                            self.properties.push((name, schema));
                        }
                    }
                }
                ("required", Value::Array(names)) => self.required.extend(names.iter().filter_map(Value::as_str)),
                (keyword, value) => {
                    self.keywords.entry(keyword).or_insert(value);
                }
            }
        }
    }

    /// The variants besides null. Of an object with properties they only say which go together, and are left out.
    pub fn take_variants(&mut self) -> Option<Vec<&'a Value>> {
        let any = self.keywords.remove("anyOf").or_else(|| self.keywords.remove("oneOf"))?.as_array()?;
        let (nulls, variants): (Vec<&Value>, Vec<&Value>) = any.iter().partition(|variant| is_null(variant));
        self.null |= !nulls.is_empty();
        Some(if self.properties.is_empty() { variants } else { Vec::new() })
    }

    /// Those besides null, each once.
    pub fn types(&self) -> Vec<&'static str> {
        let given = match self.keywords.get("type") {
            Some(Value::Array(types)) => types.as_slice(),
            Some(kind) => std::slice::from_ref(*kind),
            None => &[],
        };
        let known = given.iter().filter_map(Value::as_str).filter_map(known_type).filter(|kind| *kind != "null");
        known.fold(Vec::new(), |mut types, kind| {
            if !types.contains(&kind) {
                types.push(kind);
            }
            types
        })
    }

    pub fn nullable(&self) -> bool {
        let null = |value: &&Value| value.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("null"));
        let in_type = match self.keywords.get("type") {
            Some(Value::Array(types)) => types.iter().any(|kind| null(&kind)),
            Some(kind) => null(kind),
            None => false,
        };
        let said = self.keywords.get("nullable") == Some(&&Value::Bool(true));
        self.null || in_type || said || self.values().iter().any(|value| value.is_null())
    }

    /// What a schema that states no type must be of.
    pub fn inferred_type(&self) -> Option<&'static str> {
        let has = |keywords: &[&str]| keywords.iter().any(|keyword| self.keywords.contains_key(keyword));
        let values = self.values();
        let all =
            |is: fn(&Value) -> bool| !values.is_empty() && values.iter().all(|value| value.is_null() || is(value));
        Some(match () {
            () if all(Value::is_string) => "string",
            () if all(Value::is_boolean) => "boolean",
            () if all(|value| value.is_i64() || value.is_u64()) => "integer",
            () if all(Value::is_number) => "number",
            () if !self.properties.is_empty() || has(&["additionalProperties", "patternProperties"]) => "object",
            () if has(&["items", "prefixItems", "minItems", "maxItems"]) => "array",
            () if has(&["minLength", "maxLength", "pattern", "format"]) => "string",
            () if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) => "number",
            () => return None,
        })
    }

    /// The schemas of an array's items; several of a tuple's.
    pub fn items(&self) -> Vec<&'a Value> {
        match (self.keywords.get("prefixItems"), self.keywords.get("items")) {
            (Some(Value::Array(tuple)), _) | (_, Some(Value::Array(tuple))) => tuple.iter().collect(),
            (_, Some(items @ Value::Object(_))) => vec![*items],
            _ => Vec::new(),
        }
    }

    /// Those required names that are properties.
    pub fn required(&self) -> Vec<&'a str> {
        let mut known = self.names.clone();
        self.required.iter().copied().filter(|name| known.remove(name)).collect()
    }

    pub fn description(&self) -> Option<&'a str> {
        self.keywords.get("description").and_then(|text| text.as_str())
    }

    /// What a schema of this type says besides the schemas in it.
    pub fn scalars(&self, kind: &'static str) -> Map<String, Value> {
        let mut schema = Map::from_iter([("type".to_owned(), kind.into())]);
        for (&keyword, &value) in &self.keywords {
            if fits(keyword, kind, value) {
                schema.insert(keyword.to_owned(), value.clone());
            }
        }
        self.enumerate(kind, &mut schema);
        if self.nullable() {
            schema.insert("nullable".to_owned(), true.into());
        }
        schema
    }

    /// The API enumerates strings alone, and none that is empty; other values are put into words.
    fn enumerate(&self, kind: &str, schema: &mut Map<String, Value>) {
        let values = self.values();
        let texts: Vec<Value> =
            values.iter().filter(|v| v.as_str().is_some_and(|text| !text.is_empty())).cloned().collect();
        if kind == "string" && !texts.is_empty() {
            schema.insert("enum".to_owned(), texts.into());
        } else if matches!(kind, "integer" | "number" | "boolean") {
            let words: Vec<String> =
                values.iter().filter(|v| v.is_number() || v.is_boolean()).map(|v| v.to_string()).collect();
            if !words.is_empty() {
                let said = self.description().map_or_else(String::new, |text| format!("{text} "));
                schema.insert("description".to_owned(), format!("{said}(one of: {})", words.join(", ")).into());
            }
        }
    }

    fn values(&self) -> &'a [Value] {
        match (self.keywords.get("const"), self.keywords.get("enum")) {
            (Some(value), _) => std::slice::from_ref(*value),
            (None, Some(Value::Array(values))) => values,
            _ => &[],
        }
    }
}

/// Whether the API takes this keyword with this type.
fn fits(keyword: &str, kind: &str, value: &Value) -> bool {
    match keyword {
        "title" | "description" => value.is_string(),
        "default" | "example" => true,
        "pattern" => kind == "string" && value.is_string(),
        "minLength" | "maxLength" => kind == "string" && value.is_u64(),
        "minimum" | "maximum" => matches!(kind, "integer" | "number") && value.is_number(),
        "minItems" | "maxItems" => kind == "array" && value.is_u64(),
        "minProperties" | "maxProperties" => kind == "object" && value.is_u64(),
        "format" => match kind {
            "string" => value == "date-time",
            "integer" => value == "int32" || value == "int64",
            "number" => value == "float" || value == "double",
            _ => false,
        },
        _ => false,
    }
}

fn known_type(name: &str) -> Option<&'static str> {
    let known = ["string", "number", "integer", "boolean", "array", "object", "null"];
    known.into_iter().find(|kind| kind.eq_ignore_ascii_case(name))
}

fn is_null(variant: &Value) -> bool {
    let null = |keyword: &str, is: &dyn Fn(&Value) -> bool| variant.get(keyword).is_some_and(is);
    null("type", &|kind| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("null")))
        || null("const", &Value::is_null)
        || null("enum", &|values| values.as_array().is_some_and(|v| !v.is_empty() && v.iter().all(Value::is_null)))
}
