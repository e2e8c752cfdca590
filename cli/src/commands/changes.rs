//! What an edit changes, in words and as a diff of YAML.

use crate::{diff, error::CliError, output};
use pointsman_proto::admin::v1::{Key, Resource, ResourceChange, VirtualKey, key::Source, resource::Kind};
use serde::Serialize;

/// `model/gpt-4 updated`, one line each.
pub fn summary(changes: &[ResourceChange]) -> Vec<String> {
    changes
        .iter()
        .filter_map(|change| {
            let verb = match (&change.before, &change.after) {
                (None, Some(_)) => "created",
                (Some(_), None) => "deleted",
                _ => "updated",
            };
            Some(format!("{} {verb}", name(change)?))
        })
        .collect()
}

/// Each changed resource with its lines before and after; empty when nothing differs.
pub fn diff(changes: &[ResourceChange]) -> Result<String, CliError> {
    let mut text = String::new();
    for change in changes {
        let (before, after) = (yaml(change.before.as_ref())?, yaml(change.after.as_ref())?);
        let (lines, name) = (diff::unified(&before, &after), name(change).unwrap_or_default());
        if !lines.is_empty() {
            let side = |resource: &Option<Resource>| resource.as_ref().map_or("(none)", |_| name.as_str());
            text.push_str(&format!("--- {}\n+++ {}\n{lines}", side(&change.before), side(&change.after)));
        }
    }
    Ok(text)
}

fn name(change: &ResourceChange) -> Option<String> {
    let resource = change.after.as_ref().or(change.before.as_ref())?;
    Some(match resource.kind.as_ref()? {
        Kind::Provider(provider) => format!("provider/{}", provider.name),
        Kind::Key(key) => format!("key/{}/{}", key.provider, key.name),
        Kind::Model(model) => format!("model/{}", model.name),
        Kind::Rule(rule) => format!("rule/{}", rule.name),
        Kind::VirtualKey(key) => format!("virtual-key/{}", key.name),
        Kind::Settings(_) => "settings".to_owned(),
    })
}

/// Without what the control plane alone decides (the etag, which changes with everything, and a new token's last characters,
/// which are others in each dry run), and never with a secret.
fn yaml(resource: Option<&Resource>) -> Result<String, CliError> {
    match resource.and_then(|resource| resource.kind.clone()) {
        None => Ok(String::new()),
        Some(Kind::Provider(resource)) => content(&resource),
        Some(Kind::Key(resource)) => content(&sealed(resource)),
        Some(Kind::Model(resource)) => content(&resource),
        Some(Kind::Rule(resource)) => content(&resource),
        Some(Kind::VirtualKey(resource)) => content(&VirtualKey { last_four: String::new(), ..resource }),
        Some(Kind::Settings(resource)) => content(&resource),
    }
}

fn content<T: Serialize>(resource: &T) -> Result<String, CliError> {
    let text = output::yaml(resource)?;
    Ok(text.lines().filter(|line| !line.starts_with("etag:")).map(|line| format!("{line}\n")).collect())
}

fn sealed(mut key: Key) -> Key {
    if let Some(Source::Secret(secret)) = &mut key.source {
        *secret = "(sealed)".to_owned();
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1::Provider;

    fn provider(url: &str, etag: &str) -> Option<Resource> {
        let provider =
            Provider { name: "openai".into(), base_url: url.into(), etag: etag.into(), ..Provider::default() };
        Some(Resource { kind: Some(Kind::Provider(provider)) })
    }

    #[test]
    fn a_change_shows_its_lines() {
        let change = ResourceChange { before: provider("http://a", "1"), after: provider("http://b", "2") };
        let expected =
            "--- provider/openai\n+++ provider/openai\n name: openai\n-base_url: http://a\n+base_url: http://b\n";
        assert_eq!(diff(std::slice::from_ref(&change)).expect("yaml"), expected);
        assert_eq!(summary(&[change]), ["provider/openai updated"]);
    }

    #[test]
    fn a_new_resource_has_nothing_before() {
        let change = ResourceChange { before: None, after: provider("http://b", "2") };
        let text = diff(std::slice::from_ref(&change)).expect("yaml");
        assert_eq!(text, "--- (none)\n+++ provider/openai\n+name: openai\n+base_url: http://b\n");
        assert_eq!(summary(&[change]), ["provider/openai created"]);
    }

    #[test]
    fn an_etag_alone_is_no_difference() {
        let change = ResourceChange { before: provider("http://a", "1"), after: provider("http://a", "2") };
        assert_eq!(diff(&[change]).expect("yaml"), "");
    }

    #[test]
    fn a_new_virtual_key_shows_nothing_of_its_token() {
        let key = VirtualKey { name: "team".into(), last_four: "B59I".into(), ..VirtualKey::default() };
        let after = Some(Resource { kind: Some(Kind::VirtualKey(key)) });
        let text = diff(&[ResourceChange { before: None, after }]).expect("yaml");
        assert_eq!(text, "--- (none)\n+++ virtual-key/team\n+name: team\n");
    }

    #[test]
    fn a_secret_never_shows() {
        let key = Key { name: "main".into(), source: Some(Source::Secret("sk-1".into())), ..Key::default() };
        let after = Some(Resource { kind: Some(Kind::Key(key)) });
        assert!(!diff(&[ResourceChange { before: None, after }]).expect("yaml").contains("sk-1"));
    }
}
