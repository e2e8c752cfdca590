//! The life of a request, in the order in which it happens: accept, authenticate, read what routing needs, resolve the
//! model, then attempt after attempt: select, send, look at the answer, relay it or try elsewhere.

mod attempt;
mod nowhere;

use crate::{
    auth::{self, Caller},
    body,
    budget::RetryBudget,
    error::Refusal,
    headers,
    keeper::Keeper,
    relay::Reply,
    request::{self, Asked, Unreadable},
    select::{self, Reach, Route, Tried},
    table::{Model, Table},
};
use attempt::Answer;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request::Parts};
use hyper::body::Incoming;
use std::{
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
}

impl Proxy {
    /// Answers a request.
    pub async fn serve(&self, request: Request<Incoming>) -> Response<Reply> {
        // Boxed, since its state is large and a connection would keep room for it while the reply streams.
        Box::pin(self.answer(request)).await.unwrap_or_else(Refusal::into_response)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Reply>, Refusal> {
        let (parts, incoming) = request.into_parts();
        let table = self.keeper.tables.load_full();
        if parts.uri.path() == "/health" {
            return health(&table);
        }
        if headers::size(&parts.headers) > HEADER_BYTES {
            return Err(Refusal::headers_too_large(HEADER_BYTES));
        }
        if table.version == 0 {
            return Err(Refusal::not_ready());
        }
        let caller = auth::authenticate(&table, &parts.headers)?;
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/v1/models") => Ok(models(&table, &caller)),
            (&Method::GET, path) if path.starts_with("/v1/models/") => one_model(&table, &caller, &path[11..]),
            (&Method::POST, path) if is_passed_on(path) => {
                let body = body::collect(&parts.headers, incoming, self.max_body_bytes).await?;
                let asked = request::read(body).map_err(unreadable)?;
                let journey = Journey {
                    proxy: self,
                    table,
                    caller,
                    parts,
                    asked,
                    tried: Tried::default(),
                    attempts: 0,
                    last: "",
                    started: Instant::now(),
                };
                journey.run().await
            }
            (method, path) => Err(Refusal::not_found(format!("Invalid URL ({method} {})", printable(path)))),
        }
    }
}

/// A path below `/v1/` of plain segments: it becomes part of an upstream's URL.
fn is_passed_on(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'.');
    path.strip_prefix("/v1/").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(plain) && rest.split('/').all(|s| !s.is_empty() && !s.starts_with('.'))
    })
}

fn printable(path: &str) -> String {
    path.chars().take(100).filter(|c| !c.is_control()).collect()
}

fn unreadable(why: Unreadable) -> Refusal {
    let refusal = Refusal::bad_request(why.to_string());
    if matches!(why, Unreadable::Json(_)) { refusal } else { refusal.param("model") }
}

fn health(table: &Table) -> Result<Response<Reply>, Refusal> {
    if table.version == 0 {
        return Err(Refusal::not_ready());
    }
    Ok(json(r#"{"status":"ok"}"#.into()))
}

fn json(body: String) -> Response<Reply> {
    let mut response = Response::new(Reply::full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn describe(name: &str) -> serde_json::Value {
    serde_json::json!({"id": name, "object": "model", "created": 0, "owned_by": "pointsman"})
}

fn models(table: &Table, caller: &Caller) -> Response<Reply> {
    let mut names: Vec<&str> = table.models.iter().filter(|(_, m)| m.spec.enabled).map(|(name, _)| &**name).collect();
    names.retain(|name| caller.may_use(name));
    names.sort_unstable();
    let data: Vec<_> = names.into_iter().map(describe).collect();
    json(serde_json::json!({"object": "list", "data": data}).to_string())
}

fn one_model(table: &Table, caller: &Caller, name: &str) -> Result<Response<Reply>, Refusal> {
    let model = table.model(name).filter(|model| caller.may_use(&model.spec.name));
    model.map(|m| json(describe(&m.spec.name).to_string())).ok_or_else(|| Refusal::unknown_model(name))
}

/// One request on its way, over however many attempts.
struct Journey<'a> {
    proxy: &'a Proxy,
    table: Arc<Table>,
    caller: Caller,
    parts: Parts,
    asked: Asked,
    tried: Tried,
    attempts: u32,
    started: Instant,
    /// What the last attempt came to, for the client's error message.
    last: &'static str,
}

impl Journey<'_> {
    async fn run(mut self) -> Result<Response<Reply>, Refusal> {
        let model = self.resolve(&self.asked.model).ok_or_else(|| Refusal::unknown_model(&self.asked.model))?;
        headers::for_upstream(&mut self.parts.headers);
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
        Err(nowhere::refusal(chain(), self.attempts, self.last, self.proxy.keeper.now()))
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

#[cfg(test)]
mod tests {
    use super::is_passed_on;

    #[test]
    fn only_plain_paths_become_part_of_an_upstreams_url() {
        for good in ["/v1/chat/completions", "/v1/images/generations", "/v1/x_y-z.1"] {
            assert!(is_passed_on(good), "{good}");
        }
        for bad in
            ["/", "/v1", "/v1/", "/v1/../admin", "/v1//x", "/v1/x%2e", "/v1/x/", "/v2/chat", "/v1/x y", "/v1/.env"]
        {
            assert!(!is_passed_on(bad), "{bad}");
        }
    }
}
