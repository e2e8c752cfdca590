//! Bodies of every kind, whatever they hold.

use crate::edit::record::Body;
use pbjson_types::{Duration, Timestamp};
use pointsman_proto::admin::v1;
use proptest::prelude::*;

fn duration() -> impl Strategy<Value = Option<Duration>> {
    let ms = |ms: i64| Duration { seconds: ms / 1000, nanos: (ms % 1000 * 1_000_000) as i32 };
    prop::option::of((0..86_400_000_i64).prop_map(ms))
}

fn flag() -> impl Strategy<Value = Option<bool>> {
    prop::option::of(any::<bool>())
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("\\PC{0,20}", 0..4)
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(0.0..1e6_f64)
}

prop_compose! {
    fn preferences()(texts in prop::collection::vec("\\PC{0,9}", 3), lists in prop::collection::vec(names(), 3),
                     latency_tolerance in duration(), cost_sensitivity in number()) -> Option<v1::Preferences> {
        let [priority, region, quality] = <[String; 3]>::try_from(texts).expect("there are three");
        let [preferred_providers, excluded_providers, required_tags] = <_>::try_from(lists).expect("there are three");
        Some(v1::Preferences {
            priority, region, preferred_providers, excluded_providers, latency_tolerance, cost_sensitivity, quality,
            required_tags,
        })
    }
}

prop_compose! {
    fn health_check()(texts in prop::collection::vec("\\PC{0,9}", 3), interval in duration(), timeout in duration(),
                      retries in any::<u32>()) -> v1::HealthCheck {
        let [kind, path, model] = <_>::try_from(texts).expect("there are three");
        v1::HealthCheck { kind, interval, timeout, retries, path, model }
    }
}

prop_compose! {
    fn condition()(lists in prop::collection::vec(names(), 3), bounds in any::<(u32, u32)>(), effort in "\\PC{0,9}",
                   said in prop::collection::vec(flag(), 5), header in ("\\PC{0,9}", "\\PC{0,9}", any::<bool>()),
                   times in prop::collection::vec(("\\PC{0,9}", "\\PC{0,9}", names(), "\\PC{0,9}"), 0..3)) -> v1::Condition {
        let [dialects, models, virtual_key_tags] = <_>::try_from(lists).expect("there are three");
        let (name, value, absent) = header;
        let time = |(from, to, days, utc_offset)| v1::TimeOfDay { from, to, days, utc_offset };
        v1::Condition {
            dialects, models, virtual_key_tags,
            min_tokens: bounds.0, max_tokens: bounds.1,
            thinking: said[0], thinking_effort: effort, tools: said[1], web_search: said[2], images: said[3], stream: said[4],
            headers: vec![v1::HeaderMatch { name, value, absent }],
            times: times.into_iter().map(time).collect(),
        }
    }
}

prop_compose! {
    fn rule()(name in "[a-z]{1,9}", position in any::<u32>(), enabled in flag(), class in "\\PC{0,9}", model in "\\PC{0,9}",
              when in prop::option::of(condition()), fallbacks in names(), preferences in preferences()) -> Body {
        v1::Rule { name, position, enabled, class, when, model, fallbacks, preferences, ..Default::default() }.into()
    }
}

prop_compose! {
    fn provider()(name in "[a-z]{1,9}", base_url in "\\PC{0,30}", enabled in flag(), cap in any::<u32>(), region in "\\PC{0,9}",
                  d in prop::collection::vec(duration(), 8), n in prop::collection::vec(any::<u32>(), 3),
                  texts in prop::collection::vec("\\PC{0,9}", 5), compatible in flag(),
                  health_check in prop::option::of(health_check())) -> Body {
        v1::Provider {
            name, base_url, enabled, region, compatible, health_check,
            preset: texts[0].clone(), api: texts[1].clone(), api_version: texts[2].clone(), token_url: texts[3].clone(),
            zone: texts[4].clone(),
            protocol: "openai".into(),
            max_concurrent_requests: cap,
            timeouts: Some(v1::Timeouts { connect: d[0], first_byte: d[1], idle: d[2] }),
            circuit_breaker: Some(v1::CircuitBreaker {
                failure_threshold: n[0], success_threshold: n[1], reset_timeout: d[3], monitoring_period: d[4],
            }),
            rate_limits: Some(v1::RateLimits {
                cooldown: d[5], blacklist_after: n[2], blacklist_for: d[6], blacklist_max: d[7],
            }),
            ..Default::default()
        }.into()
    }
}

prop_compose! {
    fn backend()(weight in number(), priority in any::<u32>(), enabled in flag(), tags in names(),
                 can in prop::option::of((prop::collection::vec(flag(), 4), any::<u32>())),
                 price in prop::option::of((0.0..1e6_f64, 0.0..1e6_f64, number())), texts in prop::collection::vec("\\PC{0,9}", 2))
                 -> v1::Backend {
        let can = can.map(|(can, context_window)| v1::Capabilities {
            tools: can[0], vision: can[1], thinking: can[2], json_schema: can[3], context_window,
        });
        let price = price.map(|(input, output, cached_input)| v1::Price { input, output, cached_input });
        let [quality, region] = <_>::try_from(texts).expect("there are two");
        v1::Backend { provider: "p".into(), weight, priority, enabled, tags, capabilities: can, price, quality, region, ..Default::default() }
    }
}

prop_compose! {
    fn model()(name in "[a-z/]{1,9}", lines in prop::collection::vec(backend(), 0..5), fallbacks in names(), aliases in names(),
               enabled in flag(), affinity in prop::option::of(("\\PC{0,9}", "\\PC{0,9}", 0.0..9.0_f64)),
               hedging in prop::option::of((duration(), 1..99_u32, 0..99_u32)), headroom in any::<bool>()) -> Body {
        let affinity = affinity.map(|(by, header, max_load)| v1::Affinity { by, header, max_load });
        let hedging = hedging.map(|(after, percentile, budget_percent)| v1::Hedging { after, percentile, budget_percent });
        let line = |(i, line): (usize, v1::Backend)| v1::Backend { model: format!("{i}"), ..line };
        let backends = lines.into_iter().enumerate().map(line).collect();
        v1::Model { name, backends, fallbacks, aliases, enabled, affinity, hedging, headroom, ..Default::default() }.into()
    }
}

prop_compose! {
    fn virtual_key()(name in "[a-z]{1,9}", enabled in flag(), tags in names(), allowed_models in names(),
                     expires in prop::option::of(0..4_000_000_000_000_i64), preferences in preferences()) -> Body {
        let instant = |ms: i64| Timestamp { seconds: ms / 1000, nanos: (ms % 1000 * 1_000_000) as i32 };
        v1::VirtualKey { name, enabled, tags, allowed_models, expire_time: expires.map(instant), preferences, ..Default::default() }.into()
    }
}

pub(super) fn body() -> impl Strategy<Value = Body> {
    let settings = (any::<u32>(), "\\PC{0,9}").prop_map(|(max_attempts, client_authentication)| {
        v1::Settings { max_attempts, client_authentication, ..Default::default() }.into()
    });
    let node =
        ("[a-z]{1,9}", "\\PC{0,9}").prop_map(|(name, zone)| v1::Node { name, zone, ..Default::default() }.into());
    prop_oneof![provider(), model(), rule(), virtual_key(), settings, node]
}
