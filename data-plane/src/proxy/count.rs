//! `count_tokens`: exact where the provider counts for nothing, with OpenAI's encodings for its models, an estimate
//! otherwise. It is never a paid call, and what becomes of it counts against nobody.

use super::{
    Journey, json,
    prepare::{self, To, Unfit},
};
use crate::{
    error::Refusal,
    protocol::{
        anthropic, bedrock, gemini,
        neutral::Request,
        surface::Surface,
        tokens,
        translate::{ClientForm, ProviderForm, fitted},
        upstream::Call,
    },
    relay::Reply,
    select::{self, Reach, Turns},
    send::Pieces,
    table::{Backend, Model, Upstream},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::{BodyExt, Limited};
use pointsman_proto::domain::Protocol;
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};

/// Clients count while their user types.
const PATIENCE: Duration = Duration::from_secs(5);
const REPLY_BYTES: usize = 64 * 1024;
/// How a count came about: `provider`, `tokenizer` or `estimate`.
const HOW: HeaderName = HeaderName::from_static("x-pointsman-token-count");

pub(super) async fn answer(journey: &mut Journey<'_>, model: &Arc<Model>) -> Result<Response<Reply>, Refusal> {
    let to = ready(journey, model);
    let fits = |backend: &&Backend| select::fits(backend, &journey.classified.features.to_be_counted());
    let meant = to.map(|to| to.backend).or_else(|| model.backends.iter().find(fits));
    let upstream_model = meant.map_or_else(String::new, |backend| backend.model.to_string());
    let told = match to {
        Some(to) => told(journey, to).await,
        None => None,
    };
    let (tokens, how) = match told {
        Some(tokens) => (tokens, "provider"),
        None => counted_here(journey, upstream_model).await?,
    };
    let body = match journey.given.surface {
        Surface::CountTokens => serde_json::json!({"input_tokens": tokens}).to_string().into_bytes(),
        _ => gemini::tokens::count_reply(tokens),
    };
    let mut response = json(body);
    response.headers_mut().insert(HOW, HeaderValue::from_static(how));
    Ok(response)
}

/// Where a request as this one would be sent now, if anywhere. Counting takes no turn from requests.
fn ready<'m>(journey: &Journey<'_>, model: &'m Model) -> Option<To<'m>> {
    let features = &journey.classified.features.to_be_counted();
    let (tried, now) = (&journey.tried, journey.proxy.keeper.now());
    let turns = AtomicU64::new(rand::random());
    let turns = Turns { taken: &turns, from: 0 };
    let i = select::foresee(model, features, tried, Reach::Ready, now, turns, &mut rand::rng())?;
    let backend = &model.backends[i];
    let key = select::ready_keys(backend, tried, now).next()?;
    Some(To { backend, key: &backend.upstream.keys[key] })
}

/// Room under a provider's cap, for as long as it is asked.
struct Room(Arc<Upstream>);

impl Room {
    fn take(upstream: &Arc<Upstream>) -> Option<Self> {
        upstream.take_room().then(|| Self(upstream.clone()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.give_room();
    }
}

fn neutral(journey: &mut Journey<'_>) -> Result<Arc<Request>, Refusal> {
    let form = if journey.given.surface == Surface::CountTokens { ClientForm::Messages } else { ClientForm::Generate };
    journey.given.neutral(form).map_err(|unreadable| Refusal::bad_request(unreadable.message).field(unreadable.field))
}

/// Counting a long prompt takes a while, in which this thread serves others.
async fn counted_here(journey: &mut Journey<'_>, model: String) -> Result<(u64, &'static str), Refusal> {
    let request = neutral(journey)?;
    let is_whole = !request.extra.iter().any(|extra| extra.essential);
    let how = if is_whole && tokens::is_exact_for(&model) { "tokenizer" } else { "estimate" };
    let counted = spawn_blocking(move || tokens::of_request(&request, &model)).await;
    Ok((counted.unwrap_or_default(), how))
}

/// The provider's own count; none where it does not count, or cannot now.
async fn told(journey: &mut Journey<'_>, to: To<'_>) -> Option<u64> {
    let request = asking(journey, to)?.ok()?;
    let room = Room::take(&to.backend.upstream)?;
    let upstream = &room.0;
    let exchange = async {
        let response = upstream.client.send(request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        Limited::new(response.into_body(), REPLY_BYTES).collect().await.ok().map(|body| body.to_bytes())
    };
    let body: Bytes = timeout(PATIENCE, exchange).await.ok()??;
    match upstream.provider.protocol {
        Protocol::Anthropic => anthropic::tokens::count(&body),
        Protocol::Gemini => gemini::tokens::count(&body),
        _ => bedrock::tokens::count(&body),
    }
}

/// The request that asks a provider to count: the client's own where both speak the same dialect.
fn asking(journey: &mut Journey<'_>, to: To<'_>) -> Option<Result<http::Request<Pieces>, Unfit>> {
    let protocol = to.backend.upstream.provider.protocol;
    let names_its_model = || memchr::memmem::find(&journey.given.asked.body, b"\"generateContentRequest\"").is_some();
    match (journey.given.surface, protocol) {
        (Surface::CountTokens, Protocol::Anthropic) => {
            Some(prepare::pass(&mut journey.given, to, Call::CountTokens, None))
        }
        (Surface::GeminiCountTokens, Protocol::Gemini) if !names_its_model() => {
            Some(prepare::pass(&mut journey.given, to, Call::Gemini("countTokens"), None))
        }
        _ => translated(journey, to, protocol),
    }
}

fn translated(
    journey: &mut Journey<'_>,
    to: To<'_>,
    protocol: Protocol,
) -> Option<Result<http::Request<Pieces>, Unfit>> {
    let (form, call) = match protocol {
        Protocol::Anthropic => (ProviderForm::Messages, Call::CountTokens),
        Protocol::Gemini => (ProviderForm::Generate, Call::Gemini("countTokens")),
        Protocol::Bedrock => (ProviderForm::Converse, Call::BedrockCountTokens),
        Protocol::OpenAi | Protocol::AzureOpenAi | Protocol::CodeWhisperer => return None,
    };
    let request = neutral(journey).ok().filter(|request| !request.extra.iter().any(|extra| extra.essential))?;
    let (request, _) = fitted(&request, form);
    let model = &to.backend.model;
    let written = match form {
        ProviderForm::Messages => anthropic::tokens::count_request(&request, model),
        ProviderForm::Generate => gemini::tokens::count_request(&request, model),
        _ => bedrock::tokens::count_request(&request, model),
    };
    Some(prepare::written(&journey.given, to, written.ok()?.body, call))
}
