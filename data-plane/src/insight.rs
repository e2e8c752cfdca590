//! What only the node can tell an operator: what it would do with a request, and how its upstreams fare.

pub(crate) mod explain;
pub(crate) mod stats;
pub mod subjects;

pub use stats::node_stats;

use crate::keeper::Keeper;
use pointsman_proto::fleet::v1::{Answer, Question, answer, question};
use std::sync::Arc;

/// The answer to a question of the control plane.
pub fn answer(keeper: &Arc<Keeper>, question: Question) -> Answer {
    let kind = question.kind.map(|kind| match kind {
        question::Kind::Explain(request) => answer::Kind::Explanation(explain::explain(keeper, &request)),
        question::Kind::Stats(_) => answer::Kind::Stats(node_stats(keeper)),
    });
    Answer { id: question.id, kind }
}
