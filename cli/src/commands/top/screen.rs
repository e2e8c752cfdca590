//! The terminal while `top` has it: the alternate screen, so that what was there, and its scrollback, is there again at the
//! end. What does not fit is cut, and how many lines that are is said.

use crate::{error::CliError, output};
use std::io::{self, IsTerminal};

/// The alternate screen, without a cursor, and without lines that wrap.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Given back when it is dropped, however `top` ends.
pub(super) struct Screen(());

impl Screen {
    /// None where stdout is no terminal.
    pub(super) fn open() -> Result<Option<Self>, CliError> {
        if !io::stdout().is_terminal() {
            return Ok(None);
        }
        output::write(ENTER)?;
        Ok(Some(Self(())))
    }

    pub(super) fn draw(&mut self, text: &str) -> Result<(), CliError> {
        let (columns, rows) = size();
        output::write(&frame(text, columns, rows))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = output::write(LEAVE);
    }
}

/// Over what was drawn before, each line clearing what is left of the one it replaces; no line end after the last one, which
/// would scroll.
fn frame(text: &str, columns: usize, rows: usize) -> String {
    format!("\x1b[H{}\x1b[K\x1b[J", fit(text, columns, rows).join("\x1b[K\r\n"))
}

fn fit(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let cut = |line: &str| line.chars().take(columns).collect::<String>();
    let count = text.lines().count();
    if count <= rows {
        return text.lines().map(cut).collect();
    }
    let shown = rows.saturating_sub(1);
    let more = cut(&format!("… and {} more", count - shown));
    text.lines().take(shown).map(cut).chain([more]).collect()
}

/// Columns and rows; a terminal that does not tell is taken for one of 80 and 24.
fn size() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_counted() {
        let check = |text: &str, columns, rows, expected: &[&str]| assert_eq!(fit(text, columns, rows), expected);
        check("head\n\na\nb\n", 80, 4, &["head", "", "a", "b"]);
        check("head\n\na\nb\nc\n", 80, 4, &["head", "", "a", "… and 2 more"]);
        check("a long line\nb\n", 6, 2, &["a long", "b"]);
        check("a\nb\n", 80, 1, &["… and 2 more"]);
        check("“ä”…\n", 3, 1, &["“ä”"]);
    }

    #[test]
    fn a_frame_replaces_the_one_before_and_leaves_the_scrollback() {
        assert_eq!(frame("a\nb\n", 80, 24), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
        for codes in [ENTER, LEAVE, &frame("a\n", 80, 24)] {
            assert!(!codes.contains("\x1b[3J") && !codes.contains("\x1b[2J"));
        }
    }
}
