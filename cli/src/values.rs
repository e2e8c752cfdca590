//! Small values as they are typed in flags: names, weights and times here, lines of models and what routing is told in files
//! of their own.

mod backend;
mod routing;

pub use backend::backend;
pub use routing::{absent_header, affinity, check, header, time_of_day};

use jiff::{SignedDuration, Span, SpanRelativeTo};
use pbjson_types::{Duration, Timestamp};
use pointsman_proto::admin::v1::NewWeight;
use std::str::FromStr;

/// `PROVIDER/NAME`.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRef {
    pub provider: String,
    pub name: String,
}

impl FromStr for KeyRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((provider, name)) if !provider.is_empty() && !name.is_empty() => {
                Ok(Self { provider: provider.to_owned(), name: name.to_owned() })
            }
            _ => Err("a key is named PROVIDER/NAME, for example openai/main".to_owned()),
        }
    }
}

/// `PROVIDER[/MODEL]`; the upstream's model name may itself contain `/`.
fn endpoint(text: &str) -> Result<(String, String), String> {
    let (provider, model) = text.split_once('/').unwrap_or((text, ""));
    if provider.is_empty() || (model.is_empty() && text.contains('/')) {
        return Err("a backend is named PROVIDER or PROVIDER/MODEL, for example openai/gpt-4o".to_owned());
    }
    Ok((provider.to_owned(), model.to_owned()))
}

/// `PROVIDER[/PART]`, where the part is a model's or a key's name; empty: all of the provider.
pub fn part(text: &str) -> Result<(String, String), String> {
    endpoint(text).map_err(|_| "say PROVIDER, or PROVIDER/NAME for a part of it, for example openai/main".to_owned())
}

fn weight(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
        _ => Err(format!("`{text}` is no weight: a number from 0 upwards is")),
    }
}

/// `PROVIDER[/MODEL]=WEIGHT`, one line of `model set-weights`.
pub fn new_weight(text: &str) -> Result<NewWeight, String> {
    let (name, value) = text.rsplit_once('=').ok_or("say which weight, for example openai=40")?;
    let (provider, model) = endpoint(name)?;
    Ok(NewWeight { provider, model, weight: weight(value)? })
}

/// A number whose 0 would stand for the default on the wire.
fn number(text: &str, allowed: std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    text.parse().ok().filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (first, last) = (allowed.start(), allowed.end());
        let range = if *last == u32::MAX { format!("{first} upwards") } else { format!("{first} to {last}") };
        format!("must be a whole number from {range}; leave the flag out, or --unset the field, for the default")
    })
}

/// 1, 2, 3 ...
pub fn positive(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX)
}

/// 1 to 100.
pub fn percent(text: &str) -> Result<u32, String> {
    number(text, 1..=100)
}

/// `500ms`, `60s`, `1h 30m`, `30d`; a day has 24 hours.
fn signed_duration(text: &str) -> Result<SignedDuration, String> {
    text.parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .filter(|duration| !duration.is_negative())
        .ok_or_else(|| {
            format!("`{text}` is no duration: a number with its unit is, for example 500ms, 60s, 2m, 12h, 30d")
        })
}

/// A duration for the wire.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = signed_duration(text)?;
    Ok(Duration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() })
}

/// A duration for our own timers.
pub fn timer(text: &str) -> Result<std::time::Duration, String> {
    std::time::Duration::try_from(signed_duration(text)?).map_err(|error| error.to_string())
}

/// A moment, or how long from now.
pub fn expiry(text: &str) -> Result<Timestamp, String> {
    let moment = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment,
        Err(_) => {
            let ahead = signed_duration(text)
                .map_err(|_| format!("`{text}` is neither a moment (2027-01-01T00:00:00Z) nor a duration (30d)"))?;
            jiff::Timestamp::now().checked_add(ahead).map_err(|error| error.to_string())?
        }
    };
    Ok(Timestamp { seconds: moment.as_second(), nanos: moment.subsec_nanosecond() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_name_a_provider_or_an_upstream_model() {
        let check = |text: &str, provider: &str, model: &str, weight: f64| {
            let expected = NewWeight { provider: provider.into(), model: model.into(), weight };
            assert_eq!(new_weight(text), Ok(expected));
        };
        check("openai=40", "openai", "", 40.0);
        check("openai/gpt-4o=0.5", "openai", "gpt-4o", 0.5);
        check("router/meta/llama-3:70b=0", "router", "meta/llama-3:70b", 0.0);
        for bad in ["openai", "openai=", "=4", "openai/=4", "openai=-1", "openai=NaN", "openai=inf", "/m=1"] {
            assert!(new_weight(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        let check = |text: &str, seconds: i64, nanos: i32| assert_eq!(duration(text), Ok(Duration { seconds, nanos }));
        check("60s", 60, 0);
        check("0s", 0, 0);
        check("500ms", 0, 500_000_000);
        check("1h 30m", 5400, 0);
        check("30d", 2_592_000, 0);
        for bad in ["60", "", "-5s", "soon", "1y"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_zero_that_would_mean_the_default_is_refused() {
        assert_eq!((positive("7"), percent("100")), (Ok(7), Ok(100)));
        for (refused, range) in [
            (positive("0"), "from 1 upwards"),
            (positive("-1"), "from 1 upwards"),
            (percent("0"), "from 1 to 100"),
            (percent("101"), "from 1 to 100"),
            (percent("99.9"), "from 1 to 100"),
        ] {
            let told = refused.expect_err("it is out of range");
            assert!(told.contains(range) && told.contains("default"), "{told}");
        }
    }

    #[test]
    fn an_expiry_is_a_moment_or_a_distance() {
        assert_eq!(expiry("2027-01-01T00:00:00Z").map(|moment| moment.seconds), Ok(1_798_761_600));
        assert!(expiry("30d").is_ok_and(|moment| moment.seconds > jiff::Timestamp::now().as_second() + 2_591_000));
        assert!(expiry("tomorrow").is_err());
    }

    #[test]
    fn a_key_needs_both_names() {
        let expected = KeyRef { provider: "openai".into(), name: "main".into() };
        assert_eq!("openai/main".parse::<KeyRef>(), Ok(expected));
        for bad in ["openai", "openai/", "/main", ""] {
            assert!(bad.parse::<KeyRef>().is_err(), "{bad}");
        }
    }
}
