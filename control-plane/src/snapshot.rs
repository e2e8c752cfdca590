//! The compiled configuration at one `(generation, version)`, ready to be sent whole or as what changed since a version.
//!
//! Every entry says at which version it last changed, and every removal is remembered, so a message can be built for a
//! node at any version back to the snapshot's horizon, without a queue per node.

use crate::catalog::Catalog;
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use imbl::OrdMap;
use pointsman_proto::{
    domain::{KeyId, ModelName, Name},
    fleet::v1::{ConfigBody, Resource, ResourceName, resource_name::Kind},
    violation::Violation,
};
use prost::Message;
use std::sync::Arc;

/// Bodies are cut at this many bytes, well under the 4 MiB that a gRPC peer decodes by default.
const PIECE_BYTES: usize = 1 << 20;

/// Identifies a resource; in the order in which a node may take them in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKey {
    Settings,
    Provider(Name),
    Key(KeyId),
    Model(ModelName),
    Rule(Name),
    VirtualKey(Name),
}

#[derive(Debug)]
struct Entry {
    changed_at: u64,
    hash: [u8; 32],
    /// An encoded fleet `Resource`.
    bytes: Bytes,
}

/// One immutable configuration. A successor shares all that did not change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub generation: u64,
    pub version: u64,
    /// SHA-256 over the raw bytes of each resource in order of its key; a node echoes it.
    pub digest: Bytes,
    pub catalog: Catalog,
    entries: OrdMap<ResourceKey, Arc<Entry>>,
    removed: OrdMap<ResourceKey, u64>,
    /// The oldest version from which a delta can be built.
    horizon: u64,
}

impl Snapshot {
    /// Compiles a whole configuration.
    ///
    /// # Errors
    /// Every field that is not valid.
    pub fn new(generation: u64, version: u64, resources: Vec<(ResourceKey, Resource)>) -> Result<Self, Vec<Violation>> {
        let empty = Self {
            generation,
            version,
            digest: Bytes::new(),
            catalog: Catalog::default(),
            entries: OrdMap::new(),
            removed: OrdMap::new(),
            horizon: version,
        };
        empty.edited(version, resources.into_iter().map(|(key, resource)| (key, Some(resource))).collect())
    }

    /// The configuration after some resources were set (`Some`) or removed (`None`).
    ///
    /// # Errors
    /// Every field that is not valid.
    pub fn edited(&self, version: u64, changes: Vec<(ResourceKey, Option<Resource>)>) -> Result<Self, Vec<Violation>> {
        let mut next = self.clone();
        next.version = version;
        let mut violations = Vec::new();
        for (key, resource) in changes {
            if let Err(found) = next.catalog.change(&key, resource.as_ref()) {
                violations.extend(found);
            }
            next.put(version, key, resource.as_ref());
        }
        next.digest = next.compute_digest();
        if violations.is_empty() { Ok(next) } else { Err(violations) }
    }

    fn put(&mut self, version: u64, key: ResourceKey, resource: Option<&Resource>) {
        match resource {
            Some(resource) => {
                let bytes = Bytes::from(resource.encode_to_vec());
                let hash = digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes");
                self.removed.remove(&key);
                self.entries.insert(key, Arc::new(Entry { changed_at: version, hash, bytes }));
            }
            None => {
                self.entries.remove(&key);
                self.removed.insert(key, version);
            }
        }
    }

    fn compute_digest(&self) -> Bytes {
        let mut context = Context::new(&SHA256);
        self.entries.values().for_each(|entry| context.update(&entry.hash));
        Bytes::copy_from_slice(context.finish().as_ref())
    }

    /// The same configuration under another generation: nodes that hold an older one take a snapshot.
    pub fn with_generation(&self, generation: u64) -> Self {
        Self { generation, horizon: self.version, removed: OrdMap::new(), ..self.clone() }
    }

    /// One resource, as nodes receive it.
    pub fn resource(&self, key: &ResourceKey) -> Option<Resource> {
        let entry = self.entries.get(key)?;
        Some(Resource::decode(entry.bytes.clone()).expect("it was encoded here"))
    }

    /// The whole configuration as encoded `ConfigBody` pieces; at least one.
    pub fn full(&self) -> Vec<Bytes> {
        pieces(self.entries.values().map(|e| e.bytes.clone()), std::iter::empty())
    }

    /// What changed after version `from`, as encoded `ConfigBody` pieces; none when that is no longer known.
    pub fn since(&self, from: u64) -> Option<Vec<Bytes>> {
        if from < self.horizon || from > self.version {
            return None;
        }
        let changed = self.entries.values().filter(|e| e.changed_at > from).map(|e| e.bytes.clone());
        let removed = self.removed.iter().filter(|(_, at)| **at > from).map(|(key, _)| key);
        Some(pieces(changed, removed))
    }
}

/// Concatenates encoded resources into bodies of bounded size. A body is a protobuf message of repeated fields, so its
/// encoding is that of its fields one after the other.
fn pieces<'a>(resources: impl Iterator<Item = Bytes>, removed: impl Iterator<Item = &'a ResourceKey>) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for resource in resources {
        if !piece.is_empty() && piece.len() + resource.len() > PIECE_BYTES {
            pieces.push(Bytes::from(std::mem::take(&mut piece)));
        }
        prost::encoding::bytes::encode(1, &resource, &mut piece);
    }
    let names = ConfigBody { upserts: Vec::new(), removals: removed.filter_map(name).collect() };
    names.encode(&mut piece).expect("a Vec grows");
    pieces.push(Bytes::from(piece));
    pieces
}

fn name(key: &ResourceKey) -> Option<ResourceName> {
    let kind = match key {
        ResourceKey::Settings => return None,
        ResourceKey::Provider(name) => Kind::Provider(name.to_string()),
        ResourceKey::Key(id) => Kind::Key(id.into()),
        ResourceKey::Model(name) => Kind::Model(name.to_string()),
        ResourceKey::Rule(name) => Kind::Rule(name.to_string()),
        ResourceKey::VirtualKey(name) => Kind::VirtualKey(name.to_string()),
    };
    Some(ResourceName { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::{admin::v1 as admin, fleet::v1 as fleet};

    fn provider(name: &str, region: &str) -> (ResourceKey, Resource) {
        let wire = admin::Provider {
            name: name.into(),
            base_url: "http://h".into(),
            region: region.into(),
            ..Default::default()
        };
        let key = ResourceKey::Provider(Name::parse(name).expect("a name"));
        (key, Resource { kind: Some(fleet::resource::Kind::Provider(wire)) })
    }

    fn decode(pieces: &[Bytes]) -> (usize, usize) {
        let bodies = pieces.iter().map(|b| ConfigBody::decode(b.clone()).expect("it was encoded here"));
        bodies.fold((0, 0), |(u, r), b| (u + b.upserts.len(), r + b.removals.len()))
    }

    #[test]
    fn a_delta_holds_what_changed_and_what_went() {
        let first = Snapshot::new(1, 5, vec![provider("a", ""), provider("b", ""), provider("c", "")]).expect("valid");
        let (a, changed) = provider("a", "eu");
        let second = first.edited(6, vec![(a, Some(changed))]).expect("valid");
        let third = second.edited(7, vec![(provider("b", "").0, None)]).expect("valid");
        assert_eq!(decode(&third.since(5).expect("known")), (1, 1));
        assert_eq!(decode(&third.since(6).expect("known")), (0, 1));
        assert_eq!(decode(&third.full()), (2, 0));
        assert!(third.since(4).is_none() && third.since(8).is_none());
        assert_ne!(first.digest, third.digest);
    }

    #[test]
    fn the_digest_depends_on_the_content_alone() {
        let (a, b) = (provider("a", ""), provider("b", ""));
        let one = Snapshot::new(1, 1, vec![a.clone(), b.clone()]).expect("valid");
        let other = Snapshot::new(2, 9, vec![b, a]).expect("valid");
        assert_eq!(one.digest, other.digest);
    }

    #[test]
    fn a_large_configuration_is_sent_in_pieces() {
        let many = (0..30_000).map(|i| provider(&format!("provider-{i}"), &"r".repeat(60))).collect();
        let snapshot = Snapshot::new(1, 1, many).expect("valid");
        let pieces = snapshot.full();
        assert!(pieces.len() > 2 && pieces.iter().all(|p| p.len() <= PIECE_BYTES + 1024));
        assert_eq!(decode(&pieces), (30_000, 0));
    }
}
