//! The floor: the least reverse proxy anyone would write on the same libraries.
//!
//! It parses nothing, decides nothing and counts nothing, so `gateway − floor` is the price of what the gateway adds.
//! Server: HTTP/1.1 with keep-alive and TCP_NODELAY. Client: hyper-util's pooled one, the same way. Bodies stream
//! through unread.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{Authority, InvalidUriParts, PathAndQuery, Scheme};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Upstream = Client<HttpConnector, Incoming>;
type Body = Either<Incoming, Empty<Bytes>>;

/// Relays everything that arrives at `listener` to `upstream_authority` (`127.0.0.1:8080`), until dropped; connections
/// end with it.
///
/// # Errors
/// If accepting fails.
pub async fn serve_floor(listener: TcpListener, upstream_authority: Authority) -> io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new()).build(connector);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connections.spawn(connection(stream, client.clone(), upstream_authority.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, client: Upstream, authority: Authority) {
    let service = service_fn(|request| relay(&client, &authority, request));
    // An error means that the client went away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn relay(
    client: &Upstream,
    authority: &Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let Ok(uri) = redirect(request.uri(), authority) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    *request.uri_mut() = uri;
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
    Ok(match client.request(request).await {
        Ok(response) => response.map(Either::Left),
        Err(_) => empty(StatusCode::BAD_GATEWAY),
    })
}

fn redirect(uri: &Uri, authority: &Authority) -> Result<Uri, InvalidUriParts> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts)
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}
