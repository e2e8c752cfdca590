//! Re-reads the secrets that live in files. Apart from the writer, so that a slow disk holds up no edit.

use super::{Request, State};
use crate::secrets::{Source, read_source};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(2);

pub(super) async fn run(state: watch::Receiver<Arc<State>>, requests: mpsc::Sender<Request>, stop: CancellationToken) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let files = files(&state.borrow());
        if files.is_empty() {
            continue;
        }
        let read = spawn_blocking(move || files.into_iter().map(|file| (read_source(&file), file)).collect());
        let Ok(read): Result<Vec<_>, _> = read.await else { break };
        let read = read.into_iter().map(|(value, file)| (file, value)).collect();
        if requests.send(Request::SourcesRead(read)).await.is_err() {
            break;
        }
    }
}

fn files(state: &State) -> Vec<Source> {
    let sources = state.configuration.tables.keys().filter_map(|(_, key)| Source::of(key));
    sources.filter(Source::is_watched).collect()
}
