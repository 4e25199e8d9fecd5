//! How answers look.

pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod table;
pub(crate) mod text;
