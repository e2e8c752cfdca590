//! Of providers: keys that travel in the clear, and health checks that cost, overlap or cannot be made.

use super::model::has_usable_key;
use crate::edit::{
    record::{Body, Id},
    tables::Tables,
};
use pointsman_proto::{
    admin::v1,
    domain::{BaseUrl, CheckKind, Provider, preset},
};
use std::net::IpAddr;

pub(super) fn plaintext(provider: &v1::Provider) -> Option<String> {
    let url = BaseUrl::parse(&preset::resolve(provider).base_url).ok()?;
    let exposed = url.scheme.as_str() == "http" && !is_private(url.authority.host());
    exposed
        .then(|| format!("provider {}: its keys travel unencrypted, since base_url begins with http://", provider.name))
}

/// Whether a host is this machine or on a private network, as far as its name tells.
fn is_private(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => {
            let inner = [".localhost", ".local", ".internal", ".svc"];
            !host.contains('.') || inner.iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

/// Lists and completions are asked for with a key.
pub(super) fn keyless(tables: &Tables, name: &str) -> Option<String> {
    let Body::Provider(provider) = &tables.get(&Id::Provider(name.into()))?.body else { return None };
    let check = Provider::check(provider, "").ok()?.health_check?;
    let wants_key = matches!(check.kind, CheckKind::Models | CheckKind::Completion { .. });
    (wants_key && !has_usable_key(tables, name)).then(|| {
        let kind = check.kind.as_str();
        format!(
            "provider {name}: its health check ({kind}) needs a key, and it has none that can be used: nothing is known"
        )
    })
}

/// The next check waits for the one before.
pub(super) fn overlaps(provider: &v1::Provider) -> Option<String> {
    let check = Provider::check(provider, "").ok()?.health_check?;
    (check.timeout > check.interval).then(|| {
        format!(
            "provider {}: its health check may take longer ({:?}) than the time between two ({:?}), which is then not kept",
            provider.name, check.timeout, check.interval
        )
    })
}

pub(super) fn costs(provider: &v1::Provider) -> Option<String> {
    let check = Provider::check(provider, "").ok()?.health_check?;
    let asks = matches!(check.kind, CheckKind::Completion { .. });
    asks.then(|| {
        let name = &provider.name;
        format!("provider {name}: its health check asks for a completion every {:?}, which costs", check.interval)
    })
}
