//! The task that reads, refreshes and writes the files.

use super::{
    Ends, Login, Logins, Trouble,
    call::{self, Failed},
    track::Track,
};
use crate::{
    health::Hub,
    publisher::Publisher,
    secrets::{Renewed, Source, TokenFile},
};
use jiff::Timestamp;
use pointsman_proto::{
    admin::v1::{Key, key},
    domain::{KeyId, Name},
};
use secrecy::ExposeSecret;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(2);

/// What the configuration says of one file.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// Of the provider of the first key that names the file.
    token_url: Option<String>,
    /// Nodes say that the provider refuses this secret; by fingerprint.
    refused: BTreeSet<String>,
}

/// What is known of one file.
#[derive(Debug, Default)]
struct Kept {
    track: Track,
    refreshing: bool,
    trouble: Option<Trouble>,
    /// The file as it was read, and what it could not be replaced by.
    unsaved: Option<(TokenFile, TokenFile)>,
}

/// A refresh that ended.
struct Ended {
    path: String,
    from: TokenFile,
    /// Nodes' reports brought it about.
    refused: bool,
    outcome: Result<Renewed, Failed>,
}

pub(super) struct Keeper {
    ends: Ends,
    publisher: Publisher,
    hub: Arc<Hub>,
    kept: BTreeMap<String, Kept>,
    refreshes: JoinSet<Ended>,
}

impl Keeper {
    pub(super) fn new(ends: Ends, publisher: Publisher, hub: Arc<Hub>) -> Self {
        Self { ends, publisher, hub, kept: BTreeMap::new(), refreshes: JoinSet::new() }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut reports, mut snapshots) = (self.hub.broadcasts(), self.publisher.snapshots());
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
                changed = reports.changed() => if changed.is_err() { break },
                changed = snapshots.changed() => if changed.is_err() { break },
                Some(path) = self.ends.resets.recv() => self.reset(&path),
                Some(ended) = self.refreshes.join_next() => {
                    if let Ok(ended) = ended {
                        self.end(ended).await;
                    }
                }
            }
            self.look().await;
        }
        // A refresh that was answered must not be lost: the old refresh token may be good no longer.
        while let Some(ended) = self.refreshes.join_next().await {
            if let Ok(ended) = ended {
                self.end(ended).await;
            }
        }
    }

    fn reset(&mut self, path: &str) {
        if let Some(kept) = self.kept.get_mut(path) {
            (kept.track, kept.trouble) = (Track::default(), None);
        }
    }

    /// Reads every file, hands on what it holds, and refreshes what is due.
    async fn look(&mut self) {
        let wanted = self.wanted();
        self.kept.retain(|path, kept| wanted.contains_key(path) || kept.refreshing || kept.unsaved.is_some());
        let paths: Vec<String> = wanted.keys().cloned().collect();
        let read = spawn_blocking(move || paths.into_iter().map(|path| (TokenFile::load(&path), path)).collect());
        let Ok(files): Result<Vec<_>, _> = read.await else { return };
        let (mut logins, mut secrets) = (Logins::new(), Vec::new());
        let now = Timestamp::now();
        for (file, path) in files {
            let file = match file {
                Ok(file) => Ok(self.newest(&path, file).await),
                Err(why) => Err(why),
            };
            if let Ok(file) = &file {
                self.refresh_if_due(&path, file, &wanted[&path], now);
            }
            let kept = self.kept.entry(path.clone()).or_default();
            let expires_at = file.as_ref().ok().and_then(TokenFile::expires_at);
            logins.insert(path.clone(), Login { trouble: kept.trouble.clone(), expires_at });
            let secret = file.and_then(|file| file.secret(now).map_err(|why| format!("{path}: {why}")));
            secrets.push((Source::TokenFile(path), secret));
        }
        if !secrets.is_empty() {
            self.publisher.sources_read(secrets).await;
        }
        self.ends.logins.send_if_modified(|told| {
            let changed = **told != logins;
            *told = Arc::new(logins);
            changed
        });
    }

    /// The files that keys name.
    fn wanted(&self) -> BTreeMap<String, Wanted> {
        let state = self.publisher.state();
        let refused = self.hub.refused_keys();
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for (_, key) in state.configuration.tables.keys() {
            let Some(key::Source::TokenFile(path)) = &key.source else { continue };
            let of_file = wanted.entry(path.clone()).or_insert_with(|| Wanted {
                token_url: state
                    .snapshot
                    .catalog
                    .providers
                    .get(key.provider.as_str())
                    .and_then(|provider| provider.token_url.as_ref().map(ToString::to_string)),
                refused: BTreeSet::new(),
            });
            if id(key).is_some_and(|id| refused.contains(&id)) {
                of_file.refused.insert(key.fingerprint.clone());
            }
        }
        wanted
    }

    /// The file, or what it should have been replaced by; that is tried again then.
    async fn newest(&mut self, path: &str, read: TokenFile) -> TokenFile {
        let Some(kept) = self.kept.get_mut(path) else { return read };
        match kept.unsaved.take() {
            Some((before, renewed)) if before == read => {
                self.save(path, before, renewed.clone()).await;
                renewed
            }
            _ => read, // somebody else wrote it meanwhile
        }
    }

    fn refresh_if_due(&mut self, path: &str, file: &TokenFile, wanted: &Wanted, now: Timestamp) {
        let current = file.secret(now).map(|secret| self.publisher.fingerprint(secret.expose_secret()));
        let refused = current.is_ok_and(|fingerprint| wanted.refused.contains(&fingerprint));
        let kept = self.kept.entry(path.to_owned()).or_default();
        if kept.refreshing || !kept.track.is_due(file, refused, now) {
            return;
        }
        kept.refreshing = true;
        let (path, from, token_url) = (path.to_owned(), file.clone(), wanted.token_url.clone());
        self.refreshes.spawn(async move {
            let outcome = call::refresh(&from, &path, token_url.as_deref()).await;
            Ended { path, from, refused, outcome }
        });
    }

    async fn end(&mut self, Ended { path, from, refused, outcome }: Ended) {
        let now = Timestamp::now();
        let kept = self.kept.entry(path.clone()).or_default();
        kept.refreshing = false;
        match outcome {
            Ok(renewed) => {
                kept.track.succeeded(renewed.lifetime, refused, now);
                kept.trouble = None;
                let file = from.renewed(&renewed, now);
                tracing::info!(path, expires_at = ?file.expires_at(), refused, "refreshed a login's tokens");
                self.save(&path, from, file).await;
            }
            Err(Failed::Later(why)) => {
                tracing::warn!(path, why, "a login's tokens cannot be refreshed now; it is tried again");
                kept.track.failed(now);
                kept.trouble = Some(Trouble::Failing(why));
            }
            Err(Failed::Refused(why)) => {
                tracing::error!(path, why, "a login's refresh token is no longer good; sign in again");
                kept.track.died(&from);
                kept.trouble = Some(Trouble::Refused(format!("{why}; sign in again")));
            }
        }
    }

    /// Writes a file; where that fails, keeps what it should hold.
    async fn save(&mut self, path: &str, before: TokenFile, renewed: TokenFile) {
        let (file, target) = (renewed.clone(), path.to_owned());
        let saved = spawn_blocking(move || file.save(&target)).await;
        let failure = match saved {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let kept = self.kept.entry(path.to_owned()).or_default();
        let told = kept.trouble.take();
        if let Some(why) = failure {
            let trouble =
                Trouble::Failing(format!("the new tokens are kept in memory, since the file cannot be written: {why}"));
            if told.as_ref() != Some(&trouble) {
                tracing::error!(path, why, "a login's file cannot be written; its new tokens are kept in memory");
            }
            kept.trouble = Some(trouble);
            kept.unsaved = Some((before, renewed));
        }
    }
}

fn id(key: &Key) -> Option<KeyId> {
    Some(KeyId { provider: Name::parse(&key.provider)?, key: Name::parse(&key.name)? })
}
