//! With git itself: repositories that people make.

mod gate;
mod kept;
mod lab;
mod local;
mod remote;
mod signed;
