use super::*;
use serde_json::json;

fn fixture() -> Value {
    let path = fixture!("gemini_tool_schema_sanitise.json");
    serde_json::from_str(path).expect("the fixture is JSON")
}

#[test]
fn the_fixture_is_sanitised() {
    let fixture = fixture();
    assert_eq!(sanitise(&fixture["input"]), fixture["expected"]);
}

#[test]
fn the_same_schema_is_always_written_the_same() {
    let input = &fixture()["input"];
    let first = sanitise(input).to_string();
    for _ in 0..20 {
        assert_eq!(sanitise(input).to_string(), first);
    }
}

fn check(input: Value, expected: Value) {
    assert_eq!(sanitise(&input), expected, "{input}");
}

#[test]
fn what_the_api_does_not_know_is_left_out() {
    check(
        json!({"$schema": "x", "$id": "y", "type": "object", "additionalProperties": false, "patternProperties": {"a": {}},
            "propertyNames": {"pattern": "a"}, "if": {}, "then": {}, "not": {}, "dependencies": {}, "examples": [1],
            "input_examples": [1], "x-order": 1,
            "properties": {"n": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 2, "maximum": 9},
                "s": {"type": "string", "format": "uuid", "contentEncoding": "base64", "minLength": 1}}}),
        json!({"type": "object", "properties": {"n": {"type": "number", "maximum": 9}, "s": {"type": "string", "minLength": 1}}}),
    );
}

#[test]
fn unions_and_enumerations_keep_their_meaning() {
    let string = json!({"type": "string"});
    check(json!({"type": ["string", "null"]}), json!({"type": "string", "nullable": true}));
    check(json!({"type": ["string", "integer"]}), json!({"anyOf": [string, {"type": "integer"}]}));
    check(json!({"oneOf": [{"type": "string"}, {"type": "string"}]}), string.clone());
    check(
        json!({"description": "d", "anyOf": [{"type": "string"}, {"type": "array"}, {"type": "null"}]}),
        json!({"anyOf": [
            {"type": "string", "description": "d", "nullable": true},
            {"type": "array", "items": {"type": "string"}, "description": "d", "nullable": true},
        ]}),
    );
    check(
        json!({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"required": ["a", "b"]}], "title": "t"}),
        json!({"type": "object", "title": "t", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
    );
    check(json!({"enum": ["a", "", null]}), json!({"type": "string", "enum": ["a"], "nullable": true}));
    check(
        json!({"type": "integer", "description": "How many", "enum": [1, 2]}),
        json!({"type": "integer", "description": "How many (one of: 1, 2)"}),
    );
    check(json!({"const": true}), json!({"type": "boolean", "description": "(one of: true)"}));
    check(
        json!({"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}}),
    );
}

#[test]
fn a_property_named_like_a_keyword_stays() {
    let properties = json!({"default": {"type": "string"}, "title": {"type": "string"}, "$ref": {"type": "string"},
        "additionalProperties": {"type": "string"}, "properties": {"type": "object", "properties": {"type": {"type": "string"}}}});
    let schema = json!({"type": "object", "properties": properties});
    check(schema.clone(), schema.clone());
    assert_eq!(to_json_schema(schema.clone()), schema);
}

#[test]
fn what_is_missing_is_made_up() {
    check(json!({}), json!({"type": "string"}));
    check(json!(true), json!({"type": "string"}));
    check(json!({"items": {}}), json!({"type": "array", "items": {"type": "string"}}));
    check(
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}),
        json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}),
    );
    check(json!({"type": "object", "properties": {}, "required": ["a"]}), json!({"type": "object"}));
    check(json!({"minimum": 1}), json!({"type": "number", "minimum": 1}));
}

#[test]
fn references_are_followed_until_they_turn_in_a_circle() {
    check(
        json!({"$defs": {"city": {"type": "string", "description": "of the world"}},
            "type": "object", "properties": {"to": {"$ref": "#/$defs/city", "description": "where to"}, "from": {"$ref": "#/$defs/city"}}}),
        json!({"type": "object", "properties": {
            "to": {"type": "string", "description": "where to"}, "from": {"type": "string", "description": "of the world"}}}),
    );
    check(
        json!({"definitions": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/definitions/tree"}}}},
            "$ref": "#/definitions/tree"}),
        json!({"type": "object", "properties": {"left": {"type": "object"}}}),
    );
    check(json!({"$ref": "#"}), json!({"type": "object"}));
    check(json!({"$ref": "elsewhere.json"}), json!({"type": "object"}));
}

#[test]
fn references_that_multiply_are_cut() {
    let mut definitions = Map::new();
    for i in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
        definitions.insert(format!("d{i}"), json!({"type": "object", "properties": {"a": next, "b": next, "c": next}}));
    }
    let written = sanitise(&json!({"$ref": "#/$defs/d0", "$defs": definitions})).to_string();
    assert!(written.len() < 1_000_000, "{} bytes", written.len());
}

#[test]
fn gemini_s_schemas_become_json_schema() {
    let given = json!({"type": "OBJECT", "propertyOrdering": ["a"], "properties": {
        "a": {"type": "STRING", "nullable": true, "format": "enum", "enum": ["x"]},
        "b": {"any_of": [{"type": "INTEGER"}, {"type": "TYPE_UNSPECIFIED", "description": "any"}], "nullable": true},
        "type": {"type": "ARRAY", "minItems": "2", "max_items": 3, "items": {"type": "NUMBER"}, "example": [1, 2]},
    }});
    let expected = json!({"type": "object", "properties": {
        "a": {"type": ["string", "null"], "enum": ["x", null]},
        "b": {"anyOf": [{"type": "integer"}, {"description": "any"}, {"type": "null"}]},
        "type": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "number"}, "examples": [[1, 2]]},
    }});
    assert_eq!(to_json_schema(given), expected);
    assert_eq!(of_object(None), json!({"type": "object", "properties": {}}));
    assert_eq!(of_object(Some(json!({"properties": {"a": {}}}))), json!({"properties": {"a": {}}, "type": "object"}));
}
