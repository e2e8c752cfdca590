//! A closed-loop HTTP/1.1 load generator: each worker has one keep-alive connection and one request under way.
//!
//! Closed loop means that a slow target is asked less often, so latencies say what a client with this concurrency sees,
//! not what an arrival rate would suffer. `POST` only. Cheap by intent: one shared request head, no pool, bodies
//! counted unread.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet};

/// What a run saw. Failed requests have no part in the latencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// 2xx, read to the end; a stream must also have ended with `[DONE]` or `response.completed`.
    pub ok: u64,
    /// Everything else, connections that could not be made included.
    pub failed: u64,
    pub elapsed: Duration,
    /// From sending a request to the last byte of its reply.
    pub latency: Quantiles,
    /// From sending a request to the first byte of its reply's body.
    pub first_byte: Quantiles,
    /// Bytes of the reply bodies, without HTTP's own framing.
    pub bytes: u64,
    /// SSE events, that is blank lines; 0 when not asked for streams.
    pub events: u64,
}

impl LoadReport {
    /// Successful requests a second.
    pub fn rate(&self) -> f64 {
        self.ok as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Nearest-rank quantiles; zeros without samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The body asks for streams: their events are counted too.
    pub streams: bool,
    pub requests: u64,
    /// How many are under way at a time.
    pub connections: usize,
}

/// Sends POSTs of `body` to `target` (`http://127.0.0.1:8080/v1/chat/completions`).
///
/// # Errors
/// If `target` is not an `http` address with a host. What happens to requests is in the report.
pub async fn run_load(target: &Uri, load: Load, headers: HeaderMap, body: Bytes) -> io::Result<LoadReport> {
    let job = Arc::new(Job::new(target, load, headers, body)?);
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..load.connections {
        workers.spawn(worker(Arc::clone(&job)));
    }
    let mut sum = Samples::default();
    while let Some(samples) = workers.join_next().await {
        sum.absorb(samples?);
    }
    Ok(sum.report(start.elapsed()))
}

/// What all workers share.
struct Job {
    address: String,
    target: Uri,
    headers: HeaderMap,
    body: Bytes,
    streaming: bool,
    /// Requests not yet begun.
    left: AtomicU64,
}

impl Job {
    fn new(target: &Uri, load: Load, mut headers: HeaderMap, body: Bytes) -> io::Result<Self> {
        let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("no target: {target}"));
        let authority = target.authority().ok_or_else(bad)?;
        let path = target.path_and_query().ok_or_else(bad)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?;
        headers.insert(HOST, host);
        Ok(Self {
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            target: Uri::from(path.clone()),
            headers,
            body,
            streaming: load.streams,
            left: AtomicU64::new(load.requests),
        })
    }

    /// Takes one request to do, if any is left.
    fn take(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

async fn worker(job: Arc<Job>) -> Samples {
    let mut samples = Samples::default();
    let mut connection = None;
    while job.take() {
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(&job.address).await,
        };
        // After a failure the connection is dropped, and the next request opens another.
        let exchanged = match open {
            Ok(mut open) => open.exchange(&job).await.map(|sample| (open, sample)),
            Err(error) => Err(error),
        };
        match exchanged {
            Ok((open, sample)) => {
                samples.add(&sample);
                connection = Some(open);
            }
            Err(_) => samples.failed += 1,
        }
    }
    samples
}

type Failure = Box<dyn Error + Send + Sync>;

/// A connection with the task that drives it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Connection {
    async fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(driver).abort_handle();
        Ok(Self { sender, driver })
    }

    async fn exchange(&mut self, job: &Job) -> Result<Sample, Failure> {
        self.sender.ready().await?;
        let start = Instant::now();
        let response = self.sender.send_request(job.request()).await?;
        let mut sample = Sample { ok: response.status().is_success(), ..Sample::default() };
        let mut events = EventCounter::default();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            let Some(data) = frame.data_ref() else { continue };
            if sample.bytes == 0 {
                sample.first_byte = start.elapsed();
            }
            sample.bytes += data.len() as u64;
            if job.streaming {
                events.feed(data);
            }
        }
        sample.latency = start.elapsed();
        sample.events = events.count;
        sample.ok &= !job.streaming || events.ended();
        Ok(sample)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Counts blank lines across frames, and keeps the last event to see whether it is a stream's regular end.
#[derive(Default)]
struct EventCounter {
    count: u64,
    line_is_empty: bool,
    last: Vec<u8>,
    complete: bool,
}

impl EventCounter {
    fn feed(&mut self, data: &[u8]) {
        for &byte in data {
            if std::mem::take(&mut self.complete) {
                self.last.clear();
            }
            match byte {
                b'\n' if self.line_is_empty => {
                    self.count += 1;
                    self.line_is_empty = false;
                    self.complete = true;
                }
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
            self.last.push(byte);
        }
    }

    fn ended(&self) -> bool {
        let begins = |with: &str| self.last.starts_with(with.as_bytes());
        self.complete && (begins("data: [DONE]") || begins("event: response.completed"))
    }
}

/// One reply.
#[derive(Default)]
struct Sample {
    ok: bool,
    latency: Duration,
    first_byte: Duration,
    bytes: u64,
    events: u64,
}

#[derive(Default)]
struct Samples {
    failed: u64,
    bytes: u64,
    events: u64,
    latencies: Vec<Duration>,
    first_bytes: Vec<Duration>,
}

impl Samples {
    fn add(&mut self, sample: &Sample) {
        self.bytes += sample.bytes;
        self.events += sample.events;
        if sample.ok {
            self.latencies.push(sample.latency);
            self.first_bytes.push(sample.first_byte);
        } else {
            self.failed += 1;
        }
    }

    fn absorb(&mut self, other: Self) {
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.events += other.events;
        self.latencies.extend(other.latencies);
        self.first_bytes.extend(other.first_bytes);
    }

    fn report(self, elapsed: Duration) -> LoadReport {
        LoadReport {
            ok: self.latencies.len() as u64,
            failed: self.failed,
            elapsed,
            latency: Quantiles::of(self.latencies),
            first_byte: Quantiles::of(self.first_bytes),
            bytes: self.bytes,
            events: self.events,
        }
    }
}

impl Quantiles {
    fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |percent: usize| {
            let rank = (samples.len() * percent).div_ceil(100).saturating_sub(1);
            samples.get(rank).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{FakeProvider, Mode, Options, serve_floor};

    fn headers() -> HeaderMap {
        [
            (AUTHORIZATION, HeaderValue::from_static("Bearer k1")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]
        .into_iter()
        .collect()
    }

    fn load(streams: bool, requests: u64, connections: usize) -> Load {
        Load { streams, requests, connections }
    }

    fn body(stream: bool) -> Bytes {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"stream":{stream}}}"#).into()
    }

    /// The address of a floor before `fake`.
    async fn floor(fake: &FakeProvider) -> Uri {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let upstream = fake.addr().to_string().parse().expect("a valid authority");
        tokio::spawn(serve_floor(listener, upstream));
        format!("http://{addr}/v1/chat/completions").parse().expect("a valid address")
    }

    #[tokio::test]
    async fn every_request_goes_through_the_floor_and_is_counted() {
        let fake = FakeProvider::start(Options::default()).expect("a free port");
        let report = run_load(&floor(&fake).await, load(false, 40, 4), headers(), body(false)).await.expect("a target");
        assert_eq!((report.ok, report.failed, report.events), (40, 0, 0));
        assert!(report.latency.p50 <= report.latency.p99 && report.latency.p99 <= report.elapsed);
        assert!(report.first_byte.p50 <= report.latency.p50);
        assert_eq!(fake.stats().key("k1").ok, 40);
        let host = fake.addr().to_string();
        assert!(fake.requests().iter().all(|request| request.header("host") == Some(&host)));
    }

    #[tokio::test]
    async fn streams_are_counted_by_event() {
        let fake = FakeProvider::start(Options::default()).expect("a free port");
        let report = run_load(&floor(&fake).await, load(true, 10, 2), headers(), body(true)).await.expect("a target");
        // Role, four chunks, finish, [DONE].
        assert_eq!((report.ok, report.events), (10, 70));
        fake.set_mode(Mode::EndEarly { after: 4 });
        let report = run_load(&floor(&fake).await, load(true, 10, 2), headers(), body(true)).await.expect("a target");
        assert_eq!((report.ok, report.failed, report.events), (0, 10, 50));
    }

    #[tokio::test]
    async fn errors_and_broken_connections_are_failures() {
        let fake = FakeProvider::start(Options::default()).expect("a free port");
        let target: Uri = format!("{}/chat/completions", fake.base_url()).parse().expect("a valid address");
        for mode in [Mode::Status { code: 500 }, Mode::Reset, Mode::CutMidStream { after: 1 }] {
            fake.set_mode(mode);
            let report = run_load(&target, load(false, 6, 2), headers(), body(false)).await.expect("a target");
            assert_eq!((report.ok, report.failed), (0, 6));
        }
        assert_eq!(fake.stats().total.failed, 18);
        assert!(run_load(&Uri::from_static("/path"), load(false, 1, 1), headers(), Bytes::new()).await.is_err());
    }

    #[test]
    fn events_are_counted_across_frames() {
        let mut events = EventCounter::default();
        for frame in ["data: 1\n", "\ndata: 2\r\n\r\nda", "ta: [DONE]\n\n"] {
            assert!(!events.ended());
            events.feed(frame.as_bytes());
        }
        assert_eq!((events.count, events.ended()), (3, true));
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let quantiles = Quantiles::of((1..=200).map(Duration::from_millis).collect());
        assert_eq!(quantiles.p50, Duration::from_millis(100));
        assert_eq!(quantiles.p99, Duration::from_millis(198));
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
