//! The walk that compares a value with its shape.

use serde_json::{Map, Value};

use super::flaw::type_of;
use super::{Field, Flaw, Path, Shape, What};

/// What `null` means in a field that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    Absent,
    /// A value of the wrong type.
    Wrong,
}

/// The first flaw of `value`, if it has one.
pub(crate) fn check(value: &Value, shape: &'static Shape, nulls: Nulls) -> Result<(), Flaw> {
    let mut walk = Walk { path: Path::default(), nulls };
    walk.value(value, shape).map_err(|what| Flaw { path: walk.path, what })
}

/// The path stays where the flaw was found.
struct Walk {
    path: Path,
    nulls: Nulls,
}

impl Walk {
    fn value(&mut self, value: &Value, shape: &'static Shape) -> Result<(), What> {
        match shape {
            Shape::Any => Ok(()),
            Shape::OrNull(shape) => {
                if value.is_null() {
                    Ok(())
                } else {
                    self.value(value, shape)
                }
            }
            Shape::Int(low, high) => integer(value, *low, *high),
            Shape::Num(low, high) => number(value, *low, *high),
            Shape::Text(low, high) => text(value, *low, *high),
            Shape::Word(known) => word(value, known),
            Shape::List(shape, least) => self.list(value, shape, *least),
            Shape::MapOf(shape) => self.map(value, shape),
            Shape::Fields(fields) => self.fields(object(value)?, &[fields], None),
            Shape::Tagged(tag, variants) => self.tagged(object(value)?, tag, variants),
            Shape::Union(one, others) => self.union(object(value)?, one, others),
            Shape::Either(words, shapes) => match shapes.iter().find(|shape| fits(value, shape)) {
                Some(shape) => self.value(value, shape),
                None => Err(What::Type { expected: words, got: type_of(value) }),
            },
            Shape::By(choose) => self.value(value, choose(value)),
            Shape::Bool | Shape::Map if fits(value, shape) => Ok(()),
            Shape::Bool => Err(What::Type { expected: "a boolean", got: type_of(value) }),
            Shape::Map => Err(What::Type { expected: "an object", got: type_of(value) }),
        }
    }

    fn list(&mut self, value: &Value, shape: &'static Shape, least: usize) -> Result<(), What> {
        let items = value.as_array().ok_or(What::Type { expected: "an array", got: type_of(value) })?;
        if items.len() < least {
            return Err(What::Range(format!("at least {least} items, but got {}", items.len())));
        }
        for (index, item) in items.iter().enumerate() {
            self.path.index(index);
            self.value(item, shape)?;
            self.path.up();
        }
        Ok(())
    }

    fn map(&mut self, value: &Value, shape: &'static Shape) -> Result<(), What> {
        for (name, value) in object(value)? {
            self.path.field(name);
            self.value(value, shape)?;
            self.path.up();
        }
        Ok(())
    }

    fn tagged(
        &mut self,
        object: &Map<String, Value>,
        tag: &'static str,
        variants: &'static [(&'static str, &'static [Field])],
    ) -> Result<(), What> {
        let Some(given) = object.get(tag).filter(|given| !given.is_null()) else {
            self.path.field(tag);
            return Err(What::Missing);
        };
        match variants.iter().find(|(name, _)| given == name) {
            Some((_, fields)) => self.fields(object, &[fields], Some(tag)),
            None => {
                self.path.field(tag);
                let known: Vec<&str> = variants.iter().map(|(name, _)| *name).collect();
                text(given, 0, usize::MAX)?;
                Err(What::Word { known, got: given.as_str().unwrap_or_default().to_owned() })
            }
        }
    }

    fn union(
        &mut self,
        object: &Map<String, Value>,
        one: &'static [Field],
        others: &'static [Field],
    ) -> Result<(), What> {
        self.fields(object, &[one, others], None)?;
        let present = one.iter().filter(|field| object.get(field.name).is_some_and(|value| !value.is_null()));
        match present.count() {
            1 => Ok(()),
            _ => Err(What::NotOne(one.iter().map(|field| field.name).collect())),
        }
    }

    /// `tag` is known besides.
    fn fields(
        &mut self,
        object: &Map<String, Value>,
        tables: &[&'static [Field]],
        tag: Option<&'static str>,
    ) -> Result<(), What> {
        let known = || tables.iter().flat_map(|table| table.iter());
        for (name, value) in object {
            if tag == Some(name.as_str()) {
                continue;
            }
            self.path.field(name);
            let field = known().find(|field| field.name == name).ok_or(What::Unknown)?;
            let absent = value.is_null() && self.nulls == Nulls::Absent;
            match (absent, field.needed) {
                (true, true) if !matches!(field.shape, Shape::OrNull(_) | Shape::Any) => return Err(What::Missing),
                (true, _) => {}
                (false, _) => self.value(value, field.shape)?,
            }
            self.path.up();
        }
        if let Some(missing) = known().find(|field| field.needed && !object.contains_key(field.name)) {
            self.path.field(missing.name);
            return Err(What::Missing);
        }
        Ok(())
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, What> {
    value.as_object().ok_or(What::Type { expected: "an object", got: type_of(value) })
}

/// Whether the value has the JSON type that the shape wants.
fn fits(value: &Value, shape: &Shape) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Bool => value.is_boolean(),
        Shape::Int(..) | Shape::Num(..) => value.is_number(),
        Shape::Text(..) | Shape::Word(_) => value.is_string(),
        Shape::List(..) => value.is_array(),
        Shape::Map | Shape::MapOf(_) | Shape::Fields(_) | Shape::Tagged(..) | Shape::Union(..) => value.is_object(),
        Shape::Either(_, shapes) => shapes.iter().any(|shape| fits(value, shape)),
        Shape::OrNull(shape) => value.is_null() || fits(value, shape),
        Shape::By(choose) => fits(value, choose(value)),
    }
}

fn integer(value: &Value, low: i64, high: i64) -> Result<(), What> {
    let Some(number) = value.as_i64() else {
        return Err(What::Type { expected: "an integer", got: type_of(value) });
    };
    match number {
        number if number < low => Err(What::Range(format!("greater than or equal to {low}, but got {number}"))),
        number if number > high => Err(What::Range(format!("less than or equal to {high}, but got {number}"))),
        _ => Ok(()),
    }
}

fn number(value: &Value, low: f64, high: f64) -> Result<(), What> {
    let Some(number) = value.as_f64() else {
        return Err(What::Type { expected: "a decimal", got: type_of(value) });
    };
    match number {
        number if number < low => Err(What::Range(format!("greater than or equal to {low}, but got {number}"))),
        number if number > high => Err(What::Range(format!("less than or equal to {high}, but got {number}"))),
        _ => Ok(()),
    }
}

fn text(value: &Value, low: usize, high: usize) -> Result<(), What> {
    let Some(text) = value.as_str() else {
        return Err(What::Type { expected: "a string", got: type_of(value) });
    };
    // The length in bytes bounds that in characters, which is counted only where it matters.
    if low == 0 && text.len() <= high {
        return Ok(());
    }
    match text.chars().count() {
        count if count < low => Err(What::Range(format!("at least {low} characters, but got {count}"))),
        count if count > high => Err(What::Range(format!("at most {high} characters, but got {count}"))),
        _ => Ok(()),
    }
}

fn word(value: &Value, known: &'static [&'static str]) -> Result<(), What> {
    match value.as_str() {
        Some(word) if known.contains(&word) => Ok(()),
        Some(word) => Err(What::Word { known: known.to_vec(), got: word.to_owned() }),
        None => Err(What::Type { expected: "a string", got: type_of(value) }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{BOOL, FILLED, NATURAL, STRING, UNIT, may, need};
    use super::*;

    const PART: &Shape = &Shape::Tagged("type", &[("text", &[need("text", FILLED)]), ("stop", &[])]);
    const CONTENT: &Shape =
        &Shape::Either("a string or an array of parts", &[Shape::Text(0, 10), Shape::List(PART, 1)]);
    const CHOICE: &Shape = &Shape::Union(&[may("auto", &Shape::Map), may("name", STRING)], &[may("note", STRING)]);
    const ROOT: &Shape = &Shape::Fields(&[
        need("content", CONTENT),
        may("count", NATURAL),
        may("share", UNIT),
        may("flag", BOOL),
        may("mode", &Shape::Word(&["a", "b"])),
        may("choice", CHOICE),
        may("either", &Shape::OrNull(STRING)),
        may("labels", &Shape::MapOf(STRING)),
    ]);

    fn flaw(mut value: Value) -> Option<(String, What)> {
        if value.get("content").is_none() && value.get("none").is_none() {
            value["content"] = json!("x");
        }
        check(&value, ROOT, Nulls::Absent).err().map(|flaw| (flaw.path.bracketed(), flaw.what))
    }

    #[test]
    fn what_fits_has_no_flaw() {
        for value in [
            json!({"content": [{"type": "text", "text": "é"}, {"type": "stop"}]}),
            json!({"count": 0, "share": 0.5, "flag": true, "mode": "b", "labels": {"any": "thing"}}),
            json!({"choice": {"auto": {}, "note": "n"}, "count": null, "either": null}),
        ] {
            assert_eq!(flaw(value), None);
        }
    }

    #[test]
    fn a_flaw_names_its_place() {
        let cases = [
            (json!({"none": 1}), "none", What::Unknown),
            (json!({"content": null}), "content", What::Missing),
            (json!({"content": [{"text": "a"}]}), "content[0].type", What::Missing),
            (json!({"content": [{"type": "text"}]}), "content[0].text", What::Missing),
            (json!({"content": [{"type": "stop", "x": 1}]}), "content[0].x", What::Unknown),
            (json!({"count": -1}), "count", What::Range("greater than or equal to 0, but got -1".into())),
            (json!({"share": 2}), "share", What::Range("less than or equal to 1, but got 2".into())),
            (json!({"flag": 1}), "flag", What::Type { expected: "a boolean", got: "an integer" }),
            (json!({"labels": {"a": 1}}), "labels.a", What::Type { expected: "a string", got: "an integer" }),
            (json!({"mode": "c"}), "mode", What::Word { known: vec!["a", "b"], got: "c".into() }),
            (json!({"choice": {"auto": {}, "name": "n"}}), "choice", What::NotOne(vec!["auto", "name"])),
            (
                json!({"content": 7}),
                "content",
                What::Type { expected: "a string or an array of parts", got: "an integer" },
            ),
        ];
        for (value, path, what) in cases {
            assert_eq!(flaw(value), Some((path.to_owned(), what)));
        }
    }

    #[test]
    fn null_can_be_a_wrong_type() {
        let value = json!({"content": "x", "count": null, "either": null});
        let flaw = check(&value, ROOT, Nulls::Wrong).err().map(|flaw| flaw.path.dotted());
        assert_eq!(flaw.as_deref(), Some("count"));
    }
}
