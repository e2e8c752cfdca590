//! A request that was not made, as a node would read it.

use crate::{
    classify::Question,
    error::Refusal,
    features::Features,
    insight::explain::asked::{Posed, posed},
    proxy::{chain, nowhere, prepare::Given},
    router::Router,
    table::Model,
};
use pointsman_proto::{admin::v1::ExplainRequest, domain::Name};
use std::{sync::Arc, time::SystemTime};

/// What would serve a request, and what it is.
#[derive(Clone)]
pub struct Read {
    /// The rule that fires.
    pub rule: Option<Name>,
    /// The models to try, in order.
    pub models: Arc<[Arc<Model>]>,
    /// As the first of the models wants them.
    pub features: Features,
}

/// Why a request would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is no enabled model of this name or alias.
    NoModel(String),
    /// What its client would be told.
    Refused(String),
}

impl From<Refusal> for Unreadable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.message().to_owned())
    }
}

/// Reads a request.
///
/// # Errors
/// There is no such model, a header is not valid, nothing has what the request needs.
pub fn read(router: &Router, request: &ExplainRequest) -> Result<Read, Unreadable> {
    let table = router.keeper().tables.load_full();
    let Posed { caller, given } = posed(&table, request)?;
    let Given { surface, headers, asked, .. } = &given;
    let now = SystemTime::now();
    let classified = Question { table: &table, caller: &caller, surface: *surface, headers, asked, now }
        .classify()
        .map_err(Refusal::from)?;
    let model = classified.model.clone().ok_or_else(|| Unreadable::NoModel(asked.model.clone()))?;
    let instead = classified.rule.as_ref().map_or(&[][..], |rule| &rule.fallbacks);
    let others = chain::fallbacks(&table, &caller, &model, instead);
    match nowhere::unserved(&model, || others.clone(), &classified.features, headers) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(Read {
            rule: classified.rule.as_ref().map(|rule| rule.name.clone()),
            models: std::iter::once(model).chain(others).collect(),
            features: classified.features,
        }),
    }
}
