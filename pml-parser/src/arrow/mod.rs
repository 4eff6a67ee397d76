//! Ranges of events as Arrow record batches.
//!
//! [`schema`] is the vocabulary: every table and column with its type, its source and its unit.
//! [`events`] fills the events table, one range at a time; [`labels`] are what every
//! table says of its capture; [`types`] turns exact types into portable ones; `stacks` finds the distinct stacks of
//! a range; `tables` makes the small tables.

pub(crate) mod column;
pub mod events;
pub mod labels;
pub mod schema;
pub(crate) mod stacks;
pub(crate) mod tables;
pub mod types;
