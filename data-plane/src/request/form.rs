//! The `model` of a multipart form (RFC 7578), as OpenAI's endpoints for images and audio take it: where its value stands.

use super::Unreadable;
use memchr::memmem;
use std::ops::Range;

/// The boundary that a content type names, if it is a form's.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = |parameter: &&str| parameter.trim_start().get(..9).is_some_and(|n| n.eq_ignore_ascii_case("boundary="));
    let value = parameters.split(';').find(named)?.trim_start()[9..].trim();
    Some(value.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Where the value of the field `model` stands.
pub(super) fn model(body: &[u8], boundary: &str) -> Result<Range<usize>, Unreadable> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    // The first delimiter has no line break before it.
    let opening = &delimiter.as_bytes()[2..];
    let mut at = memmem::find(body, opening).ok_or(Unreadable::Form)? + opening.len();
    let mut found = None;
    loop {
        if body[at..].starts_with(b"--") {
            return found.ok_or(Unreadable::NoModel);
        }
        let head = at..at + memmem::find(&body[at..], b"\r\n\r\n").ok_or(Unreadable::Form)?;
        let start = head.end + 4;
        let end = start + finder.find(&body[start..]).ok_or(Unreadable::Form)?;
        if is_model(&body[head])? {
            if found.is_some() {
                return Err(Unreadable::TwoModels);
            }
            found = Some(start..end);
        }
        at = end + delimiter.len();
    }
}

/// Whether a part is the field `model`.
///
/// # Errors
/// It may be to others: what one reader takes for the model and another does not would get around what a key may use.
fn is_model(head: &[u8]) -> Result<bool, Unreadable> {
    let head = String::from_utf8_lossy(head);
    let is_disposition = |line: &&str| line.get(..20).is_some_and(|l| l.eq_ignore_ascii_case("content-disposition:"));
    let Some(disposition) = head.lines().find(is_disposition) else { return Ok(false) };
    for parameter in disposition[20..].split(';').skip(1) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "name*" => return Err(Unreadable::Form),
            "name" if value == "\"model\"" || value == "model" => return Ok(true),
            "name" if plain(value) == "model" => return Err(Unreadable::Form),
            _ => {}
        }
    }
    Ok(false)
}

/// A value as the most lenient reader takes it.
fn plain(value: &str) -> String {
    value.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\n\0\r\n--b\r\n\
                        --B\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--B--\r\n";

    #[test]
    fn the_model_is_found_among_the_fields() {
        assert_eq!(boundary("multipart/form-data; charset=utf-8; boundary=\"B\""), Some("B"));
        assert_eq!(boundary("application/json"), None);
        let span = model(FORM.as_bytes(), "B").expect("it is there");
        assert_eq!(&FORM[span], "whisper-1");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let without = FORM.replace("\"model\"\r\n\r\n", "\"x\"\r\n\r\n");
        assert_eq!(model(without.as_bytes(), "B"), Err(Unreadable::NoModel));
        let twice = FORM.replace("name=\"file\"; filename=\"model\"", "name=\"model\"");
        assert_eq!(model(twice.as_bytes(), "B"), Err(Unreadable::TwoModels));
        for odd in ["name=\"MODEL\"", "name = \"model\"", "name=\"mod\\el\"", "name*=utf-8\'\'model"] {
            let form = FORM.replace("name=\"file\"; filename=\"model\"", odd);
            assert_eq!(model(form.as_bytes(), "B"), Err(Unreadable::Form), "{odd}");
        }
        for cut in 0..FORM.len() - 4 {
            assert!(model(&FORM.as_bytes()[..cut], "B").is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = model(&bytes, "B");
            let _ = model(&[b"--B\r\n".as_slice(), &bytes, b"\r\n--B--"].concat(), "B");
        }
    }
}
