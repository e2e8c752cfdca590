//! The request as one upstream must see it: its bytes where both speak the same dialect, a translation otherwise.

use crate::{
    auth::Caller,
    classify::{Question, agent},
    error::Refusal,
    headers,
    keeper::Keeper,
    protocol::{
        anthropic, embeddings, gemini,
        neutral::{self, Signature},
        openai, openai_responses,
        surface::Surface,
        translate::{ClientForm, ProviderForm, Translation, compat},
        upstream::{self, Call},
    },
    request::{self, Asked, Place},
    select::Route,
    send::Pieces,
    table::{Backend, Table, UpstreamKey},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use pointsman_proto::domain::{Protocol, Provider};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// A client's request, from which every attempt's is made.
pub(crate) struct Given {
    pub surface: Surface,
    pub uri: Uri,
    /// The client's own, whole: a model's affinity may go by one that is not passed on.
    pub headers: HeaderMap,
    pub asked: Asked,
    /// What tags in its prompt named, which are no longer there.
    pub tagged: Vec<String>,
    /// The request in the neutral form, once an upstream needs it.
    neutral: Option<Result<Arc<neutral::Request>, neutral::Unreadable>>,
}

impl Given {
    /// Tags are looked for only if some rule is enabled, which they come before.
    pub fn new(table: &Table, surface: Surface, uri: Uri, headers: HeaderMap, mut asked: Asked) -> Self {
        let tagged = if table.rules.is_empty() { Vec::new() } else { agent::take(&mut asked, surface) };
        Self { surface, uri, headers, asked, tagged, neutral: None }
    }

    /// The request as classification sees it now.
    pub fn question<'a>(&'a self, keeper: &'a Keeper, table: &'a Table, caller: &'a Caller) -> Question<'a> {
        let Self { surface, headers, asked, tagged, .. } = self;
        let (sessions, now) = (&keeper.sessions, SystemTime::now());
        Question { table, caller, surface: *surface, headers, asked, tagged, sessions, now }
    }

    /// The request in the neutral form, read once.
    pub fn neutral(&mut self, form: ClientForm) -> Result<Arc<neutral::Request>, neutral::Unreadable> {
        let (surface, body) = (self.surface, &self.asked.body);
        self.neutral.get_or_insert_with(|| form.read(surface, body).map(Arc::new)).clone()
    }
}

/// Where an attempt goes.
#[derive(Clone, Copy)]
pub(crate) struct To<'a> {
    pub backend: &'a Backend,
    pub key: &'a UpstreamKey,
}

impl<'a> From<&'a Route> for To<'a> {
    fn from(route: &'a Route) -> Self {
        Self { backend: route.backend(), key: route.key() }
    }
}

/// How a reply comes back.
pub(crate) enum Way {
    /// As it is.
    Pass,
    Translate(Box<Translation>),
    Embed(Box<embeddings::Asked>),
}

/// Why this upstream cannot be given the request; another may be.
pub(crate) struct Unfit(pub Refusal);

/// What of a client's headers goes along with a translation: the rest is about the client's dialect.
const CARRIED: [&str; 4] = ["user-agent", "traceparent", "tracestate", "x-claude-code-session-id"];

/// The call with which a surface passes as it is; none when this provider speaks another dialect.
fn same(given: &Given, provider: &Provider) -> Option<Call<'static>> {
    let openai = matches!(provider.protocol, Protocol::OpenAi | Protocol::AzureOpenAi);
    match given.surface {
        Surface::Chat if openai && provider.api.has_chat() => Some(Call::OpenAi("/chat/completions")),
        Surface::Responses if openai && provider.api.has_responses() => Some(Call::OpenAi("/responses")),
        Surface::Completions if openai => Some(Call::OpenAi("/completions")),
        Surface::Embeddings if openai => Some(Call::OpenAi("/embeddings")),
        Surface::Messages if provider.protocol == Protocol::Anthropic => Some(Call::Messages),
        _ => None,
    }
}

/// The request for an upstream, and how its reply comes back.
///
/// # Errors
/// This upstream cannot be given the request.
pub(crate) fn prepare(given: &mut Given, to: To<'_>) -> Result<(Request<Pieces>, Way), Unfit> {
    let provider = &to.backend.upstream.provider;
    if let Some(call) = same(given, provider) {
        return Ok((pass(given, to, call, None)?, Way::Pass));
    }
    match (given.surface, provider.protocol) {
        (Surface::OtherOpenAi, Protocol::OpenAi | Protocol::AzureOpenAi) => {
            let path = given.uri.path().to_owned();
            let rest = path.strip_prefix("/v1").unwrap_or_default();
            Ok((pass(given, to, Call::OpenAi(rest), None)?, Way::Pass))
        }
        (Surface::Generate { .. } | Surface::OtherGemini, Protocol::Gemini) => {
            let path = given.uri.path().to_owned();
            let method = path.rsplit(':').next().unwrap_or_default();
            let query = asks_for_events(given).then_some("alt=sse");
            Ok((pass(given, to, Call::Gemini(method), query)?, Way::Pass))
        }
        (Surface::Embeddings, Protocol::Gemini | Protocol::Bedrock) => embed(given, to),
        (Surface::Embeddings | Surface::OtherOpenAi | Surface::OtherGemini, _) => Err(no_such_call(given, provider)),
        _ => translated(given, to),
    }
}

/// Of a Gemini client's query only this goes on: other parameters could change who asks, or what comes back.
fn asks_for_events(given: &Given) -> bool {
    given.uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "alt=sse"))
}

fn no_such_call(given: &Given, provider: &Provider) -> Unfit {
    let path = given.uri.path();
    let protocol = provider.protocol.as_str();
    let message = format!(
        "The providers of the model {:?} have no counterpart of {path}: they speak {protocol}.",
        given.asked.model
    );
    Unfit(Refusal::bad_request(message).field("model"))
}

/// The client's request with the upstream's URL, credential and model name.
pub(super) fn pass(
    given: &mut Given,
    to: To<'_>,
    call: Call<'_>,
    query: Option<&str>,
) -> Result<Request<Pieces>, Unfit> {
    let backend = to.backend;
    let edited = match call {
        Call::Gemini("embedContent" | "batchEmbedContents") => {
            gemini::embeddings::renamed(&given.asked.body, &backend.model)
                .map(|body| Asked { body: body.into(), ..given.asked.clone() })
        }
        _ => without_foreign_thinking(&given.asked, call, backend),
    };
    let asked = edited.as_ref().unwrap_or(&given.asked);
    let body = match &asked.place {
        Place::Json(span) => Pieces::replaced(&asked.body, span.clone(), backend.model_json.clone()),
        Place::Form(span) => Pieces::replaced(&asked.body, span.clone(), Bytes::from(backend.model.to_string())),
        Place::Path => Pieces::whole(asked.body.clone()),
    };
    let mut headers = given.headers.clone();
    headers::for_upstream(&mut headers);
    finished(to, headers, body, &[], call, query)
}

/// Thinking that another provider signed came from us, and goes back to nobody else.
fn without_foreign_thinking(asked: &Asked, call: Call<'_>, backend: &Backend) -> Option<Asked> {
    let body = match call {
        Call::Messages | Call::CountTokens if Signature::may_be_tagged(&asked.body) => {
            anthropic::request::without_foreign_thinking(&asked.body)?
        }
        Call::OpenAi("/chat/completions") => {
            openai::request::without_foreign_thinking(&asked.body, compat(&backend.upstream.provider))?
        }
        Call::OpenAi("/responses") if Signature::may_be_tagged(&asked.body) => {
            openai_responses::request::without_foreign_thinking(&asked.body)?
        }
        Call::Gemini(_) => gemini::request::without_foreign_thinking(&asked.body, &backend.model)?,
        _ => return None,
    };
    match asked.place {
        Place::Path => Some(Asked { body: body.into(), ..asked.clone() }),
        Place::Json(_) | Place::Form(_) => request::read(body.into(), "application/json").ok(),
    }
}

fn translated(given: &mut Given, to: To<'_>) -> Result<(Request<Pieces>, Way), Unfit> {
    let provider = &to.backend.upstream.provider;
    let Some(client) = ClientForm::of(given.surface) else { return Err(no_such_call(given, provider)) };
    if given.surface == (Surface::Generate { stream: true }) && !asks_for_events(given) {
        let message = "Ask for alt=sse: a JSON array is not streamed from providers of other dialects.";
        return Err(Unfit(Refusal::bad_request(message).field("alt")));
    }
    let form = ProviderForm::of(provider);
    let request = given
        .neutral(client)
        .map_err(|unreadable| Unfit(Refusal::bad_request(unreadable.message).field(unreadable.field)))?;
    let profile = to.key.profile_arn.as_deref();
    let model = &to.backend.model;
    let (body, translation) =
        Translation::request(&request, client, form, model, profile, created()).map_err(|not_carried| {
            let message = format!("{}: {}", not_carried.field, not_carried.why);
            Unfit(Refusal::bad_request(message).field(not_carried.field).code("unsupported_parameter"))
        })?;
    let request = written(given, to, body, form.call(translation.stream))?;
    Ok((request, Way::Translate(Box::new(translation))))
}

fn embed(given: &mut Given, to: To<'_>) -> Result<(Request<Pieces>, Way), Unfit> {
    let backend = to.backend;
    let refused = |(field, why): (&str, String)| Unfit(Refusal::bad_request(why).field(field));
    let asked = embeddings::read(&given.asked.body).map_err(refused)?;
    let protocol = backend.upstream.provider.protocol;
    let body = embeddings::write(&asked, protocol, &backend.model).map_err(refused)?;
    let call = if protocol == Protocol::Gemini { Call::Gemini("batchEmbedContents") } else { Call::Invoke };
    Ok((written(given, to, body, call)?, Way::Embed(Box::new(asked))))
}

/// A body of our own, with the few of the client's headers that are not about its dialect.
pub(super) fn written(given: &Given, to: To<'_>, body: Vec<u8>, call: Call<'_>) -> Result<Request<Pieces>, Unfit> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in CARRIED {
        if let Some(value) = given.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    let body = Bytes::from(body);
    finished(to, headers, Pieces::whole(body.clone()), &body, call, None)
}

fn finished(
    to: To<'_>,
    mut headers: HeaderMap,
    pieces: Pieces,
    signed: &[u8],
    call: Call<'_>,
    query: Option<&str>,
) -> Result<Request<Pieces>, Unfit> {
    let backend = to.backend;
    let provider = &backend.upstream.provider;
    let uri = upstream::uri(provider, &backend.model, call, query).ok_or_else(|| {
        let message = "The provider's base URL, the model's name and this path make no URL.";
        Unfit(Refusal::bad_request(message).field("model"))
    })?;
    upstream::authorize(&mut headers, provider, &to.key.credential, &uri, signed, SystemTime::now());
    let mut request = Request::new(pieces);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn created() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
