//! What is stated of the providers, checked against the configuration.

use crate::{args::simulate::SimulateArgs, error::CliError};
use pointsman_data_plane::{
    select::Route,
    simulate::{Answer, Behaviour, Limit, Outage, Upstream},
};
use pointsman_proto::admin::v1::Config;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, btree_map::Entry};

/// An answer of which nothing is stated, in milliseconds.
const USUAL: f64 = 1_000.0;
/// When its first content comes.
const FIRST_CONTENT: f64 = 1.0 / 3.0;
const SPREAD: f64 = 0.3;

/// How the providers behave.
pub struct Upstreams<'a> {
    args: &'a SimulateArgs,
    /// By endpoint and key: what each has come to.
    each: BTreeMap<(String, String, String), (Upstream, StdRng)>,
}

impl<'a> Upstreams<'a> {
    /// # Errors
    /// Something is stated of what is not there.
    pub fn of(config: &Config, args: &'a SimulateArgs) -> Result<Self, CliError> {
        let providers: Vec<&str> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
        let with_parts = args.fail.iter().chain(&args.rate_limit).map(|(provider, _)| provider);
        let stated =
            with_parts.chain(args.latency.iter().map(|(p, _)| p)).chain(args.error_rate.iter().map(|(p, _)| p));
        for name in stated {
            known("provider", name, &providers)?;
        }
        for (provider, model) in args.fail.iter().filter(|(_, model)| !model.is_empty()) {
            let lines = config.models.iter().flat_map(|model| {
                let name = &model.name;
                let upstream = move |line: &'_ str| if line.is_empty() { name.clone() } else { line.to_owned() };
                model.backends.iter().filter(|line| line.provider == *provider).map(move |line| upstream(&line.model))
            });
            let lines: Vec<String> = lines.collect();
            known(&format!("model of {provider}"), model, &lines)?;
        }
        for (provider, key) in args.rate_limit.iter().filter(|(_, key)| !key.is_empty()) {
            let keys = config.keys.iter().filter(|key| key.provider == *provider).map(|key| key.name.as_str());
            known(&format!("key of {provider}"), key, &keys.collect::<Vec<_>>())?;
        }
        Ok(Self { args, each: BTreeMap::new() })
    }

    /// What comes of an attempt that is sent at a time.
    pub fn answer(&mut self, route: &Route, at: u64) -> Answer {
        let endpoint = &route.backend().endpoint.id;
        let model = endpoint.model.as_deref().unwrap_or_default();
        let place = (endpoint.provider.to_string(), model.to_owned(), route.key().id.key.to_string());
        let number = self.each.len() as u64 + 2;
        let (upstream, rng) = match self.each.entry(place) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let mut rng = StdRng::seed_from_u64(self.args.seed.wrapping_add(number));
                let (provider, model, key) = entry.key();
                let behaviour = behaviour(self.args, provider, model, key);
                entry.insert((Upstream::new(behaviour, &mut rng), rng))
            }
        };
        upstream.answer(at, rng)
    }
}

fn behaviour(args: &SimulateArgs, provider: &str, model: &str, key: &str) -> Behaviour {
    let states =
        |stated: &[(String, String)], part: &str| stated.iter().any(|(of, which)| of == provider && which == part);
    let latency = args.latency.iter().rfind(|(of, _)| of == provider);
    let whole_ms = latency.map_or(USUAL, |(_, latency)| latency.as_secs_f64() * 1000.0);
    let errors = args.error_rate.iter().rfind(|(of, _)| of == provider).map_or(0.0, |(_, part)| *part);
    let forever = || Outage { from_s: 0.0, to_s: [f64::MAX; 2] };
    let nothing = || Limit { per_second: 0.0, burst: 0.0, retry_after_s: None };
    Behaviour {
        first_byte_ms: whole_ms * FIRST_CONTENT,
        whole_ms,
        spread: SPREAD,
        errors: if states(&args.fail, model) { 1.0 } else { errors },
        worsens: None,
        down: states(&args.fail, "").then(forever),
        limit: (states(&args.rate_limit, "") || states(&args.rate_limit, key)).then(nothing),
    }
}

fn known<N: AsRef<str>>(what: &str, name: &str, names: &[N]) -> Result<(), CliError> {
    let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.contains(&name) {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(CliError::NotFound(format!("there is no {what} {name:?} in the configuration; it has: {has}")))
}
