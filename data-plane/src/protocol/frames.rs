//! `application/vnd.amazon.eventstream`: the binary frames of AWS's streamed replies, as Smithy's event stream
//! specification lays them out. A frame names its whole length in front and ends with a checksum, so that it is known
//! to be complete and unharmed before anything of it is read; what the lengths may be is checked before it is waited for.

use super::neutral::Broken;

/// Length of the frame, length of its headers, checksum of both.
const PRELUDE: usize = 12;

/// The bytes of a frame that are neither headers nor payload: the prelude, and the checksum at the end.
const AROUND: usize = PRELUDE + 4;

/// In bytes. The vendor's own clients allow no more.
const LONGEST_HEADERS: usize = 128 * 1024;

/// In bytes. The vendor's own clients allow no more.
const LONGEST_PAYLOAD: usize = 24 * 1024 * 1024;

/// One frame of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    /// `:event-type`, `:exception-type` or `:error-code`.
    pub name: &'a str,
    /// `:error-message`.
    pub message: Option<&'a str>,
    pub payload: &'a [u8],
}

/// What a frame tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Event,
    /// An error that the service's model knows; the payload describes it.
    Exception,
    /// An error that it does not know; the headers describe it.
    Error,
}

/// The bytes are no frames, or were harmed on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt(pub &'static str);

impl From<Corrupt> for Broken {
    fn from(Corrupt(why): Corrupt) -> Self {
        Self::Malformed(why)
    }
}

/// Cuts a byte stream into frames. After an error it is of no further use.
#[derive(Debug, Default)]
pub struct Reader {
    /// The bytes of a frame that is not complete yet.
    kept: Vec<u8>,
}

impl Reader {
    /// Hands every frame that is complete with this piece to `take`, until it fails.
    ///
    /// # Errors
    /// What `take` says, or bytes that are no frame.
    pub fn feed<E: From<Corrupt>>(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.kept.is_empty() {
            let rest = cut(piece, &mut take)?;
            self.kept.extend_from_slice(rest);
        } else {
            self.kept.extend_from_slice(piece);
            let rest = cut(&self.kept, &mut take)?.len();
            self.kept.drain(..self.kept.len() - rest);
        }
        Ok(())
    }

    /// Whether nothing would be lost if the stream ended here.
    pub fn is_between_frames(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Hands over the complete frames of `bytes`, which begin with a frame, and gives back the rest.
fn cut<'b, E: From<Corrupt>>(
    mut bytes: &'b [u8],
    take: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
) -> Result<&'b [u8], E> {
    while let Some(prelude) = Prelude::read(bytes)? {
        let Some((frame, rest)) = bytes.split_at_checked(prelude.total) else { break };
        take(prelude.frame(frame)?)?;
        bytes = rest;
    }
    Ok(bytes)
}

/// The lengths of a frame, in bytes and within bounds.
struct Prelude {
    total: usize,
    headers: usize,
}

impl Prelude {
    /// None until it is complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Corrupt> {
        let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE>() else { return Ok(None) };
        let [a, b, c, d, e, f, g, h, checksum @ ..] = *prelude;
        if crc32fast::hash(&prelude[..8]) != u32::from_be_bytes(checksum) {
            return Err(Corrupt("the checksum of a frame's lengths is wrong"));
        }
        let length = |bytes| u32::from_be_bytes(bytes) as usize;
        let (total, headers) = (length([a, b, c, d]), length([e, f, g, h]));
        match total.checked_sub(AROUND).and_then(|inner| inner.checked_sub(headers)) {
            Some(payload) if headers <= LONGEST_HEADERS && payload <= LONGEST_PAYLOAD => {
                Ok(Some(Self { total, headers }))
            }
            _ => Err(Corrupt("a frame's lengths are out of bounds")),
        }
    }

    /// Reads the frame that these are the lengths of.
    fn frame(self, frame: &[u8]) -> Result<Frame<'_>, Corrupt> {
        let cut_short = Corrupt("a frame is shorter than it says");
        let (checked, checksum) = frame.split_last_chunk::<4>().ok_or(cut_short)?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*checksum) {
            return Err(Corrupt("the checksum of a frame is wrong"));
        }
        let inner = checked.get(PRELUDE..).ok_or(cut_short)?;
        let (headers, payload) = inner.split_at_checked(self.headers).ok_or(cut_short)?;
        Headers::read(headers)?.frame(payload)
    }
}

/// The headers that say what a frame is.
#[derive(Default)]
struct Headers<'a> {
    message_type: Option<&'a str>,
    event_type: Option<&'a str>,
    exception_type: Option<&'a str>,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut headers = Self::default();
        while !bytes.is_empty() {
            let (name, value) = header(&mut bytes).ok_or(Corrupt("a frame's headers cannot be read"))?;
            let place = match name {
                b":message-type" => &mut headers.message_type,
                b":event-type" => &mut headers.event_type,
                b":exception-type" => &mut headers.exception_type,
                b":error-code" => &mut headers.error_code,
                b":error-message" => &mut headers.error_message,
                _ => continue,
            };
            let text = value.and_then(|value| std::str::from_utf8(value).ok());
            *place = Some(text.ok_or(Corrupt("a frame's header is no text"))?);
        }
        Ok(headers)
    }

    fn frame(self, payload: &'a [u8]) -> Result<Frame<'a>, Corrupt> {
        let (kind, name) = match self.message_type {
            Some("event") => (Kind::Event, self.event_type),
            Some("exception") => (Kind::Exception, self.exception_type),
            Some("error") => (Kind::Error, self.error_code.or(Some(""))),
            _ => (Kind::Event, None),
        };
        let name = name.ok_or(Corrupt("a frame does not say what it is"))?;
        Ok(Frame { kind, name, message: self.error_message, payload })
    }
}

/// Takes one header off the front: its name, and its value if that is a string.
fn header<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let [length] = *array(bytes)?;
    let name = take(bytes, usize::from(length)).filter(|name| !name.is_empty())?;
    let [form] = *array(bytes)?;
    let length = match form {
        // True and false have no bytes of their own.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        // An integer, a timestamp.
        5 | 8 => 8,
        // Bytes, a string.
        6 | 7 => usize::from(u16::from_be_bytes(*array(bytes)?)),
        // A UUID.
        9 => 16,
        _ => return None,
    };
    let value = take(bytes, length)?;
    Some((name, (form == 7).then_some(value)))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn array<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

/// A frame with these headers, all of them strings.
#[cfg(test)]
pub fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for (name, value) in headers {
        written.push(u8::try_from(name.len()).expect("a short name"));
        written.extend_from_slice(name.as_bytes());
        written.push(7);
        written.extend_from_slice(&u16::try_from(value.len()).expect("a short value").to_be_bytes());
        written.extend_from_slice(value.as_bytes());
    }
    tests::around(&written, payload)
}

#[cfg(test)]
mod tests;
