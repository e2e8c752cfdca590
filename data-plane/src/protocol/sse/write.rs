//! Events, written for a client.

use bytes::BytesMut;
use serde::Serialize;
use std::io;

/// Writes an event: its name, if it has one, and a value's JSON, which is always one line.
pub fn write(name: Option<&str>, data: &impl Serialize, out: &mut BytesMut) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"data: ");
    write_json(data, out);
    out.extend_from_slice(b"\n\n");
}

/// Writes a value's JSON alone.
pub fn write_json(value: &impl Serialize, out: &mut BytesMut) {
    serde_json::to_writer(Buffer(out), value).expect("memory takes all, and events are strings, numbers and lists");
}

/// Takes what serde hands over, a few bytes at a time: the writer of `bytes` itself goes through a loop for each, which
/// made up a quarter of a translation.
struct Buffer<'a>(&'a mut BytesMut);

impl io::Write for Buffer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
