//! What routing knows of a request, for people.

use crate::{
    classify::{By, Classified},
    features::{Features, Thinking},
};
use pointsman_proto::{
    admin::v1 as wire,
    domain::{Name, Preferences, Priority, Quality},
};

/// What routing sees of a request for the model of this name.
pub fn features(seen: &Features, model: &str) -> wire::Features {
    wire::Features {
        dialect: seen.dialect.as_str().into(),
        model: model.into(),
        tokens: seen.tokens,
        thinking: seen.thinking != Thinking::No,
        tools: seen.tools,
        web_search: seen.web_search,
        images: seen.images,
        json_schema: seen.json_schema,
        stream: seen.stream,
        session: seen.affinity.map(|hash| format!("{hash:016x}")).unwrap_or_default(),
        last_prompt: 0,
    }
}

/// What the client names that serves, if rules were not asked.
pub fn choice(classified: &Classified) -> Option<String> {
    let what = match (&classified.features.backend, &classified.model) {
        (Some(backend), _) => format!("the backend {backend} alone"),
        (None, Some(model)) => format!("the model {:?}", &*model.spec.name),
        (None, None) => return None,
    };
    match classified.by {
        By::Rules => None,
        By::Pair => Some(what),
        By::Tag => Some(format!("{what}, as its sub-agent's tag says")),
    }
}

/// What it would like, in a few words each.
pub fn preferences(of: &Preferences) -> Vec<String> {
    let providers = |verb: &str, names: &[Name]| {
        let (last, others) = names.split_last()?;
        let others: Vec<&str> = others.iter().map(|name| &**name).collect();
        Some(match others[..] {
            [] => format!("{verb} provider {last}"),
            _ => format!("{verb} providers {} and {last}", others.join(", ")),
        })
    };
    let words = [
        of.priority.and_then(|priority| named(&Priority::NAMED, priority)).map(|name| format!("priority {name}")),
        of.region.as_ref().map(|region| format!("region {region}")),
        providers("prefers", &of.preferred_providers),
        providers("excludes", &of.excluded_providers),
        of.latency_tolerance.map(|most| format!("first byte within {} ms", most.as_millis())),
        of.cost_sensitivity.map(|permille| format!("cost sensitivity {}", f64::from(permille) / 1000.0)),
        of.quality.and_then(|quality| named(&Quality::NAMED, quality)).map(|name| format!("quality {name} or better")),
        (!of.required_tags.is_empty()).then(|| format!("tags {}", of.required_tags.join(" "))),
    ];
    words.into_iter().flatten().collect()
}

fn named<T: PartialEq>(names: &[(&'static str, T)], value: T) -> Option<&'static str> {
    names.iter().find(|(_, of)| *of == value).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_read_as_words() {
        let names = |names: &[&str]| names.iter().filter_map(|name| Name::parse(name)).collect();
        let check = |of: Preferences, expected: &[&str]| assert_eq!(preferences(&of), expected);
        check(Preferences { preferred_providers: names(&["b"]), ..Default::default() }, &["prefers provider b"]);
        let of = Preferences { excluded_providers: names(&["a", "b", "c"]), ..Default::default() };
        check(of, &["excludes providers a, b and c"]);
        check(Preferences::default(), &[]);
    }
}
