//! What a request says that it would like, in headers of its own. They come before the rule's, and those before the
//! virtual key's ([`Preferences::over`]).

use crate::headers::OURS;
use http::HeaderMap;
use pointsman_proto::{admin::v1 as wire, domain::Preferences, violation::Violation};
use std::time::Duration;

/// Each header, and the field of a resource's `preferences` that it stands for.
const HEADERS: [(&str, &str); 8] = [
    ("x-pointsman-priority", "priority"),
    ("x-pointsman-region", "region"),
    ("x-pointsman-prefer-providers", "preferred_providers"),
    ("x-pointsman-exclude-providers", "excluded_providers"),
    ("x-pointsman-latency-tolerance", "latency_tolerance"),
    ("x-pointsman-cost-sensitivity", "cost_sensitivity"),
    ("x-pointsman-quality", "quality"),
    ("x-pointsman-require-tags", "required_tags"),
];

/// The longest value that is repeated to the client.
const SHOWN: usize = 100;

/// A header that says nothing that could be heeded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {header} cannot be {found:?}: {why}")]
pub struct BadPreference {
    pub header: &'static str,
    pub found: String,
    /// What is allowed.
    pub why: String,
}

/// What a request's headers say.
///
/// # Errors
/// One of them is not valid.
pub fn of_headers(headers: &HeaderMap) -> Result<Preferences, BadPreference> {
    // Hardly any request has one.
    if !headers.keys().any(|name| name.as_str().starts_with(OURS)) {
        return Ok(Preferences::default());
    }
    let mut stated = wire::Preferences::default();
    for (header, field) in HEADERS {
        let text = text(headers, header);
        let text = text.as_deref().map_err(|raw| bad(header, raw, "must be printable ASCII"))?;
        if !text.is_empty() {
            state(&mut stated, field, text).map_err(|why| bad(header, text, why))?;
        }
    }
    Preferences::check(&stated, "").map_err(|violations| {
        let of = |violation: &Violation| HEADERS.iter().find(|(_, field)| violation.field.starts_with(field));
        let found = violations.iter().find_map(|violation| Some((of(violation)?.0, &violation.description)));
        let (header, description) = found.expect("each field that was checked came from one of the headers");
        // It repeats what it found, however long that is.
        let why = description.split_once(" found ").map_or(description.as_str(), |(why, _)| why);
        bad(header, &text(headers, header).unwrap_or_default(), why.trim_end_matches([',', ';']))
    })
}

/// Whether all providers that headers name are there: a slip of the pen must not send a request where it is not to go.
///
/// # Errors
/// The first that is not.
pub fn check_providers(stated: &Preferences, is_there: impl Fn(&str) -> bool) -> Result<(), BadPreference> {
    let excluded = stated.excluded_providers.iter().map(|name| ("x-pointsman-exclude-providers", name));
    let preferred = stated.preferred_providers.iter().map(|name| ("x-pointsman-prefer-providers", name));
    match excluded.chain(preferred).find(|(_, name)| !is_there(name)) {
        Some((header, name)) => Err(bad(header, name, "there is no provider of this name")),
        None => Ok(()),
    }
}

/// The values of a header, in one list.
fn text(headers: &HeaderMap, name: &str) -> Result<String, String> {
    let mut all = String::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| String::from_utf8_lossy(value.as_bytes()).into_owned())?;
        all.push_str(if all.is_empty() { "" } else { "," });
        all.push_str(text.trim());
    }
    Ok(all)
}

fn state(stated: &mut wire::Preferences, field: &str, text: &str) -> Result<(), &'static str> {
    let list = || text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    match field {
        "priority" => stated.priority = text.to_ascii_lowercase(),
        "region" => stated.region = text.to_owned(),
        "preferred_providers" => stated.preferred_providers = list(),
        "excluded_providers" => stated.excluded_providers = list(),
        "latency_tolerance" => {
            let tolerance = time(text).ok_or("must be a time as 800ms or 2s")?;
            stated.latency_tolerance = Some(tolerance.into());
        }
        "cost_sensitivity" => {
            stated.cost_sensitivity = Some(text.parse().map_err(|_| "must be a number from 0 to 1")?);
        }
        "quality" => stated.quality = text.to_ascii_lowercase(),
        _ => stated.required_tags = list(),
    }
    Ok(())
}

/// A time as `800ms`, `2s` or `1.5s`, of whole milliseconds.
fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s')?, 1000.0),
    };
    let number: f64 = number.trim_end().parse().ok()?;
    // Beyond a year nothing is a tolerance, and NaN is no time.
    (0.0..=3.2e10).contains(&(number * unit)).then(|| Duration::from_millis((number * unit).round() as u64))
}

fn bad(header: &'static str, found: &str, why: &str) -> BadPreference {
    let found = found[..found.floor_char_boundary(SHOWN)].to_owned();
    BadPreference { header, found, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use pointsman_proto::domain::{Priority, Quality};

    fn of(headers: &[(&'static str, &'static str)]) -> Result<Preferences, BadPreference> {
        let each = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut all = HeaderMap::new();
        each.for_each(|(name, value)| _ = all.append(name, value));
        of_headers(&all)
    }

    #[test]
    fn every_header_is_heeded() {
        let said = of(&[
            ("x-pointsman-priority", "Critical"),
            ("x-pointsman-region", "eu-west"),
            ("x-pointsman-prefer-providers", "a, b"),
            ("x-pointsman-prefer-providers", "c"),
            ("x-pointsman-exclude-providers", "d,"),
            ("x-pointsman-latency-tolerance", "1.5s"),
            ("x-pointsman-cost-sensitivity", "0.25"),
            ("x-pointsman-quality", "premium"),
            ("x-pointsman-require-tags", "fast, private"),
        ]);
        let said = said.expect("they are valid");
        assert_eq!((said.priority, said.quality), (Some(Priority::Critical), Some(Quality::Premium)));
        assert_eq!((said.region.as_deref(), said.cost_sensitivity), (Some("eu-west"), Some(250)));
        assert_eq!(said.preferred_providers.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(said.excluded_providers.len(), 1);
        assert_eq!(said.latency_tolerance, Some(Duration::from_millis(1500)));
        assert_eq!(said.required_tags, ["fast", "private"]);
    }

    #[test]
    fn without_a_header_nothing_is_said() {
        let quiet = [("x-pointsman-confidence", "1"), ("x-pointsman-region", " "), ("accept", "*/*")];
        assert_eq!(of(&quiet), Ok(Preferences::default()));
        assert_eq!(of(&[]), Ok(Preferences::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (header, value, why) in [
            ("x-pointsman-priority", "urgent", "critical, high, normal, low"),
            ("x-pointsman-quality", "gold", "basic, standard, premium"),
            ("x-pointsman-cost-sensitivity", "1.5", "from 0 to 1"),
            ("x-pointsman-cost-sensitivity", "NaN", "from 0 to 1"),
            ("x-pointsman-cost-sensitivity", "much", "from 0 to 1"),
            ("x-pointsman-latency-tolerance", "2", "800ms or 2s"),
            ("x-pointsman-latency-tolerance", "NaNs", "800ms or 2s"),
            ("x-pointsman-latency-tolerance", "-1s", "800ms or 2s"),
            ("x-pointsman-latency-tolerance", "0ms", "from 1ms to 3600s"),
            ("x-pointsman-latency-tolerance", "9000s", "from 1ms to 3600s"),
            ("x-pointsman-prefer-providers", "a b", "letters, digits"),
            ("x-pointsman-exclude-providers", "a,?", "letters, digits"),
        ] {
            let bad = of(&[(header, value)]).expect_err("it is not valid");
            assert_eq!((bad.header, bad.found.as_str()), (header, value), "{bad}");
            assert!(bad.to_string().contains(why) && bad.to_string().contains(header), "{bad}");
        }
        let both = of(&[("x-pointsman-prefer-providers", "a"), ("x-pointsman-exclude-providers", "a")]);
        assert_eq!(both.expect_err("it contradicts itself").header, "x-pointsman-exclude-providers");
    }

    #[test]
    fn providers_that_are_not_there_are_named() {
        let check = |header, value| {
            let stated = of(&[(header, value)]).expect("they could be names");
            check_providers(&stated, |name| name == "a").map_err(|bad| bad.to_string())
        };
        for header in ["x-pointsman-prefer-providers", "x-pointsman-exclude-providers"] {
            assert_eq!(check(header, "a"), Ok(()));
            let told = format!("the header {header} cannot be \"nobody\": there is no provider of this name");
            assert_eq!(check(header, "a, nobody"), Err(told));
        }
        assert!(check("x-pointsman-exclude-providers", "A").is_err(), "letters have one case");
    }

    #[test]
    fn a_long_value_is_not_repeated_whole() {
        let mut headers = HeaderMap::new();
        let long = HeaderValue::try_from("x".repeat(5000)).expect("it is a value");
        headers.insert("x-pointsman-priority", long);
        let bad = of_headers(&headers).expect_err("it is not valid");
        assert!(bad.to_string().len() <= 3 * SHOWN, "{bad}");
    }
}
