//! Names of tools that a provider does not take: cut, and told apart by a piece of their hash, wherever they stand.

use super::fingerprint;
use crate::protocol::neutral::{Part, Request, ToolChoice};
use std::collections::HashMap;

/// An underscore and a piece of the hash.
const MARK: usize = 1 + HASH;

/// Hexadecimal digits.
const HASH: usize = 8;

/// What the client calls the tools whose names were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The client's name for the tool that the provider calls `name`.
    pub fn original<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }

    fn fit(&mut self, name: &mut String, longest: usize) {
        if let Some(short) = fitted(name, longest) {
            let original = std::mem::replace(name, short.clone());
            self.0.insert(short, original);
        }
    }
}

/// Changes the names that do not fit, in tools, history and choice alike.
pub(super) fn shorten(request: &mut Request, longest: usize) -> Names {
    let mut names = Names::default();
    for tool in &mut request.tools {
        names.fit(&mut tool.name, longest);
    }
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::ToolCall(call) = part {
            names.fit(&mut call.name, longest);
        }
    }
    match &mut request.tool_choice {
        Some(ToolChoice::One(name)) => names.fit(name, longest),
        Some(ToolChoice::Among { names: chosen, .. }) => {
            chosen.iter_mut().for_each(|name| names.fit(name, longest));
        }
        Some(ToolChoice::Auto | ToolChoice::Any | ToolChoice::None) | None => {}
    }
    names
}

/// None if the name can stay as it is.
fn fitted(name: &str, longest: usize) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=longest).contains(&name.len()) && name.chars().all(good) {
        return None;
    }
    let kept = name.chars().map(|c| if good(c) { c } else { '_' });
    let kept: String = kept.take(longest.saturating_sub(MARK)).collect();
    Some(format!("{kept}_{}", fingerprint(name, HASH)))
}
