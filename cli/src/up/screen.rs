//! Puts frames where the user sees them: in place on a terminal, as lines anywhere else.

use super::table::{self, Frame};
use crate::{error::CliError, output};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};

/// Without a change, a log gets a line this often; with one, at most this many apart.
const IDLE: Duration = Duration::from_secs(4);
const BUSY: Duration = Duration::from_secs(1);

pub enum Screen {
    /// So many lines are drawn below what stays.
    Terminal {
        drawn: usize,
    },
    Log {
        last: Option<Frame>,
    },
}

impl Screen {
    pub fn of_stdout() -> Result<Self, CliError> {
        if io::stdout().is_terminal() {
            return Ok(Self::Terminal { drawn: 0 });
        }
        output::print(table::LEGEND)?;
        Ok(Self::Log { last: None })
    }

    /// A line that stays.
    pub fn say(&mut self, text: &str) -> Result<(), CliError> {
        match self {
            Self::Terminal { drawn } => {
                let text = format!("{}» {text}\n", erase(*drawn));
                *drawn = 0;
                output::print(&text)
            }
            Self::Log { .. } => output::print(&format!("» {text}\n")),
        }
    }

    pub fn show(&mut self, frame: &Frame) -> Result<(), CliError> {
        match self {
            Self::Terminal { drawn } => {
                let text = table::screen(frame);
                let before = std::mem::replace(drawn, text.lines().count());
                output::print(&redraw(before, &text))
            }
            Self::Log { last } if is_news(last.as_ref(), frame) => {
                *last = Some(frame.clone());
                output::print(&table::line(frame))
            }
            Self::Log { .. } => Ok(()),
        }
    }
}

/// Goes up over what was drawn and clears from there.
fn erase(drawn: usize) -> String {
    if drawn == 0 { String::new() } else { format!("\x1b[{drawn}A\r\x1b[J") }
}

/// In place of what was drawn before. What is too wide for the terminal is cut, since a line that wraps would be two to
/// go up over. It ends with its line end: printing adds one to whatever does not.
fn redraw(before: usize, text: &str) -> String {
    format!("{}\x1b[?7l{}\x1b[?7h\n", erase(before), text.trim_end())
}

fn is_news(last: Option<&Frame>, frame: &Frame) -> bool {
    let Some(last) = last else { return true };
    let age = frame.at.saturating_sub(last.at);
    let changed = !last.rows.iter().map(table::Row::weights).eq(frame.rows.iter().map(table::Row::weights));
    age >= IDLE || (changed && age >= BUSY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::table::Row;

    #[test]
    fn a_frame_replaces_the_one_before() {
        assert_eq!(redraw(0, "a\nb\n"), "\x1b[?7la\nb\x1b[?7h\n");
        assert_eq!(redraw(2, "c\nd\n"), "\x1b[2A\r\x1b[J\x1b[?7lc\nd\x1b[?7h\n");
    }

    #[test]
    fn a_log_gets_changes_and_a_sign_of_life() {
        let frame = |seconds, effective, share| Frame {
            at: Duration::from_secs(seconds),
            rows: vec![Row { effective, share: Some(share), ..Row::default() }],
            ..Frame::default()
        };
        let last = frame(10, 50.0, 0.5);
        assert!(is_news(None, &last));
        assert!(is_news(Some(&last), &frame(11, 0.0, 0.5)), "a weight changed");
        assert!(!is_news(Some(&last), &frame(10, 0.0, 0.5)), "but not twice a second");
        assert!(!is_news(Some(&last), &frame(13, 50.0, 0.4)), "shares always change");
        assert!(is_news(Some(&last), &frame(14, 50.0, 0.5)), "still alive");
    }
}
