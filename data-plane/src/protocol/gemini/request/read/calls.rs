//! Which result answers which call, where ids are rare: by id if both have one, else by name, the first call first.

use std::collections::{HashMap, HashSet, VecDeque};

/// What every provider takes as an id.
const LONGEST: usize = 64;

/// The calls so far.
#[derive(Debug, Default)]
pub struct Calls {
    count: usize,
    ids: HashSet<String>,
    /// Ids of the calls of a name that nothing has answered yet.
    open: HashMap<String, VecDeque<String>>,
}

impl Calls {
    /// The id of a call: its own, or one that is the same whenever this conversation is sent.
    pub fn called(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.mint(name));
        self.count += 1;
        self.ids.insert(id.clone());
        self.open.entry(name.to_owned()).or_default().push_back(id.clone());
        id
    }

    /// The id of the call that a result answers. One that answers none gets an id that no call has.
    pub fn answered(&mut self, id: Option<String>, name: &str) -> String {
        let given = id.filter(|id| !id.is_empty());
        let waiting = self.open.get_mut(name);
        match given {
            Some(id) if self.ids.contains(&id) => {
                if let Some(waiting) = waiting {
                    waiting.retain(|other| *other != id);
                }
                id
            }
            given => waiting.and_then(VecDeque::pop_front).or(given).unwrap_or_else(|| self.mint(name)),
        }
    }

    fn mint(&self, name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        let mut id: String = format!("call_{}_", self.count).chars().chain(name.chars().map(plain)).collect();
        id.truncate(LONGEST);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_find_their_calls() {
        let mut calls = Calls::default();
        assert_eq!(calls.called(None, "a"), "call_0_a");
        assert_eq!(calls.called(Some("own".to_owned()), "a"), "own");
        assert_eq!(calls.called(Some(String::new()), "b.c"), "call_2_b_c");
        assert_eq!(calls.called(None, "a"), "call_3_a");
        assert_eq!(calls.answered(Some("own".to_owned()), "a"), "own");
        assert_eq!(calls.answered(None, "a"), "call_0_a");
        assert_eq!(calls.answered(Some("never called".to_owned()), "a"), "call_3_a", "its call had no id");
        assert_eq!(calls.answered(None, "b.c"), "call_2_b_c");
        assert_eq!(calls.answered(None, "a"), "call_4_a", "it answers nothing");
        assert_eq!(calls.answered(Some("x".to_owned()), "z"), "x");
        assert_eq!(calls.called(None, &"long".repeat(30)).len(), 64);
    }
}
