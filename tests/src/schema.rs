//! What a provider accepts, as tables: a [`Shape`] says which JSON a place may hold, and [`check()`] finds the first
//! [`Flaw`].
//!
//! Objects are closed: a field that no table names is a flaw, since a provider that took it would hide a translation
//! that went wrong. What depends on other fields (which results answer which calls) is the protocols' own code.

mod check;
mod flaw;

pub(crate) use check::{Nulls, check};
pub(crate) use flaw::{Flaw, Path, What, type_of};

/// Which JSON a place may hold.
#[derive(Debug)]
pub(crate) enum Shape {
    Any,
    Bool,
    /// A whole number, both ends included.
    Int(i64, i64),
    /// Any number, both ends included.
    Num(f64, f64),
    /// A string of so many characters, both ends included.
    Text(usize, usize),
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A list with at least so many items.
    List(&'static Shape, usize),
    /// An object with any fields.
    Map,
    /// An object with fields of any name, each of this shape.
    MapOf(&'static Shape),
    Fields(&'static [Field]),
    /// An object whose field of this name says which fields it has besides.
    Tagged(&'static str, &'static [(&'static str, &'static [Field])]),
    /// An object with exactly one of the first fields, and any of the second.
    Union(&'static [Field], &'static [Field]),
    /// The first of these whose JSON type the value has; the words say what was expected.
    Either(&'static str, &'static [Shape]),
    /// `null` is as good, even where it is not the same as absence.
    OrNull(&'static Shape),
    /// What the value itself decides.
    By(fn(&serde_json::Value) -> &'static Shape),
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub name: &'static str,
    pub shape: &'static Shape,
    pub needed: bool,
}

/// A field that must be there.
pub(crate) const fn need(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, shape, needed: true }
}

/// A field that may be there.
pub(crate) const fn may(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, shape, needed: false }
}

pub(crate) const BOOL: &Shape = &Shape::Bool;
pub(crate) const ANY: &Shape = &Shape::Any;
pub(crate) const MAP: &Shape = &Shape::Map;
pub(crate) const STRING: &Shape = &Shape::Text(0, usize::MAX);
pub(crate) const FILLED: &Shape = &Shape::Text(1, usize::MAX);
pub(crate) const INTEGER: &Shape = &Shape::Int(i64::MIN, i64::MAX);
pub(crate) const NATURAL: &Shape = &Shape::Int(0, i64::MAX);
pub(crate) const POSITIVE: &Shape = &Shape::Int(1, i64::MAX);
pub(crate) const NUMBER: &Shape = &Shape::Num(f64::MIN, f64::MAX);
/// From 0 to 1: `top_p` everywhere, and some temperatures.
pub(crate) const UNIT: &Shape = &Shape::Num(0.0, 1.0);
pub(crate) const STRINGS: &Shape = &Shape::List(STRING, 0);
