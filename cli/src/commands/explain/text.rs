//! An explanation as text. Pure.

use crate::{commands::view::short, output::table};
use pointsman_proto::admin::v1::{Candidate, Exclusion, ExplainResponse, Explanation, Features, Hop, RuleTrace, Term};

pub(super) fn render(reply: &ExplainResponse) -> String {
    let mut text = reply.explanations.iter().map(explanation).collect::<Vec<_>>().join("\n");
    if !reply.silent_nodes.is_empty() {
        text.push_str(&format!("\nWithout an answer within a second: {}\n", reply.silent_nodes.join(", ")));
    }
    if !reply.overlong_nodes.is_empty() {
        text.push_str(&format!(
            "\nWith an answer longer than 1 MiB, which is left out: {}\n",
            reply.overlong_nodes.join(", ")
        ));
    }
    // What nodes and requests say may hold what would disturb a terminal.
    text.replace(|c: char| c.is_control() && c != '\n', "·")
}

fn explanation(of: &Explanation) -> String {
    let mut text = format!("Node {}, version {}\n", of.node, of.version);
    if let Some(features) = &of.features {
        line(&mut text, "Request", &request(features));
    }
    for (i, rule) in of.rules.iter().enumerate() {
        line(&mut text, if i == 0 { "Rules" } else { "" }, &trace(rule));
    }
    if of.rules.iter().all(|rule| !rule.fires) {
        line(&mut text, "Rule", "none fires");
    }
    if !of.preferences.is_empty() {
        line(&mut text, "Preferences", &of.preferences.join("; "));
    }
    if !of.refusal.is_empty() {
        line(&mut text, "REFUSED", &of.refusal);
    }
    if !of.hops.is_empty() && of.refusal.is_empty() {
        line(&mut text, "Confidence", &number(of.confidence));
    }
    for (i, hop) in of.hops.iter().enumerate() {
        text.push_str(&serving(i, hop));
    }
    text
}

fn line(text: &mut String, label: &str, what: &str) {
    let label = if label.is_empty() { String::new() } else { format!("{label}:") };
    text.push_str(&format!("  {label:<13}{what}\n"));
}

fn request(features: &Features) -> String {
    let mut parts = vec![format!("{} for {}", features.dialect, features.model)];
    if features.tokens > 0 {
        parts.push(format!("about {}", tokens(features.tokens)));
    }
    for (has, name) in [
        (features.thinking, "thinking"),
        (features.tools, "tools"),
        (features.web_search, "web search"),
        (features.images, "images"),
        (features.json_schema, "JSON schema"),
        (features.stream, "streamed"),
    ] {
        parts.extend(has.then(|| name.to_owned()));
    }
    if !features.session.is_empty() {
        parts.push(format!("session {}", features.session));
    }
    if features.last_prompt > 0 {
        parts.push(format!("after a prompt of {} in its session", tokens(features.last_prompt)));
    }
    parts.join(", ")
}

fn tokens(count: u64) -> String {
    format!("{count} {}", if count == 1 { "token" } else { "tokens" })
}

fn trace(rule: &RuleTrace) -> String {
    match (rule.fires, rule.why_not.as_str()) {
        (true, _) => format!("{} FIRES", rule.rule),
        (false, "") => format!("{} does not fire", rule.rule),
        (false, why) => format!("{} does not fire: {why}", rule.rule),
    }
}

/// A model of the chain, and its backends.
fn serving(i: usize, hop: &Hop) -> String {
    let then = if i == 0 { "Model" } else { "Then model" };
    let headers = ["BACKEND", "PRIORITY", "WEIGHT", "EFFECTIVE", "SHARE", "GOES-BY", "OUT"];
    let backends = table(&headers, hop.candidates.iter().map(candidate));
    let indented: String = backends.lines().map(|line| format!("    {line}\n")).collect();
    let more = match hop.left_out {
        0 => String::new(),
        count => format!("    and {count} more with smaller shares, which would make the answer longer than 1 MiB\n"),
    };
    format!("\n  {then} {}, by {}\n{indented}{more}", hop.model, hop.strategy)
}

fn candidate(of: &Candidate) -> Vec<String> {
    let or_dash = |parts: Vec<String>| if parts.is_empty() { "-".to_owned() } else { parts.join(", ") };
    vec![
        format!("{}/{}", of.provider, of.model),
        of.priority.to_string(),
        number(of.weight),
        number(of.effective_weight),
        format!("{:.1}%", of.share * 100.0),
        or_dash(of.terms.iter().filter_map(term).collect()),
        or_dash(of.excluded.iter().map(exclusion).collect()),
    ]
}

/// `success 0.98×0.25`, and in words what is no part of a score; nothing for what is only shown.
fn term(of: &Term) -> Option<String> {
    let value = number(of.value);
    let text = match of.name.as_str() {
        "score" => format!("score {value}"),
        _ if of.weight == 0.0 => return None,
        "near" if of.value == 1.0 => "in the node's zone".to_owned(),
        "near" if of.value > 0.0 => "in the node's region".to_owned(),
        "near" => "neither in the node's zone nor region".to_owned(),
        "first_byte_ms" => format!("first byte after {value}ms"),
        "in_flight" => format!("{value} in flight"),
        "cost_per_1000_requests" => format!("1000 requests cost {value}"),
        "affinity" => format!("affinity {value}"),
        "affinity_room" if of.value == 0.0 => "no room (above max_load)".to_owned(),
        "affinity_room" => "room".to_owned(),
        "headroom" => format!("headroom {value}"),
        name => format!("{name} {value}×{}", number(of.weight)),
    };
    Some(text)
}

/// `cooling: 429 (42s, n1 n2)`.
fn exclusion(of: &Exclusion) -> String {
    let until = of.remaining.is_some().then(|| short(of.remaining));
    let who = (!of.nodes.is_empty()).then(|| of.nodes.join(" "));
    let more: Vec<String> = until.into_iter().chain(who).collect();
    if more.is_empty() { of.reason.clone() } else { format!("{} ({})", of.reason, more.join(", ")) }
}

/// At most three decimals.
fn number(value: f64) -> String {
    format!("{}", (value * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pbjson_types::Duration;

    fn reply() -> ExplainResponse {
        let term = |name: &str, value, weight| Term { name: name.into(), value, weight };
        let cooling = Exclusion {
            reason: "cooling: 429".into(),
            remaining: Some(Duration { seconds: 42, nanos: 0 }),
            nodes: vec!["n2".into()],
        };
        let candidate = |provider: &str, effective_weight, share| Candidate {
            provider: provider.into(),
            model: "gpt-4o".into(),
            weight: 50.0,
            effective_weight,
            share,
            ..Default::default()
        };
        let hop = Hop {
            model: "gpt-4".into(),
            strategy: "auto → adaptive".into(),
            candidates: vec![
                Candidate {
                    terms: vec![
                        term("health", 0.9876, 0.25),
                        term("score", 0.911, 0.0),
                        term("first_byte_ms", 120.0, 0.0),
                    ],
                    ..candidate("openai", 100.0, 1.0)
                },
                Candidate { excluded: vec![cooling], ..candidate("azure", 0.0, 0.0) },
            ],
            left_out: 0,
        };
        let rule = |name: &str, fires, why_not: &str| RuleTrace { rule: name.into(), fires, why_not: why_not.into() };
        let explanation = Explanation {
            node: "n1".into(),
            version: 7,
            features: Some(Features {
                dialect: "chat".into(),
                model: "gpt-4".into(),
                tokens: 1200,
                tools: true,
                ..Default::default()
            }),
            rules: vec![rule("search", false, "web_search: it brings none"), rule("rest", true, "")],
            preferences: vec!["priority high".into(), "prefers provider openai".into()],
            confidence: 0.93,
            hops: vec![hop],
            ..Default::default()
        };
        ExplainResponse { explanations: vec![explanation], silent_nodes: vec!["n3".into()], overlong_nodes: Vec::new() }
    }

    #[test]
    fn an_explanation_reads_from_the_request_to_the_backends() {
        let expected = "\
Node n1, version 7
  Request:     chat for gpt-4, about 1200 tokens, tools
  Rules:       search does not fire: web_search: it brings none
               rest FIRES
  Preferences: priority high; prefers provider openai
  Confidence:  0.93

  Model gpt-4, by auto → adaptive
    BACKEND        PRIORITY  WEIGHT  EFFECTIVE  SHARE   GOES-BY                         OUT
    openai/gpt-4o  0         50      100        100.0%  health 0.988×0.25, score 0.911  -
    azure/gpt-4o   0         50      0          0.0%    -                               cooling: 429 (42s, n2)

Without an answer within a second: n3
";
        assert_eq!(render(&reply()), expected);
    }

    #[test]
    fn what_the_choice_goes_by_is_told_in_words() {
        let check = |name: &str, value, weight, expected: Option<&str>| {
            assert_eq!(term(&Term { name: name.into(), value, weight }).as_deref(), expected, "{name}");
        };
        check("near", 1.0, 1.0, Some("in the node's zone"));
        check("near", 0.5, 1.0, Some("in the node's region"));
        check("near", 0.0, 1.0, Some("neither in the node's zone nor region"));
        check("first_byte_ms", 120.0, 1.0, Some("first byte after 120ms"));
        check("first_byte_ms", 120.0, 0.0, None);
        check("in_flight", 0.0, 1.0, Some("0 in flight"));
        check("in_flight", 3.0, 0.0, None);
        check("cost_per_1000_requests", 2.5, 1.0, Some("1000 requests cost 2.5"));
        check("affinity_room", 1.0, 1.0, Some("room"));
        check("affinity_room", 0.0, 1.0, Some("no room (above max_load)"));
        check("success", 0.0, 0.4, Some("success 0×0.4"));
        check("preference.cost", 0.5, 0.25, Some("preference.cost 0.5×0.25"));
        assert_eq!([0, 1, 2].map(tokens), ["0 tokens", "1 token", "2 tokens"]);
    }

    #[test]
    fn what_is_left_out_is_told() {
        let mut reply = reply();
        reply.explanations[0].hops[0].left_out = 7;
        reply.overlong_nodes = vec!["n4".into()];
        let text = render(&reply);
        assert!(text.contains("\n    and 7 more with smaller shares"), "{text}");
        assert!(text.ends_with("longer than 1 MiB, which is left out: n4\n"), "{text}");
    }

    #[test]
    fn a_refusal_is_told_and_nothing_disturbs_the_terminal() {
        let hops = vec![Hop { model: "m".into(), ..Default::default() }];
        let refused = Explanation { refusal: "no such model \u{1b}[2J".into(), hops, ..Default::default() };
        let text = render(&ExplainResponse { explanations: vec![refused], ..Default::default() });
        assert!(text.contains("REFUSED:     no such model ·[2J") && text.contains("none fires"), "{text}");
        assert!(!text.contains("Confidence"), "{text}");
    }
}
