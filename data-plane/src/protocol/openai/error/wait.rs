//! How long an error says to wait: in Google's details, or in the words of its message, which is all there is in a
//! stream.

use serde_json::Value;
use std::time::Duration;

/// More than this is no hint but an error.
const LONGEST_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

/// OpenAI, Google and Azure say it thus, each before a length of time.
const PHRASES: [&str; 3] = ["try again in ", "retry in ", "retry after "];

pub(super) fn stated(error: &Value, message: &str) -> Option<Duration> {
    let details = error.get("details").and_then(Value::as_array);
    let delay = details.into_iter().flatten().find_map(|detail| detail.get("retryDelay")?.as_str());
    let seconds = delay.and_then(length).or_else(|| {
        let lower = message.to_ascii_lowercase();
        PHRASES.iter().find_map(|phrase| length(&lower[lower.find(phrase)? + phrase.len()..]))
    });
    seconds.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_SECONDS)))
}

/// The seconds that a text begins with: `7m12.5s`, `850ms`, `26 seconds`.
fn length(text: &str) -> Option<f64> {
    let (mut rest, mut total) = (text, None);
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        // A sentence may end after the number.
        let Ok(value) = rest[..digits].trim_end_matches('.').parse::<f64>() else { return total };
        let after = rest[digits..].trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..end] {
            "d" | "day" | "days" => 86_400.0,
            "h" | "hour" | "hours" => 3_600.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "s" | "sec" | "second" | "seconds" => 1.0,
            "ms" | "millisecond" | "milliseconds" => 0.001,
            _ => return total,
        };
        total = Some(total.unwrap_or(0.0) + value * unit);
        rest = after[end..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_length_is_found_in_the_message() {
        for (message, expected) in [
            ("Rate limit reached. Please try again in 6m0s. Visit …", Some(360.0)),
            ("Please try again in 1.242s.", Some(1.242)),
            ("Please try again in 850ms.", Some(0.85)),
            ("Please try again in 7m12.5s.", Some(432.5)),
            ("Please try again in 1h2m", Some(3720.0)),
            ("… Please retry after 26 seconds.", Some(26.0)),
            ("Please retry in 34.07s.", Some(34.07)),
            ("Please Try Again In 2 minutes and be patient", Some(120.0)),
            ("Please try again in a while", None),
            ("Please try again in 5", None),
            ("Please try again later", None),
            ("", None),
        ] {
            let told = stated(&Value::Null, message).map(|wait| (wait.as_secs_f64() * 1000.0).round() / 1000.0);
            assert_eq!(told, expected, "{message}");
        }
    }

    #[test]
    fn googles_details_tell_it_exactly() {
        let error = json!({"details": [{"@type": "x"}, {"retryDelay": "34s"}]});
        assert_eq!(stated(&error, "retry in 99s"), Some(Duration::from_secs(34)));
    }

    proptest! {
        #[test]
        fn no_message_panics(text in "(try again in |retry after )?[0-9.a-zä ]{0,30}") {
            stated(&Value::Null, &text);
        }
    }
}
