//! What it costs to find out what a request is, beyond the model's name that is always read: a request of Claude Code of a
//! megabyte, with a rule of each class, preferences in the headers, and affinity by the conversation.

use crate::{
    claude_code,
    row::{Row, quantile},
    world,
};
use anyhow::Context;
use bytes::Bytes;
use pointsman_data_plane::{place::Place, request, router::Router, simulate::read};
use pointsman_proto::{
    admin::v1::{Affinity, Backend, Capabilities, Config, ExplainRequest, Header, Model, Rule},
    clock::Clock,
};
use std::{hint::black_box, time::Instant};

const BYTES: usize = 1_000_000;
const TIMES: usize = 300;
/// `default` comes last, since it always fires.
const CLASSES: [&str; 6] = ["background", "web_search", "image", "long_context", "thinking", "default"];

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let body = Bytes::from(claude_code::request(BYTES));
    let router = router()?;
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let asked = ExplainRequest {
        path: "/v1/messages".into(),
        body: Some(body.clone()),
        headers: vec![
            header("x-pointsman-priority", "high"),
            header("x-claude-code-session-id", "0f0f0f0f-0000-4000-8000-000000000000"),
        ],
        ..Default::default()
    };
    let found = read(&router, &asked).map_err(|why| anyhow::anyhow!("{why:?}"))?;
    anyhow::ensure!(found.rule.as_deref() == Some("long_context"), "{:?} fired", found.rule);
    let (mut names, mut both) = (Vec::with_capacity(TIMES), Vec::with_capacity(TIMES));
    for _ in 0..TIMES {
        names.push(timed(|| drop(black_box(request::read(body.clone(), "application/json")))));
        both.push(timed(|| drop(black_box(read(&router, &asked)))));
    }
    let (name, both) = (quantile(&mut names, 50.0), quantile(&mut both, 50.0));
    let remark = format!("the name {name:.2} ms; {} bytes, {} tokens", body.len(), found.hops[0].features.tokens);
    Ok(vec![Row::at_most("classification of 1 MB, beyond the model's name", 1.0, both - name, "ms").with(&remark)])
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e3
}

fn router() -> anyhow::Result<Router> {
    let capabilities = Capabilities { context_window: 1_000_000, ..Default::default() };
    let line = Backend { provider: "a".into(), capabilities: Some(capabilities), ..Default::default() };
    let model = Model {
        name: "m".into(),
        strategy: "cheapest".into(),
        backends: vec![line],
        affinity: Some(Affinity { by: "prefix".into(), ..Default::default() }),
        ..Default::default()
    };
    let rule = |(position, class): (u32, &&str)| Rule {
        name: (*class).into(),
        position,
        class: (*class).into(),
        model: "m".into(),
        ..Default::default()
    };
    let mut router = Router::new(Clock::start(), Place::default(), "bench");
    router
        .configure(&Config {
            providers: vec![world::provider("a", "http://127.0.0.1:1/v1")],
            keys: vec![world::key("a")],
            models: vec![model],
            rules: (0..).zip(&CLASSES).map(rule).collect(),
            ..Default::default()
        })
        .context("a configuration with rules")?;
    Ok(router)
}
