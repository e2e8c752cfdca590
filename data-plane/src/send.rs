//! The way to an upstream: a pooled HTTP client per provider, and requests whose bodies are pieces, not copies.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use pointsman_proto::domain::Provider;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

/// A connection that has been idle for this long is closed.
const POOL_IDLE: Duration = Duration::from_secs(60);
const POOL_MAX_IDLE: usize = 512;

/// A provider's client. Clones share its connections.
#[derive(Clone)]
pub struct Client(legacy::Client<HttpsConnector<HttpConnector>, Pieces>);

/// Why no response came.
pub type SendError = legacy::Error;

impl Client {
    /// A client with the provider's connect timeout; it follows no redirects and reads no proxy variables.
    pub fn new(provider: &Provider) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(POOL_IDLE));
        tcp.set_connect_timeout(Some(provider.timeouts.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls().clone())
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_MAX_IDLE)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .build(connector);
        Self(client)
    }

    /// Sends a request; the response's body is still to come.
    ///
    /// # Errors
    /// The connection failed, or ended before the response's headers.
    pub async fn send(&self, request: http::Request<Pieces>) -> Result<http::Response<Incoming>, SendError> {
        self.0.request(request).await
    }
}

/// The roots that the machine trusts, read once.
fn tls() -> &'static rustls::ClientConfig {
    static CONFIG: OnceLock<rustls::ClientConfig> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let mut roots = rustls::RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            tracing::warn!("no trusted root certificates on this machine: https providers cannot be reached");
        }
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
    })
}

/// A request's body as up to three pieces of what the client sent and what replaces part of it.
///
/// Boxed: the HTTP client keeps room for thirty-two requests on each connection.
#[derive(Clone, Debug)]
pub struct Pieces(Box<Left>);

#[derive(Clone, Debug)]
struct Left {
    pieces: [Bytes; 3],
    next: usize,
}

impl Pieces {
    /// `body` with the bytes of `span` replaced.
    pub fn replaced(body: &Bytes, span: std::ops::Range<usize>, with: Bytes) -> Self {
        let pieces = [body.slice(..span.start), with, body.slice(span.end..)];
        Self(Box::new(Left { pieces, next: 0 }))
    }

    /// `body` as it is.
    pub fn whole(body: Bytes) -> Self {
        Self(Box::new(Left { pieces: [body, Bytes::new(), Bytes::new()], next: 0 }))
    }

    fn left(&self) -> u64 {
        self.0.pieces[self.0.next..].iter().map(|p| p.len() as u64).sum()
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = &mut self.0;
        while let Some(piece) = left.pieces.get_mut(left.next).map(std::mem::take) {
            left.next += 1;
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
