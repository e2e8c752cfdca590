//! Listings, page by page. A page token names the last resource of the page before, so resources that come and go between
//! two pages make none skipped or doubled.

use super::{Admin, status};
use crate::edit::record::{Body, Id};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tonic::Status;

const DEFAULT: u32 = 100;
const MAX: u32 = 1000;

/// How many a page may have.
pub(super) fn size(asked: u32) -> usize {
    let size = if asked == 0 { DEFAULT } else { asked.min(MAX) };
    size as usize
}

/// A token that says nothing to others.
pub(super) fn token(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// What a token says.
pub(super) fn read_token(token: &str) -> Result<String, Status> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| status::invalid_field("page_token", "is not from an answer of this server"))
}

impl Admin {
    /// A page of those behind `first` that `belongs` admits, which stand together.
    pub(super) fn page<T: TryFrom<Body>>(
        &self,
        first: Id,
        page_size: u32,
        page_token: &str,
        belongs: impl Fn(&Id) -> bool,
    ) -> Result<(Vec<T>, String), Status> {
        let start = if page_token.is_empty() { first } else { self.start(&first, page_token)? };
        let state = self.publisher.state();
        let mut rest = state.configuration.tables.after(&start).take_while(|(id, _)| belongs(id)).peekable();
        let mut page = Vec::new();
        let mut last = String::new();
        while page.len() < size(page_size)
            && let Some((id, record)) = rest.next()
        {
            last = token(&id.name());
            page.extend(T::try_from(record.shown()).ok());
        }
        let next = if rest.peek().is_some() { last } else { String::new() };
        Ok((page, next))
    }

    fn start(&self, first: &Id, page_token: &str) -> Result<Id, Status> {
        let name = read_token(page_token)?;
        Id::parse(first.kind(), &name)
            .ok_or_else(|| status::invalid_field("page_token", "is not from an answer of this listing"))
    }
}
