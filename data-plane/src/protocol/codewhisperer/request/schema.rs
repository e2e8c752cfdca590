//! Schemas of tools, as the upstream takes them: of an object, and without the null `type`, `properties` and `required`
//! that some clients write for nothing and that it answers with "Improperly formed request."

use serde_json::{Map, Value, json};

/// A schema whose every keyword has the type that it should.
pub(super) fn tidy(schema: &Value) -> Value {
    let Value::Object(mut schema) = schema.clone() else { return of_nothing() };
    tidy_object(&mut schema);
    schema.insert("type".to_owned(), json!("object"));
    schema.entry("properties").or_insert_with(|| json!({}));
    Value::Object(schema)
}

/// The schema of a tool without arguments.
pub(super) fn of_nothing() -> Value {
    json!({"type": "object", "properties": {}})
}

fn tidy_object(schema: &mut Map<String, Value>) {
    schema.retain(|keyword, value| match keyword.as_str() {
        "type" => value.is_string() || value.is_array(),
        "properties" => value.is_object(),
        "required" => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
        _ => true,
    });
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            // What stands in these is data, whatever it looks like.
            ("const" | "default" | "enum" | "example" | "examples", _) => {}
            // The keys of these are names, whatever they look like.
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(named),
            ) => {
                named.values_mut().for_each(tidy_named);
            }
            (_, Value::Object(inner)) => tidy_object(inner),
            (_, Value::Array(several)) => {
                several.iter_mut().filter_map(Value::as_object_mut).for_each(tidy_object);
            }
            _ => {}
        }
    }
}

fn tidy_named(schema: &mut Value) {
    match schema {
        Value::Object(schema) => tidy_object(schema),
        Value::Null => *schema = json!({}),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_have_no_null_where_a_keyword_is() {
        let given = json!({
            "type": null,
            "required": null,
            "properties": {
                "type": {"type": "string", "default": {"type": null}, "enum": ["a", null]},
                "required": null,
                "list": {"type": ["array", "null"], "items": {"type": "object", "properties": null, "required": [1]}},
                "any": {"anyOf": [{"required": null}, {"type": "null"}], "additionalProperties": {"required": null}},
            },
            "$defs": {"properties": {"type": null, "description": "named like a keyword"}},
            "additionalProperties": false,
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "type": {"type": "string", "default": {"type": null}, "enum": ["a", null]},
                "required": {},
                "list": {"type": ["array", "null"], "items": {"type": "object"}},
                "any": {"anyOf": [{}, {"type": "null"}], "additionalProperties": {}},
            },
            "$defs": {"properties": {"description": "named like a keyword"}},
            "additionalProperties": false,
        });
        assert_eq!(tidy(&given), expected);
        for given in [json!(null), json!(true), json!({}), json!({"properties": null})] {
            assert_eq!(tidy(&given), of_nothing());
        }
    }
}
