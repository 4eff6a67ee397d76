//! Logs for tests and benchmarks: generated ones, and the corpus of real ones.

pub mod corpus;
