//! What must hold of a request, in words: short enough for a column.

use pointsman_proto::admin::v1::{Condition, HeaderMatch, Rule, TimeOfDay};

/// The class and the condition; `-` when nothing is said.
pub fn condition(rule: &Rule) -> String {
    let class = Some(rule.class.clone()).filter(|class| !class.is_empty());
    let when = rule.when.as_ref().map(parts).unwrap_or_default();
    let said: Vec<String> = class.into_iter().chain(when).collect();
    if said.is_empty() { "-".to_owned() } else { said.join(", ") }
}

fn parts(when: &Condition) -> Vec<String> {
    let mut said = Vec::new();
    one_of(&mut said, "", &when.dialects);
    one_of(&mut said, "model ", &when.models);
    match (when.min_tokens, when.max_tokens) {
        (0, 0) => {}
        (min, 0) => said.push(format!("{min}+ tokens")),
        (min, max) => said.push(format!("{min}-{max} tokens")),
    }
    flag(&mut said, when.thinking, "thinking");
    if !when.thinking_effort.is_empty() {
        said.push(format!("effort {}+", when.thinking_effort));
    }
    flag(&mut said, when.tools, "tools");
    flag(&mut said, when.web_search, "web search");
    flag(&mut said, when.images, "images");
    flag(&mut said, when.stream, "stream");
    said.extend(when.headers.iter().map(header));
    one_of(&mut said, "key tag ", &when.virtual_key_tags);
    one_of(&mut said, "", &when.times.iter().map(time).collect::<Vec<_>>());
    said
}

fn one_of(said: &mut Vec<String>, what: &str, list: &[String]) {
    if !list.is_empty() {
        said.push(format!("{what}{}", list.join("|")));
    }
}

fn flag(said: &mut Vec<String>, wanted: Option<bool>, what: &str) {
    said.extend(wanted.map(|wanted| if wanted { what.to_owned() } else { format!("no {what}") }));
}

fn header(header: &HeaderMatch) -> String {
    let (no, equals) = (if header.absent { "no " } else { "" }, if header.value.is_empty() { "" } else { "=" });
    format!("{no}header {}{equals}{}", header.name, header.value)
}

fn time(time: &TimeOfDay) -> String {
    let days = if time.days.is_empty() { String::new() } else { format!("{} ", time.days.join(",")) };
    let offset = if time.utc_offset.is_empty() { String::new() } else { format!(" {}", time.utc_offset) };
    format!("{days}{}-{}{offset}", time.from, time.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_told_in_words() {
        for (json, expected) in [
            (r#"{"class": "background"}"#, "background"),
            (r#"{"class": "long_context", "when": {"min_tokens": 150000}}"#, "long_context, 150000+ tokens"),
            (
                r#"{"when": {"dialects": ["chat", "messages"], "models": ["claude-*"], "max_tokens": 500, "thinking": true,
                             "thinking_effort": "low", "tools": false, "virtual_key_tags": ["a", "b"]}}"#,
                "chat|messages, model claude-*, 0-500 tokens, thinking, effort low+, no tools, key tag a|b",
            ),
            (
                r#"{"when": {"headers": [{"name": "x-a", "value": "1*"}, {"name": "x-b", "absent": true}],
                             "times": [{"from": "08:00", "to": "18:00", "days": ["mon", "tue"], "utc_offset": "+02:00"}]}}"#,
                "header x-a=1*, no header x-b, mon,tue 08:00-18:00 +02:00",
            ),
            ("{}", "-"),
        ] {
            let rule: Rule = serde_json::from_str(json).expect("a rule");
            assert_eq!(condition(&rule), expected);
        }
    }
}
