//! The HTTP library answers a request whose head it cannot parse on its own, with a bare status. This gives that answer
//! OpenAI's error JSON, since which dialect the client speaks is not known yet.
//!
//! Only the library writes a head with no body and none of our own headers, as the first thing of a write, so that is what
//! is looked for; everything else passes untouched, at the cost of one comparison a write.

use crate::protocol::{
    neutral::{Class, Fault},
    openai,
};
use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A connection whose bare refusals are put into words.
pub(super) struct Worded<T> {
    inner: T,
    /// What is written in place of a bare refusal, and the bytes that the library believes to have written.
    instead: Option<(Bytes, usize)>,
}

impl<T> Worded<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, instead: None }
    }
}

/// The answer for a bare refusal; none for anything else.
fn worded(written: &[u8]) -> Option<Bytes> {
    let status = written.strip_prefix(b"HTTP/1.1 4").or_else(|| written.strip_prefix(b"HTTP/1.0 4"))?;
    let head = std::str::from_utf8(written).ok()?.strip_suffix("\r\n\r\n")?.to_ascii_lowercase();
    if !head.contains("content-length: 0") || head.contains("x-pointsman") || head.contains("x-request-id") {
        return None;
    }
    let (status, message) = match status.get(..2)? {
        b"31" => ("431 Request Header Fields Too Large", "The request's headers are over the limit."),
        b"14" => ("414 URI Too Long", "The request's URL is over the limit."),
        _ => ("400 Bad Request", "The request is not valid HTTP: its first line or a header is malformed."),
    };
    let fault = Fault {
        class: Class::BadRequest,
        message: message.to_owned(),
        field: None,
        code: None,
        request_id: String::new(),
    };
    let body = openai::error::write(&fault);
    let length = body.len();
    let head = "content-type: application/json\r\nconnection: close\r\ncontent-length:";
    let head = format!("HTTP/1.1 {status}\r\n{head} {length}\r\n\r\n");
    Some(Bytes::from([head.as_bytes(), &body].concat()))
}

impl<T: Write + Unpin> Worded<T> {
    /// Writes what stands in place of a refusal, to its end.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        while let Some((left, believed)) = &mut self.instead {
            if left.is_empty() {
                let believed = *believed;
                self.instead = None;
                return Poll::Ready(Ok(Some(believed)));
            }
            match ready!(Pin::new(&mut self.inner).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => left.advance(written),
            }
        }
        Poll::Ready(Ok(None))
    }
}

impl<T: Write + Unpin> Write for Worded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = worded(buf).map(|answer| (answer, buf.len()));
        }
        match ready!(self.poll_instead(cx))? {
            Some(believed) => Poll::Ready(Ok(believed)),
            None => Pin::new(&mut self.inner).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [alone] => self.poll_write(cx, alone),
            _ => Pin::new(&mut self.inner).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<T: Read + Unpin> Read for Worded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::worded;

    #[test]
    fn only_the_librarys_own_refusal_is_put_into_words() {
        let bare = |status| format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n");
        for (status, words) in [("400 Bad Request", "malformed"), ("431 Too Large", "headers"), ("414 Long", "URL")] {
            let answer = worded(bare(status).as_bytes()).expect("it is bare");
            let text = std::str::from_utf8(&answer).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a body");
            assert!(head.starts_with(&format!("HTTP/1.1 {}", &status[..3])), "{head}");
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
            assert!(body.contains(words) && body.contains("invalid_request_error"), "{body}");
        }
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx-pointsman-model: m\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n",
            "data: HTTP/1.1 400",
        ] {
            assert_eq!(worded(other.as_bytes()), None, "{other}");
        }
    }
}
