//! Files: a capture from a path.

mod map;

pub use map::{Map, any_fault, map};
