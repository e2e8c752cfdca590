//! What holds of selection, through the router and by a clock that is moved by hand.

mod affinity;
mod busy;
mod laws;
mod nowhere;
mod probes;
mod second;
mod strategies;
mod wishes;
mod world;
