//! What the demo does by itself: trips one provider, waits until both nodes have left it, makes it well, and watches it
//! come back. Pure: each look at the provider's row gives at most one thing to do.
//!
//! `Calm → Tripped → Out → Well → Ramping → Over`

use super::table::Row;
use pointsman_tests::{Mode, RetryAfter};
use std::time::Duration;

/// A provider that was out for five seconds or more comes back by a ramp.
const RETRY_AFTER: u64 = 6;
pub const SLOW_START: Duration = Duration::from_secs(8);
/// Before anything happens.
const CALM: Duration = Duration::from_secs(5);
/// The fake is made well this long after it was left: before its Retry-After is over, so that the first probe succeeds.
const OUT: Duration = Duration::from_secs(2);

/// Where the story is.
#[derive(Debug, PartialEq)]
enum Stage {
    Begin,
    Calm,
    Tripped,
    Out(Duration),
    Well,
    Ramping,
    Over,
}

/// What to do now.
#[derive(Debug, PartialEq)]
pub struct Act {
    /// How the provider answers from now on.
    pub mode: Option<Mode>,
    pub say: String,
}

pub struct Script(Stage);

impl Script {
    pub fn new() -> Self {
        Self(Stage::Begin)
    }

    pub fn step(&mut self, now: Duration, row: &Row) -> Option<Act> {
        let everywhere = |holds: fn(f64, f64) -> bool| {
            holds(row.effective, row.base) && row.nodes.iter().all(|weight| holds(*weight, row.base))
        };
        let (stage, act) = match self.0 {
            Stage::Begin => (Stage::Calm, say(begin(row))),
            Stage::Calm if now >= CALM => (Stage::Tripped, trip(row)),
            Stage::Tripped if everywhere(|weight, _| weight == 0.0) => (Stage::Out(now), say(left(row))),
            Stage::Out(since) if now >= since + OUT => (Stage::Well, heal(row)),
            Stage::Well if row.effective > 0.0 => (Stage::Ramping, say(ramping(row))),
            Stage::Ramping if everywhere(|weight, base| (weight - base).abs() < 0.001) => (Stage::Over, say(over(row))),
            _ => return None,
        };
        self.0 = stage;
        Some(act)
    }
}

fn say(say: String) -> Act {
    Act { mode: None, say }
}

fn begin(row: &Row) -> String {
    let (rate, name) = (super::traffic::PER_SECOND, &row.name);
    format!("{rate} requests a second go through both nodes; in {} s {name} begins to answer 429", CALM.as_secs())
}

fn trip(row: &Row) -> Act {
    let name = &row.name;
    Act {
        mode: Some(Mode::RateLimited(RetryAfter::Seconds(RETRY_AFTER))),
        say: format!(
            "{name} now answers 429, Retry-After {RETRY_AFTER} s: the node that meets it tries elsewhere, leaves {name}, \
             and tells the fleet"
        ),
    }
}

fn left(row: &Row) -> String {
    format!("both nodes have left {}: its weight went to the others, in their proportions", row.name)
}

fn heal(row: &Row) -> Act {
    let name = &row.name;
    let say =
        format!("{name} is well again; nobody asks it before its Retry-After is over, then a single request does");
    Act { mode: Some(Mode::Ok), say }
}

fn ramping(row: &Row) -> String {
    format!("the probe was answered: {} comes back over {} s (slow_start)", row.name, SLOW_START.as_secs())
}

fn over(row: &Row) -> String {
    format!("{} has its share back; the traffic goes on until Ctrl-C, and the lines above trip it again", row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(effective: f64, nodes: [f64; 2]) -> Row {
        Row { name: "alpha".into(), base: 50.0, effective, nodes: nodes.to_vec(), ..Row::default() }
    }

    #[test]
    fn the_story_waits_for_both_nodes() {
        let mut script = Script::new();
        let mut look = |seconds, effective, nodes| script.step(Duration::from_secs(seconds), &row(effective, nodes));
        assert!(look(0, 50.0, [50.0; 2]).is_some_and(|act| act.mode.is_none()));
        assert_eq!(look(4, 50.0, [50.0; 2]), None);
        let tripped = look(5, 50.0, [50.0; 2]).expect("the time has come");
        assert_eq!(tripped.mode, Some(Mode::RateLimited(RetryAfter::Seconds(RETRY_AFTER))));
        assert_eq!(look(6, 0.0, [0.0, 50.0]), None, "one node has not heard");
        assert!(look(6, 0.0, [0.0; 2]).is_some());
        assert_eq!(look(7, 0.0, [0.0; 2]), None);
        assert_eq!(look(8, 0.0, [0.0; 2]).and_then(|act| act.mode), Some(Mode::Ok));
        assert!(look(12, 5.0, [5.0, 0.0]).is_some());
        assert_eq!(look(19, 50.0, [50.0, 49.0]), None, "one node is not there yet");
        assert!(look(20, 50.0, [50.0; 2]).is_some());
        assert_eq!(look(60, 0.0, [0.0; 2]), None, "what comes now is the user's doing");
    }
}
