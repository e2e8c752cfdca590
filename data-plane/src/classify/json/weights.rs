//! What each letter of a text adds to its tokens, by its kind and that of the letter before it.
//!
//! # Where the weights come from
//! A linear fit (least squares of the relative error, no weight below 0, drawn lightly to 0.3) to the tokens of the
//! encoding `o200k` over 3,141 pieces of 3 kB: prose and documentation in English and twenty other languages; Rust, Python,
//! JavaScript as written and minified, TypeScript, C, shell, HTML, CSS; JSON, YAML, TOML, XML, lock files; logs, listings,
//! diffs, numbered lines, tables; UUIDs, hexadecimal, base64 and other names made by machines.
//!
//! # How good they are
//! On 1,543 pieces of other files, of 71 kinds of text: 4 % on average per kind, no more than 10 % for nine kinds in ten; the
//! worst are Russian and Ukrainian prose (+19 %, −14 %) and text of brackets alone (−15 %). Runs of one letter are off by
//! more: a tokenizer has tokens of its own for some of them.

/// Kinds of bytes as previous ones: of ASCII and within a letter; and bytes that begin a letter beyond ASCII.
const PLAIN: usize = 13;
const LEADS: usize = 9;
/// Above every kind, so that one number is made of two.
const BITS: u32 = 5;

const LOWER: u8 = 0;
const RARE: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;
const SPACE: u8 = 4;
const LINE_END: u8 = 5;
const OPENING: u8 = 6;
const CLOSING: u8 = 7;
const QUOTE: u8 = 8;
const STOP: u8 = 9;
const JOINT: u8 = 10;
const SIGN: u8 = 11;
const WITHIN: u8 = 12;
/// Of a byte that is the same as the one before it.
const AGAIN: u8 = 22;

const fn kind(byte: u8) -> u8 {
    match byte {
        b'j' | b'k' | b'q' | b'v' | b'w' | b'x' | b'z' => RARE,
        b'a'..=b'z' => LOWER,
        b'A'..=b'Z' => UPPER,
        b'0'..=b'9' => DIGIT,
        b' ' | b'\t' => SPACE,
        b'\n' | b'\r' => LINE_END,
        b'(' | b'[' | b'{' | b'<' => OPENING,
        b')' | b']' | b'}' | b'>' => CLOSING,
        b'"' | b'\'' | b'`' => QUOTE,
        b'.' | b',' | b';' | b':' => STOP,
        b'_' | b'-' | b'/' => JOINT,
        0x00..=0x7f => SIGN,
        0x80..=0xbf => WITHIN,
        // Latin; Greek; Cyrillic; Hebrew and Arabic.
        0xc0..=0xcb => 13,
        0xcc..=0xcf => 14,
        0xd0..=0xd3 => 15,
        0xd4..=0xdf => 16,
        // Of South Asia; Japanese; Chinese; Korean; signs and pictures.
        0xe0 | 0xe1 => 17,
        0xe3 => 19,
        0xe4..=0xe9 => 20,
        0xea..=0xed => 21,
        0xe2 | 0xee..=0xff => 18,
    }
}

/// In hundredths of a token: a line for each kind of the previous byte, a column for each of this one, and [`AGAIN`].
#[rustfmt::skip]
const AFTER: [[u16; 23]; PLAIN] = [
    [4, 32, 24, 127, 44, 177, 36, 62, 71, 58, 66, 74, 0, 59, 30, 29, 30, 0, 35, 31, 26, 26, 26],
    [33, 122, 175, 109, 0, 27, 30, 47, 26, 111, 72, 33, 0, 113, 0, 32, 0, 5, 31, 30, 29, 31, 35],
    [40, 174, 29, 145, 6, 54, 51, 89, 87, 48, 0, 106, 0, 81, 0, 32, 30, 14, 37, 19, 28, 30, 36],
    [64, 124, 115, 23, 69, 196, 51, 110, 43, 46, 73, 93, 0, 36, 30, 32, 30, 0, 138, 29, 29, 39, 29],
    [35, 0, 39, 124, 121, 0, 135, 0, 55, 125, 133, 14, 0, 8, 33, 38, 0, 0, 85, 0, 104, 39, 2],
    [77, 89, 58, 93, 90, 0, 45, 11, 96, 65, 48, 55, 0, 39, 24, 43, 38, 37, 26, 0, 0, 32, 17],
    [78, 51, 54, 59, 1, 0, 67, 64, 36, 115, 28, 85, 0, 29, 29, 36, 40, 38, 32, 24, 44, 39, 57],
    [153, 54, 69, 37, 24, 61, 31, 34, 2, 25, 31, 69, 0, 30, 32, 43, 36, 30, 28, 21, 34, 33, 9],
    [138, 70, 6, 56, 19, 50, 27, 10, 25, 0, 33, 61, 0, 28, 31, 68, 30, 29, 30, 18, 0, 29, 0],
    [55, 70, 5, 136, 50, 33, 43, 47, 0, 40, 6, 17, 0, 38, 30, 33, 30, 32, 30, 31, 28, 30, 11],
    [63, 80, 73, 102, 0, 0, 51, 25, 9, 33, 56, 43, 0, 29, 30, 42, 34, 33, 33, 32, 30, 33, 1],
    [108, 52, 121, 91, 30, 101, 41, 66, 31, 33, 0, 81, 0, 32, 30, 41, 29, 30, 32, 29, 65, 29, 20],
    [0, 105, 63, 62, 35, 50, 50, 76, 6, 0, 57, 51, 0, 0, 33, 0, 41, 43, 0, 80, 40, 32, 0],
];
/// Of the second byte of a letter beyond ASCII, in hundredths of a token, by the kind of its first.
const AFTER_LEAD: [u16; LEADS] = [72, 3, 20, 1, 0, 66, 0, 37, 34];

static KINDS: [u8; 256] = {
    let (mut kinds, mut byte) = ([0; 256], 0_u8);
    loop {
        kinds[byte as usize] = kind(byte);
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

/// The same as [`AFTER`] and [`AFTER_LEAD`], of so many that two kinds cannot be beyond it.
static WEIGHTS: [u16; 1 << (2 * BITS)] = {
    let (mut weights, mut last) = ([0; 1 << (2 * BITS)], 0);
    while last < PLAIN {
        let mut this = 0;
        while this < AFTER[last].len() {
            weights[(last << BITS) | this] = AFTER[last][this];
            this += 1;
        }
        last += 1;
    }
    while last < PLAIN + LEADS {
        weights[(last << BITS) | WITHIN as usize] = AFTER_LEAD[last - PLAIN];
        last += 1;
    }
    weights
};

/// The byte before, and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    byte: u8,
    kind: u8,
}

impl Default for Last {
    /// A text begins as a line does.
    fn default() -> Self {
        Self { byte: b'\n', kind: LINE_END }
    }
}

impl Last {
    pub fn note(&mut self, byte: u8) {
        *self = Self { byte, kind: KINDS[usize::from(byte)] };
    }

    /// What these bytes add, in hundredths of a token.
    pub fn weigh(&mut self, bytes: &[u8]) -> u64 {
        const MASK: usize = (1 << BITS) - 1;
        let mut sum = 0;
        for byte in bytes {
            let kind = KINDS[usize::from(*byte)];
            let this = if *byte == self.byte { AGAIN } else { kind };
            sum += u64::from(WEIGHTS[((usize::from(self.kind) & MASK) << BITS) | (usize::from(this) & MASK)]);
            *self = Self { byte: *byte, kind };
        }
        sum
    }
}
