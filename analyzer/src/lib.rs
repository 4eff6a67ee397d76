//! What the Windows servicing stack did in a log.
//!
//! So far: which processes of a capture belong to it.
#![forbid(unsafe_code)]

mod actor;

pub use actor::{Actor, actor};
