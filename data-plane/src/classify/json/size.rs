//! How many tokens a text comes to, by estimate, whatever escapes it is written with.
//!
//! `tokens = Σ weight[kind of the byte before][kind of this byte]`, see [`weights`](super::weights). The first
//! [`WHOLE`] bytes of a text are read so; of those after them, [`WINDOW`] in the middle of every [`STRIDE`], which count
//! for all of it. Bytes are those of what the text says in UTF-8: escapes are none.
//!
//! The tokens are those of OpenAI's encodings. Anthropic's own have 15 to 25 % more for the same text, which is not
//! corrected for: whoever states a limit may state a lower one.

use super::weights::Last;
use std::ops::AddAssign;

/// Bytes that are all read; enough that a short request's estimate has no chance in it.
const WHOLE: u64 = 32 * 1024;
/// Bytes read at a time of what comes then: a prime number, so that lines of a fixed width do not keep step with it.
const WINDOW: u64 = 61;
/// As many times a window as it counts for.
const STRIDE: u64 = WINDOW * SCALE;
const SCALE: u64 = 8;

/// How much texts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// In hundredths of a token.
    weight: u64,
    /// Bytes so far.
    bytes: u64,
    /// From which byte to before which some are read; past the first [`WHOLE`], the first of them only tells what the
    /// next one comes after.
    next: u64,
    until: u64,
    last: Last,
}

impl Default for Size {
    fn default() -> Self {
        Self { weight: 0, bytes: 0, next: 0, until: WHOLE, last: Last::default() }
    }
}

impl AddAssign for Size {
    /// The place in the text remains that of the left side.
    fn add_assign(&mut self, other: Self) {
        self.weight += other.weight;
    }
}

impl Size {
    /// What a string within a value has beside its letters, quotes and a colon or comma: a token.
    pub const MARKS: u64 = 100;
    /// What numbers, `true`, `false` and `null` count for, however they are written: a token.
    pub const SCALAR: u64 = 100;

    /// The texts' letters, in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    pub fn tokens(self) -> u64 {
        self.weight / 100
    }

    /// Adds what is no letter, in hundredths of a token.
    pub fn add(&mut self, weight: u64) {
        self.weight += weight;
    }

    /// A string begins.
    pub fn begin(&mut self) {
        self.last = Last::default();
    }

    /// What comes is no text: only its bytes are counted.
    pub fn of_bytes_alone(&mut self) {
        self.next = u64::MAX;
    }

    /// Adds the next letters, which have no escapes.
    #[inline]
    pub fn letters(&mut self, text: &[u8]) {
        let end = self.bytes + text.len() as u64;
        if end > self.next {
            self.read(text);
        }
        self.bytes = end;
    }

    /// Adds the letter that begins with a backslash here, and gives the bytes that it is written with.
    pub(super) fn escaped(&mut self, text: &[u8]) -> usize {
        let Some(unit) = unit(text) else {
            self.letters(&[match text.get(1) {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                other => other.copied().unwrap_or(b'\\'),
            }]);
            return 2;
        };
        match char::from_u32(unit.into()) {
            Some(letter) => self.letters(letter.encode_utf8(&mut [0; 3]).as_bytes()),
            // One of two which make four bytes: their first is of the first, and what follows is all of a kind.
            None if unit < 0xdc00 => self.letters(&[0xf0, 0x9f]),
            None => self.letters(&[0x98, 0x80]),
        }
        6
    }

    /// Adds what of these letters is to be read.
    fn read(&mut self, text: &[u8]) {
        let (start, end) = (self.bytes, self.bytes + text.len() as u64);
        let part = |from: u64, to: u64| &text[(from - start) as usize..(to - start) as usize];
        let mut at = start.max(self.next);
        while at < end {
            let is_whole = self.until == WHOLE;
            if at == self.next && !is_whole {
                self.last.note(part(at, at + 1)[0]);
                at += 1;
                continue;
            }
            let to = self.until.min(end);
            self.weight += self.last.weigh(part(at, to)) * if is_whole { 1 } else { SCALE };
            if to < self.until {
                return;
            }
            let gap = STRIDE - WINDOW - 1;
            self.next = self.until + if is_whole { gap / 2 } else { gap };
            self.until = self.next + 1 + WINDOW;
            at = self.next;
        }
    }
}

/// The UTF-16 unit of an escape as `\u003c`; none of another.
fn unit(text: &[u8]) -> Option<u16> {
    if text.get(1) != Some(&b'u') {
        return None;
    }
    let digits = text.get(2..6)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
