//! A request that was not made, as a node would read it.

use super::Hop;
use crate::{
    error::Refusal,
    insight::explain::asked::{Posed, posed},
    proxy::{chain, recount},
    router::Router,
    table::Model,
};
use pointsman_proto::{admin::v1::ExplainRequest, domain::Name};
use std::sync::Arc;

/// What would serve a request, and what it is.
#[derive(Clone)]
pub struct Read {
    /// The rule that fires.
    pub rule: Option<Name>,
    /// The models to try, in order, and what it is for each.
    pub hops: Arc<[Hop]>,
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
    let Posed { caller, mut given } = posed(&table, request)?;
    let mut classified = given.question(router.keeper(), &table, &caller).classify().map_err(Refusal::from)?;
    let model = classified.model.clone().ok_or_else(|| Unreadable::NoModel(given.asked.model.clone()))?;
    let others = chain::others(&table, &caller, &classified, &model);
    let at = (&**router.keeper(), &*table, &caller);
    if let Some(refusal) = recount::unserved(&model, &others, &mut classified, &mut given, at) {
        return Err(refusal.into());
    }
    let question = given.question(router.keeper(), &table, &caller);
    let hop = |model: Arc<Model>| {
        classified.turn_to(&model, &question);
        Hop { features: classified.features.clone(), model }
    };
    let hops = std::iter::once(model).chain(others).map(hop).collect();
    Ok(Read { rule: classified.rule.map(|rule| rule.name.clone()), hops })
}
