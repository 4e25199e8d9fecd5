//! The part of Go's `text/template` that matchbox's templates are written in.
