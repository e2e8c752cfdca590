//! Gemini: Google's `generateContent` and `streamGenerateContent`, as clients speak it and as the provider does (v1beta,
//! checked against google-genai 3.4 for Python and 2.32 for JavaScript, and go-genai). Peculiar to it: the model and the
//! wish to stream stand in the URL; there are two roles only; calls come whole, often without an id, and results are
//! matched by name and order; a reply that calls tools still ends with `STOP`; a stream ends at EOF with nothing to mark
//! it; what the model has signed (`thoughtSignature`) must come back on the part it was on; schemas are a subset of
//! OpenAPI's; and fields may be written in camelCase or in snake_case.

pub mod embeddings;
pub mod error;
pub mod request;
pub mod response;
pub mod stream;
pub mod tokens;

mod content;
mod ids;
mod media;
pub mod model;
mod reply;
mod schema;
mod signature;

pub(super) use reply::counted;

#[cfg(test)]
mod tests;
