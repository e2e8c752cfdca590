//! For tests: a server on loopback that answers as it is told, and remembers what it was asked; and a publisher.

use crate::{
    edit::Edit,
    publisher::{Commit, Publisher, PublisherTask},
    secrets::MasterKeySource,
    store::Store,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Status and body.
type Answer = (u16, String);
type Answering = dyn Fn(&Call) -> Answer + Send + Sync;

/// The server; it ends with this.
pub(crate) struct Fake {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (calls, answer) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<Answering>::from(Box::new(answer) as Box<_>));
        let seen = calls.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (seen.clone(), answer.clone());
                let service = service_fn(move |request| serve(request, seen.clone(), answer.clone()));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, calls, task }
    }

    /// So far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("nothing panics while it holds them").clone()
    }
}

async fn serve(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Call>>>,
    answer: Arc<Answering>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let call = Call {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, body) = answer(&call);
    seen.lock().expect("nothing panics while it holds them").push(call);
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    if status / 100 == 3 {
        response.headers_mut().insert("location", hyper::header::HeaderValue::from_static("/elsewhere"));
    }
    Ok(response)
}

/// A publisher on a database of its own. What is started beside it ends with this.
pub(crate) struct Plane {
    pub(crate) publisher: Publisher,
    pub(crate) stop: CancellationToken,
    pub(crate) dir: TempDir,
    _writer: PublisherTask,
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Plane {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("db")).await.expect("it opens");
        let master = MasterKeySource::Generated(dir.path().join("master.key"));
        let (publisher, writer) = Publisher::start(store, &master).await.expect("it starts");
        Self { publisher, stop: CancellationToken::new(), dir, _writer: writer }
    }

    pub(crate) async fn make(&self, edit: Edit) -> Commit {
        self.publisher.submit(edit, "admin", false).await.expect("the edit is good")
    }
}
