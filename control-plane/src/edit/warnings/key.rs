//! Of keys: secrets that are not there, and sources that their provider has no use for.

use crate::secrets::{Source, Sources};
use pointsman_proto::{admin::v1, domain::Protocol};

pub(super) fn unresolved(key: &v1::Key, sources: &Sources) -> Option<String> {
    let source = Source::of(key)?;
    let why = sources.problem(&source).filter(|_| sources.get(&source).is_none())?;
    Some(format!("key {}/{}: its secret cannot be read, so it is not used: {why}", key.provider, key.name))
}

/// A source whose secrets another protocol has no use for.
pub(super) fn misplaced(key: &v1::Key, protocol: Option<Protocol>) -> Option<String> {
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
