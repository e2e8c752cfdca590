//! A provider on a real port that speaks every provider's protocol, chosen by path, and misbehaves on command.
//!
//! ```no_run
//! # use pointsman_tests::{FakeProvider, Mode, Options, RetryAfter};
//! # async fn example() -> std::io::Result<()> {
//! let fake = FakeProvider::start(Options::default())?;
//! fake.set_mode(Mode::RateLimited(RetryAfter::Seconds(3)));
//! // ... send something to fake.base_url() ...
//! fake.wait_for(|stats| stats.total.rate_limited == 1).await;
//! # Ok(())
//! # }
//! ```
//!
//! What it answers is decided by the words of the request: see `say.rs` for the script language.
//!
//! # Layout
//!
//! - `options`: what a provider is started with; its pace can change later.
//! - `mode`: the ways to misbehave; `switchboard` says which one applies to a request.
//! - `server`: sockets and connections.
//! - `call`: a request, read. `answer`: **the life of a request**, as far as all protocols share it. `fault`: modes
//!   that refuse. `play`: bodies that end early.
//! - `gate`: the barriers that tests hold requests and chunks at.
//! - `ledger`: counters. `record`: the last requests, word for word. `violation`: those that broke their protocol.
//! - `tokens`: CodeWhisperer's sign-in; `refresh` is the life of a request to it.
//! - `admin`: the same switches over HTTP, under `/_fake/`.

mod admin;
mod answer;
mod call;
mod fault;
mod gate;
mod ledger;
mod mode;
mod options;
mod play;
mod record;
mod refresh;
mod server;
mod state;
mod switchboard;
#[cfg(test)]
mod tests;
mod tokens;
mod violation;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use ledger::{Counters, Stats};
pub use mode::{Mode, ModeSetting, RetryAfter};
pub use options::{Options, Pace};
pub use record::ReceivedRequest;
pub use refresh::REFRESH;
pub use violation::Violation;

use state::State;

/// A running fake provider. Dropping it aborts every connection and closes the port.
#[derive(Debug)]
pub struct FakeProvider {
    addr: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl FakeProvider {
    /// Binds 127.0.0.1 and serves HTTP/1.1 and HTTP/2 without TLS, on the tokio runtime that this is called in.
    ///
    /// # Errors
    /// If the port cannot be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = server::listen(options.port)?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::new(options, addr));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(server::serve(listener, Arc::clone(&state), stop.clone(), tasks.clone()));
        Ok(Self { addr, state, stop, tasks })
    }

    /// Aborts every connection and waits until the port is closed, so that the next connect is refused.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a gateway's configuration wants to hear: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        self.base_url_of("openai")
    }

    /// The same for a provider of this protocol, `openai`, `azure_openai` (its `/openai/v1`), or one of those whose
    /// paths begin at the root: `anthropic`, `gemini`, `bedrock`, `codewhisperer`.
    pub fn base_url_of(&self, protocol: &str) -> String {
        let path = match protocol {
            "openai" => "/v1",
            "azure_openai" => "/openai/v1",
            _ => "",
        };
        format!("{}{path}", self.root_url())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// As given in the options.
    pub fn name(&self) -> &str {
        &self.state.name
    }
}

/// Modes. One is chosen for a request when it is about to be answered, after any hold, so a burst can be held first and
/// told its fate later.
impl FakeProvider {
    /// How every request without a narrower rule is answered from now on.
    pub fn set_mode(&self, mode: Mode) {
        self.apply(ModeSetting::of(mode));
    }

    /// The same for the next `times` requests; then the provider is [`Mode::Ok`] again.
    pub fn set_mode_times(&self, mode: Mode, times: u32) {
        self.apply(ModeSetting::of(mode).times(times));
    }

    /// How requests with this key are answered from now on, whatever the provider's mode.
    pub fn set_key_mode(&self, key: &str, mode: Mode) {
        self.apply(ModeSetting::of(mode).key(key));
    }

    /// The same for the key's next `times` requests; then the provider's mode applies to it again.
    pub fn set_key_mode_times(&self, key: &str, mode: Mode, times: u32) {
        self.apply(ModeSetting::of(mode).key(key).times(times));
    }

    /// The provider's mode applies to this key again.
    pub fn clear_key_mode(&self, key: &str) {
        self.apply(ModeSetting::cleared().key(key));
    }

    /// The general form, which can name an upstream model too: `ModeSetting::of(mode).key("k1").model("m").times(2)`.
    pub fn apply(&self, setting: ModeSetting) {
        self.state.switchboard.apply(setting);
    }

    pub fn pace(&self) -> Pace {
        self.state.pace()
    }

    /// Delays and sizes of the replies from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.state.set_pace(pace);
    }
}

/// Bedrock's credentials. A bearer token is a key like any other; of a signed request the key is the id of its AWS key.
impl FakeProvider {
    /// From now on signatures of this AWS key are verified. Without it they must only be well formed.
    pub fn verify_signatures(&self, key_id: &str, secret: &str) {
        self.state.set_aws_secret(key_id, secret);
    }
}

/// Barriers, for tests that must not sleep.
impl FakeProvider {
    /// From now on requests are received and counted, and then wait for [`FakeProvider::release`].
    pub fn hold(&self) {
        self.state.gate.hold();
    }

    /// Lets every waiting request go on, and later ones through.
    pub fn release(&self) {
        self.state.gate.release();
    }

    /// Requests received since the last [`FakeProvider::hold`], or since the start if there was none.
    pub fn arrived(&self) -> u64 {
        self.state.gate.arrived()
    }

    /// Resolves when [`FakeProvider::arrived`] is at least `count`.
    pub async fn wait_until_arrived(&self, count: u64) {
        self.state.gate.wait_until_arrived(count).await;
    }

    /// Step mode: each content chunk of each stream waits for one [`FakeProvider::release_chunk`]. What comes before
    /// and after the content is not held. Turning it off lets all go on and forgets unused releases.
    pub fn set_step(&self, on: bool) {
        self.state.steps.set(on);
    }

    /// Lets one content chunk out, now or when a stream gets there. Without effect outside step mode.
    pub fn release_chunk(&self) {
        self.state.steps.permit();
    }
}

/// What happened. A request's record is there before it is counted as received.
impl FakeProvider {
    pub fn stats(&self) -> Stats {
        self.state.ledger.stats()
    }

    /// Sets the counters to zero, but for the requests in flight, which count as received since, and forgets
    /// violations.
    pub fn reset_stats(&self) {
        self.state.reset_stats();
    }

    /// The requests that broke their protocol (the first 256), oldest first. `stats().violations` counts them.
    pub fn violations(&self) -> Vec<Violation> {
        self.state.violations.all()
    }

    /// Resolves, with the counters of that moment, when `predicate` holds for them. `predicate` runs under the
    /// counters' lock and must not call this handle.
    pub async fn wait_for(&self, predicate: impl FnMut(&Stats) -> bool) -> Stats {
        self.state.ledger.wait_for(predicate).await
    }

    /// The last requests received (at most `Options::keep_requests`), oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.records.all()
    }
}

/// CodeWhisperer's sign-in, at `/refreshToken` and `/token`. Refreshes are in [`FakeProvider::requests`], but neither
/// in the counters nor held at the gate; modes apply to them by the model [`REFRESH`] alone.
impl FakeProvider {
    /// Refreshes that were granted.
    pub fn refreshes(&self) -> u64 {
        self.state.tokens.counts().0
    }

    /// Refreshes that were answered with `invalid_grant`.
    pub fn refused_refreshes(&self) -> u64 {
        self.state.tokens.counts().1
    }

    /// From now on this refresh token is good, once, and then its successors; no other is. Without this, any that was
    /// never used is.
    pub fn demand_refresh_token(&self, token: &str) {
        self.state.tokens.demand(token);
    }

    /// Every access token that was shown to CodeWhisperer's endpoints or handed out until now is refused from now on.
    pub fn expire_tokens(&self) {
        self.state.tokens.expire();
    }

    /// How long tokens that are handed out from now on are said to be good. They are until
    /// [`FakeProvider::expire_tokens`].
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.state.tokens.set_lifetime(lifetime.as_secs());
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
