use super::*;
use crate::domain::Provider;

fn checked(wire: wire::Provider) -> Provider {
    let wire = wire::Provider { name: "p".into(), ..wire };
    Provider::check(&wire, "").unwrap_or_else(|found| panic!("{wire:?}: {found:?}"))
}

fn refused(wire: wire::Provider) -> Vec<String> {
    let wire = wire::Provider { name: "p".into(), ..wire };
    let violations = Provider::check(&wire, "").expect_err("it is invalid");
    violations.iter().map(ToString::to_string).collect()
}

fn preset(name: &str) -> wire::Provider {
    wire::Provider { preset: name.into(), ..Default::default() }
}

fn protocol(name: &str) -> wire::Provider {
    wire::Provider { protocol: name.into(), ..Default::default() }
}

fn at(base_url: &str) -> wire::Provider {
    wire::Provider { base_url: base_url.into(), ..Default::default() }
}

#[test]
fn every_preset_is_a_valid_provider_by_its_name_alone() {
    for known in PRESETS {
        let provider = checked(preset(known.name));
        assert_eq!((provider.protocol, provider.api), (known.protocol, known.api), "{}", known.name);
        assert!(provider.base_url.is_private_or_local(), "{}", known.name);
        assert!(!provider.base_url.to_string().contains('{'), "{}", known.name);
        let imitates = known.protocol == Protocol::OpenAi && known.name != "openai";
        assert_eq!(provider.compatible, imitates, "{}", known.name);
    }
}

#[test]
fn no_two_presets_share_a_name() {
    let mut names: Vec<_> = PRESETS.iter().map(|p| p.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PRESETS.len());
}

#[test]
fn a_protocol_alone_means_its_own_endpoint() {
    let check = |name: &str, url: &str| assert_eq!(checked(protocol(name)).base_url.to_string(), url);
    check("openai", "https://api.openai.com/v1");
    check("anthropic", "https://api.anthropic.com");
    check("gemini", "https://generativelanguage.googleapis.com");
    check("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com");
    check("codewhisperer", "https://q.us-east-1.amazonaws.com");
    let [told] = &refused(protocol("azure_openai"))[..] else { panic!("one thing is wrong") };
    assert!(told.starts_with("base_url: is required") && told.contains("NAME.openai.azure.com"), "{told}");
    assert!(refused(wire::Provider::default())[0].starts_with("base_url: is required"));
}

#[test]
fn a_base_url_beside_a_preset_overrides_its_address() {
    let mine = checked(wire::Provider { base_url: "https://mirror.example/v1".into(), ..preset("deepseek") });
    assert_eq!((mine.base_url.to_string().as_str(), mine.api), ("https://mirror.example/v1", OpenAiApi::Chat));
    let api = wire::Provider { api: "both".into(), ..preset("deepseek") };
    assert_eq!(checked(api).api, OpenAiApi::Both, "what is stated is meant");
}

#[test]
fn a_preset_must_be_known_and_agree_with_the_protocol() {
    let [told] = &refused(wire::Provider { base_url: "https://h".into(), ..preset("depseek") })[..] else {
        panic!("one thing is wrong");
    };
    assert!(told.starts_with("preset: ") && told.contains("deepseek, ") && told.contains("\"depseek\""), "{told}");
    let both = wire::Provider { protocol: "gemini".into(), ..preset("anthropic") };
    assert_eq!(refused(both), ["protocol: the preset anthropic speaks anthropic; leave the protocol out"]);
    checked(wire::Provider { protocol: "anthropic".into(), ..preset("anthropic") });
}

#[test]
fn the_region_is_part_of_the_addresses_of_aws() {
    let eu = checked(wire::Provider { region: "eu-west-1".into(), ..preset("bedrock") });
    assert_eq!(eu.base_url.authority.as_str(), "bedrock-runtime.eu-west-1.amazonaws.com");
    let stated =
        wire::Provider { protocol: "bedrock".into(), ..at("https://bedrock-runtime.ap-south-1.amazonaws.com") };
    assert_eq!(checked(stated).region, "ap-south-1", "an address of AWS says where it is");
    let elsewhere = wire::Provider { protocol: "bedrock".into(), ..at("http://127.0.0.1:9") };
    assert_eq!(checked(elsewhere).region, "us-east-1");
    for bad in ["eu west", "eu/../x", "evil.example#", "EU-WEST-1"] {
        let told = refused(wire::Provider { region: bad.into(), ..preset("bedrock") });
        assert!(told.iter().any(|t| t.starts_with("region: ")), "{told:?}");
    }
    assert_eq!(checked(wire::Provider { region: "Frankfurt (eu)".into(), ..preset("groq") }).region, "Frankfurt (eu)");
}

#[test]
fn who_imitates_openai_is_told_by_the_host_unless_stated() {
    let check = |url: &str, expected| assert_eq!(checked(at(url)).compatible, expected, "{url}");
    check("https://api.openai.com/v1", false);
    check("https://eu.api.openai.com:443/v1", false);
    check("https://api.openai.com.evil.example/v1", true);
    check("http://127.0.0.1:8000/v1", true);
    let stated = wire::Provider { compatible: Some(false), ..at("https://proxy.example/v1") };
    assert!(!checked(stated).compatible);
    let elsewhere = wire::Provider { compatible: Some(true), ..preset("gemini") };
    assert_eq!(refused(elsewhere), ["compatible: is for the protocol openai, not for gemini"]);
}

#[test]
fn resolving_twice_changes_nothing() {
    let stated = PRESETS.iter().map(|known| preset(known.name));
    let azure = wire::Provider { protocol: "azure_openai".into(), ..at("https://n.openai.azure.com/openai/v1") };
    let others = [protocol("gemini"), at("https://h"), azure];
    for provider in stated.chain(others) {
        let once = resolve(&provider);
        assert_eq!(resolve(&once), once);
    }
}
