//! Which models may serve a request, in order: the one that is asked for, its fallbacks, theirs, and the default. Each is
//! there once, and only if the caller may use it.

use crate::{
    auth::Caller,
    classify::Classified,
    table::{Model, Table},
};
use pointsman_proto::domain::ModelName;
use std::sync::Arc;

/// The model that serves when neither a model nor its fallbacks can.
const DEFAULT_MODEL: &str = "default";

/// The enabled model of this name or alias, if this caller may use it.
pub(crate) fn resolve(table: &Table, caller: &Caller, name: &str) -> Option<Arc<Model>> {
    table.model(name).filter(|model| caller.may_use(&model.spec.name)).cloned()
}

/// The models to try when the one that a request is for cannot serve: none, where it names its backend.
pub(crate) fn others(table: &Table, caller: &Caller, classified: &Classified, model: &Arc<Model>) -> Vec<Arc<Model>> {
    if classified.features.backend.is_some() {
        return Vec::new();
    }
    let instead = classified.rule.as_ref().map_or(&[][..], |rule| &rule.fallbacks);
    fallbacks(table, caller, model, instead)
}

/// The models to try when this one cannot serve; those that a rule names come `instead` of its own.
pub(crate) fn fallbacks(table: &Table, caller: &Caller, model: &Arc<Model>, instead: &[ModelName]) -> Vec<Arc<Model>> {
    let mut chain = vec![model.clone()];
    let add = |chain: &mut Vec<Arc<Model>>, name: &str| {
        if let Some(model) = resolve(table, caller, name)
            && !chain.iter().any(|m| m.spec.name == model.spec.name)
        {
            chain.push(model);
        }
    };
    let mut next = 0;
    while let Some(model) = chain.get(next).cloned() {
        let stated = if next == 0 && !instead.is_empty() { instead } else { &model.spec.fallbacks[..] };
        stated.iter().for_each(|name| add(&mut chain, name));
        next += 1;
    }
    add(&mut chain, DEFAULT_MODEL);
    chain.split_off(1)
}
