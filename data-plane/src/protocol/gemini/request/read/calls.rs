//! Which result answers which call, where ids are rare: by id if both have one, else by name, the first call first.

use std::collections::{HashMap, VecDeque};

/// What every provider takes as an id.
const LONGEST: usize = 64;

/// The calls so far.
#[derive(Debug, Default)]
pub struct Calls {
    count: usize,
    /// By a call's id, how many calls there were when a result last named it: those of this id are answered.
    answered: HashMap<String, usize>,
    /// The calls of a name that no result has found by it: their numbers and ids.
    open: HashMap<String, VecDeque<(usize, String)>>,
}

impl Calls {
    /// The id of a call: its own, or one that is the same whenever this conversation is sent.
    pub fn called(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.mint(name));
        self.answered.entry(id.clone()).or_default();
        self.open.entry(name.to_owned()).or_default().push_back((self.count, id.clone()));
        self.count += 1;
        id
    }

    /// The id of the call that a result answers. One that answers none gets an id that no call has.
    pub fn answered(&mut self, id: Option<String>, name: &str) -> String {
        match id.filter(|id| !id.is_empty()) {
            Some(id) if self.answered.contains_key(&id) => {
                self.answered.insert(id.clone(), self.count);
                id
            }
            given => self.first_open(name).or(given).unwrap_or_else(|| self.mint(name)),
        }
    }

    fn first_open(&mut self, name: &str) -> Option<String> {
        let open = self.open.get_mut(name)?;
        let is_open = |(number, id): &(usize, String)| self.answered.get(id).is_none_or(|before| number >= before);
        std::iter::from_fn(|| open.pop_front()).find(is_open).map(|(_, id)| id)
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
        assert_eq!(calls.called(Some("own".to_owned()), "a"), "own", "some clients count anew");
        assert_eq!(calls.answered(None, "a"), "own");
        assert_eq!(calls.called(None, &"long".repeat(30)).len(), 64);
    }
}
