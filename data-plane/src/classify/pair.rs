//! A backend by name: `provider,upstream-model`, where a request names its model. No model of ours has a comma in its name.
//!
//! It is the backend of the first model, in the order of names, that the caller may use and that has it in use; where all
//! such models have drained it, of the first of those. Letters of either case are the same.

use crate::{
    auth::Caller,
    table::{Backend, Model, Table},
};
use std::sync::Arc;

/// The provider and its model that a name stands for, if it stands for a backend.
pub fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(',').map(|(provider, model)| (provider.trim(), model.trim()))
}

/// The backend, and the model that it serves for this caller.
pub fn find<'a>(
    table: &'a Table,
    caller: &Caller,
    (provider, model): (&str, &str),
) -> Option<(&'a Arc<Model>, &'a Backend)> {
    let is_named = |line: &Backend| {
        line.model.eq_ignore_ascii_case(model) && line.upstream.provider.name.eq_ignore_ascii_case(provider)
    };
    let models = table.models.values().filter(|model| model.spec.enabled && caller.may_use(&model.spec.name));
    let lines = models.flat_map(|model| model.backends.iter().map(move |line| (model, line)));
    lines.filter(|(_, line)| is_named(line)).min_by_key(|(model, line)| (line.base == 0, &*model.spec.name))
}
