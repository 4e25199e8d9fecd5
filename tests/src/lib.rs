//! The lab as a library: namespaces, machines with real firmware, the image they get, and a rack of them.

pub mod image;
