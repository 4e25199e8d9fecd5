//! The one place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::node::Millis;

/// Now. A clock before 1970 counts as 1970.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
