//! Reads JSON in one pass, without building values or copying.
//!
//! Whoever reads takes the value that it expects; a value of another type is passed over. What is not JSON ends the
//! reading: from then on there is nothing more, so that no reader has to ask, and what was read before stays. Nothing
//! recurses into values that are passed over, so no depth of nesting is too much.

mod size;
#[cfg(test)]
mod tests;
mod weights;

pub use size::Size;

use memchr::memchr2;
use std::borrow::Cow;

/// The longest text that is unescaped into memory of its own, in bytes as it came.
const UNESCAPED: usize = 4096;

/// Where the reading stands.
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A string as it came, quotes included.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// What it says. One that is long and escaped stays as it is: no name of ours is.
    pub fn plain(self) -> Cow<'a, [u8]> {
        let inner = self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default();
        if memchr::memchr(b'\\', inner).is_none() || inner.len() > UNESCAPED {
            return Cow::Borrowed(inner);
        }
        serde_json::from_slice::<String>(self.0).map_or(Cow::Borrowed(inner), |text| Cow::Owned(text.into_bytes()))
    }
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next value begins.
    pub fn here(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The bytes from there to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Reads an object: `each` is given every field's name and takes its value. Anything else is passed over.
    pub fn fields(&mut self, mut each: impl FnMut(&mut Self, &[u8])) {
        if self.enter(b'{') {
            while let Some(name) = self.field() {
                each(self, &name);
            }
        }
    }

    /// Reads an array: `each` takes every item. Anything else is passed over.
    pub fn items(&mut self, mut each: impl FnMut(&mut Self)) {
        if self.enter(b'[') {
            while self.another(b']') {
                each(self);
            }
        }
    }

    fn enter(&mut self, bracket: u8) -> bool {
        let is_there = self.peek() == Some(bracket);
        if is_there {
            self.at += 1;
        } else {
            self.skip();
        }
        is_there
    }

    /// The name of the object's next field, whose value comes next; none at its end.
    fn field(&mut self) -> Option<Cow<'a, [u8]>> {
        if !self.another(b'}') {
            return None;
        }
        let name = self.text()?;
        if self.peek() != Some(b':') {
            self.stop();
            return None;
        }
        self.at += 1;
        Some(name.plain())
    }

    /// Whether there is more before the end.
    fn another(&mut self, end: u8) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                false
            }
            Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => true,
            _ => {
                self.stop();
                false
            }
        }
    }

    /// A string.
    pub fn text(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            self.skip();
            return None;
        }
        let start = self.at;
        self.quoted(|_| ());
        Some(Text(self.since(start)))
    }

    /// `true` or `false`.
    pub fn flag(&mut self) -> Option<bool> {
        match self.scalar() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// A number, also one in a string, as Google's servers take them.
    pub fn number(&mut self) -> Option<f64> {
        let quoted = if self.peek() == Some(b'"') { self.text().map(Text::plain) } else { None };
        let digits = quoted.unwrap_or_else(|| Cow::Borrowed(self.scalar()));
        std::str::from_utf8(&digits).ok()?.parse().ok()
    }

    /// A number, word or `null`.
    fn scalar(&mut self) -> &'a [u8] {
        match self.peek() {
            Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                let start = self.at;
                self.word();
                self.since(start)
            }
            _ => {
                self.skip();
                &[]
            }
        }
    }

    /// Passes over a value.
    pub fn skip(&mut self) {
        self.pass(None);
    }

    /// Passes over a value and adds up what it says: the letters of its strings, and a little for what is around them.
    pub fn measure(&mut self, size: &mut Size) {
        self.pass(Some(size));
    }

    /// Passes over a value and adds up its letters alone, if it is a string; else as [`Self::measure`].
    pub fn measure_text(&mut self, size: &mut Size) {
        if self.peek() == Some(b'"') { self.counted(size) } else { self.measure(size) }
    }

    fn pass(&mut self, mut size: Option<&mut Size>) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => match &mut size {
                    Some(size) => {
                        size.add(Size::MARKS);
                        self.counted(size);
                    }
                    None => self.quoted(|_| ()),
                },
                Some(b'{' | b'[') => {
                    self.at += 1;
                    depth += 1;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                    self.word();
                    size.iter_mut().for_each(|size| size.add(Size::SCALAR));
                }
                _ => return self.stop(),
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes over a number or word.
    fn word(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| !matches!(b, b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E'));
        self.at += length.unwrap_or(rest.len());
    }

    /// Passes over a string; `escaped` is given what begins with each of its backslashes.
    fn quoted(&mut self, mut escaped: impl FnMut(&[u8])) {
        self.at += 1;
        while let Some(length) = mark(self.bytes.get(self.at..).unwrap_or_default()) {
            self.at += length;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return;
            }
            escaped(&self.bytes[self.at..]);
            self.at += 2;
        }
        self.stop();
    }

    /// Passes over a string and counts its letters.
    fn counted(&mut self, size: &mut Size) {
        size.begin();
        let bytes = self.bytes;
        let between = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        let mut from = self.at + 1;
        self.quoted(|escaped| {
            let at = bytes.len() - escaped.len();
            size.letters(between(from, at));
            from = at + size.escaped(escaped);
        });
        size.letters(between(from, self.at.saturating_sub(1)));
    }

    /// There is nothing more.
    fn stop(&mut self) {
        self.at = self.bytes.len();
    }
}

/// Where the next quote or backslash is.
fn mark(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Of the bytes of a word that are zero, the lowest is marked rightly.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    // Most are near, and found before a search through vectors has begun.
    let mut at = 0;
    while at < 32 {
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { break };
        let word = u64::from_le_bytes(*chunk);
        let marks = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', &bytes[at..]).map(|length| at + length)
}
