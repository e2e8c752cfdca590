//! Counting, reading, and what is no JSON.

mod tokens;

use super::*;
use proptest::prelude::*;

fn size(text: &str) -> Size {
    let mut size = Size::default();
    Cursor::new(text.as_bytes()).measure_text(&mut size);
    size
}

/// Of texts without escapes.
fn plain(texts: &[&str], more: u64) -> Size {
    let mut size = Size::default();
    for text in texts {
        size.begin();
        size.letters(text.as_bytes());
    }
    size.add(more);
    size
}

#[test]
fn letters_are_counted_as_they_stand_for() {
    for (text, says) in [
        (r#""""#, ""),
        (r#""seven77""#, "seven77"),
        (r#""a\n\"b\\\/\t\r\b\f""#, "a\n\"b\\/\t\r\u{8}\u{c}"),
        (r#""äé漢""#, "äé漢"),
        (r#""\u003c\u00e4\u6f22\ud83d\ude00""#, "<ä漢😀"),
    ] {
        let size = size(text);
        assert_eq!((size.tokens(), size.bytes()), (plain(&[says], 0).tokens(), says.len() as u64), "{text}");
    }
    let texts = ["a", "bc"];
    let marks = 2 * Size::MARKS + 3 * Size::SCALAR;
    assert_eq!(size(r#"{"a":[1,true,null,"bc"]}"#).tokens(), plain(&texts, marks).tokens());
}

#[test]
fn names_are_known_however_they_are_escaped() {
    let mut read = Vec::new();
    Cursor::new(br#" { "mod\u0065l" : "a\"b" , "n" : -1.5e3 , "q":"12", "t":true } "#).fields(|json, name| {
        let value = match name {
            b"model" => json.text().map(|text| String::from_utf8_lossy(&text.plain()).into_owned()),
            b"t" => json.flag().map(|flag| flag.to_string()),
            _ => json.number().map(|number| number.to_string()),
        };
        read.push(value.expect("it is of this type"));
    });
    assert_eq!(read, ["a\"b", "-1500", "12", "true"]);
}

#[test]
fn what_is_of_another_type_is_passed_over() {
    let (mut at, mut last) = (0, None);
    Cursor::new(br#"[{"a":[1]}, "x", 7, [2], {"b":1}, "end"]"#).items(|json| {
        at += 1;
        match at {
            1 => assert!(json.text().is_none()),
            2 => json.fields(|_, _| panic!("it is a string")),
            3 => assert!(json.flag().is_none()),
            4 => assert!(json.number().is_none()),
            5 => json.items(|_| panic!("it is an object")),
            _ => last = json.text().map(Text::plain),
        }
    });
    assert_eq!(last.as_deref(), Some(b"end".as_slice()));
}

fn count_items(bytes: &[u8]) -> usize {
    let mut items = 0;
    Cursor::new(bytes).items(|json| {
        items += 1;
        json.skip();
    });
    items
}

#[test]
fn what_is_no_json_ends_it() {
    for bad in ["[1,}", "[,,1]", "[1 \u{0}", "[\"a", "[\"a\\", "[{\"a\":", "[:", "]", "[1,2"] {
        assert!(count_items(bad.as_bytes()) <= 2, "{bad}");
    }
    assert_eq!(count_items("[".repeat(1_000_000).as_bytes()), 1, "no depth is too much");
}

proptest! {
    #[test]
    fn no_input_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        text in r#"[\[\]{}:,"\\u0a1 -]{0,40}"#,
    ) {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            count_items(bytes);
            Cursor::new(bytes).fields(|json, _| json.measure(&mut Size::default()));
        }
    }

    #[test]
    fn every_text_is_counted_right(text in "[\\PC\\x00-\\x20\"\\\\]{0,60}") {
        let told = |written: &str| (size(written).tokens(), size(written).bytes());
        let expected = (plain(&[&text], 0).tokens(), text.len() as u64);
        prop_assert_eq!(told(&serde_json::to_string(&text).expect("a string")), expected);
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        prop_assert_eq!(told(&format!("\"{escaped}\"")), expected);
    }
}
