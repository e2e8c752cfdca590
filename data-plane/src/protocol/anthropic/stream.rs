//! A streamed reply: `message_start`, content blocks one at a time, `message_delta`, `message_stop`.

mod line;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::Reader;
pub use write::Writer;
