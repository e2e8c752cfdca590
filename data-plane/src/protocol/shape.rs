//! Puts a request into the shape that a provider accepts, before it is written in the provider's protocol.
//!
//! Clients send conversations that only their own provider takes: two turns of one side in a row, results of tools that
//! nobody called, calls that nobody answered, blank texts. What comes out of [`fit`] has none of these, says the same
//! words in the same order, and comes out of a second `fit` unchanged. It depends on the request alone, so that a
//! conversation that goes on keeps its beginning, and with it the provider's prompt cache.

mod answers;
mod names;
#[cfg(test)]
mod tests;

use super::neutral::{Part, Request, Role, Turn};
use aws_lc_rs::digest;
pub use names::Names;

/// What a provider asks of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Instructions in the middle stay where they are; otherwise the user's next turn says them.
    pub system_in_place: bool,
    /// The longest name of a tool, in characters; at least 10.
    pub tool_name: usize,
    /// The user has to speak first.
    pub alternate: bool,
}

/// Said for the user where the provider wants a turn of the user's and there is none.
const OPENING: &str = "Continue.";

/// Puts `request` into `shape`. The names tell what the client calls the tools of the reply.
pub fn fit(request: &mut Request, shape: Shape) -> Names {
    let names = names::shorten(request, shape.tool_name);
    request.system.retain_mut(|part| belongs(part, Role::System));
    if says_nothing(&request.system) {
        request.system.clear();
    }
    for turn in &mut request.turns {
        turn.parts.retain_mut(|part| belongs(part, turn.role));
        if turn.role == Role::System && !shape.system_in_place {
            fold(turn);
        }
    }
    merge(&mut request.turns);
    answers::settle(&mut request.turns);
    // Turns of nothing but results that answered no call are empty now.
    merge(&mut request.turns);
    if shape.alternate {
        begin_with_user(&mut request.turns);
    }
    names
}

/// Whether a part says something, and this role may say it.
fn belongs(part: &mut Part, role: Role) -> bool {
    match part {
        Part::Text(text) | Part::Refusal(text) | Part::Thinking { text, signature: None } => !text.trim().is_empty(),
        Part::ToolCall(_) => role == Role::Assistant,
        Part::ToolResult { parts, .. } => {
            parts.retain_mut(|part| belongs(part, role));
            role == Role::User
        }
        _ => true,
    }
}

fn says_nothing(parts: &[Part]) -> bool {
    parts.iter().all(|part| matches!(part, Part::CachePoint { .. }))
}

/// Makes instructions a turn of the user's, told apart by a tag.
fn fold(turn: &mut Turn) {
    turn.role = Role::User;
    for part in &mut turn.parts {
        if let Part::Text(text) = part {
            *text = format!("<system>{text}</system>");
        }
    }
}

/// Drops empty turns and joins neighbours of one role.
fn merge(turns: &mut Vec<Turn>) {
    turns.retain(|turn| !says_nothing(&turn.parts));
    turns.dedup_by(|later, earlier| {
        let same = later.role == earlier.role;
        if same {
            earlier.parts.append(&mut later.parts);
        }
        same
    });
}

fn begin_with_user(turns: &mut Vec<Turn>) {
    let first = turns.iter().position(|turn| turn.role != Role::System).unwrap_or(turns.len());
    if turns.get(first).is_none_or(|turn| turn.role != Role::User) {
        turns.insert(first, Turn { role: Role::User, parts: vec![Part::Text(OPENING.to_owned())] });
    }
}

/// The first hexadecimal digits, at most 64, of a text's SHA-256.
pub(super) fn fingerprint(text: &str, digits: usize) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let nibbles = hash.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.take(digits).map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect()
}
