//! `simulate`: requests through the nodes' own router in virtual time, with failures as they are stated.

mod report;
mod upstreams;

use crate::{args::simulate::SimulateArgs, client::Session, commands::explain, error::CliError, input, output};
use pointsman_data_plane::{
    place::Place,
    router::Router,
    select::Route,
    simulate::{Hop, Read, Request, Simulation, Unreadable, read},
    table::Refused,
};
use pointsman_proto::{
    admin::v1::{Config, ExplainRequest, ExportRequest},
    clock::{Clock, Hand},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use report::Report;
use std::sync::Arc;
use upstreams::Upstreams;

pub async fn run(session: &Session, args: SimulateArgs) -> Result<(), CliError> {
    let config = match args.files.is_empty() {
        true => session.config_service().await?.export(ExportRequest {}).await?.into_inner().config.unwrap_or_default(),
        false => input::configs(&args.files)?,
    };
    let report = simulate(config, &args)?;
    match args.output {
        Some(format) => output::print_document(&report, format),
        None => output::print(&report.text()),
    }
}

/// Everything but reading and printing.
fn simulate(config: Config, args: &SimulateArgs) -> Result<Report, CliError> {
    let upstreams = Upstreams::of(&config, args)?;
    let (router, hand) = router(config, args)?;
    let asked = ask(&router, args)?;
    if asked.hops.iter().any(|hop| hop.model.spec.hedging.is_some()) {
        eprintln!("warning: hedging is left out: late requests are not sent a second time here");
    }
    let mut report = Report::of(&asked, args);
    let requests = requests(&asked, args);
    let (upstreams, attempts) = (std::cell::RefCell::new(upstreams), std::cell::RefCell::new(Vec::new()));
    let answer = |route: &Route, _: &Request, at| {
        let answer = upstreams.borrow_mut().answer(route, at);
        attempts.borrow_mut().push((report::Place::of(route), answer.outcome.clone()));
        answer
    };
    for ended in Simulation::new(router, hand, StdRng::seed_from_u64(args.seed), requests, answer) {
        attempts.borrow_mut().drain(..).for_each(|(place, outcome)| report.attempt(&place, &outcome));
        report.request(&ended);
    }
    Ok(report.finish())
}

/// A router that runs this configuration.
fn router(mut config: Config, args: &SimulateArgs) -> Result<(Router, Hand), CliError> {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::new(&args.zone, ""), "simulated");
    router.configure(&config).map_err(invalid)?;
    if let Some(strategy) = &args.strategy {
        // The rules may name another model than the one that is asked for.
        let name = ask(&router, args)?.hops[0].model.spec.name.to_string();
        config
            .models
            .iter_mut()
            .filter(|model| model.name == name)
            .for_each(|model| model.strategy.clone_from(strategy));
        router.configure(&config).map_err(invalid)?;
    }
    Ok((router, hand))
}

fn invalid(Refused(violations): Refused) -> CliError {
    let lines: String = violations.iter().map(|violation| format!("\n  {violation}")).collect();
    CliError::Failed(format!("the configuration is not valid; nothing was simulated{lines}"))
}

/// The request, as a node reads it.
fn ask(router: &Router, args: &SimulateArgs) -> Result<Read, CliError> {
    let request = ExplainRequest {
        model: args.model.clone().unwrap_or_default(),
        body: args.body.as_deref().map(explain::read).transpose()?.map(Into::into),
        headers: args.headers.clone(),
        path: args.path.clone().unwrap_or_default(),
        virtual_key: args.virtual_key.clone().unwrap_or_default(),
        ..Default::default()
    };
    read(router, &request).map_err(|why| match why {
        Unreadable::NoModel(name) => {
            CliError::NotFound(format!("there is no enabled model {name:?} in the configuration"))
        }
        Unreadable::Refused(why) => CliError::Failed(format!("such a request is refused: {why}")),
    })
}

/// Requests that come at random moments.
fn requests(asked: &Read, args: &SimulateArgs) -> impl Iterator<Item = Request> + use<> {
    let (mut rng, mut at) = (StdRng::seed_from_u64(args.seed.wrapping_add(1)), 0.0);
    let (hops, between) = (asked.hops.clone(), 1000.0 / args.rate);
    let sticks = hops.iter().any(|hop| hop.features.affinity.is_some());
    (0..args.requests).map(move |_| {
        at -= (1.0 - rng.random::<f64>()).ln() * between;
        Request { at: at as u64, hops: if sticks { conversation(&hops, rng.random()) } else { hops.clone() } }
    })
}

/// The same request in a conversation of its own.
fn conversation(hops: &[Hop], number: u64) -> Arc<[Hop]> {
    let of_it = |hop: &Hop| {
        let mut hop = hop.clone();
        hop.features.affinity = hop.features.affinity.map(|_| number);
        hop
    };
    hops.iter().map(of_it).collect()
}

#[cfg(test)]
mod tests;
