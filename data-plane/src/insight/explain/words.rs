//! What routing knows of a request, for people.

use crate::features::{Features, Thinking};
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
    }
}

/// What it would like, in a few words each.
pub fn preferences(of: &Preferences) -> Vec<String> {
    let names = |what: &str, names: &[Name]| {
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(" ")))
    };
    let words = [
        of.priority.and_then(|priority| named(&Priority::NAMED, priority)).map(|name| format!("priority {name}")),
        of.region.as_ref().map(|region| format!("region {region}")),
        names("rather", &of.preferred_providers),
        names("not", &of.excluded_providers),
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
