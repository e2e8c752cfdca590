//! Gemini's schemas as JSON Schema: types in lower case, `nullable` as the type null, numbers without their quotes.

use serde_json::{Map, Value, json};

/// A client's schema, of a function's `parameters` or of a reply.
pub fn to_json_schema(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(object(fields)),
        other => other,
    }
}

/// The schema of a function's arguments, which are always an object.
pub fn of_object(schema: Option<Value>) -> Value {
    let Some(Value::Object(mut schema)) = schema else { return json!({"type": "object", "properties": {}}) };
    schema.entry("type").or_insert_with(|| "object".into());
    if schema["type"] == "object" && !schema.keys().any(|key| key != "type") {
        schema.insert("properties".to_owned(), json!({}));
    }
    Value::Object(schema)
}

fn object(fields: Map<String, Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    let mut nullable = false;
    for (keyword, value) in fields {
        let keyword = keyword.as_str();
        match (keyword, value) {
            (_, Value::Null) if !matches!(keyword, "default" | "example") => {}
            ("nullable", value) => nullable = value == true,
            ("type", Value::String(kind)) if kind == "TYPE_UNSPECIFIED" => {}
            ("type", Value::String(kind)) => insert(&mut schema, "type", kind.to_ascii_lowercase().into()),
            ("propertyOrdering" | "property_ordering", _) => {}
            // Says no more than that there is an `enum`.
            ("format", Value::String(format)) if format == "enum" => {}
            ("example", value) => insert(&mut schema, "examples", json!([value])),
            ("anyOf" | "any_of", Value::Array(any)) => {
                insert(&mut schema, "anyOf", any.into_iter().map(to_json_schema).collect());
            }
            ("properties", Value::Object(properties)) => insert(&mut schema, "properties", named(properties)),
            ("defs" | "$defs", Value::Object(schemas)) => insert(&mut schema, "$defs", named(schemas)),
            ("ref", name) => insert(&mut schema, "$ref", name),
            ("items", items) => insert(&mut schema, "items", to_json_schema(items)),
            ("additionalProperties" | "additional_properties", value) => {
                insert(&mut schema, "additionalProperties", to_json_schema(value));
            }
            (keyword, value) => match count(keyword) {
                Some(keyword) => insert(&mut schema, keyword, number(value)),
                None => insert(&mut schema, keyword, value),
            },
        }
    }
    if nullable {
        allow_null(&mut schema);
    }
    schema
}

fn insert(schema: &mut Map<String, Value>, keyword: &str, value: Value) {
    schema.insert(keyword.to_owned(), value);
}

/// Whatever a property is called, its name is no keyword.
fn named(schemas: Map<String, Value>) -> Value {
    schemas.into_iter().map(|(name, schema)| (name, to_json_schema(schema))).collect::<Map<_, _>>().into()
}

/// Keywords whose value is 64 bits long, which Google's JSON puts in quotes.
fn count(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "minItems" | "min_items" => "minItems",
        "maxItems" | "max_items" => "maxItems",
        "minLength" | "min_length" => "minLength",
        "maxLength" | "max_length" => "maxLength",
        "minProperties" | "min_properties" => "minProperties",
        "maxProperties" | "max_properties" => "maxProperties",
        _ => return None,
    })
}

fn number(value: Value) -> Value {
    match value.as_str().and_then(|text| text.parse::<u64>().ok()) {
        Some(number) => number.into(),
        None => value,
    }
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => *kind = json!([kind.take(), "null"]),
        _ => {
            if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
                any.push(json!({"type": "null"}));
            }
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
