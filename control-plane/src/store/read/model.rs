//! Rows of `models` and `backends`.

use crate::store::cells::Cells;
use pointsman_proto::admin::v1;

pub(super) fn read(at: &mut Cells<'_>, name: String, backends: Vec<v1::Backend>) -> v1::Model {
    v1::Model {
        name,
        strategy: at.text("strategy"),
        backends,
        fallbacks: at.list("fallbacks"),
        aliases: at.list("aliases"),
        enabled: at.enabled(),
        affinity: affinity(at),
        hedging: hedging(at),
        headroom: at.flag("headroom").unwrap_or(false),
        etag: String::new(),
    }
}

fn affinity(at: &mut Cells<'_>) -> Option<v1::Affinity> {
    Some(v1::Affinity {
        by: at.cell("affinity_by")?,
        header: at.text("affinity_header"),
        max_load: at.cell("affinity_max_load").unwrap_or(0.0),
    })
}

fn hedging(at: &mut Cells<'_>) -> Option<v1::Hedging> {
    let hedging = v1::Hedging {
        after: at.duration("hedge_after_ms"),
        percentile: at.number("hedge_percentile"),
        budget_percent: at.number("hedge_budget_percent"),
    };
    Some(hedging).filter(|hedging| *hedging != v1::Hedging::default())
}

pub(super) fn backend(at: &mut Cells<'_>) -> v1::Backend {
    v1::Backend {
        provider: at.text("provider"),
        model: at.text("upstream_model"),
        weight: at.cell("weight"),
        priority: at.number("priority"),
        enabled: at.enabled(),
        tags: at.list("tags"),
        capabilities: capabilities(at),
        price: price(at),
        quality: at.text("quality"),
        region: at.text("region"),
    }
}

fn capabilities(at: &mut Cells<'_>) -> Option<v1::Capabilities> {
    let capabilities = v1::Capabilities {
        tools: at.flag("tools"),
        vision: at.flag("vision"),
        thinking: at.flag("thinking"),
        json_schema: at.flag("json_schema"),
        context_window: at.number("context_window"),
    };
    Some(capabilities).filter(|capabilities| *capabilities != v1::Capabilities::default())
}

/// None unless one of its two main columns is set.
fn price(at: &mut Cells<'_>) -> Option<v1::Price> {
    let (input, output) = (at.cell("price_input"), at.cell("price_output"));
    let stated = input.is_some() || output.is_some();
    stated.then(|| v1::Price {
        input: input.unwrap_or(0.0),
        output: output.unwrap_or(0.0),
        cached_input: at.cell("price_cached_input"),
    })
}
