//! Streams: a [`Reader`] for providers', a [`Writer`] for clients'.

mod blocks;
mod extent;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::Reader;
pub(super) use reader::whole;
pub use writer::Writer;
