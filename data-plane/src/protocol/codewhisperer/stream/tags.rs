//! Thinking that was asked for in the prompt comes in the text, as a `<thinking>…</thinking>` in front of it. Only there
//! is it a tag: later on the model quotes it. The text comes in pieces that cut the tags anywhere, so what might be the
//! beginning of a tag is kept until it is known; no more than that is ever kept.

use std::borrow::Cow;

const BEGIN: &str = "<thinking>";
const END: &str = "</thinking>";

/// White space before the first tag, in bytes. More of it is text.
const LONGEST_SPACE: usize = 64;

/// What a piece of the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Thinking(&'a str),
    /// The thinking is over.
    Thought,
    Text(&'a str),
}

/// Tells thinking from text.
#[derive(Debug)]
pub(super) struct Splitter {
    place: Place,
    /// Perhaps the beginning of a tag.
    kept: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing but white space has come.
    Start,
    /// White space after the tag is not thinking.
    Opened,
    /// Where the last character was a quotation mark, an end tag may be quoted.
    Thinking {
        quote: Option<char>,
    },
    /// White space after the tag is not text.
    Closed,
    Text,
}

impl Splitter {
    pub fn new(tags: bool) -> Self {
        Self { place: if tags { Place::Start } else { Place::Text }, kept: String::new() }
    }

    /// Takes a piece of the text that is not empty.
    pub fn push(&mut self, more: &str, take: &mut impl FnMut(Piece<'_>)) {
        let text =
            if self.kept.is_empty() { Cow::Borrowed(more) } else { Cow::Owned(std::mem::take(&mut self.kept) + more) };
        let mut rest: &str = &text;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Start => self.start(rest),
                Place::Opened => self.skip_space(rest, Place::Thinking { quote: None }),
                Place::Thinking { quote } => self.thinking(rest, quote, take),
                Place::Closed => self.skip_space(rest, Place::Text),
                Place::Text => {
                    take(Piece::Text(rest));
                    ""
                }
            };
        }
    }

    /// No more of this text comes: what was kept is no beginning of a tag.
    pub fn flush(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        let kept = std::mem::take(&mut self.kept);
        match self.place {
            Place::Start if !kept.is_empty() => take(Piece::Text(&kept)),
            Place::Start => return,
            // Nothing follows that could quote it.
            Place::Thinking { .. } if kept == END => take(Piece::Thought),
            Place::Thinking { .. } if !kept.is_empty() => take(Piece::Thinking(&kept)),
            _ => {}
        }
        self.place = Place::Text;
    }

    fn start<'t>(&mut self, text: &'t str) -> &'t str {
        let begun = text.trim_start();
        let near = text.len() - begun.len() <= LONGEST_SPACE;
        match begun.strip_prefix(BEGIN) {
            Some(rest) if near => {
                self.place = Place::Opened;
                rest
            }
            None if near && BEGIN.starts_with(begun) => self.keep(text),
            _ => {
                self.place = Place::Text;
                text
            }
        }
    }

    fn skip_space<'t>(&mut self, text: &'t str, next: Place) -> &'t str {
        let rest = text.trim_start();
        if !rest.is_empty() {
            self.place = next;
        }
        rest
    }

    fn thinking<'t>(&mut self, text: &'t str, quote: Option<char>, take: &mut impl FnMut(Piece<'_>)) -> &'t str {
        let (thought, after) = match find_end(text, quote) {
            End::At(end) => (&text[..end], Some(&text[end + END.len()..])),
            End::PerhapsAt(end) => (&text[..end], None),
        };
        if let Some(last) = thought.chars().next_back() {
            take(Piece::Thinking(thought));
            self.place = Place::Thinking { quote: Some(last).filter(|&last| is_quote(last)) };
        }
        let Some(after) = after else { return self.keep(&text[thought.len()..]) };
        take(Piece::Thought);
        self.place = Place::Closed;
        after
    }

    fn keep(&mut self, text: &str) -> &'static str {
        text.clone_into(&mut self.kept);
        ""
    }
}

/// Where an end tag stands.
enum End {
    At(usize),
    /// What stands from here on is not known to be one yet; it may be nothing.
    PerhapsAt(usize),
}

/// Finds the first end tag that is not quoted: the same quotation mark before it and after it.
fn find_end(text: &str, before: Option<char>) -> End {
    for (at, _) in text.match_indices(END) {
        let before = if at == 0 { before } else { text[..at].chars().next_back() };
        let after = text[at + END.len()..].chars().next();
        match before.filter(|&before| is_quote(before)) {
            Some(_) if after.is_none() => return End::PerhapsAt(at),
            Some(quote) if after == Some(quote) => {}
            _ => return End::At(at),
        }
    }
    let beginning = (1..END.len()).rev().find(|&length| text.ends_with(&END[..length]));
    End::PerhapsAt(text.len() - beginning.unwrap_or(0))
}

fn is_quote(c: char) -> bool {
    matches!(c, '`' | '"' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Thinking and text as they come out of these pieces; `|` where the thinking is over.
    fn split(pieces: &[&str]) -> (String, String) {
        let (mut thinking, mut text) = (String::new(), String::new());
        let mut splitter = Splitter::new(true);
        let mut take = |piece: Piece<'_>| match piece {
            Piece::Thinking(more) => {
                assert!(!more.is_empty() && text.is_empty());
                thinking.push_str(more);
            }
            Piece::Thought => thinking.push('|'),
            Piece::Text(more) => {
                assert!(!more.is_empty());
                text.push_str(more);
            }
        };
        pieces.iter().filter(|piece| !piece.is_empty()).for_each(|piece| splitter.push(piece, &mut take));
        splitter.flush(&mut take);
        (thinking, text)
    }

    #[test]
    fn only_a_leading_block_is_thinking() {
        for (whole, thinking, text) in [
            ("<thinking>a</thinking>b", "a|", "b"),
            ("\n <thinking>\na\n</thinking>\n\nb\n", "a\n|", "b\n"),
            ("plain", "", "plain"),
            (" <think", "", " <think"),
            ("  ", "", "  "),
            ("<thinking is fun>", "", "<thinking is fun>"),
            ("a <thinking>b</thinking>", "", "a <thinking>b</thinking>"),
            ("<thinking>a</thinking><thinking>b</thinking>", "a|", "<thinking>b</thinking>"),
            ("<thinking></thinking>b", "|", "b"),
            ("<thinking>a < b </think </thinking>c", "a < b </think |", "c"),
            ("<thinking>it ends with `</thinking>` later</thinking>b", "it ends with `</thinking>` later|", "b"),
            ("<thinking>he said \"no\"</thinking>\nb", "he said \"no\"|", "b"),
            ("<thinking>say 'no'</thinking>", "say 'no'|", ""),
            ("<thinking>never ends </thin", "never ends </thin", ""),
            ("<thinking>日本</thinking>語", "日本|", "語"),
            ("", "", ""),
        ] {
            let expected = (thinking.to_owned(), text.to_owned());
            assert_eq!(split(&[whole]), expected, "{whole:?}");
            let letters: Vec<String> = whole.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            assert_eq!(split(&letters), expected, "{whole:?} a letter at a time");
        }
    }

    #[test]
    fn without_tags_nothing_is_kept() {
        let mut splitter = Splitter::new(false);
        let mut pieces = Vec::new();
        splitter.push("<thinking>", &mut |piece| pieces.push(format!("{piece:?}")));
        assert_eq!(pieces, [r#"Text("<thinking>")"#]);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            words in prop::collection::vec(
                prop::sample::select(vec!["<thinking>", "</thinking>", "<", "</", "thin", "`", "\"", " ", "\n", "é", "x"]),
                0..12,
            ),
            cuts in prop::collection::vec(0_usize..60, 0..5),
        ) {
            let whole = words.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| whole.is_char_boundary(cut)).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|cut| &whole[cut[0]..cut[1]]).collect();
            prop_assert_eq!(split(&pieces), split(&[&whole]));
        }
    }
}
