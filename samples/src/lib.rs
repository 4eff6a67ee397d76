//! Logs for tests and benchmarks: generated ones, and the corpus of real ones.
#![forbid(unsafe_code)]

pub mod boot;
pub mod corpus;
pub mod minimal;
mod random;
pub mod raw_boot;
pub mod scenario;
mod story;
