use super::*;

const YAML: &str = "
settings: {max_attempts: 3}
providers:
  - name: openai
    base_url: https://api.openai.com/v1
    timeouts: {connect: 5s}
    enabled: false
models:
  - name: gpt-4
    backends:
      - {provider: openai, model: gpt-4o, weight: 70}
rules:
  - name: night
    when:
      headers: [{name: x-batch}]
      times: [{from: 22:00, to: 06:00, days: [mon]}]
    model: gpt-4
    preferences: {cost_sensitivity: 1, latency_tolerance: 2s}
virtual_keys:
  - name: team
    expire_time: 2027-01-01T00:00:00Z
";

const JSON: &str = r#"{
  "settings": {"max_attempts": 3},
  "providers": [{"name": "openai", "base_url": "https://api.openai.com/v1", "timeouts": {"connect": "5s"}, "enabled": false}],
  "models": [{"name": "gpt-4", "backends": [{"provider": "openai", "model": "gpt-4o", "weight": 70}]}],
  "rules": [{"name": "night", "when": {"headers": [{"name": "x-batch"}],
             "times": [{"from": "22:00", "to": "06:00", "days": ["mon"]}]},
             "model": "gpt-4", "preferences": {"cost_sensitivity": 1, "latency_tolerance": "2s"}}],
  "virtual_keys": [{"name": "team", "expire_time": "2027-01-01T00:00:00Z"}]
}"#;

const TOML: &str = r#"
[settings]
max_attempts = 3
[[providers]]
name = "openai"
base_url = "https://api.openai.com/v1"
timeouts = { connect = "5s" }
enabled = false
[[models]]
name = "gpt-4"
backends = [{ provider = "openai", model = "gpt-4o", weight = 70 }]
[[rules]]
name = "night"
model = "gpt-4"
preferences = { cost_sensitivity = 1, latency_tolerance = "2s" }
[rules.when]
headers = [{ name = "x-batch" }]
times = [{ from = "22:00", to = "06:00", days = ["mon"] }]
[[virtual_keys]]
name = "team"
expire_time = 2027-01-01T00:00:00Z
"#;

fn config(file: &str, text: &str) -> Result<Config, InputError> {
    let mut merged = Config::default();
    for config in parse(Path::new(file), text).map_err(|fault| fault.of(file))? {
        merge(&mut merged, config, file)?;
    }
    Ok(merged)
}

fn refusal(file: &str, text: &str) -> String {
    config(file, text).expect_err(text).to_string()
}

#[test]
fn the_three_forms_say_the_same() {
    let yaml = config("a.yaml", YAML).expect("legal");
    assert_eq!(yaml.providers[0].timeouts.as_ref().and_then(|timeouts| timeouts.connect).map(|d| d.seconds), Some(5));
    assert_eq!(yaml.rules[0].when.as_ref().map(|when| when.times[0].from.as_str()), Some("22:00"));
    assert_eq!(config("a.json", JSON).expect("legal"), yaml);
    assert_eq!(config("a.toml", TOML).expect("legal"), yaml);
    assert_eq!(config("-", JSON).expect("JSON is YAML"), yaml);
}

#[test]
fn a_key_given_twice_is_refused_with_its_line() {
    let check = |file: &str, text: &str, at: &str| {
        let message = refusal(file, text);
        assert!(message.starts_with(at) && message.contains("name"), "{message}");
    };
    check("a.yaml", "providers:\n  - name: a\n    base_url: b\n    name: c\n", "a.yaml:4: ");
    check("a.yaml", "models:\n - backends:\n   - provider: a\n     name: b\n     name: c\n", "a.yaml:5: ");
    check("a.json", "{\"providers\": [\n{\"name\": \"a\",\n\"name\": \"b\"}]}", "a.json:3: ");
    let message = refusal("a.toml", "[[providers]]\nname = \"a\"\nname = \"b\"\n");
    assert!(message.starts_with("a.toml:3: "), "{message}");
    let twice = refusal("a.yaml", "providers: []\nmodels: []\nproviders: []\n");
    assert!(twice.starts_with("a.yaml:3: ") && twice.contains("`providers` is there twice"), "{twice}");
}

#[test]
fn an_unknown_field_is_named_with_its_place_and_what_is_allowed() {
    let check = |file: &str, text: &str, line: &str| {
        let message = refusal(file, text);
        for part in [line, "providers[0]", "colour", "base_url"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    };
    check("a.yaml", "providers:\n  - name: a\n    colour: red\n", "a.yaml:3: ");
    check("a.json", "{\"providers\": [\n{\"name\": \"a\",\n\"colour\": 1}]}", "a.json:3: ");
    check("a.toml", "[[providers]]\nname = \"a\"\ncolour = 1\n", "a.toml:3: ");
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let message = refusal("a.yaml", "providers:\n  - name: a\n    timeouts:\n      connect: 60\n");
    assert!(message.starts_with("a.yaml:4: providers[0].timeouts.connect: "), "{message}");
    let message = refusal("a.json", "{\"providers\": [{\n\"timeouts\": {\"connect\": 60}}]}");
    assert!(message.starts_with("a.json:2: providers[0].timeouts.connect: "), "{message}");
}

#[test]
fn durations_are_what_they_are_in_flags() {
    for (text, seconds, nanos) in [
        ("500ms", 0, 500_000_000),
        ("60s", 60, 0),
        ("1.5s", 1, 500_000_000),
        ("5m", 300, 0),
        ("1h 30m", 5400, 0),
        ("0.250s", 0, 250_000_000),
    ] {
        for (file, whole) in [
            (
                "a.yaml",
                format!("providers:\n  - name: a\n    timeouts: {{first_byte: {text}}}\n    slow_start: {text}\n"),
            ),
            (
                "a.json",
                format!(
                    "{{\"providers\": [{{\"timeouts\": {{\"first_byte\": \"{text}\"}}, \"slow_start\": \"{text}\"}}]}}"
                ),
            ),
            ("a.toml", format!("[[providers]]\ntimeouts = {{ first_byte = \"{text}\" }}\nslow_start = \"{text}\"\n")),
        ] {
            let provider = config(file, &whole).expect(&whole).providers.remove(0);
            let times = [provider.timeouts.and_then(|timeouts| timeouts.first_byte), provider.slow_start];
            assert_eq!(
                times.map(|time| time.map(|time| (time.seconds, time.nanos))),
                [Some((seconds, nanos)); 2],
                "{whole}"
            );
        }
    }
}

#[test]
fn what_is_no_duration_is_told_with_what_is() {
    for (file, text) in [
        ("a.yaml", "providers:\n  - name: a\n    timeouts:\n      idle: VALUE\n"),
        ("a.json", "{\"providers\": [\n{\"name\": \"a\",\n\"timeouts\":\n{\"idle\": VALUE}}]}"),
        ("a.toml", "[[providers]]\nname = \"a\"\n[providers.timeouts]\nidle = VALUE\n"),
    ] {
        for value in ["\"30\"", "\"soon\"", "\"-5s\"", "30"] {
            let message = refusal(file, &text.replace("VALUE", value));
            for part in [&format!("{file}:4: providers[0].timeouts.idle: "), value.trim_matches('"'), "500ms, 60s, 2m"]
            {
                let is_number = value == "30" && !file.ends_with("yaml");
                assert!(
                    message.contains(part) || is_number && message.contains("\"500ms\""),
                    "{part} is not in: {message}"
                );
            }
        }
    }
}

#[test]
fn documents_and_files_are_concatenated() {
    let two = config("a.yaml", "---\nproviders: [{name: a}]\n---\n---\nproviders: [{name: b}]\n").expect("legal");
    assert_eq!(two.providers.iter().map(|provider| provider.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let twice = refusal("a.yaml", "settings: {max_attempts: 1}\n---\nsettings: {max_attempts: 2}\n");
    assert!(twice.contains("second time"), "{twice}");
    assert_eq!(config("a.yaml", "").expect("empty"), Config::default());
}
