//! Who this server is: the database's history, this start's term, and the vault that opens its secrets.

use crate::{
    error::StartError,
    secrets::{MasterKey, MasterKeySource, Vault},
    store::{
        Store,
        meta::{self, Meta},
    },
};
use std::path::PathBuf;

/// Opens the vault, and begins a new term; a new database gets its generation and pepper.
pub(super) async fn identify(store: &mut Store, master: &MasterKeySource) -> Result<(Vault, Meta), StartError> {
    let path: PathBuf = store.path().to_owned();
    let broken = |e: sqlx::Error| StartError::Database { path: path.clone(), reason: e.to_string() };
    let found = meta::load(store.connection()).await.map_err(broken)?;
    let key = MasterKey::load(master, found.is_some())?;
    let (vault, meta) = match found {
        Some(meta) => {
            let vault = Vault::open(&key, &meta.pepper).map_err(|_| {
                let path = path.display();
                StartError::MasterKey(format!("{path}: was sealed under another master key than the one given"))
            })?;
            (vault, Meta { term: meta.term + 1, ..meta })
        }
        None => {
            let (vault, pepper) = Vault::create(&key);
            (vault, Meta { generation: random_generation(), term: 1, version: 1, pepper })
        }
    };
    meta::save(store.connection(), &meta).await.map_err(broken)?;
    Ok((vault, meta))
}

/// Random, not 0 (which means none), and what SQLite's signed integers hold.
pub(super) fn random_generation() -> u64 {
    (rand::random::<u64>() >> 1).max(1)
}
