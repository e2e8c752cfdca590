//! Takes a request's body in, within a limit and in time. One piece, which is what small bodies come in, is not copied.

use crate::error::Refusal;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// Between two pieces of a request's body.
const IDLE: Duration = Duration::from_secs(30);

/// The whole body.
///
/// # Errors
/// It is over the limit (found out before it is taken in), too slow, or broken off.
pub(crate) async fn collect(headers: &HeaderMap, mut body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if stated.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::too_large(limit));
    }
    let Some(first) = next(&mut body, limit, limit).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut body, limit - first.len(), limit).await? else { return Ok(first) };
    let mut whole = BytesMut::with_capacity(stated.map_or(first.len() + second.len(), |length| length as usize));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(piece) = next(&mut body, limit - whole.len(), limit).await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Incoming, left: usize, limit: usize) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await.map_err(|_| Refusal::too_slow())?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|_| Refusal::bad_request("The request's body broke off."))?;
        match frame.into_data() {
            Ok(piece) if piece.len() > left => return Err(Refusal::too_large(limit)),
            Ok(piece) => return Ok(Some(piece)),
            Err(_trailers) => {}
        }
    }
}
