//! One line of a model.

use super::{endpoint, weight};
use pointsman_proto::admin::v1::{Backend, Capabilities, Price};
use std::{num::NonZeroU32, str::FromStr};

/// What may follow a backend.
const OPTIONS: &str = "priority=N, enabled=BOOL, tag=T, price=INPUT/OUTPUT[/CACHED], quality=Q, region=R, context=TOKENS, \
                       tools=BOOL, vision=BOOL, thinking=BOOL and json_schema=BOOL";

/// `PROVIDER[/MODEL][=WEIGHT][,OPTION=VALUE]...`, one line of a model.
pub fn backend(text: &str) -> Result<Backend, String> {
    let mut parts = text.split(',');
    let head = parts.next().unwrap_or_default();
    let (name, value) = match head.rsplit_once('=') {
        Some((name, value)) => (name, Some(weight(value)?)),
        None => (head, None),
    };
    let (provider, model) = endpoint(name)?;
    let mut backend = Backend { provider, model, weight: value, ..Backend::default() };
    for part in parts {
        option(&mut backend, part)?;
    }
    Ok(backend)
}

fn option(backend: &mut Backend, part: &str) -> Result<(), String> {
    let (key, value) = part.split_once('=').unwrap_or((part, ""));
    match key {
        "priority" => backend.priority = read(key, value, "0, 1, 2 ...")?,
        "enabled" => backend.enabled = Some(flag(key, value)?),
        "tag" => backend.tags.push(value.to_owned()),
        "price" => backend.price = Some(price(value)?),
        "quality" => value.clone_into(&mut backend.quality),
        "region" => value.clone_into(&mut backend.region),
        "context" | "tools" | "vision" | "thinking" | "json_schema" => {
            capability(backend.capabilities.get_or_insert_default(), key, value)?;
        }
        _ => return Err(format!("`{key}` is unknown after a backend; allowed are {OPTIONS}")),
    }
    Ok(())
}

fn capability(can: &mut Capabilities, key: &str, value: &str) -> Result<(), String> {
    match key {
        "context" => {
            let tokens: NonZeroU32 = read(key, value, "a number of tokens from 1 upwards")?;
            can.context_window = tokens.get();
        }
        "tools" => can.tools = Some(flag(key, value)?),
        "vision" => can.vision = Some(flag(key, value)?),
        "thinking" => can.thinking = Some(flag(key, value)?),
        _ => can.json_schema = Some(flag(key, value)?),
    }
    Ok(())
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    read(key, value, "true or false")
}

fn read<T: FromStr>(key: &str, value: &str, allowed: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{value}` is no {key}: {allowed} is"))
}

/// `INPUT/OUTPUT[/CACHED]`, per million tokens.
fn price(text: &str) -> Result<Price, String> {
    let amounts: Option<Vec<f64>> = text.split('/').map(|amount| weight(amount).ok()).collect();
    match amounts.as_deref() {
        Some([input, output]) => Ok(Price { input: *input, output: *output, cached_input: None }),
        Some([input, output, cached]) => Ok(Price { input: *input, output: *output, cached_input: Some(*cached) }),
        _ => {
            Err(format!("`{text}` is no price: INPUT/OUTPUT[/CACHED] is, per million tokens, for example 2.5/10/0.25"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_carry_their_options() {
        let parsed = backend("azure/gpt-4o=30,priority=1,enabled=false,tag=eu,tag=cheap").expect("legal");
        assert_eq!((parsed.weight, parsed.priority, parsed.enabled), (Some(30.0), 1, Some(false)));
        assert_eq!((parsed.tags, parsed.capabilities, parsed.price), (vec!["eu".into(), "cheap".into()], None, None));
        assert_eq!(backend("openai").expect("legal").weight, None);
        let parsed =
            backend("p,price=2.5/10/0.25,quality=premium,region=eu-west-1,context=128000,tools=false").expect("legal");
        assert_eq!(parsed.price, Some(Price { input: 2.5, output: 10.0, cached_input: Some(0.25) }));
        assert_eq!((parsed.quality.as_str(), parsed.region.as_str()), ("premium", "eu-west-1"));
        let expected = Capabilities { tools: Some(false), context_window: 128_000, ..Capabilities::default() };
        assert_eq!(parsed.capabilities, Some(expected));
    }

    #[test]
    fn what_is_wrong_with_an_option_is_said() {
        for (bad, said) in [
            ("openai,prio=1", "priority=N"),
            ("openai,priority=first", "0, 1, 2"),
            ("openai,price=-1/2", "INPUT/OUTPUT"),
            ("openai,price=1", "INPUT/OUTPUT"),
            ("openai,vision=maybe", "true or false"),
            ("openai,context=128k", "number of tokens"),
        ] {
            let told = backend(bad).expect_err(bad);
            assert!(told.contains(said), "{bad}: {told}");
        }
    }
}
