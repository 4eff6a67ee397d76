//! Ranges of events as Arrow record batches.
//!
//! [`schema`] is the vocabulary: every table and column with its type, its source and its unit.
//! [`events`] fills the events table, one range at a time; `stacks` finds the distinct stacks of
//! a range; `tables` makes the small tables. `pipeline` maps over ranges in parallel and hands
//! the results back in order.

pub(crate) mod column;
pub mod events;
pub(crate) mod pipeline;
pub mod schema;
pub(crate) mod stacks;
pub(crate) mod tables;
