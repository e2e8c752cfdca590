//! AWS Bedrock's Converse and ConverseStream, as the service model `bedrock-runtime` (2023-09-30) describes them: one form
//! for the models of many makers. Peculiar are the binary frames of its streams ([`frames`](super::frames)), the path
//! that holds the model's id, blocks that begin with their first delta, the token counts that come after the end, and
//! that most of what a model can do beyond text and tools depends on whose model it is.

pub mod embeddings;
pub mod error;
mod model;
pub mod request;
pub mod response;
pub mod stream;
pub mod tokens;
