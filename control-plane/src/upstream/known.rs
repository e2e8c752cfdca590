//! Whether a provider's list has a name. Providers accept more names than they list: aliases without a date, tags, regional
//! prefixes. A name that is one of those is taken for known, since a warning that is wrong teaches to ignore warnings.

use pointsman_proto::domain::Protocol;

/// Bedrock's cross-region profiles are a region's word before the model's id.
const PROFILES: [&str; 9] = ["us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "global."];

/// Whether `name` may be one of those that `listed` stands for.
pub(super) fn is_known(protocol: Protocol, listed: &[String], name: &str) -> bool {
    // Deployments have names of their own, which Azure lists nowhere that a key may look.
    if protocol == Protocol::AzureOpenAi || listed.is_empty() || name.starts_with("arn:") {
        return true;
    }
    let name = plain(protocol, name);
    listed.iter().any(|listed| listed == name || is_alias(listed, name) || is_variant(listed, name))
}

fn plain(protocol: Protocol, name: &str) -> &str {
    match protocol {
        Protocol::Gemini => name.strip_prefix("models/").unwrap_or(name),
        Protocol::Bedrock => PROFILES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name),
        _ => name,
    }
}

/// `claude-x` stands for `claude-x-20260101`, `claude-x-latest` too, and `llama3` for `llama3:latest`.
fn is_alias(listed: &str, name: &str) -> bool {
    let stem = name.strip_suffix("-latest").unwrap_or(name);
    let Some(rest) = listed.strip_prefix(stem) else { return false };
    let is_date = |rest: &str| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    rest == ":latest" || rest.strip_prefix(['-', '@']).is_some_and(is_date)
}

/// `a/b:free` is a way to have `a/b`.
fn is_variant(listed: &str, name: &str) -> bool {
    name.strip_prefix(listed).is_some_and(|rest| rest.starts_with([':', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_each_form_that_providers_accept() {
        let check = |protocol, listed: &[&str], name: &str, expected| {
            let listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(is_known(protocol, &listed, name), expected, "{name}");
        };
        let openai = |listed: &[&str], name: &str, expected| check(Protocol::OpenAi, listed, name, expected);
        openai(&["gpt-4o", "gpt-4o-mini"], "gpt-4o", true);
        openai(&["gpt-4o", "gpt-4o-mini"], "gpt-4", false);
        openai(&["gpt-4o-2024-08-06"], "gpt-4o", true);
        openai(&["llama3:latest"], "llama3", true);
        openai(&["meta/llama-3"], "meta/llama-3:free", true);
        openai(&["meta/llama-3"], "meta/llama-3.1", false);
        openai(&[], "anything", true);
        check(Protocol::Anthropic, &["claude-x-20260101"], "claude-x", true);
        check(Protocol::Anthropic, &["claude-x-20260101"], "claude-x-latest", true);
        check(Protocol::Anthropic, &["claude-x-mini"], "claude-x", false);
        check(Protocol::Gemini, &["gemini-x"], "models/gemini-x", true);
        check(Protocol::Bedrock, &["amazon.nova-v1:0"], "eu.amazon.nova-v1:0", true);
        check(Protocol::Bedrock, &["amazon.nova-v1:0"], "arn:aws:bedrock:eu-west-1:1:inference-profile/x", true);
        check(Protocol::Bedrock, &["amazon.nova-v1:0"], "amazon.nova-v2:0", false);
        check(Protocol::AzureOpenAi, &["gpt-4o"], "my-deployment", true);
    }
}
