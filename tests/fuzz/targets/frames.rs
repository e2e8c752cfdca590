//! Any cut of a stream gives the same frames as the whole; frames come back as they were made; and of a frame with a
//! harmed byte nothing is ever read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::protocol::frames::{Corrupt, Frame, Kind, Reader};
use pointsman_fuzz::{choices, cuts, framing};

#[derive(Debug, PartialEq)]
struct Read {
    frames: Vec<Seen>,
    result: Result<(), Corrupt>,
    whole: bool,
}

type Seen = (Kind, String, Option<String>, Vec<u8>);

fuzz_target!(|input: &[u8]| {
    let Some(([form, seed, at], rest)) = choices(input) else { return };
    match form % 3 {
        0 => drop(checked(rest, seed)),
        1 => drop(checked(&framing::of_lengths(rest).concat(), seed)),
        _ => harm(&framing::of_lengths(rest), seed, at),
    }
});

fn harm(frames: &[Vec<u8>], seed: u8, at: u8) {
    let mut bytes = frames.concat();
    let good = checked(&bytes, seed);
    if bytes.is_empty() {
        return;
    }
    let place = usize::from(at) * 31 % bytes.len();
    bytes[place] ^= 1 << (seed % 8);
    let mut begins = 0;
    let before = frames.iter().take_while(|frame| {
        begins += frame.len();
        begins <= place
    });
    let untouched = before.count().min(good.frames.len());
    let harmed = checked(&bytes, seed);
    assert_eq!(harmed.frames, good.frames[..untouched], "only what stands before the harmed byte is read");
    assert!(harmed.result.is_err() || !harmed.whole, "a harmed stream is not taken for a whole one");
}

fn checked(bytes: &[u8], seed: u8) -> Read {
    let whole = read(&[bytes]);
    assert_eq!(read(&cuts::pieces(bytes, seed)), whole, "cut otherwise");
    whole
}

fn read(pieces: &[&[u8]]) -> Read {
    let (mut reader, mut frames) = (Reader::default(), Vec::new());
    let mut take = |frame: Frame<'_>| {
        frames.push((frame.kind, frame.name.to_owned(), frame.message.map(str::to_owned), frame.payload.to_vec()));
        Ok::<(), Corrupt>(())
    };
    let result = pieces.iter().try_for_each(|piece| reader.feed(piece, &mut take));
    // After an error nothing else is asked of a reader.
    let whole = result.is_ok() && reader.is_between_frames();
    Read { frames, result, whole }
}
