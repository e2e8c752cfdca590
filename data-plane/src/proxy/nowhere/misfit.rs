//! When no backend can ever serve, in whatever state they are: a 400 that names what is lacking and what to do.

use crate::{
    error::Refusal,
    features::Features,
    select::{Kind, fits, misfits},
    table::{Backend, Model},
};
use http::HeaderMap;
use pointsman_proto::domain::{Capabilities, Preferences};
use std::{collections::BTreeSet, fmt::Write, sync::Arc};

/// The headers by which a request states what binds.
const REGION: &str = "x-pointsman-region";
const TAGS: &str = "x-pointsman-require-tags";
const EXCLUDED: &str = "x-pointsman-exclude-providers";

/// What to tell the client if its request is nothing for any backend of the model or of the `others` that it falls back on,
/// whatever state they are in. Of a request that asks for nothing particular that is not asked.
pub(crate) fn unserved(
    model: &Arc<Model>,
    others: impl FnOnce() -> Vec<Arc<Model>>,
    features: &Features,
    headers: &HeaderMap,
) -> Option<Refusal> {
    if !model.needs_features && features.preferences == Preferences::default() {
        return None;
    }
    let others = others();
    let chain = || std::iter::once(model).chain(&others);
    let region = headers.get(REGION).and_then(|value| value.to_str().ok()).map(str::trim);
    let region = region.filter(|region| !region.is_empty());
    region.and_then(|region| no_such_region(chain(), features, region)).or_else(|| incapable(chain(), features))
}

/// What to tell the client if no backend of the whole chain can be given the request: none has what it needs, or what it
/// requires, or all are excluded.
fn incapable<'a>(chain: impl Iterator<Item = &'a Arc<Model>> + Clone, features: &Features) -> Option<Refusal> {
    let lines = lines(chain.clone(), features);
    if lines.is_empty() || lines.iter().any(|line| fits(line, features)) {
        return None;
    }
    let each: Vec<Vec<Kind>> = lines.iter().map(|line| misfits(line, features).collect()).collect();
    // What all of them lack says most; if there is no such thing, everything that some of them do.
    let mut lacking: Vec<&Kind> = each[0].iter().filter(|kind| each.iter().all(|line| line.contains(kind))).collect();
    let none_has = !lacking.is_empty();
    if !none_has {
        for kind in each.iter().flatten() {
            if !lacking.contains(&kind) {
                lacking.push(kind);
            }
        }
    }
    let named: Vec<String> = lacking.iter().map(|kind| lack(kind, &lines, features)).collect();
    let who = if none_has { "" } else { "each lacks something: " };
    let nobody = match &features.backend {
        None => format!("No backend of {} can be given this request", of(chain)),
        Some(backend) => format!("The backend {backend}, which the request names, cannot be given it"),
    };
    let message = format!("{nobody}: {who}{}. {}", named.join("; "), advice(&lacking));
    let refusal = Refusal::bad_request(message).code("no_capable_backend");
    Some(match lacking.as_slice() {
        [Kind::LacksTag(_), ..] => refusal.field(TAGS),
        [Kind::Excluded, ..] => refusal.field(EXCLUDED),
        [Kind::Lacks("tools"), ..] => refusal.field("tools"),
        _ => refusal,
    })
}

/// What to tell the client if the region that its header asks for is that of no backend of the chain.
fn no_such_region<'a>(
    chain: impl Iterator<Item = &'a Arc<Model>> + Clone,
    features: &Features,
    region: &str,
) -> Option<Refusal> {
    let lines = lines(chain.clone(), features);
    if lines.is_empty() || lines.iter().any(|line| line.region().eq_ignore_ascii_case(region)) {
        return None;
    }
    let regions: BTreeSet<&str> = lines.iter().map(|line| line.region()).filter(|region| !region.is_empty()).collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    let there = match regions.as_slice() {
        [] => "None of them says where it is.".to_owned(),
        _ => format!("They are in: {}.", regions.join(", ")),
    };
    let region: String = region.chars().take(63).collect();
    let nobody = match &features.backend {
        None => format!("No backend of {} is", of(chain)),
        Some(backend) => format!("The backend {backend}, which the request names, is not"),
    };
    let message = format!("{nobody} in the region {region:?} ({REGION}). {there}");
    Some(Refusal::bad_request(message).field(REGION).code("no_such_region"))
}

/// The lines that could serve something; of a request that names its backend, that one.
fn lines<'a>(chain: impl Iterator<Item = &'a Arc<Model>>, features: &Features) -> Vec<&'a Backend> {
    let is_meant =
        |line: &&Backend| line.base > 0 && line.upstream.provider.enabled && features.allows(&line.endpoint.id);
    chain.flat_map(|model| &model.backends).filter(is_meant).collect()
}

fn of<'a>(mut chain: impl Iterator<Item = &'a Arc<Model>>) -> String {
    let mut text = format!("the model {:?}", chain.next().map_or("", |model| &*model.spec.name));
    if chain.next().is_some() {
        text.push_str(" or of its fallbacks");
    }
    text
}

/// What is lacking, and what of the request needs it.
fn lack(kind: &Kind, lines: &[&Backend], features: &Features) -> String {
    match kind {
        Kind::Lacks("tools") => "no tools, which the request brings".into(),
        Kind::Lacks("vision") => "no vision, which its images need".into(),
        Kind::Lacks("thinking") => "no thinking, which it asks for".into(),
        Kind::Lacks("json_schema") => "no json_schema, which its response format needs".into(),
        Kind::Lacks("context_window") => context_window(lines, features),
        Kind::Excluded => format!("its provider is excluded ({EXCLUDED})"),
        Kind::LacksTag(tag) => format!("no tag {tag:?}, which is required ({TAGS})"),
        other => other.to_string(),
    }
}

fn context_window(lines: &[&Backend], features: &Features) -> String {
    let window = |capabilities: &Capabilities| capabilities.context_window;
    let prompt = match features.max_output {
        None => "its prompt comes to".to_owned(),
        Some(most) => format!("its prompt of about {} and an answer of up to {most} come to", features.tokens),
    };
    let mut text = format!("no context_window of {} tokens, which {prompt}", features.window());
    if let Some(largest) = lines.iter().filter_map(|line| window(&line.line.capabilities)).max() {
        let _ = write!(text, " (the largest has {largest})");
    }
    text
}

fn advice(lacking: &[&Kind]) -> &'static str {
    let is_preference = |kind: &&Kind| matches!(kind, Kind::Excluded | Kind::LacksTag(_));
    if lacking.iter().all(is_preference) {
        return "Ask for less: by the header, or by what the rule and the virtual key prefer.";
    }
    "Leave out what needs it, or ask for another model; what backends can take is said by their `capabilities`."
}

#[cfg(test)]
mod tests;
