use super::*;
use crate::args::{Cli, Command};
use clap::Parser;

const CONFIG: &str = "
providers:
  - { name: openai, protocol: openai }
  - { name: azure, protocol: openai }
  - { name: spare, protocol: openai }
keys:
  - { provider: openai, name: k1 }
  - { provider: openai, name: k2 }
  - { provider: azure, name: main }
  - { provider: spare, name: main }
models:
  - { name: gpt-4, backends: [{ provider: openai, weight: 70 }, { provider: azure, model: up, weight: 30 }], fallbacks: [other] }
  - { name: other, backends: [{ provider: spare }] }
rules:
  - { name: vip, when: { headers: [{ name: x-team, value: vip }] }, model: other }
";

fn run(flags: &[&str]) -> Result<Report, CliError> {
    run_with(CONFIG, flags)
}

fn run_with(config: &str, flags: &[&str]) -> Result<Report, CliError> {
    let config = input::yaml::<Config>("test", config).expect("it is YAML").pop().unwrap_or_default();
    let line = ["pointsman", "simulate", "-n", "4000"].iter().chain(flags);
    let Command::Simulate(args) = Cli::parse_from(line).command else { panic!("it is simulate") };
    simulate(config, &args)
}

fn shares(report: &Report) -> Vec<(String, u32)> {
    let share = |line: &report::Line| (line.provider.clone(), (line.counts.share * 100.0).round() as u32);
    report.backends.iter().map(share).collect()
}

fn named(all: [(&str, u32); 3]) -> Vec<(String, u32)> {
    all.map(|(name, share)| (name.to_owned(), share)).into()
}

#[test]
fn shares_are_the_weights_and_keys_take_turns() {
    let report = run(&["--model", "gpt-4", "--strategy", "weighted_round_robin"]).expect("it runs");
    assert_eq!(shares(&report), named([("openai", 70), ("azure", 30), ("spare", 0)]));
    assert_eq!((report.served, report.strategy, report.attempts), (4_000, "weighted_round_robin", 1.0));
    let of_keys: Vec<u64> = report.backends[0].keys.iter().map(|key| key.counts.served).collect();
    assert_eq!(of_keys, [1_400, 1_400]);
    assert!((900.0..1_200.0).contains(&report.mean_latency_ms), "{}", report.mean_latency_ms);
}

#[test]
fn what_is_stated_happens() {
    let down = run(&["--model", "gpt-4", "--fail", "openai"]).expect("it runs");
    assert_eq!(shares(&down), named([("openai", 0), ("azure", 100), ("spare", 0)]));
    assert!(down.served == 4_000 && down.backends[0].counts.failed < 20, "its circuit opens");
    let both = run(&["--model", "gpt-4", "--fail", "openai/gpt-4", "--fail", "azure/up"]).expect("it runs");
    assert_eq!(shares(&both), named([("openai", 0), ("azure", 0), ("spare", 100)]), "the fallback serves");
    let limited = run(&["--model", "gpt-4", "--rate-limit", "openai/k1"]).expect("it runs");
    assert_eq!((limited.backends[0].keys[0].counts.served, limited.served), (0, 4_000));
    assert!((66..75).contains(&shares(&limited)[0].1), "its other key takes its place");
    let failing = run(&["--model", "gpt-4", "--error-rate", "azure=0.1"]).expect("it runs");
    assert!(failing.attempts > 1.01 && failing.served > 3_980, "{}", failing.attempts);
    let slow = run(&["--model", "gpt-4", "--latency", "openai=4s", "--strategy", "least_latency"]).expect("it runs");
    assert!(shares(&slow)[1].1 > 85, "{:?}", shares(&slow));
}

#[test]
fn headers_are_read_as_a_node_reads_them() {
    let report = run(&["--model", "gpt-4", "--header", "x-team: vip"]).expect("it runs");
    assert_eq!((report.model.as_str(), report.rule.as_deref()), ("other", Some("vip")));
    let excluded = run(&["--model", "gpt-4", "--header", "x-pointsman-exclude-providers: openai"]).expect("it runs");
    assert_eq!(shares(&excluded)[1].1, 100);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let text = |seed| run(&["--model", "gpt-4", "--error-rate", "azure=0.3", "--seed", seed]).expect("it runs").text();
    assert_eq!(text("3"), text("3"));
    assert_ne!(text("3"), text("4"));
}

#[test]
fn what_is_not_there_is_named() {
    for (flags, code, said) in [
        (&["--model", "gpt-5"][..], 3, "there is no enabled model \"gpt-5\""),
        (
            &["--model", "gpt-4", "--fail", "opnai"],
            3,
            "no provider \"opnai\" in the configuration; it has: azure, openai, spare",
        ),
        (
            &["--model", "gpt-4", "--fail", "azure/down"],
            3,
            "no model of azure \"down\" in the configuration; it has: up",
        ),
        (
            &["--model", "gpt-4", "--rate-limit", "openai/k3"],
            3,
            "no key of openai \"k3\" in the configuration; it has: k1, k2",
        ),
        (&["--model", "gpt-4", "--header", "x-pointsman-priority: urgent"], 1, "such a request is refused"),
    ] {
        let error = run(flags).err().expect("it is refused");
        assert_eq!(error.exit_code(false), code, "{flags:?}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_configuration_that_is_not_valid_is_told_field_by_field() {
    let mut config = input::yaml::<Config>("test", CONFIG).expect("it is YAML").pop().expect("one document");
    config.models[0].backends[0].weight = Some(-1.0);
    let Command::Simulate(args) = Cli::parse_from(["pointsman", "simulate", "--model", "gpt-4"]).command else {
        panic!("it is simulate")
    };
    let error = simulate(config, &args).err().expect("it is refused").to_string();
    assert!(error.contains("nothing was simulated\n  models[\"gpt-4\"].backends[0].weight: "), "{error}");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for flags in [
        &["--model", "gpt-4", "-n", "0"][..],
        &["--model", "gpt-4", "-n", "10000001"],
        &["--model", "gpt-4", "--rate", "0.0009"],
        &["--model", "gpt-4", "--rate", "inf"],
        &["--model", "gpt-4", "--strategy", "fastest"],
        &["--model", "gpt-4", "--latency", "openai=-1s"],
        &["--model", "gpt-4", "--latency", "openai=soon"],
        &["--model", "gpt-4", "--latency", "openai=25h"],
        &["--model", "gpt-4", "--error-rate", "openai=1.1"],
        &["--model", "gpt-4", "--error-rate", "openai=NaN"],
        &["--model", "gpt-4", "--fail", ""],
        &["--model", "gpt-4", "--rate-limit", "/k1"],
        &["--model", "gpt-4", "--header", "x-team"],
        &["--model", "gpt-4", "--seed", "-1"],
        &[],
    ] {
        let line = ["pointsman", "simulate"].iter().chain(flags);
        assert!(Cli::try_parse_from(line).is_err(), "{flags:?}");
    }
}

#[test]
fn extremes_end() {
    for (flags, served) in [
        (&["--model", "gpt-4", "--rate", "0.001", "--fail", "openai"][..], 4_000),
        (&["--model", "gpt-4", "--rate", "100000"], 4_000),
        (&["--model", "gpt-4", "--latency", "openai=0s", "--latency", "azure=0s"], 4_000),
        (&["--model", "gpt-4", "--latency", "openai=24h", "--strategy", "least_latency"], 4_000),
        (&["--model", "gpt-4", "--rate", "0.001", "--fail", "openai", "--fail", "azure", "--fail", "spare"], 0),
        (&["--model", "gpt-4", "--error-rate", "openai=1", "--error-rate", "azure=1", "--error-rate", "spare=1"], 0),
        (&["--model", "gpt-4", "--rate-limit", "openai", "--rate-limit", "azure", "--rate-limit", "spare"], 0),
    ] {
        let report = run(flags).expect("it runs");
        assert_eq!((report.requests, report.served), (4_000, served), "{flags:?}");
        assert!(report.seconds.is_finite() && report.mean_latency_ms.is_finite(), "{flags:?}");
        assert!(report.text().contains("4000 requests for gpt-4"), "{flags:?}");
    }
}

#[test]
fn a_configuration_that_serves_nothing_is_no_model_or_no_answer() {
    for (config, said) in [
        ("{}", "there is no enabled model \"gpt-4\""),
        ("models: [{ name: gpt-4 }]", "nothing was simulated"),
        ("providers: [{ name: p }]", "nothing was simulated"),
        (
            "
providers: [{ name: p, protocol: openai }]
keys: [{ provider: p, name: k }]
models: [{ name: gpt-4, enabled: false, backends: [{ provider: p }] }]",
            "there is no enabled model \"gpt-4\"",
        ),
    ] {
        let error = run_with(config, &["--model", "gpt-4"]).err().expect("it is refused").to_string();
        assert!(error.contains(said), "{error}");
    }
    let keyless = "
providers: [{ name: p, protocol: openai }]
models: [{ name: gpt-4, backends: [{ provider: p }] }]";
    let report = run_with(keyless, &["--model", "gpt-4"]).expect("it runs");
    assert_eq!((report.served, report.attempts), (0, 0.0), "a provider without a key serves none");
}

#[test]
fn requests_may_be_a_virtual_keys() {
    let config = format!(
        "{CONFIG}  - {{ name: nightly, when: {{ virtual_key_tags: [batch] }}, model: other }}
virtual_keys:
  - {{ name: jobs, tags: [batch] }}
  - {{ name: narrow, allowed_models: [other] }}
"
    );
    let rule = |flags: &[&str]| run_with(&config, &[&["--model", "gpt-4"], flags].concat()).map(|report| report.rule);
    assert_eq!(rule(&[]).expect("it runs"), None);
    assert_eq!(rule(&["--virtual-key", "jobs"]).expect("it runs").as_deref(), Some("nightly"));
    let said = |name| rule(&["--virtual-key", name]).expect_err("it is refused").to_string();
    assert!(said("narrow").contains("there is no enabled model \"gpt-4\""), "{}", said("narrow"));
    assert!(said("nobody").contains("such a request is refused"), "{}", said("nobody"));
}
