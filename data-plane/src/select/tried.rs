//! What a request has already used, and what came of it.

use crate::cells::{EndpointCell, SlotCell};
use std::sync::Arc;

/// What this request has already used: it uses none of it again.
#[derive(Debug, Default)]
pub struct Tried {
    attempts: Vec<Attempt>,
    endpoints: Vec<Arc<EndpointCell>>,
    slots: Vec<Arc<SlotCell>>,
    /// Those of the endpoints that cannot be given this request.
    unfit: Vec<Arc<EndpointCell>>,
    /// Where it is under way while it looks for a second backend.
    in_use: Option<Arc<EndpointCell>>,
}

/// An attempt that came to nothing.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub endpoint: Arc<EndpointCell>,
    pub why: &'static str,
}

impl Tried {
    /// An attempt failed: the endpoint is not used again.
    pub fn endpoint(&mut self, cell: &Arc<EndpointCell>, why: &'static str) {
        self.attempts.push(Attempt { endpoint: cell.clone(), why });
        self.endpoints.push(cell.clone());
    }

    /// An attempt was refused: its slot is not used again; others of the endpoint may be.
    pub fn slot(&mut self, cell: &Arc<SlotCell>, endpoint: &Arc<EndpointCell>, why: &'static str) {
        self.attempts.push(Attempt { endpoint: endpoint.clone(), why });
        self.slots.push(cell.clone());
    }

    /// This endpoint cannot be given the request.
    pub fn unfit(&mut self, cell: &Arc<EndpointCell>) {
        self.endpoints.push(cell.clone());
        self.unfit.push(cell.clone());
    }

    /// The request is under way at this endpoint, and looks for a second: another one, and not as a probe.
    pub fn in_use(&mut self, cell: Arc<EndpointCell>) {
        self.in_use = Some(cell);
    }

    /// It has found a second, or none.
    pub fn found(&mut self) {
        self.in_use = None;
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.in_use.is_some()
    }

    pub fn is_passed_over(&self, cell: &Arc<EndpointCell>) -> bool {
        self.unfit.iter().any(|unfit| Arc::ptr_eq(unfit, cell))
    }

    /// The attempts that came to nothing, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    pub(super) fn has_endpoint(&self, cell: &Arc<EndpointCell>) -> bool {
        self.endpoints.iter().chain(&self.in_use).any(|tried| Arc::ptr_eq(tried, cell))
    }

    pub(super) fn has_slot(&self, cell: &Arc<SlotCell>) -> bool {
        self.slots.iter().any(|tried| Arc::ptr_eq(tried, cell))
    }
}
