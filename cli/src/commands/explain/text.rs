//! An explanation as text. Pure.

use crate::{commands::view::short, output::table};
use pointsman_proto::admin::v1::{Candidate, Exclusion, ExplainResponse, Explanation, Features, Hop, RuleTrace, Term};

pub(super) fn render(reply: &ExplainResponse) -> String {
    let mut text = reply.explanations.iter().map(explanation).collect::<Vec<_>>().join("\n");
    if !reply.silent_nodes.is_empty() {
        text.push_str(&format!("\nWithout an answer within a second: {}\n", reply.silent_nodes.join(", ")));
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
        line(&mut text, "Preferences", &of.preferences.join(", "));
    }
    if !of.refusal.is_empty() {
        line(&mut text, "REFUSED", &of.refusal);
    }
    if !of.hops.is_empty() {
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
        parts.push(format!("about {} tokens", features.tokens));
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
    parts.join(", ")
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
    format!("\n  {then} {}, by {}\n{indented}", hop.model, hop.strategy)
}

fn candidate(of: &Candidate) -> Vec<String> {
    let or_dash = |parts: Vec<String>| if parts.is_empty() { "-".to_owned() } else { parts.join("  ") };
    vec![
        format!("{}/{}", of.provider, of.model),
        of.priority.to_string(),
        number(of.weight),
        number(of.effective_weight),
        format!("{:.1}%", of.share * 100.0),
        or_dash(of.terms.iter().map(term).collect()),
        or_dash(of.excluded.iter().map(exclusion).collect()),
    ]
}

/// `health 0.98×0.25`; without its weight where it is only shown.
fn term(of: &Term) -> String {
    let weight = if of.weight == 0.0 { String::new() } else { format!("×{}", number(of.weight)) };
    format!("{} {}{weight}", of.name, number(of.value))
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
                    terms: vec![term("health", 0.9876, 0.25), term("latency_ms", 120.0, 0.0)],
                    ..candidate("openai", 100.0, 1.0)
                },
                Candidate { excluded: vec![cooling], ..candidate("azure", 0.0, 0.0) },
            ],
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
            preferences: vec!["priority high".into()],
            confidence: 0.93,
            hops: vec![hop],
            ..Default::default()
        };
        ExplainResponse { explanations: vec![explanation], silent_nodes: vec!["n3".into()] }
    }

    #[test]
    fn an_explanation_reads_from_the_request_to_the_backends() {
        let expected = "\
Node n1, version 7
  Request:     chat for gpt-4, about 1200 tokens, tools
  Rules:       search does not fire: web_search: it brings none
               rest FIRES
  Preferences: priority high
  Confidence:  0.93

  Model gpt-4, by auto → adaptive
    BACKEND        PRIORITY  WEIGHT  EFFECTIVE  SHARE   GOES-BY                            OUT
    openai/gpt-4o  0         50      100        100.0%  health 0.988×0.25  latency_ms 120  -
    azure/gpt-4o   0         50      0          0.0%    -                                  cooling: 429 (42s, n2)

Without an answer within a second: n3
";
        assert_eq!(render(&reply()), expected);
    }

    #[test]
    fn a_refusal_is_told_and_nothing_disturbs_the_terminal() {
        let refused = Explanation { refusal: "no such model \u{1b}[2J".into(), ..Default::default() };
        let text = render(&ExplainResponse { explanations: vec![refused], silent_nodes: Vec::new() });
        assert!(text.contains("REFUSED:     no such model ·[2J") && text.contains("none fires"), "{text}");
        assert!(!text.contains("Confidence"), "{text}");
    }
}
