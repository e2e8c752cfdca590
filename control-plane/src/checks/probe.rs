//! How each kind of check asks, and what the answer says.
//!
//! | kind | well | failing, beside no connection and no answer in time |
//! | --- | --- | --- |
//! | `tcp` | a connection | |
//! | `http` | 200 to 399; 401, 403 and 429 | all others: a 404 is a path that is not there |
//! | `models` | a list; 400 to 499 but 408 | all others, and a 200 that is no list |
//! | `completion` | 200; 400 to 499 but 408 | all others |
//!
//! A check asks whether somebody is there, so an answer that only says no (a rate limit, a key that is not accepted, a
//! list that does not exist) is well: what is wrong then is for slots, keys and operators. `http` sends no key, so what
//! wants one has answered. Failures are what circuits count as such.

use super::state::Outcome;
use crate::{
    http,
    upstream::{AskError, Ping, Upstream},
};
use pointsman_proto::domain::{BaseUrl, CheckKind, HealthCheck, Name};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// Our own timeout ends an exchange, not the client's.
const AMPLE: Duration = Duration::from_secs(5);

/// Asks a provider once.
pub(super) async fn probe(upstream: &Upstream, provider: &Name, base: &BaseUrl, check: &HealthCheck) -> Outcome {
    let ample = check.timeout + AMPLE;
    let asked = async {
        match &check.kind {
            CheckKind::Tcp => tcp(base).await,
            CheckKind::Http { path } => get(base, path, ample).await,
            CheckKind::Models => ping(upstream, provider, Ping::Models, ample).await,
            CheckKind::Completion { model } => ping(upstream, provider, Ping::Completion(model), ample).await,
        }
    };
    let late = |_| Outcome::Failed(format!("no answer within {:?}", check.timeout));
    timeout(check.timeout, asked).await.unwrap_or_else(late)
}

async fn tcp(base: &BaseUrl) -> Outcome {
    let host = base.authority.host().trim_matches(['[', ']']);
    let default = || if base.scheme.as_str() == "https" { 443 } else { 80 };
    match TcpStream::connect((host, base.authority.port_u16().unwrap_or_else(default))).await {
        Ok(_) => Outcome::Well("connected".into()),
        Err(error) => Outcome::Failed(format!("cannot connect: {error}")),
    }
}

async fn get(base: &BaseUrl, path: &str, ample: Duration) -> Outcome {
    let client = match http::client() {
        Ok(client) => client,
        Err(why) => return Outcome::Unknown(why),
    };
    let url = format!("{}://{}{path}", base.scheme, base.authority);
    match client.get(url).timeout(ample).send().await.map(|response| response.status().as_u16()) {
        Ok(status @ (200..=399 | 401 | 403 | 429)) => Outcome::Well(format!("answered status {status}")),
        Ok(status) => Outcome::Failed(format!("answered status {status}")),
        Err(error) => Outcome::Failed(http::explain(&error)),
    }
}

async fn ping(upstream: &Upstream, provider: &Name, ping: Ping<'_>, ample: Duration) -> Outcome {
    match upstream.ping(provider, ping, ample).await {
        Ok(()) => Outcome::Well("answered as it should".into()),
        Err(AskError::Refused(why) | AskError::Limited(why)) => Outcome::Well(why),
        Err(AskError::Failed(why)) => Outcome::Failed(why),
        Err(AskError::Impossible(why)) => Outcome::Unknown(why),
    }
}
