//! What this node would do with a request, and why: from its own table, rules, cells and choice, so that an explanation
//! cannot disagree with a decision. Nothing is sent, taken or counted.
//!
//! ```text
//! the request as the proxy would see it (asked) → features, rules, preferences (classify) → the chain of models
//!   → of the first that something ready serves, else of the first that is left as a last resort: the shares
//!   → each model of the chain: candidates, terms, exclusions (hop)
//! ```
//! Probes are left aside: a request that meets something that is due for one may become it, and the exclusion says so.

pub(crate) mod asked;
mod hop;
mod shares;
mod shorten;
mod terms;
mod words;

use crate::{
    cells::EndpointCell,
    classify::{Classified, Question, scan},
    error::Refusal,
    features::Features,
    keeper::Keeper,
    protocol::surface::Surface,
    proxy::{
        chain, nowhere,
        prepare::{Given, To, Unfit, prepare},
        recount,
    },
    select::{Reach, fits, score},
    table::{Backend, Model},
};
use asked::Posed;
use hop::Asks;
use pointsman_proto::{
    admin::v1::{self as wire, ExplainRequest, Explanation, RuleTrace},
    convert::EXPLANATION_BYTES,
};
use shorten::shorten;
use std::sync::Arc;

/// What this node would do with the request now. Who answers, the control plane adds.
pub fn explain(keeper: &Arc<Keeper>, request: &ExplainRequest) -> Explanation {
    let mut explanation = Explanation::default();
    if let Err(refusal) = follow(keeper, request, &mut explanation) {
        explanation.refusal = refusal.message().to_owned();
    }
    shorten(&mut explanation, EXPLANATION_BYTES);
    explanation
}

/// Goes the way of a request as far as it leads.
fn follow(keeper: &Arc<Keeper>, request: &ExplainRequest, explanation: &mut Explanation) -> Result<(), Refusal> {
    let table = keeper.tables.load_full();
    explanation.version = table.version;
    let Posed { caller, mut given } = asked::posed(&table, request)?;
    let question = given.question(keeper, &table, &caller);
    let mut classified = question.classify()?;
    describe(&question, &classified, explanation);
    let model = classified.model.clone().ok_or_else(|| Refusal::unknown_model(&given.asked.model))?;
    let others = chain::others(&table, &caller, &classified, &model);
    let chain: Vec<Arc<Model>> = std::iter::once(model).chain(others).collect();
    // Tokens are counted whatever the request needs, and by the node itself where no provider can.
    let counts = matches!(given.surface, Surface::CountTokens | Surface::GeminiCountTokens);
    let at = (&**keeper, &*table, &caller);
    let refused =
        if counts { None } else { recount::unserved(&chain[0], &chain[1..], &mut classified, &mut given, at) };
    let question = given.question(keeper, &table, &caller);
    let features: Vec<Features> = chain.iter().map(|model| seen_by(model, &mut classified, &question)).collect();
    let unfit = unfit(&mut given, &chain);
    let (now, stagger) = (keeper.now(), keeper.stagger);
    let asks =
        chain.iter().zip(features).map(|(model, features)| Asks { model, features, unfit: &unfit, stagger, now });
    let asks: Vec<Asks<'_>> = asks.collect();
    decide(&asks, refused, explanation).or_else(|refusal| if counts { Ok(()) } else { Err(refusal) })
}

fn seen_by(model: &Model, classified: &mut Classified, question: &Question<'_>) -> Features {
    classified.turn_to(model, question);
    match question.surface {
        Surface::CountTokens | Surface::GeminiCountTokens => classified.features.to_be_counted(),
        _ => classified.features.clone(),
    }
}

/// What the request is and would like, and how the rules came out. It is looked at for people, even if nothing asks what is
/// in it.
fn describe(question: &Question<'_>, classified: &Classified, explanation: &mut Explanation) {
    let looked_at = scan::scan(&question.asked.body, question.surface).features;
    let seen = Features { affinity: classified.features.affinity, ..looked_at };
    let features = words::features(&seen, &question.asked.model);
    explanation.features = Some(wire::Features { last_prompt: classified.last_prompt, ..features });
    explanation.preferences = words::choice(classified).into_iter().collect();
    explanation.preferences.extend(words::preferences(&classified.features.preferences));
    let trace = question.trace(classified).into_iter().map(|(rule, outcome)| RuleTrace {
        rule: rule.to_string(),
        fires: outcome.is_ok(),
        why_not: outcome.err().unwrap_or_default(),
    });
    explanation.rules = trace.collect();
    explanation.rule = classified.rule.as_ref().map(|rule| rule.name.to_string()).unwrap_or_default();
}

/// The backends of the chain that cannot be given this request, and what the client would be told of each.
fn unfit(given: &mut Given, chain: &[Arc<Model>]) -> Vec<(Arc<EndpointCell>, String)> {
    let mut found: Vec<(Arc<EndpointCell>, String)> = Vec::new();
    for backend in chain.iter().flat_map(|model| &model.backends) {
        let known = found.iter().any(|(cell, _)| Arc::ptr_eq(cell, &backend.endpoint));
        if let (false, Some(key)) = (known, backend.upstream.keys.first())
            && let Err(Unfit(refusal)) = prepare(given, To { backend, key })
        {
            found.push((backend.endpoint.clone(), refusal.message().to_owned()));
        }
    }
    found
}

/// The model that serves, how far the selection went, and the shares of its lines.
struct Serving {
    hop: usize,
    reach: Reach,
    shares: Vec<f64>,
}

impl Serving {
    /// The first model of the chain that something ready serves, else the first that is left as a last resort.
    fn of(chain: &[Asks<'_>]) -> Option<Self> {
        let at = |reach| {
            let each =
                chain.iter().enumerate().map(|(hop, asks)| Self { hop, reach, shares: shares::shares(asks, reach) });
            each.into_iter().find(|serving| serving.shares.iter().any(|share| *share > 0.0))
        };
        at(Reach::Ready).or_else(|| at(Reach::LastResort))
    }
}

/// Who serves, with what share of such requests; nobody, where the request is refused at once.
fn decide(chain: &[Asks<'_>], refused: Option<Refusal>, explanation: &mut Explanation) -> Result<(), Refusal> {
    let serving = if refused.is_none() { Serving::of(chain) } else { None };
    let hops = chain.iter().enumerate().map(|(i, asks)| match &serving {
        Some(serving) if serving.hop == i => hop::hop(asks, serving.reach, &serving.shares),
        _ => hop::hop(asks, Reach::Ready, &vec![0.0; asks.model.backends.len()]),
    });
    explanation.hops = hops.collect();
    let Some(serving) = serving else { return Err(refused.unwrap_or_else(|| nobody(chain))) };
    explanation.confidence = confidence(&chain[serving.hop], serving.reach, &serving.shares);
    Ok(())
}

/// How sure the choice of the likeliest line is.
fn confidence(asks: &Asks<'_>, reach: Reach, shares: &[f64]) -> f64 {
    let likeliest = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]).then(b.cmp(a)));
    let line = likeliest.map(|i| &asks.model.backends[i]);
    line.map_or(0.0, |line| score::confidence(asks.model, line, &asks.features, 0, reach == Reach::LastResort))
}

/// What the client would be told when nothing can serve.
fn nobody(chain: &[Asks<'_>]) -> Refusal {
    let lines = chain.iter().flat_map(|asks| asks.model.backends.iter().map(move |line| (asks, line)));
    let is_meant = |line: &Backend| line.base > 0 && chain[0].features.allows(&line.endpoint.id);
    let passed_over: Vec<Option<&str>> =
        lines.filter(|(_, line)| is_meant(line)).map(|(asks, line)| asks.passed_over(line)).collect();
    if let Some(Some(why)) = passed_over.first().filter(|_| passed_over.iter().all(Option::is_some)) {
        return Refusal::bad_request(*why);
    }
    let features = &chain[chain.len() - 1].features;
    let fits = |line: &Backend| chain.iter().all(|asks| asks.passed_over(line).is_none()) && fits(line, features);
    nowhere::refusal(chain.iter().map(|asks| asks.model), features.backend.as_ref(), fits, 0, "", chain[0].now)
}

#[cfg(test)]
mod tests;
