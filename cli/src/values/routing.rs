//! What models, providers and rules are told about routing.

use pointsman_proto::admin::v1::{Affinity, HeaderMatch, HealthCheck, TimeOfDay};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `session`, `prefix` or `header:NAME`, and `,max_load=N` behind it.
pub fn affinity(text: &str) -> Result<Affinity, String> {
    let (by, rest) = text.split_once(',').map_or((text, None), |(by, rest)| (by, Some(rest)));
    let (by, header) = by.split_once(':').unwrap_or((by, ""));
    let is_known = match by {
        "session" | "prefix" => header.is_empty(),
        "header" => !header.is_empty(),
        _ => false,
    };
    if !is_known {
        return Err(format!(
            "`{text}` is no affinity: session, prefix and header:NAME are, and may end with ,max_load=N"
        ));
    }
    let max_load = match rest.map(|rest| rest.strip_prefix("max_load=").and_then(|load| load.parse().ok())) {
        None => 0.0,
        // The wire's 0 is the default.
        Some(Some(load)) if load != 0.0 => load,
        Some(_) => {
            return Err(
                "behind an affinity only max_load=N is allowed, from 1 to 1000, for example max_load=1.5".into()
            );
        }
    };
    Ok(Affinity { by: by.to_owned(), header: header.to_owned(), max_load })
}

/// `models`, `tcp`, `http[:/PATH]` or `completion:MODEL`: what is asked, without times.
pub fn check(text: &str) -> Result<HealthCheck, String> {
    let (kind, what) = text.split_once(':').unwrap_or((text, ""));
    let (path, model) = match kind {
        "models" | "tcp" if what.is_empty() => ("", ""),
        "http" => (what, ""),
        "completion" if !what.is_empty() => ("", what),
        _ => return Err(format!("`{text}` is no health check: models, tcp, http:/PATH and completion:MODEL are")),
    };
    Ok(HealthCheck { kind: kind.to_owned(), path: path.to_owned(), model: model.to_owned(), ..HealthCheck::default() })
}

/// `NAME` or `NAME=PATTERN`: a header that must be there.
pub fn header(text: &str) -> Result<HeaderMatch, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        return Err(format!("`{text}` names no header: NAME and NAME=PATTERN do"));
    }
    Ok(HeaderMatch { name: name.to_owned(), value: value.to_owned(), absent: false })
}

/// `NAME`: a header that must not be there.
pub fn absent_header(text: &str) -> Result<HeaderMatch, String> {
    if text.is_empty() || text.contains('=') {
        return Err(format!("`{text}` is no header's name"));
    }
    Ok(HeaderMatch { name: text.to_owned(), value: String::new(), absent: true })
}

/// `[DAYS ]HH:MM-HH:MM[ OFFSET]`, for example `mon-fri,sun 08:00-18:00 +02:00`.
pub fn time_of_day(text: &str) -> Result<TimeOfDay, String> {
    read_time(text).ok_or_else(|| {
        format!("`{text}` is no time of day: [DAYS ]HH:MM-HH:MM[ OFFSET] is, for example `mon-fri 08:00-18:00 +02:00`")
    })
}

fn read_time(text: &str) -> Option<TimeOfDay> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let utc_offset = words.pop_if(|last| last.starts_with(['+', '-'])).unwrap_or_default().to_owned();
    let (from, to) = words.pop()?.split_once('-')?;
    let days = words.pop().map_or(Some(Vec::new()), days)?;
    words.is_empty().then(|| TimeOfDay { from: from.to_owned(), to: to.to_owned(), days, utc_offset })
}

/// `mon`, `mon-fri`, `fri-mon`, and several with commas between.
fn days(text: &str) -> Option<Vec<String>> {
    let number = |day: &str| DAYS.iter().position(|known| *known == day);
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        let count = (last + 7 - first) % 7;
        days.extend((first..=first + count).map(|day| DAYS[day % 7].to_owned()));
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affinity_says_what_stays_together() {
        let expect = |text: &str, by: &str, header: &str, max_load: f64| {
            assert_eq!(affinity(text), Ok(Affinity { by: by.into(), header: header.into(), max_load }));
        };
        expect("session", "session", "", 0.0);
        expect("prefix,max_load=1.5", "prefix", "", 1.5);
        expect("header:x-team,max_load=2", "header", "x-team", 2.0);
        for bad in ["", "sticky", "header", "session:x", "prefix,load=2", "prefix,max_load=much", "prefix,max_load=0"] {
            assert!(affinity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_check_says_what_is_asked() {
        let expect = |text: &str, kind: &str, path: &str, model: &str| {
            let found = check(text).expect(text);
            assert_eq!((found.kind.as_str(), found.path.as_str(), found.model.as_str()), (kind, path, model));
        };
        expect("models", "models", "", "");
        expect("tcp", "tcp", "", "");
        expect("http", "http", "", "");
        expect("http:/health?deep=1", "http", "/health?deep=1", "");
        expect("completion:meta/llama:70b", "completion", "", "meta/llama:70b");
        for bad in ["", "ping", "models:x", "completion", "completion:"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_there_match_or_are_not_there() {
        let expect = |found: Result<HeaderMatch, String>, name: &str, value: &str, absent: bool| {
            assert_eq!(found, Ok(HeaderMatch { name: name.into(), value: value.into(), absent }));
        };
        expect(header("x-a"), "x-a", "", false);
        expect(header("x-a=b=*"), "x-a", "b=*", false);
        expect(absent_header("x-a"), "x-a", "", true);
        assert!(header("=b").is_err() && absent_header("x-a=b").is_err());
    }

    #[test]
    fn times_have_days_and_an_offset() {
        let expect = |text: &str, days: &[&str], from: &str, to: &str, offset: &str| {
            let found = time_of_day(text).expect(text);
            assert_eq!(found.days, days, "{text}");
            assert_eq!((found.from.as_str(), found.to.as_str(), found.utc_offset.as_str()), (from, to, offset));
        };
        expect("08:00-18:00", &[], "08:00", "18:00", "");
        expect("mon-wed,sun 08:00-18:00 +02:00", &["mon", "tue", "wed", "sun"], "08:00", "18:00", "+02:00");
        expect("sat-mon 22:00-06:00 -05:00", &["sat", "sun", "mon"], "22:00", "06:00", "-05:00");
        for bad in ["", "08:00", "today 08:00-18:00", "mon tue 08:00-18:00", "mon 08:00-18:00 CET"] {
            assert!(time_of_day(bad).is_err(), "{bad}");
        }
    }
}
