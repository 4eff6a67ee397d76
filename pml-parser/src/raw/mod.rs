//! The layout of a log, byte by byte, for both directions.
//!
//! Fixed records are overlays (`zerocopy` structs, alignment 1) that the reader and the writer share.
//! Structures of variable length are framed with `nom`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod bytes;
pub(crate) mod event;
pub(crate) mod header;
pub(crate) mod hosts;
pub(crate) mod icon;
pub(crate) mod offsets;
pub(crate) mod process;
pub(crate) mod strings;
