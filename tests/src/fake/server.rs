//! Sockets: one accept loop, one task a connection, all of them ended by one token.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::answer;
use super::state::State;

const BACKLOG: u32 = 1024;
/// Pause when the process is out of descriptors, which nothing announces the end of.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Binds without waiting, so that starting a provider is not async.
pub(super) fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

/// Accepts until `stop`.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, Arc::clone(&state), stop.child_token()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection until the client closes it or `close` is cancelled, which drops everything in flight on it.
async fn connection(stream: TcpStream, state: Arc<State>, close: CancellationToken) {
    // Without it small chunks would wait for acknowledgements; a failure costs speed alone.
    let _ = stream.set_nodelay(true);
    let line = Line { close: close.clone(), reset: Arc::default() };
    let wire = Wire { stream, reset: Arc::clone(&line.reset) };
    let service = service_fn(move |request| {
        let (state, line) = (Arc::clone(&state), line.clone());
        async move { Ok::<_, Infallible>(answer(state, line, request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        biased;
        () = close.cancelled() => {}
        // An error means that the client went away; the tickets have counted it.
        _ = builder.serve_connection(TokioIo::new(wire), service) => {}
    }
}

/// A request's grip on its connection.
#[derive(Clone, Debug)]
pub(super) struct Line {
    close: CancellationToken,
    reset: Arc<AtomicBool>,
}

impl Line {
    /// Closes the connection, after what was written.
    pub(super) fn close(&self) {
        self.close.cancel();
    }

    /// Closes the connection with RST.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        self.close.cancel();
    }
}

/// The socket; if ordered, its end is a reset.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // A socket closed with no time to linger sends RST. A failure means that it is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
