//! Where the operator says that each node runs, for the streams to follow: what is not in the configuration, since it
//! concerns one node alone.

use crate::{
    edit::record::{Body, Id},
    publisher::state::State,
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Zones by node; nodes without one are left out.
pub(super) type Zones = Arc<HashMap<String, String>>;

/// The zones that are registered.
pub(super) fn registered(state: &State) -> Zones {
    let before_nodes = Id::Node(String::new());
    let zones = state.configuration.tables.after(&before_nodes).filter_map(|(_, record)| match &record.body {
        Body::Node(node) if !node.zone.is_empty() => Some((node.name.clone(), node.zone.clone())),
        _ => None,
    });
    Arc::new(zones.collect())
}

/// Publishes the zones whenever they have become others, until `stop`.
pub(super) async fn follow(
    mut states: watch::Receiver<Arc<State>>,
    zones: watch::Sender<Zones>,
    stop: CancellationToken,
) {
    while let Some(Ok(())) = stop.run_until_cancelled(states.changed()).await {
        let now = registered(&states.borrow_and_update());
        zones.send_if_modified(|told| {
            let changed = *told != now;
            *told = now;
            changed
        });
    }
}
