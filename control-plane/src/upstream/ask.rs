//! The exchange: page after page, within ten seconds and two mebibytes in all.

use super::{
    Chosen,
    read::{self, Page},
    request::{self, Request},
};
use crate::http;
use pointsman_proto::admin::v1::UpstreamModel;
use secrecy::ExposeSecret;
use std::{collections::BTreeMap, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 2 << 20;
const MAX_PAGES: usize = 50;

/// Why there is no list, or no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// As things are configured there is nothing to ask, or nothing to ask with.
    #[error("{0}")]
    Impossible(String),
    /// The provider said no.
    #[error("{0}")]
    Refused(String),
    /// It was asked too often.
    #[error("{0}")]
    Limited(String),
    /// It was not reached, or its answer means nothing.
    #[error("{0}")]
    Failed(String),
}

impl AskError {
    /// The same, with who was asked and how.
    fn of(self, chosen: &Chosen) -> Self {
        let who = format!("provider {}, asked with key {}", chosen.provider.name, chosen.key);
        match self {
            Self::Impossible(why) => Self::Impossible(why),
            Self::Refused(why) => Self::Refused(format!("{who}, {why}")),
            Self::Limited(why) => Self::Limited(format!("{who}, {why}")),
            Self::Failed(why) => Self::Failed(format!("{who}: {why}")),
        }
    }
}

/// The whole list, by name.
pub(super) async fn ask(chosen: &Chosen) -> Result<Vec<UpstreamModel>, AskError> {
    let asked = tokio::time::timeout(TIMEOUT, pages(chosen)).await;
    let late = |_| Err(AskError::Failed(format!("no answer came within {TIMEOUT:?}")));
    asked.unwrap_or_else(late).map_err(|error| error.of(chosen))
}

async fn pages(chosen: &Chosen) -> Result<Vec<UpstreamModel>, AskError> {
    let (mut models, mut next, mut left) = (BTreeMap::new(), None, MAX_BYTES);
    for _ in 0..MAX_PAGES {
        let (page, bytes) = one(chosen, next.as_deref(), left).await?;
        left = left.saturating_sub(bytes);
        models.extend(page.models.into_iter().map(|model| (model.name.clone(), model)));
        // A server that names the same page again would have us ask for ever.
        match page.next.filter(|page| next.as_ref() != Some(page)) {
            Some(page) => next = Some(page),
            None => return Ok(models.into_values().collect()),
        }
    }
    Err(AskError::Failed(format!("the list has more than {MAX_PAGES} pages")))
}

/// One page, and how many bytes it took.
async fn one(chosen: &Chosen, page: Option<&str>, limit: usize) -> Result<(Page, usize), AskError> {
    let request = request::request(&chosen.provider, chosen.secret.expose_secret(), page)?;
    let body = exchange(chosen, request, limit, TIMEOUT).await?;
    let page = read::page(chosen.provider.protocol, &body).map_err(AskError::Failed)?;
    Ok((page, body.len()))
}

/// One request, and the body of its answer if that is a good one.
pub(super) async fn exchange(
    chosen: &Chosen,
    request: Request,
    limit: usize,
    timeout: Duration,
) -> Result<Vec<u8>, AskError> {
    let Request { url, headers, body } = request;
    let client = http::client().map_err(AskError::Failed)?;
    let request = match body {
        Some(body) => client.post(url).body(body),
        None => client.get(url),
    };
    let sent = request.headers(headers).timeout(timeout).send().await;
    let response = sent.map_err(|e| AskError::Failed(http::explain(&e)))?;
    let status = response.status().as_u16();
    let body = http::body(response, limit).await.map_err(AskError::Failed)?;
    if status == 200 {
        return Ok(body);
    }
    let why = format!("answered {}", http::answered(status, &body, &secrets(chosen)));
    Err(match status {
        429 => AskError::Limited(why),
        // The server, or a proxy before it, was too slow.
        408 => AskError::Failed(why),
        400..500 => AskError::Refused(why),
        _ => AskError::Failed(why),
    })
}

/// The secret, and what it is made of.
fn secrets(chosen: &Chosen) -> Vec<&str> {
    let secret = chosen.secret.expose_secret();
    let parts = secret.split('"').filter(|part| secret.starts_with('{') && part.len() >= 16);
    std::iter::once(secret).chain(parts).collect()
}
