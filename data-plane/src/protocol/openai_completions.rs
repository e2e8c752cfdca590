//! OpenAI's legacy completions, `POST /v1/completions`: a dialect of clients alone. A prompt is answered as the one
//! thing that a user said, for no provider of another protocol goes on with a text; errors, counts and the form of a
//! stream are those of [`openai`](super::openai).

pub mod request;
pub mod response;
pub mod stream;

pub use super::openai::error;
