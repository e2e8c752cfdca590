//! What holds of selection, through the router and by a clock that is moved by hand.

mod affinity;
mod laws;
mod nowhere;
mod second;
mod strategies;
mod world;
