//! Which mode applies to a request: the narrowest rule that fits, and [`Mode::Ok`] without any.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::mode::{Mode, ModeSetting};

/// The rules in force, at most one a scope.
#[derive(Debug, Default)]
pub(super) struct Switchboard {
    rules: Mutex<Vec<Rule>>,
}

#[derive(Debug)]
struct Rule {
    key: Option<String>,
    model: Option<String>,
    mode: Mode,
    /// Requests left; never `Some(0)`, since the last one removes the rule.
    left: Option<u32>,
}

impl Switchboard {
    /// Replaces the rule of the setting's scope.
    pub(super) fn apply(&self, setting: ModeSetting) {
        let ModeSetting { mode, key, model, times } = setting;
        let mut rules = self.lock();
        rules.retain(|rule| rule.key != key || rule.model != model);
        if let Some(mode) = mode.filter(|_| times != Some(0)) {
            rules.push(Rule { key, model, mode, left: times });
        }
    }

    /// The mode of one request, which uses up one of its rule's `times`.
    pub(super) fn take(&self, key: Option<&str>, model: Option<&str>) -> Mode {
        let mut rules = self.lock();
        let narrowest = (0..rules.len())
            .filter(|&index| rules[index].fits(key, model))
            .max_by_key(|&index| rules[index].narrowness());
        let Some(index) = narrowest else {
            return Mode::Ok;
        };
        match rules[index].left {
            Some(1) => rules.swap_remove(index).mode,
            Some(left) => {
                rules[index].left = Some(left - 1);
                rules[index].mode.clone()
            }
            None => rules[index].mode.clone(),
        }
    }

    /// The mode of something that is no request of the provider's, and so only has the rules of its own name.
    pub(super) fn take_for(&self, name: &str) -> Mode {
        let named = self.lock().iter().any(|rule| rule.key.is_none() && rule.model.as_deref() == Some(name));
        if named { self.take(None, Some(name)) } else { Mode::Ok }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn fits(&self, key: Option<&str>, model: Option<&str>) -> bool {
        let fits = |own: &Option<String>, given: Option<&str>| own.is_none() || own.as_deref() == given;
        fits(&self.key, key) && fits(&self.model, model)
    }

    fn narrowness(&self) -> (bool, bool) {
        (self.key.is_some(), self.model.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16) -> ModeSetting {
        ModeSetting::of(Mode::Status { code })
    }

    #[test]
    fn the_narrowest_rule_wins() {
        let board = Switchboard::default();
        for setting in [of(500), of(501).key("k"), of(502).model("m"), of(503).key("k").model("m")] {
            board.apply(setting);
        }
        let check = |key, model, code| assert_eq!(board.take(key, model), Mode::Status { code });
        check(None, None, 500);
        check(Some("k"), None, 501);
        check(Some("k"), Some("other"), 501);
        check(Some("other"), Some("m"), 502);
        check(Some("k"), Some("m"), 503);
    }

    #[test]
    fn a_rule_for_a_number_of_requests_ends_by_itself() {
        let board = Switchboard::default();
        board.apply(of(500));
        board.apply(of(501).key("k").times(2));
        let taken: Vec<Mode> = (0..3).map(|_| board.take(Some("k"), None)).collect();
        assert_eq!(taken, [501, 501, 500].map(|code| Mode::Status { code }));
    }

    #[test]
    fn no_rule_means_ok_and_zero_times_or_clearing_leave_none() {
        let board = Switchboard::default();
        assert_eq!(board.take(None, None), Mode::Ok);
        board.apply(of(500));
        board.apply(of(500).times(0));
        assert_eq!(board.take(None, None), Mode::Ok);
        board.apply(of(501).key("k"));
        board.apply(ModeSetting::cleared().key("k"));
        assert_eq!(board.take(Some("k"), None), Mode::Ok);
    }
}
