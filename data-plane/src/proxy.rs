//! The life of a request, in the order in which it happens: accept, authenticate, read what routing needs, resolve the
//! model, then attempt after attempt: select, send, look at the answer, relay it or try elsewhere.

mod attempt;
pub(crate) mod chain;
mod count;
mod hedge;
mod models;
pub(crate) mod nowhere;
pub(crate) mod prepare;
pub(crate) mod recount;

use crate::{
    auth::{self, Caller},
    body,
    budget::RetryBudget,
    cells::{Counted, Measures},
    classify::Classified,
    error::Refusal,
    headers,
    keeper::Keeper,
    protocol::surface::{self, Asked as Wanted, Dialect, Surface},
    relay::Reply,
    request::{self, Asked, Place, Unreadable},
    select::{self, Reach, Route, Tried},
    table::{Backend, Model, Table},
};
use attempt::{Answer, Context};
use bytes::Bytes;
use hedge::Hedge;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use pointsman_proto::slot::millis;
use prepare::Given;
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// Header sections above this are refused in the client's own format; far above, by the HTTP library.
const HEADER_BYTES: usize = 32 * 1024;
/// A request that has it is told how sure the choice of its backend was, by the same header.
const CONFIDENCE: HeaderName = HeaderName::from_static("x-pointsman-confidence");
const RULE: HeaderName = HeaderName::from_static("x-pointsman-rule");
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
            Some(Wanted::Alive) | None => return Err(nothing_there(&parts.method, parts.uri.path())),
        };
        let body = body::collect(&parts.headers, incoming, self.max_body_bytes).await?;
        let asked = match in_path {
            Some(model) => Asked { model, place: Place::Path, body },
            None => request::read(body, content_type(&parts.headers)).map_err(unreadable)?,
        };
        let given = Given::new(&table, surface, parts.uri, parts.headers, asked);
        let classified = given.question(&self.keeper, &table, &caller).classify()?;
        let journey = Journey {
            proxy: self,
            table,
            caller,
            given,
            classified,
            tried: Tried::default(),
            attempts: 0,
            hedged: false,
            wants_confidence: false,
            last: "",
            unfit: None,
            started: Instant::now(),
        };
        Ok(journey.run(dialect).await)
    }
}

pub(crate) fn nothing_there(method: &Method, path: &str) -> Refusal {
    let path: String = path.chars().take(100).filter(|c| !c.is_control()).collect();
    Refusal::not_found(format!("Invalid URL ({method} {path})"))
}

pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

pub(crate) fn unreadable(why: Unreadable) -> Refusal {
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
    given: Given,
    /// What it is, what it would like, and which rule fired.
    classified: Classified,
    tried: Tried,
    attempts: u32,
    /// It was sent a second time because its answer was late.
    hedged: bool,
    wants_confidence: bool,
    started: Instant,
    /// What the last attempt came to, for the client's error message.
    last: &'static str,
    /// Why a backend cannot be given this request, if there is such a one.
    unfit: Option<Refusal>,
}

/// A request that is not yet answered. It counts for its model if it never is: attempts count if the client sees them.
struct Waiting<'a>(Option<&'a Measures>);

impl Waiting<'_> {
    /// It was answered, by this refusal or by an attempt.
    fn answered(mut self, refusal: Option<&Refusal>, elapsed: Duration) {
        if let (Some(measures), Some(refusal)) = (self.0.take(), refusal) {
            measures.count(refusal.counted(), millis(elapsed));
        }
    }
}

/// The client has left.
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(measures) = self.0 {
            measures.count(Counted::Cancelled, 0);
        }
    }
}

impl<'a> Journey<'a> {
    /// The answer, which says which rule fired whatever came of the request.
    async fn run(mut self, dialect: Dialect) -> Response<Reply> {
        let mut response = self.answer().await.unwrap_or_else(|refusal| refusal.into_response(dialect));
        if let Some(rule) = &self.classified.rule {
            response.headers_mut().insert(RULE, headers::value(&rule.name));
        }
        response
    }

    async fn answer(&mut self) -> Result<Response<Reply>, Refusal> {
        let unknown = || Refusal::unknown_model(&self.given.asked.model);
        let model = self.classified.model.clone().ok_or_else(unknown)?;
        // Whoever counts a prompt would know whether it is too long.
        if matches!(self.given.surface, Surface::CountTokens | Surface::GeminiCountTokens) {
            return Box::pin(count::answer(self, &model)).await;
        }
        if let Some(refusal) = self.unserved(&model)
            && let Some(refusal) = Box::pin(self.recounted(&model, refusal)).await
        {
            return Err(refusal);
        }
        self.wants_confidence = self.given.headers.contains_key(CONFIDENCE);
        let waiting = Waiting(Some(&model.cell.stats));
        let answer = self.serve(&model).await;
        waiting.answered(answer.as_ref().err(), self.started.elapsed());
        answer
    }

    async fn serve(&mut self, model: &Arc<Model>) -> Result<Response<Reply>, Refusal> {
        self.proxy.budget.first_attempt(self.proxy.keeper.now());
        if let Some(response) = self.try_model(model, Reach::Ready).await {
            return Ok(response);
        }
        let others = self.fallbacks(model);
        for other in &others {
            if let Some(response) = self.try_model(other, Reach::Ready).await {
                return Ok(response);
            }
        }
        let chain = || std::iter::once(model).chain(&others);
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
                let features = &self.classified.features;
                let fits = |backend: &Backend| {
                    !self.tried.is_passed_over(&backend.endpoint) && select::fits(backend, features)
                };
                let (named, now) = (features.backend.as_ref(), self.proxy.keeper.now());
                Err(nowhere::refusal(chain(), named, fits, self.attempts, self.last, now))
            }
        }
    }

    /// The models to try when this one cannot serve.
    fn fallbacks(&self, model: &Arc<Model>) -> Vec<Arc<Model>> {
        chain::others(&self.table, &self.caller, &self.classified, model)
    }

    /// What to say to a request that no backend could ever serve.
    fn unserved(&self, model: &Arc<Model>) -> Option<Refusal> {
        nowhere::unserved(model, || self.fallbacks(model), &self.classified.features, &self.given.headers)
    }

    /// What remains of a refusal once a prompt that is too long by its estimate alone is counted, while this thread serves
    /// others.
    async fn recounted(&mut self, model: &Arc<Model>, refusal: Refusal) -> Option<Refusal> {
        let others = self.fallbacks(model);
        let counting = recount::counting(model, &others, &self.classified.features, &mut self.given);
        let Some(counting) = counting else { return Some(refusal) };
        let Ok(tokens) = spawn_blocking(counting).await else { return Some(refusal) };
        self.classified.features.tokens = tokens;
        self.classified.turn_to(model, &self.given.question(&self.proxy.keeper, &self.table, &self.caller));
        self.unserved(model)
    }

    /// Whether no backend can be given this request, in whatever state they are.
    fn fits_nowhere<'m>(&self, chain: impl Iterator<Item = &'m Arc<Model>>) -> bool {
        let features = &self.classified.features;
        let is_meant = |backend: &&Backend| backend.base > 0 && features.allows(&backend.endpoint.id);
        let mut backends = chain.flat_map(|model| &model.backends).filter(is_meant);
        backends.all(|backend| self.tried.is_passed_over(&backend.endpoint))
    }

    /// Attempts on one model, until one is answered or nothing is left to try.
    async fn try_model(&mut self, model: &Arc<Model>, reach: Reach) -> Option<Response<Reply>> {
        self.classified.turn_to(model, &self.given.question(&self.proxy.keeper, &self.table, &self.caller));
        if reach == Reach::Ready {
            if model.spec.hedging.is_some() {
                model.cell.hedges.request(self.proxy.keeper.now());
            }
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
        if select::ask(keeper, model, &self.classified.features, &self.tried, keeper.now()) {
            // Without an answer in time it goes where it can.
            let _ = tokio::time::timeout(ASKING, answers.changed()).await;
        }
    }

    fn select(&self, model: &Arc<Model>, reach: Reach) -> Option<Route> {
        let (now, budget) = (self.proxy.keeper.now(), &self.proxy.budget);
        let first = self.attempts == 0;
        if self.is_spent() || !(first || budget.allows_retry(now)) {
            return None;
        }
        let (keeper, features, tried) = (&self.proxy.keeper, &self.classified.features, &self.tried);
        let route = select::select(keeper, model, features, tried, reach, now, &mut rand::rng())?;
        if !first {
            budget.retry(now);
        }
        Some(route)
    }

    /// Whether no other attempt may be made.
    fn is_spent(&self) -> bool {
        self.attempts >= self.table.settings.max_attempts || self.started.elapsed() > REQUEST_TIME
    }

    fn context(&self) -> Context<'a> {
        Context { proxy: self.proxy, surface: self.given.surface }
    }

    /// One attempt, or two at once. None: it came to nothing, and what it used is noted as tried.
    async fn follow(&mut self, route: Route) -> Option<Response<Reply>> {
        let attempt = attempt::ready(self, route)?;
        self.attempts += 1;
        let answer = match Hedge::of(self, &attempt.route) {
            None => attempt::send(attempt, self.context()).await,
            // Boxed, so that other requests keep no room for a second attempt.
            Some(hedge) => Box::pin(hedge.send(self, attempt)).await,
        };
        match answer {
            Answer::Reply(mut response, served_by) => {
                served_by.describe(response.headers_mut(), self.attempts, self.hedged);
                Some(response)
            }
            Answer::Failed(route, outcome) => {
                attempt::failed(self, route, &outcome);
                None
            }
        }
    }

    /// Nothing is ready. If something is due for a probe, waits a moment for leave to be it.
    async fn wait_for_a_probe<'m>(&self, chain: impl Iterator<Item = &'m Arc<Model>> + Clone) -> Option<Route> {
        let keeper = &self.proxy.keeper;
        let mut answers = keeper.answers();
        let waiting = |model| select::is_asked(model, &self.classified.features, &self.tried, keeper.now());
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
    /// How sure its choice was, for whoever asked for that.
    confidence: Option<f64>,
}

impl ServedBy {
    fn of(route: &Route) -> Self {
        Self {
            model: headers::value(&route.model().spec.name),
            provider: headers::value(&route.backend().upstream.provider.name),
            confidence: None,
        }
    }

    fn describe(self, headers: &mut HeaderMap, attempts: u32, hedged: bool) {
        headers.insert(const { HeaderName::from_static("x-pointsman-model") }, self.model);
        headers.insert(const { HeaderName::from_static("x-pointsman-provider") }, self.provider);
        headers.insert(const { HeaderName::from_static("x-pointsman-attempts") }, HeaderValue::from(attempts));
        if hedged {
            headers.insert(const { HeaderName::from_static("x-pointsman-hedged") }, HeaderValue::from_static("true"));
        }
        if let Some(confidence) = self.confidence {
            headers.insert(CONFIDENCE, headers::value(&format!("{confidence:.2}")));
        }
    }
}
