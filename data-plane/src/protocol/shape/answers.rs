//! Calls and results: every call is answered once, in the turn that follows it, before anything else is said there and
//! in the order of the calls; and every call has an id of its own that any provider takes.

use super::fingerprint;
use crate::protocol::neutral::{Part, Role, Turn};
use std::collections::{HashMap, HashSet, VecDeque};

/// The result of a call that the conversation leaves open.
const NO_RESULT: &str = "No result was recorded.";

/// Answers every call, and drops the results that answer none. Turns of one role do not follow each other.
///
/// A result counts if it stands between its call's turn and the assistant's next one, whoever spoke before it there.
pub(super) fn settle(turns: &mut Vec<Turn>) {
    let mut ids = Ids::default();
    let mut settled = Vec::with_capacity(turns.len() + 1);
    let mut rest = std::mem::take(turns).into_iter().peekable();
    let mut calls = Vec::new();
    loop {
        let mut replies: Vec<Turn> = std::iter::from_fn(|| rest.next_if(|t| t.role != Role::Assistant)).collect();
        answer(&mut replies, std::mem::take(&mut calls));
        settled.append(&mut replies);
        let Some(mut turn) = rest.next() else { break };
        calls = turn.parts.iter_mut().filter_map(|part| ids.claim(part)).collect();
        settled.push(turn);
    }
    *turns = settled;
}

/// A call that waits for its result.
struct Call {
    /// As the client wrote it, and as its result does.
    id: String,
    fitted: String,
}

/// Puts the results of `calls` in front of what was said after them.
fn answer(replies: &mut Vec<Turn>, calls: Vec<Call>) {
    let mut results: HashMap<String, VecDeque<(Vec<Part>, bool)>> = HashMap::new();
    for turn in replies.iter_mut() {
        for part in turn.parts.extract_if(.., |part| matches!(part, Part::ToolResult { .. })) {
            if let Part::ToolResult { id, parts, is_error } = part {
                results.entry(id).or_default().push_back((parts, is_error));
            }
        }
    }
    let answers: Vec<Part> = calls
        .into_iter()
        .map(|call| {
            let result = results.get_mut(&call.id).and_then(VecDeque::pop_front);
            let (parts, is_error) = result.unwrap_or_else(|| (vec![Part::Text(NO_RESULT.to_owned())], false));
            Part::ToolResult { id: call.fitted, parts, is_error }
        })
        .collect();
    match replies.first_mut() {
        _ if answers.is_empty() => {}
        Some(turn) if turn.role == Role::User => drop(turn.parts.splice(0..0, answers)),
        _ => replies.insert(0, Turn { role: Role::User, parts: answers }),
    }
}

/// Which ids the conversation has used. Some servers begin to count anew with every turn, and some tell none at all.
#[derive(Default)]
struct Ids {
    taken: HashSet<String>,
    /// How often the client used an id of its own.
    times: HashMap<String, usize>,
}

impl Ids {
    /// Gives a call its id, if the part is a call.
    fn claim(&mut self, part: &mut Part) -> Option<Call> {
        let Part::ToolCall(call) = part else { return None };
        let fitted = self.fit(&call.id);
        let id = std::mem::replace(&mut call.id, fitted.clone());
        Some(Call { id, fitted })
    }

    /// The same conversation always gets the same ids.
    fn fit(&mut self, id: &str) -> String {
        let times = self.times.entry(id.to_owned()).or_default();
        loop {
            let fitted = match *times {
                0 if fits(id) => id.to_owned(),
                0 => hashed(id),
                again => hashed(&format!("{id}\n{again}")),
            };
            *times += 1;
            if self.taken.insert(fitted.clone()) {
                return fitted;
            }
        }
    }
}

/// What every provider takes: Anthropic and Bedrock state about the same pattern, the others none.
fn fits(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(good)
}

fn hashed(id: &str) -> String {
    format!("call_{}", fingerprint(id, 24))
}
