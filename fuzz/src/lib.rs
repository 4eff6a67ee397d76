//! Code that the fuzz targets share: reading everything in a log, inputs with structure, and small logs.

pub mod body;
pub mod capture;
#[path = "../../samples/src/minimal.rs"]
pub mod minimal;
pub mod reading;
pub mod small;
