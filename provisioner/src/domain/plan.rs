//! What a change of the catalog means for the nodes that are known: before it goes live.
//!
//! [`moves`] is what the gate asks: who gets another profile, another install disk, or nothing at all.
//! [`plan`] is what operators ask: all of that, and every document that a machine would read differently.

mod change;
mod diff;
mod moves;
mod places;
mod summary;
pub mod words;

pub use change::{Change, NodePlan, Plan, Preview, Wanted, plan};
pub use moves::{Gate, Moved, Moves, moves};
pub use places::{Place, places};

#[cfg(test)]
pub(crate) mod tests;
