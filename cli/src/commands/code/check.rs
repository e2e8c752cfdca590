//! Whether a node is there, takes the key, and knows the models: asked before anything is started, so that what is wrong
//! is said in one line here and not in the middle of a conversation.

use super::Plan;
use crate::error::{CliError, root_cause};
use pointsman_proto::domain::ModelName;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// As many as a page of Anthropic's form holds at most.
const LIST: &str = "v1/models?limit=1000";
/// How many names an error lists.
const SHOWN: usize = 10;

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// Asks the node.
pub(super) async fn check(plan: &Plan) -> Result<(), CliError> {
    let client = client()?;
    let response = get(&client, plan, LIST).await?;
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return Err(CliError::NotPermitted(refused(plan)));
    }
    let not_one =
        |what: String| CliError::Failed(format!("what listens at {} is no node of Pointsman: {what}", plan.url));
    if status != StatusCode::OK {
        return Err(not_one(format!("it answered status {} to GET /v1/models", status.as_u16())));
    }
    let models: Models = response.json().await.map_err(|_| not_one("its list of models is none".to_owned()))?;
    let names: Vec<String> = models.data.into_iter().map(|model| model.id).collect();
    for wanted in [&plan.model, &plan.small_model].into_iter().flatten() {
        if !names.contains(wanted) && !is_alias(&client, plan, wanted).await? {
            return Err(CliError::NotFound(unknown(plan, wanted, &names)));
        }
    }
    if plan.model.is_none() && !names.iter().any(|name| name.contains("claude") || name.contains("anthropic")) {
        eprintln!(
            "warning: no --model is given, and no model here is named as Claude Code's own; there are: {}",
            some(&names)
        );
    }
    Ok(())
}

fn client() -> Result<Client, CliError> {
    let built = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    built.map_err(|error| CliError::Failed(format!("TLS cannot be set up: {}", root_cause(&error))))
}

async fn get(client: &Client, plan: &Plan, path: &str) -> Result<Response, CliError> {
    let url = Url::parse(&format!("{}/{path}", plan.url))
        .map_err(|error| CliError::Usage(format!("the URL `{}` is malformed: {error}", plan.url)))?;
    let mut request = client.get(url);
    if let Some(key) = &plan.key {
        request = request.bearer_auth(key.expose_secret());
    }
    request.send().await.map_err(|error| {
        let reason = if error.is_timeout() { format!("no answer within {TIMEOUT:?}") } else { root_cause(&error) };
        CliError::TimedOut(format!(
            "no node answers at {}: {reason}; is pointsman-proxy running there? (--url)",
            plan.url
        ))
    })
}

/// Aliases are not listed, but found.
async fn is_alias(client: &Client, plan: &Plan, name: &str) -> Result<bool, CliError> {
    // Anything else would be another path than the one that is meant.
    if ModelName::parse(name).is_none() || name.contains("..") || name.contains(' ') {
        return Ok(false);
    }
    Ok(get(client, plan, &format!("v1/models/{name}")).await?.status() == StatusCode::OK)
}

fn refused(plan: &Plan) -> String {
    match plan.key {
        Some(_) => format!(
            "the node at {} refuses the virtual key; make one with: pointsman virtual-key create NAME",
            plan.url
        ),
        None => format!(
            "the node at {} asks for a virtual key: give --key-file FILE or set {}; make one with: pointsman virtual-key create NAME",
            plan.url,
            super::KEY_VARIABLE
        ),
    }
}

fn unknown(plan: &Plan, wanted: &str, names: &[String]) -> String {
    format!("the node at {} knows no model {wanted} for this key; there are: {}", plan.url, some(names))
}

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    let mut shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len() {
        0 => "none".clone_into(&mut shown),
        count if count > SHOWN => shown.push_str(&format!(" and {} more", count - SHOWN)),
        _ => {}
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_names_are_told() {
        let names: Vec<String> = (0..12).map(|i| format!("m{i}")).collect();
        assert_eq!(some(&names), "m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more");
        assert_eq!(some(&names[..2]), "m0, m1");
        assert_eq!(some(&[]), "none");
    }
}
