//! Files that a Butane config may embed: the catalog's own, held in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One entry of the files directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// A file.
    File {
        /// What is in it.
        bytes: Arc<[u8]>,
        /// Whether its owner may execute it: Butane's trees keep that.
        executable: bool,
    },
    /// A symbolic link, and where it points, word for word.
    Link(String),
}

/// Entries by their path below the files directory, parts separated by `/`. Directories are there by what
/// they hold.
pub type LocalFiles = BTreeMap<String, Local>;
