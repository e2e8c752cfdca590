//! How much a text says, whatever escapes it is written with.

use std::ops::AddAssign;

/// How much text there is, in bytes of UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub ascii: u64,
    /// Of letters beyond ASCII.
    pub beyond: u64,
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.ascii += other.ascii;
        self.beyond += other.beyond;
    }
}

impl Size {
    /// What a string within a value has beside its letters: quotes, and a colon or comma.
    pub const MARKS: u64 = 3;
    /// What numbers, `true`, `false` and `null` count for, however they are written.
    pub const SCALAR: u64 = 4;

    pub fn bytes(self) -> u64 {
        self.ascii + self.beyond
    }

    /// Adds the letter that begins with a backslash here, and gives the bytes that it is written with.
    pub(super) fn add_escaped(&mut self, text: &[u8]) -> u64 {
        let Some(unit) = unit(text) else {
            self.ascii += 1;
            return 2;
        };
        match unit {
            0..0x80 => self.ascii += 1,
            // Half of a pair, which makes four bytes.
            0x80..0x800 | 0xd800..0xe000 => self.beyond += 2,
            _ => self.beyond += 3,
        }
        6
    }

    /// Adds the letters of a text but for its escapes, which are so many bytes of it.
    pub(super) fn add_letters(&mut self, text: &[u8], escapes: u64) {
        let beyond = if text.is_ascii() { 0 } else { text.iter().filter(|byte| !byte.is_ascii()).count() };
        self.ascii += ((text.len() - beyond) as u64).saturating_sub(escapes);
        self.beyond += beyond as u64;
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
