//! Puts the pieces of a configuration message together. Nothing is used before the last piece has come and holds.

use crate::table::{Change, Edit, Refused};
use bytes::Bytes;
use pointsman_proto::{
    convert::Malformed,
    fleet::v1::{ConfigBody, ConfigDelta, Snapshot},
};
use prost::Message;

/// What a piece leads to.
pub(super) enum Step {
    More,
    /// `from`: the version that a delta starts at.
    Complete {
        from: Option<u64>,
        edit: Edit,
    },
    Refused {
        generation: u64,
        version: u64,
        refused: Refused,
    },
}

/// The pieces so far.
#[derive(Default)]
pub(super) struct Assembly {
    bodies: Vec<Bytes>,
}

impl Assembly {
    pub(super) fn snapshot(&mut self, piece: Snapshot) -> Step {
        self.bodies.push(piece.body);
        match piece.last {
            true => self.complete(None, piece.generation, piece.version, piece.digest),
            false => Step::More,
        }
    }

    pub(super) fn delta(&mut self, piece: ConfigDelta) -> Step {
        self.bodies.push(piece.body);
        match piece.last {
            true => self.complete(Some(piece.from), piece.generation, piece.to, piece.digest),
            false => Step::More,
        }
    }

    fn complete(&mut self, from: Option<u64>, generation: u64, version: u64, digest: Bytes) -> Step {
        match check(std::mem::take(&mut self.bodies)) {
            Ok(changes) => {
                Step::Complete { from, edit: Edit { generation, version, digest, whole: from.is_none(), changes } }
            }
            Err(refused) => Step::Refused { generation, version, refused },
        }
    }
}

fn check(bodies: Vec<Bytes>) -> Result<Vec<Change>, Refused> {
    let mut changes = Vec::new();
    for body in bodies {
        let body = ConfigBody::decode(body).map_err(|_| Refused::from(Malformed("body")))?;
        changes.extend(Change::check_all(&body)?);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::fleet::v1::{Resource, ResourceName};

    #[test]
    fn what_this_build_does_not_know_is_refused_in_words() {
        let unknown = [
            ConfigBody { upserts: vec![Resource { kind: None }], ..Default::default() },
            ConfigBody { removals: vec![ResourceName { kind: None }], ..Default::default() },
        ];
        for body in unknown {
            let piece = Snapshot { last: true, body: body.encode_to_vec().into(), ..Default::default() };
            let Step::Refused { refused, .. } = Assembly::default().snapshot(piece) else { panic!("it is refused") };
            let told = refused.to_string();
            assert!(
                told.starts_with("resource: is of a kind that this node's build (")
                    && told.ends_with("upgrade the node")
            );
        }
    }
}
