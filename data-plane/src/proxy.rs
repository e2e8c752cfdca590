//! The life of a request, in the order in which it happens: accept, authenticate, read what routing needs, resolve the
//! model, then attempt after attempt: select, send, look at the answer, relay it or try elsewhere.

mod attempt;
mod count;
mod models;
mod nowhere;
mod prepare;

use crate::{
    auth::{self, Caller},
    body,
    budget::RetryBudget,
    error::Refusal,
    headers,
    keeper::Keeper,
    protocol::{
        neutral,
        surface::{self, Asked as Wanted, Dialect, Surface},
        translate::ClientForm,
    },
    relay::Reply,
    request::{self, Asked, Place, Unreadable},
    select::{self, Reach, Route, Tried},
    table::{Backend, Model, Table},
};
use attempt::Answer;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header, request::Parts};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// Header sections above this are refused in the client's own format; far above, by the HTTP library.
const HEADER_BYTES: usize = 32 * 1024;
/// The model that serves when neither a model nor its fallbacks can.
const DEFAULT_MODEL: &str = "default";
/// No attempt begins after this.
const REQUEST_TIME: Duration = Duration::from_secs(600);
/// How long a request that could be a probe, but need not, waits for leave: one round trip to the control plane.
const ASKING: Duration = Duration::from_millis(50);
/// How long a request with nowhere to go waits for leave to be a probe.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// What every request of a node shares.
pub struct Proxy {
    pub keeper: Arc<Keeper>,
    pub budget: RetryBudget,
    /// Largest request body taken in, in bytes.
    pub max_body_bytes: usize,
    /// How long a stream's client may hear nothing.
    pub ping_every: Duration,
}

impl Proxy {
    /// Answers a request. Boxed, since its state is large and a connection would keep room for it while the reply streams.
    pub fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Pin<Box<impl Future<Output = Response<Reply>> + Send>> {
        Box::pin(async move {
            let dialect = Dialect::of(request.method(), request.uri().path(), request.headers());
            self.answer(request, dialect).await.unwrap_or_else(|refusal| refusal.into_response(dialect))
        })
    }

    async fn answer(&self, request: Request<Incoming>, dialect: Dialect) -> Result<Response<Reply>, Refusal> {
        let (parts, incoming) = request.into_parts();
        let table = self.keeper.tables.load_full();
        let wanted = surface::asked(&parts.method, parts.uri.path());
        if wanted == Some(Wanted::Alive) {
            return alive(&table, parts.uri.path());
        }
        if headers::size(&parts.headers) > HEADER_BYTES {
            return Err(Refusal::headers_too_large(HEADER_BYTES));
        }
        if table.version == 0 {
            return Err(Refusal::not_ready());
        }
        let caller = auth::authenticate(&table, &parts.headers, &parts.uri)?;
        let (surface, in_path) = match wanted {
            Some(Wanted::Models) => return Ok(models::list(&table, &caller, dialect)),
            Some(Wanted::OneModel(name)) => return models::one(&table, &caller, dialect, &name),
            Some(Wanted::Model(surface, in_path)) => (surface, in_path.map(|name| name.into_owned())),
            Some(Wanted::Alive) | None => return Err(nothing_there(&parts)),
        };
        let body = body::collect(&parts.headers, incoming, self.max_body_bytes).await?;
        let asked = match in_path {
            Some(model) => Asked { model, place: Place::Path, body },
            None => request::read(body, content_type(&parts.headers)).map_err(unreadable)?,
        };
        let journey = Journey {
            proxy: self,
            table,
            caller,
            surface,
            parts,
            asked,
            neutral: None,
            tried: Tried::default(),
            attempts: 0,
            last: "",
            unfit: None,
            started: Instant::now(),
        };
        journey.run().await
    }
}

fn nothing_there(parts: &Parts) -> Refusal {
    let path: String = parts.uri.path().chars().take(100).filter(|c| !c.is_control()).collect();
    Refusal::not_found(format!("Invalid URL ({} {path})", parts.method))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn unreadable(why: Unreadable) -> Refusal {
    let refusal = Refusal::bad_request(why.to_string());
    if matches!(why, Unreadable::Json(_) | Unreadable::Form) { refusal } else { refusal.field("model") }
}

/// Load balancers are told whether the node can serve; a client's first probe, only that something is here.
fn alive(table: &Table, path: &str) -> Result<Response<Reply>, Refusal> {
    if path == "/health" && table.version == 0 {
        return Err(Refusal::not_ready());
    }
    Ok(json(r#"{"status":"ok"}"#))
}

fn json(body: impl Into<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// One request on its way, over however many attempts.
struct Journey<'a> {
    proxy: &'a Proxy,
    table: Arc<Table>,
    caller: Caller,
    surface: Surface,
    parts: Parts,
    asked: Asked,
    /// The request in the neutral form, once an upstream needs it.
    neutral: Option<Result<Arc<neutral::Request>, neutral::Unreadable>>,
    tried: Tried,
    attempts: u32,
    started: Instant,
    /// What the last attempt came to, for the client's error message.
    last: &'static str,
    /// Why a backend cannot be given this request, if there is such a one.
    unfit: Option<Refusal>,
}

impl Journey<'_> {
    async fn run(mut self) -> Result<Response<Reply>, Refusal> {
        let model = self.resolve(&self.asked.model).ok_or_else(|| Refusal::unknown_model(&self.asked.model))?;
        headers::for_upstream(&mut self.parts.headers);
        if matches!(self.surface, Surface::CountTokens | Surface::GeminiCountTokens) {
            return Box::pin(count::answer(&mut self, &model)).await;
        }
        self.proxy.budget.first_attempt(self.proxy.keeper.now());
        if let Some(response) = self.try_model(&model, Reach::Ready).await {
            return Ok(response);
        }
        let others = self.fallbacks(&model);
        for other in &others {
            if let Some(response) = self.try_model(other, Reach::Ready).await {
                return Ok(response);
            }
        }
        let chain = || std::iter::once(&model).chain(&others);
        if let Some(route) = self.wait_for_a_probe(chain()).await
            && let Some(response) = self.follow(route).await
        {
            return Ok(response);
        }
        for model in chain() {
            if let Some(response) = self.try_model(model, Reach::LastResort).await {
                return Ok(response);
            }
        }
        match self.unfit.take() {
            Some(refusal) if self.fits_nowhere(chain()) => Err(refusal),
            _ => {
                let fits = |backend: &Backend| !self.tried.is_passed_over(&backend.endpoint);
                Err(nowhere::refusal(chain(), fits, self.attempts, self.last, self.proxy.keeper.now()))
            }
        }
    }

    /// Whether no backend can be given this request, in whatever state they are.
    fn fits_nowhere<'m>(&self, chain: impl Iterator<Item = &'m Arc<Model>>) -> bool {
        let mut backends = chain.flat_map(|model| &model.backends).filter(|backend| backend.base > 0);
        backends.all(|backend| self.tried.is_passed_over(&backend.endpoint))
    }

    /// The request in the neutral form, read once.
    fn neutral(&mut self, form: ClientForm) -> Result<Arc<neutral::Request>, neutral::Unreadable> {
        let (surface, body) = (self.surface, &self.asked.body);
        self.neutral.get_or_insert_with(|| form.read(surface, body).map(Arc::new)).clone()
    }

    /// The model of this name, if this caller may use it.
    fn resolve(&self, name: &str) -> Option<Arc<Model>> {
        self.table.model(name).filter(|model| self.caller.may_use(&model.spec.name)).cloned()
    }

    /// The models to try when this one cannot serve, each once: its fallbacks in order, theirs, and the default.
    fn fallbacks(&self, model: &Arc<Model>) -> Vec<Arc<Model>> {
        let mut chain = vec![model.clone()];
        let mut next = 0;
        while let Some(model) = chain.get(next).cloned() {
            for name in &model.spec.fallbacks {
                self.add(&mut chain, name);
            }
            next += 1;
        }
        self.add(&mut chain, DEFAULT_MODEL);
        chain.split_off(1)
    }

    fn add(&self, chain: &mut Vec<Arc<Model>>, name: &str) {
        if let Some(model) = self.resolve(name)
            && !chain.iter().any(|m| m.spec.name == model.spec.name)
        {
            chain.push(model);
        }
    }

    /// Attempts on one model, until one is answered or nothing is left to try.
    async fn try_model(&mut self, model: &Arc<Model>, reach: Reach) -> Option<Response<Reply>> {
        if reach == Reach::Ready {
            self.ask_for_probes(model).await;
        }
        loop {
            let route = self.select(model, reach)?;
            if let Some(response) = self.follow(route).await {
                return Some(response);
            }
        }
    }

    /// If something of the model is due for a probe, this request asks for it; with little traffic no other may come.
    async fn ask_for_probes(&self, model: &Arc<Model>) {
        let keeper = &self.proxy.keeper;
        if !model.effective.load().some_out {
            return;
        }
        let mut answers = keeper.answers();
        if select::ask(keeper, model, &self.tried, keeper.now()) {
            // Without an answer in time it goes where it can.
            let _ = tokio::time::timeout(ASKING, answers.changed()).await;
        }
    }

    fn select(&self, model: &Arc<Model>, reach: Reach) -> Option<Route> {
        let (now, budget) = (self.proxy.keeper.now(), &self.proxy.budget);
        let first = self.attempts == 0;
        let spent = self.attempts >= self.table.settings.max_attempts || self.started.elapsed() > REQUEST_TIME;
        if spent || !(first || budget.allows_retry(now)) {
            return None;
        }
        let route = select::select(&self.proxy.keeper, model, &self.tried, reach, now, &mut rand::rng())?;
        if !first {
            budget.retry(now);
        }
        Some(route)
    }

    /// One attempt. None: it came to nothing, and what it used is noted as tried.
    async fn follow(&mut self, route: Route) -> Option<Response<Reply>> {
        self.attempts += 1;
        match attempt::send(self, route).await {
            Answer::Reply(mut response, served_by) => {
                served_by.describe(response.headers_mut(), self.attempts);
                Some(response)
            }
            Answer::TryElsewhere(why) => {
                self.last = why;
                None
            }
            Answer::Unfit(refusal) => {
                self.attempts -= 1;
                self.unfit.get_or_insert(refusal);
                None
            }
        }
    }

    /// Nothing is ready. If something is due for a probe, waits a moment for leave to be it.
    async fn wait_for_a_probe<'m>(&self, chain: impl Iterator<Item = &'m Arc<Model>> + Clone) -> Option<Route> {
        let keeper = &self.proxy.keeper;
        let mut answers = keeper.answers();
        let waiting = |model| select::is_asked(model, &self.tried, keeper.now());
        if !chain.clone().any(waiting) {
            return None;
        }
        let until = tokio::time::Instant::now() + PROBE_PATIENCE;
        loop {
            if let Some(route) = chain.clone().find_map(|model| self.select(model, Reach::Ready)) {
                return Some(route);
            }
            if !chain.clone().any(waiting) {
                return None;
            }
            tokio::time::timeout_at(until, answers.changed()).await.ok()?.ok()?;
        }
    }
}

/// What served a request, for the reply's headers.
struct ServedBy {
    model: HeaderValue,
    provider: HeaderValue,
}

impl ServedBy {
    fn of(route: &Route) -> Self {
        Self {
            model: headers::value(&route.model().spec.name),
            provider: headers::value(&route.backend().upstream.provider.name),
        }
    }

    fn describe(self, headers: &mut HeaderMap, attempts: u32) {
        headers.insert(const { HeaderName::from_static("x-pointsman-model") }, self.model);
        headers.insert(const { HeaderName::from_static("x-pointsman-provider") }, self.provider);
        headers.insert(const { HeaderName::from_static("x-pointsman-attempts") }, HeaderValue::from(attempts));
    }
}
