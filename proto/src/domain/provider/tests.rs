use super::*;

fn refused(wire: wire::Provider) -> Vec<String> {
    let violations = Provider::check(&wire, "").expect_err("it is invalid");
    violations.into_iter().map(|v| v.field).collect()
}

#[test]
fn every_violation_is_named_at_once() {
    let negative = pbjson_types::Duration { seconds: -1, nanos: 0 };
    let wire = wire::Provider {
        name: "a/b".into(),
        protocol: "smtp".into(),
        base_url: "ftp://x".into(),
        slow_start: Some(negative),
        ..Default::default()
    };
    assert_eq!(refused(wire), ["base_url", "name", "protocol", "slow_start"]);
}

#[test]
fn a_blacklist_cannot_end_before_it_begins() {
    let seconds = |seconds| Some(pbjson_types::Duration { seconds, nanos: 0 });
    let limits = wire::RateLimits { blacklist_for: seconds(20), blacklist_max: seconds(10), ..Default::default() };
    let wire = wire::Provider {
        name: "a".into(),
        base_url: "http://h".into(),
        rate_limits: Some(limits),
        ..Default::default()
    };
    assert_eq!(refused(wire), ["rate_limits.blacklist_max"]);
}
fn at(protocol: &str, base_url: &str) -> wire::Provider {
    wire::Provider { name: "a".into(), protocol: protocol.into(), base_url: base_url.into(), ..Default::default() }
}

#[test]
fn protocols_are_named_with_what_is_allowed() {
    let violations = Provider::check(&at("smtp", "http://h"), "").expect_err("it is invalid");
    let expected = "protocol: allowed: openai, azure_openai, anthropic, gemini, bedrock, codewhisperer; found \"smtp\"";
    assert_eq!(violations[0].to_string(), expected);
    for protocol in Protocol::ALL {
        let wire = wire::Provider { ..at(protocol.as_str(), "https://h/openai/v1") };
        assert_eq!(Provider::check(&wire, "").map(|p| p.protocol), Ok(protocol));
    }
    assert_eq!(Provider::check(&at("", "https://h"), "").map(|p| p.protocol), Ok(Protocol::OpenAi));
}

#[test]
fn azure_has_two_forms_of_addresses() {
    let v1 = Provider::check(&at("azure_openai", "https://n.openai.azure.com/openai/v1/"), "");
    assert_eq!(v1.map(|p| p.is_azure_classic()), Ok(false));
    let mut classic = at("azure_openai", "https://n.openai.azure.com");
    assert_eq!(refused(classic.clone()), ["api_version"]);
    classic.api_version = "2024-10-21".into();
    let checked = Provider::check(&classic, "").expect("it is valid");
    assert!(checked.is_azure_classic());
    assert_eq!(checked.api_version.as_deref(), Some("2024-10-21"));
    for bad in ["2024 10", "v&x=1", "a\r\nb", &"9".repeat(41)] {
        classic.api_version = bad.into();
        assert_eq!(refused(classic.clone()), ["api_version"], "{bad:?}");
    }
}

#[test]
fn what_a_protocol_has_no_use_for_is_refused() {
    let wire = wire::Provider {
        api: "chat".into(),
        api_version: "2".into(),
        token_url: "https://h".into(),
        ..at("gemini", "")
    };
    assert_eq!(refused(wire), ["api", "api_version", "token_url"]);
    assert_eq!(refused(wire::Provider { api: "grpc".into(), ..at("openai", "") }), ["api"]);
}

#[test]
fn refresh_tokens_are_not_sent_in_the_clear() {
    let with = |url: &str| wire::Provider { token_url: url.into(), ..at("codewhisperer", "") };
    for bad in ["http://10.0.0.1/token", "ftp://h", "h", "https://u@h"] {
        assert_eq!(refused(with(bad)), ["token_url"], "{bad}");
    }
    let local = Provider::check(&with("http://127.0.0.1:9/token"), "").expect("it is valid");
    assert_eq!(local.token_url.map(|u| u.to_string()).as_deref(), Some("http://127.0.0.1:9/token"));
}

#[test]
fn a_check_fits_its_kind_and_the_protocol() {
    let check = |protocol: &str, check: wire::HealthCheck, expected: &[&str]| {
        let wire = wire::Provider { health_check: Some(check.clone()), ..at(protocol, "http://h/v1") };
        let found = Provider::check(&wire, "").err().unwrap_or_default();
        let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, expected, "{protocol}: {check:?}");
    };
    let of = |kind: &str, path: &str, model: &str| wire::HealthCheck {
        kind: kind.into(),
        path: path.into(),
        model: model.into(),
        ..Default::default()
    };
    check("openai", wire::HealthCheck::default(), &[]);
    check("bedrock", of("models", "", ""), &[]);
    check("gemini", of("completion", "", "gemini-x"), &[]);
    check("bedrock", of("completion", "", "nova"), &["health_check.kind"]);
    check("codewhisperer", of("completion", "", "claude"), &["health_check.kind"]);
    check("openai", of("completion", "", ""), &["health_check.model"]);
    check("openai", of("smtp", "", ""), &["health_check.kind"]);
    check("openai", of("tcp", "/x", "m"), &["health_check.model", "health_check.path"]);
    check("openai", of("http", "no slash", ""), &["health_check.path"]);
}
