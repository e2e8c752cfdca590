//! A prompt that only its estimate makes too long for every backend is counted before its request is refused.

use super::{nowhere, prepare::Given};
use crate::{
    auth::Caller,
    classify::Classified,
    error::Refusal,
    features::Features,
    keeper::Keeper,
    protocol::{tokens, translate::ClientForm},
    table::{Model, Table},
};
use std::sync::Arc;

/// By how much an estimate may be above the true number, in percent of that.
const MARGIN: u64 = 30;

/// What counts the tokens of a refused request's prompt, if it could be taken were it as much shorter as estimates are off;
/// none where that would not help, or it cannot be read.
pub(super) fn counting(
    model: &Arc<Model>,
    others: &[Arc<Model>],
    features: &Features,
    given: &mut Given,
) -> Option<impl FnOnce() -> u64 + Send + use<>> {
    let shorter = Features { tokens: features.tokens * 100 / (100 + MARGIN), ..features.clone() };
    if nowhere::unserved(model, || others.to_vec(), &shorter, &given.headers).is_some() {
        return None;
    }
    let upstream_model = model.backends.first()?.model.to_string();
    let request = given.neutral(ClientForm::of(given.surface)?).ok()?;
    Some(move || tokens::of_request(&request, &upstream_model))
}

/// What to tell the client if no backend could ever serve its request; counts at once, for those whom nobody waits behind.
pub(crate) fn unserved(
    model: &Arc<Model>,
    others: &[Arc<Model>],
    classified: &mut Classified,
    given: &mut Given,
    (keeper, table, caller): (&Keeper, &Table, &Caller),
) -> Option<Refusal> {
    let refused = |classified: &Classified, given: &Given| {
        nowhere::unserved(model, || others.to_vec(), &classified.features, &given.headers)
    };
    let refusal = refused(classified, given)?;
    let Some(count) = counting(model, others, &classified.features, given) else { return Some(refusal) };
    classified.features.tokens = count();
    classified.turn_to(model, &given.question(keeper, table, caller));
    refused(classified, given)
}

#[cfg(test)]
mod tests;
