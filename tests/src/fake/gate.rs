//! The barriers that tests hold requests and chunks at, so that no test needs to sleep.

use tokio::sync::watch;

/// Holds whole requests.
#[derive(Debug, Default)]
pub(super) struct Gate(watch::Sender<Door>);

#[derive(Debug, Default)]
struct Door {
    held: bool,
    /// Grows with each release; who waited in an older round may go, even if the door was closed again meanwhile.
    round: u64,
    /// Requests since the last hold.
    arrived: u64,
}

impl Gate {
    pub(super) fn hold(&self) {
        self.0.send_modify(|door| {
            if !door.held {
                door.held = true;
                door.arrived = 0;
            }
        });
    }

    pub(super) fn release(&self) {
        self.0.send_modify(|door| {
            door.held = false;
            door.round += 1;
        });
    }

    pub(super) fn arrived(&self) -> u64 {
        self.0.borrow().arrived
    }

    pub(super) async fn wait_until_arrived(&self, count: u64) {
        wait(&self.0, |door| door.arrived >= count).await;
    }

    /// Counts one arrival, and waits while the door is held.
    pub(super) async fn pass(&self) {
        let (mut held, mut round) = (false, 0);
        self.0.send_modify(|door| {
            door.arrived += 1;
            (held, round) = (door.held, door.round);
        });
        if held {
            wait(&self.0, |door| !door.held || door.round != round).await;
        }
    }
}

/// Holds content chunks, one permit each, while in step mode.
#[derive(Debug, Default)]
pub(super) struct Steps(watch::Sender<Permits>);

#[derive(Debug, Default)]
struct Permits {
    stepping: bool,
    unused: u64,
}

impl Permits {
    fn let_through(&self) -> bool {
        !self.stepping || self.unused > 0
    }
}

impl Steps {
    pub(super) fn set(&self, stepping: bool) {
        self.0.send_replace(Permits { stepping, unused: 0 });
    }

    pub(super) fn permit(&self) {
        self.0.send_modify(|permits| permits.unused += u64::from(permits.stepping));
    }

    /// Waits for a permit and uses it up.
    pub(super) async fn pass(&self) {
        while !self.try_pass() {
            wait(&self.0, Permits::let_through).await;
        }
    }

    fn try_pass(&self) -> bool {
        let mut passed = false;
        self.0.send_if_modified(|permits| {
            passed = permits.let_through();
            let uses_one = passed && permits.stepping;
            permits.unused -= u64::from(uses_one);
            uses_one
        });
        passed
    }
}

async fn wait<T>(sender: &watch::Sender<T>, condition: impl FnMut(&T) -> bool) {
    let mut receiver = sender.subscribe();
    receiver.wait_for(condition).await.expect("the sender is borrowed for as long as this waits");
}
