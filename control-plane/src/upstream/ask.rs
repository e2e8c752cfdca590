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

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// As things are configured there is nothing to ask, or nothing to ask with.
    #[error("{0}")]
    Impossible(String),
    /// The provider said no.
    #[error("{0}")]
    Refused(String),
    /// It was not reached, or its answer means nothing.
    #[error("{0}")]
    Failed(String),
}

/// The whole list, by name.
pub(super) async fn ask(chosen: &Chosen) -> Result<Vec<UpstreamModel>, AskError> {
    let name = &chosen.provider.name;
    let asked = tokio::time::timeout(TIMEOUT, pages(chosen)).await;
    asked.unwrap_or_else(|_| Err(AskError::Failed(format!("provider {name}: no answer came within {TIMEOUT:?}"))))
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
    Err(AskError::Failed(format!("provider {}: the list has more than {MAX_PAGES} pages", chosen.provider.name)))
}

/// One page, and how many bytes it took.
async fn one(chosen: &Chosen, page: Option<&str>, limit: usize) -> Result<(Page, usize), AskError> {
    let name = &chosen.provider.name;
    let failed = |why: String| AskError::Failed(format!("provider {name}: {why}"));
    let secret = chosen.secret.expose_secret();
    let Request { url, headers } = request::request(&chosen.provider, secret, page)?;
    let client = http::client().map_err(failed)?;
    let response = client.get(url).headers(headers).send().await.map_err(|e| failed(http::explain(&e)))?;
    let status = response.status().as_u16();
    let body = http::body(response, limit).await.map_err(failed)?;
    if status == 200 {
        let page = read::page(chosen.provider.protocol, &body).map_err(failed)?;
        return Ok((page, body.len()));
    }
    let said = http::told(&body, &secrets(chosen));
    let why = format!("provider {name}, asked with key {}, answered status {status}: {said}", chosen.key);
    Err(if (400..500).contains(&status) && status != 429 { AskError::Refused(why) } else { AskError::Failed(why) })
}

/// The secret, and what it is made of.
fn secrets(chosen: &Chosen) -> Vec<&str> {
    let secret = chosen.secret.expose_secret();
    let parts = secret.split('"').filter(|part| secret.starts_with('{') && part.len() >= 16);
    std::iter::once(secret).chain(parts).collect()
}
