//! Code that the fuzz targets share: reading everything in a log, inputs with structure, small logs, event logs
//! and zip files.

pub mod body;
pub mod capture;
pub mod event_log;
#[path = "../../samples/src/minimal.rs"]
pub mod minimal;
pub mod reading;
pub mod small;
pub mod zip_file;
