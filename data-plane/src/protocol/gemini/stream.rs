//! Streams: each event's data is a `GenerateContentResponse` with what is new.

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

pub(super) use reader::read_whole;
