//! Under construction.

pub mod installer_image;
