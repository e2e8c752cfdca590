//! The schema of an answer in the subset that Anthropic's API takes for one, as its own SDKs narrow it down: objects are
//! closed, and what cannot be enforced is said in the description, so that the model may follow it.

use serde_json::{Map, Value, json};

/// The schema in that subset, and whether some of it is enforced no longer.
pub(super) fn supported(schema: &Value) -> (Value, bool) {
    let mut loose = false;
    (narrowed(schema, &mut loose), loose)
}

fn narrowed(schema: &Value, loose: &mut bool) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut kept = Map::new();
    let mut said = Vec::new();
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    for (name, value) in schema {
        match name.as_str() {
            taken if is_taken(taken, value) => {
                kept.insert(name.clone(), value.clone());
            }
            "$defs" | "definitions" | "properties" => {
                kept.insert(name.clone(), each(value, loose));
            }
            "items" => {
                kept.insert(name.clone(), narrowed(value, loose));
            }
            "anyOf" | "allOf" => {
                kept.insert(name.clone(), all(value, loose));
            }
            "oneOf" => {
                kept.insert("anyOf".to_owned(), all(value, loose));
            }
            "$schema" | "$id" | "default" | "examples" => {}
            "additionalProperties" if is_object && value == &json!(false) => {}
            _ => said.push(format!("{name}: {value}")),
        }
    }
    if is_object {
        // An object of any keys at all can no longer have one.
        let closed = schema.get("additionalProperties") == Some(&json!(false));
        *loose |= !closed && !schema.contains_key("properties");
        kept.insert("additionalProperties".to_owned(), json!(false));
    }
    if !said.is_empty() {
        *loose = true;
        describe(&mut kept, &said.join(", "));
    }
    Value::Object(kept)
}

fn each(schemas: &Value, loose: &mut bool) -> Value {
    match schemas {
        Value::Object(named) => named.iter().map(|(name, schema)| (name.clone(), narrowed(schema, loose))).collect(),
        other => other.clone(),
    }
}

fn all(schemas: &Value, loose: &mut bool) -> Value {
    match schemas {
        Value::Array(schemas) => schemas.iter().map(|schema| narrowed(schema, loose)).collect(),
        other => other.clone(),
    }
}

/// Whether a keyword is taken as it is.
fn is_taken(name: &str, value: &Value) -> bool {
    match name {
        "type" | "$ref" | "enum" | "const" | "description" | "title" | "required" => true,
        "minItems" => value == &json!(0) || value == &json!(1),
        "format" => matches!(
            value.as_str(),
            Some("date-time" | "time" | "date" | "duration" | "email" | "hostname" | "uri" | "ipv4" | "ipv6" | "uuid")
        ),
        _ => false,
    }
}

fn describe(schema: &mut Map<String, Value>, said: &str) {
    let before = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let text = if before.is_empty() { format!("{{{said}}}") } else { format!("{before}\n\n{{{said}}}") };
    schema.insert("description".to_owned(), Value::String(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_and_what_cannot_be_enforced_is_said() {
        let (narrow, loose) = supported(&json!({
            "$schema": "x", "type": "object", "required": ["n"],
            "properties": {
                "n": {"type": "integer", "minimum": 1, "description": "A number"},
                "list": {"type": "array", "minItems": 1, "items": {"oneOf": [{"type": "object"}, {"type": "string", "format": "uuid"}]}},
            },
            "$defs": {"inner": {"type": "object", "additionalProperties": false, "properties": {}}},
        }));
        assert!(loose);
        let expected = json!({
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {
                "n": {"type": "integer", "description": "A number\n\n{minimum: 1}"},
                "list": {"type": "array", "minItems": 1, "items": {"anyOf": [
                    {"type": "object", "additionalProperties": false}, {"type": "string", "format": "uuid"},
                ]}},
            },
            "$defs": {"inner": {"type": "object", "additionalProperties": false, "properties": {}}},
        });
        assert_eq!(narrow, expected);
        assert_eq!(supported(&expected), (expected.clone(), false));
        assert!(supported(&json!({"type": "object"})).1, "nothing is left of it");
    }
}
