//! What a change of the catalog means for the nodes that are known: before it goes live.
//!
//! [`moves`] is what the gate asks: who gets another profile, another install disk, or nothing at all.

mod moves;
mod places;
pub mod words;

pub use moves::{Gate, Moved, Moves, moves};
pub use places::{Place, places};

#[cfg(test)]
pub(crate) mod tests;
