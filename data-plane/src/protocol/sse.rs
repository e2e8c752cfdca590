//! Server-sent events, read as the HTML standard says (§9.2.6): lines end with LF, CR or CRLF, wherever the network cuts
//! them; `data` lines of one event are joined; comments, `id` and `retry` are passed over. An event that the end of the
//! stream cuts off before its blank line is read all the same, since servers leave it out.

mod write;

pub use write::{write, write_json};

use memchr::memchr2;
use std::borrow::Cow;

/// An event above this is not read: 16 MiB, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Of the `event` line, if there is one.
    pub name: Option<&'a str>,
    pub data: &'a str,
}

/// An event grew over 16 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Cuts a byte stream into events.
#[derive(Debug, Default)]
pub struct Reader {
    /// The lines of an event that is not complete yet, and what has been understood of them.
    kept: Vec<u8>,
    event: Partial,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    begun: bool,
}

/// Where in an event's bytes its fields stand.
#[derive(Debug, Default)]
struct Partial {
    /// The first byte that no line end has been looked for in.
    scanned: usize,
    line: usize,
    name: Option<(usize, usize)>,
    data: Option<(usize, usize)>,
    /// All data lines, once there are two of them.
    joined: Option<Vec<u8>>,
}

impl Reader {
    /// Hands every event that is complete with this piece to `take`, until it fails.
    ///
    /// # Errors
    /// What `take` says, or an event that is too long.
    pub fn feed<E: From<TooLong>>(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.kept.is_empty() {
            let rest = self.cut(piece, &mut take)?;
            self.kept.extend_from_slice(rest);
        } else {
            let mut bytes = std::mem::take(&mut self.kept);
            bytes.extend_from_slice(piece);
            let rest = self.cut(&bytes, &mut take)?.len();
            bytes.drain(..bytes.len() - rest);
            self.kept = bytes;
        }
        if self.kept.len() > LONGEST { Err(TooLong.into()) } else { Ok(()) }
    }

    /// The stream is over: hands over an event that its end has cut off.
    ///
    /// # Errors
    /// What `take` says.
    pub fn finish<E: From<TooLong>>(&mut self, mut take: impl FnMut(Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut bytes = std::mem::take(&mut self.kept);
        bytes.extend_from_slice(b"\n\n");
        self.cut(&bytes, &mut take).map(drop)
    }

    /// Hands over the complete events of `bytes`, which begin with an event, and gives back the rest.
    fn cut<'b, E>(
        &mut self,
        mut bytes: &'b [u8],
        take: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<&'b [u8], E> {
        while self.event.scanned < bytes.len() {
            if std::mem::take(&mut self.after_cr) && bytes[self.event.scanned] == b'\n' {
                self.event.scanned += 1;
                self.event.line = self.event.scanned;
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', &bytes[self.event.scanned..]).map(|i| self.event.scanned + i) else {
                self.event.scanned = bytes.len();
                break;
            };
            self.after_cr = bytes[end] == b'\r';
            let line = self.event.line;
            (self.event.scanned, self.event.line) = (end + 1, end + 1);
            if end > line {
                self.line(bytes, line, end);
                continue;
            }
            let event = std::mem::take(&mut self.event);
            event.hand_over(bytes, take)?;
            bytes = &bytes[end + 1..];
        }
        Ok(bytes)
    }

    fn line(&mut self, bytes: &[u8], mut start: usize, end: usize) {
        if !std::mem::replace(&mut self.begun, true) && bytes[start..end].starts_with("\u{feff}".as_bytes()) {
            start += 3;
        }
        let line = &bytes[start..end];
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let space = usize::from(line.get(colon + 1) == Some(&b' '));
        let value = (start + (colon + 1 + space).min(line.len()), end);
        match &line[..colon] {
            b"event" => self.event.name = Some(value),
            b"data" => self.event.data(bytes, value),
            _ => {}
        }
    }
}

impl Partial {
    fn data(&mut self, bytes: &[u8], (from, to): (usize, usize)) {
        match (&mut self.joined, self.data) {
            (None, None) => self.data = Some((from, to)),
            (Some(joined), _) => {
                joined.push(b'\n');
                joined.extend_from_slice(&bytes[from..to]);
            }
            (joined @ None, Some((first, last))) => {
                *joined = Some([&bytes[first..last], b"\n", &bytes[from..to]].concat());
            }
        }
    }

    fn hand_over<E>(self, bytes: &[u8], take: &mut impl FnMut(Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let Some((from, to)) = self.data else { return Ok(()) };
        let data = text(self.joined.as_deref().unwrap_or(&bytes[from..to]));
        let name = self.name.map(|(from, to)| text(&bytes[from..to]));
        take(Event { name: name.as_deref(), data: &data })
    }
}

/// The text of bytes that nearly always are one: replacing what is none looks at each byte by itself.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    struct Failed;

    impl From<TooLong> for Failed {
        fn from(_: TooLong) -> Self {
            Self
        }
    }

    fn read(pieces: &[&[u8]]) -> Vec<(Option<String>, String)> {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        let mut take = |event: Event<'_>| {
            events.push((event.name.map(str::to_owned), event.data.to_owned()));
            Ok::<(), Failed>(())
        };
        for piece in pieces {
            reader.feed(piece, &mut take).expect("it is short");
        }
        reader.finish(&mut take).expect("it is short");
        events
    }

    #[test]
    fn every_line_end_and_form_is_read() {
        for (text, expected) in [
            ("data: a\n\ndata: b\n\n", vec![(None, "a"), (None, "b")]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec![(None, "a"), (None, "b")]),
            ("data: a\r\rdata: b\r\r", vec![(None, "a"), (None, "b")]),
            ("event: x\ndata:a\n\n", vec![(Some("x"), "a")]),
            ("data: a\ndata: b\ndata\n\n", vec![(None, "a\nb\n")]),
            (": comment\n\nid: 1\nretry: 5\n\ndata: a\n\n", vec![(None, "a")]),
            ("\u{feff}data: a\n\n", vec![(None, "a")]),
            ("data: cut off", vec![(None, "cut off")]),
            ("data:  two spaces\n\n", vec![(None, " two spaces")]),
            ("event: alone\n\ndata: a\n\n", vec![(None, "a")]),
            ("event: é\ndata: é\n\n", vec![(Some("é"), "é")]),
            ("", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(n, d)| (n.map(str::to_owned), d.to_owned())).collect();
            assert_eq!(read(&[text.as_bytes()]), expected, "{text:?}");
            let letters: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&letters), expected, "{text:?} a byte at a time");
            for cut in 0..text.len() {
                let (a, b) = text.as_bytes().split_at(cut);
                assert_eq!(read(&[a, b]), expected, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let expected = vec![(Some("\u{fffd}".to_owned()), "a\u{fffd}b".to_owned())];
        assert_eq!(read(&[b"event: \xff\ndata: a\xffb\n\n"]), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut out = bytes::BytesMut::new();
        write(None, &"two\nlines", &mut out);
        write(Some("x"), &[1, 2], &mut out);
        assert_eq!(read(&[&out]), [(None, r#""two\nlines""#.to_owned()), (Some("x".to_owned()), "[1,2]".to_owned())]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = Reader::default();
        let piece = vec![b'x'; 1 << 20];
        let result = (0..17).try_for_each(|_| reader.feed(&piece, |_| Ok::<(), Failed>(())));
        assert_eq!(result, Err(Failed));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(text in "(data|event|:|id)?(: ?)?[a-zä\r\n]{0,60}", at in 0_usize..80) {
            let whole = read(&[text.as_bytes()]);
            let (a, b) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(read(&[a, b]), whole);
        }
    }
}
