//! Legal, but perhaps not meant: said about what an edit touched.

use super::{
    Configuration,
    record::{Body, Id},
    tables::Tables,
};
use crate::secrets::{Source, Sources};
use pointsman_proto::{
    admin::v1,
    domain::{self, BaseUrl, Catalog as _, Model, Protocol, preset},
};
use std::{collections::BTreeSet, net::IpAddr};

/// The warnings about `touched`.
pub(super) fn of(configuration: &Configuration, touched: &BTreeSet<Id>, sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    for id in touched {
        match configuration.tables.get(id).map(|record| &record.body) {
            Some(Body::Provider(provider)) => found.extend(plaintext(provider)),
            Some(Body::Key(key)) => {
                found.extend(unresolved(key, sources));
                found.extend(misplaced(key, configuration.tables.protocol_of(&key.provider)));
            }
            _ => {}
        }
    }
    for model in concerned(configuration, touched) {
        about_model(configuration, model, &mut found);
    }
    found
}

/// The touched models, and those with a line at the provider of a touched key.
fn concerned<'a>(configuration: &'a Configuration, touched: &BTreeSet<Id>) -> Vec<&'a Model> {
    let providers: BTreeSet<&str> = touched.iter().filter_map(|id| key_provider(id)).collect();
    if providers.is_empty() {
        let named = touched.iter().filter_map(|id| match id {
            Id::Model(name) => configuration.catalog.model(name),
            _ => None,
        });
        return named.collect();
    }
    let concerns = |model: &&Model| {
        touched.contains(&Id::Model(model.name.to_string()))
            || model.backends.iter().any(|line| providers.contains(&*line.provider))
    };
    configuration.catalog.models().map(|m| &**m).filter(concerns).collect()
}

fn key_provider(id: &Id) -> Option<&str> {
    match id {
        Id::Key(provider, _) => Some(provider),
        _ => None,
    }
}

/// A secret that was never read has no fingerprint.
fn has_usable_key(tables: &Tables, provider: &str) -> bool {
    let first = Id::Key(provider.into(), String::new());
    let keys = tables.after(&first).map_while(|(_, record)| record.key().filter(|key| key.provider == provider));
    keys.into_iter().any(|key| key.enabled.unwrap_or(true) && !key.fingerprint.is_empty())
}

fn about_model(configuration: &Configuration, model: &Model, found: &mut Vec<String>) {
    let mut keyless = BTreeSet::new();
    for (i, line) in model.backends.iter().enumerate().filter(|(_, line)| line.enabled) {
        if line.weight == 0 {
            found.push(format!(
                "model {}: backends[{i}] ({}) has weight 0 and takes no traffic",
                model.name,
                line.endpoint()
            ));
        }
        if keyless.insert(&line.provider) && !has_usable_key(&configuration.tables, &line.provider) {
            found.push(format!("model {}: provider {} has no key that can be used", model.name, line.provider));
        }
    }
    for fallback in &model.fallbacks {
        if domain::Catalog::model(&configuration.catalog, fallback).is_some_and(|m| !m.enabled) {
            found.push(format!("model {}: its fallback {fallback} is disabled", model.name));
        }
    }
}

fn unresolved(key: &v1::Key, sources: &Sources) -> Option<String> {
    let source = Source::of(key)?;
    let why = sources.problem(&source).filter(|_| sources.get(&source).is_none())?;
    Some(format!("key {}/{}: its secret cannot be read, so it is not used: {why}", key.provider, key.name))
}

/// A source whose secrets another protocol has no use for.
fn misplaced(key: &v1::Key, protocol: Option<Protocol>) -> Option<String> {
    use v1::key::Source::{AwsEnvironment, AwsProfile, TokenFile};
    let (source, meant) = match key.source.as_ref()? {
        AwsProfile(_) => ("aws_profile", Protocol::Bedrock),
        AwsEnvironment(_) => ("aws_environment", Protocol::Bedrock),
        TokenFile(_) => ("token_file", Protocol::CodeWhisperer),
        _ => return None,
    };
    let speaks = protocol.filter(|protocol| *protocol != meant)?.as_str();
    let (provider, name, meant) = (&key.provider, &key.name, meant.as_str());
    Some(format!("key {provider}/{name}: {source} is for {meant}, and provider {provider} speaks {speaks}"))
}

fn plaintext(provider: &v1::Provider) -> Option<String> {
    let url = BaseUrl::parse(&preset::resolve(provider).base_url).ok()?;
    let exposed = url.scheme.as_str() == "http" && !is_private(url.authority.host());
    exposed
        .then(|| format!("provider {}: its keys travel unencrypted, since base_url begins with http://", provider.name))
}

/// Whether a host is this machine or on a private network, as far as its name tells.
fn is_private(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => {
            let inner = [".localhost", ".local", ".internal", ".svc"];
            !host.contains('.') || inner.iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_its_provider_has_no_use_for_is_told() {
        let key =
            |source| v1::Key { provider: "p".into(), name: "k".into(), source: Some(source), ..Default::default() };
        let profile = key(v1::key::Source::AwsProfile("default".into()));
        assert_eq!(misplaced(&profile, Some(Protocol::Bedrock)), None);
        let told = misplaced(&profile, Some(Protocol::Gemini));
        assert_eq!(told.as_deref(), Some("key p/k: aws_profile is for bedrock, and provider p speaks gemini"));
        assert!(misplaced(&key(v1::key::Source::TokenFile("/f".into())), Some(Protocol::OpenAi)).is_some());
        assert_eq!(misplaced(&key(v1::key::Source::Env("E".into())), Some(Protocol::OpenAi)), None);
    }
}
