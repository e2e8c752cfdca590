//! Accepts connections and serves HTTP/1.1 and h2c on them, within limits.

mod worded;

use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::Future,
    io,
    ops::DerefMut,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worded::Worded;

/// A header section, or the next request of a kept-alive connection, comes within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 200;
/// What one HTTP/1 connection may buffer, header section included.
const CONNECTION_BUFFER: usize = 128 * 1024;
/// What one HTTP/2 request's header section may take; above it the library resets the stream (RFC 9113 §10.5.1).
const MAX_HEADER_LIST: u32 = 128 * 1024;
/// After running out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `listener` until `shutdown`; then no connection is accepted, and each closes after what it is doing.
pub(crate) async fn serve<S, F, B>(
    listener: TcpListener,
    max_connections: usize,
    service: S,
    connections: TaskTracker,
    shutdown: CancellationToken,
) where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(max_connections));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let (service, shutdown) = (service.clone(), shutdown.clone());
                connections.spawn(async move {
                    serve_one(stream, service, shutdown).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one<S, F, B>(stream: TcpStream, service: S, shutdown: CancellationToken)
where
    S: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let response = service(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let first = tokio::select! {
        first = timeout(HEADER_TIMEOUT, first_bytes(&stream)) => first,
        () = shutdown.cancelled() => return,
    };
    match first {
        Ok(Ok(First::Http2)) => {
            // Boxed, so that a task of HTTP/1 does not keep room for it.
            let connection = Box::pin(http2().serve_connection(TokioIo::new(stream), service));
            until_done(connection, shutdown, |connection| connection.graceful_shutdown()).await;
        }
        Ok(Ok(First::Http1)) => {
            let connection = pin!(http1().serve_connection(Worded::new(TokioIo::new(stream)), service));
            until_done(connection, shutdown, |connection| connection.graceful_shutdown()).await;
        }
        // It said nothing in time, or went away.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// Serves a connection to its end; told to stop, it finishes what it is doing. How it ended is the client's own affair.
async fn until_done<C>(mut connection: Pin<C>, shutdown: CancellationToken, stop: impl FnOnce(Pin<&mut C::Target>))
where
    C: DerefMut<Target: Future>,
{
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => stop(connection.as_mut()),
    }
    connection.await;
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(CONNECTION_BUFFER);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

enum First {
    Http1,
    Http2,
}

/// Looks at how the client begins, and leaves it for whoever serves it. HTTP/2 with prior knowledge begins with
/// `PRI * HTTP/2.0` (RFC 9113 §3.4), and no method of HTTP/1 does.
async fn first_bytes(stream: &TcpStream) -> io::Result<First> {
    const PREFACE: &[u8] = b"PRI ";
    let mut begin = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut begin).await?;
        match seen {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n if begin[..n] != PREFACE[..n] => return Ok(First::Http1),
            n if n == PREFACE.len() => return Ok(First::Http2),
            // A few bytes of it: the rest is on its way, but peeking again would find the same at once.
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
