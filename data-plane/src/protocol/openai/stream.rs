//! Streams: a [`Reader`] for providers', a [`Writer`] for clients'.

mod blocks;
mod chunks;
mod extent;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(test)]
pub(in crate::protocol) use chunks::read as read_chunks;
pub(in crate::protocol) use chunks::{Chunks, Phase};
pub use reader::Reader;
pub(super) use reader::whole;
pub use writer::Writer;
