//! The operating-system image that the lab installs.
