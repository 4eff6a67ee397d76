//! What is said about a capture, in one language: as data, and rendered by templates.

mod build;
mod finding;
mod model;
mod render;
mod text;

pub use build::Source;
pub use model::{FailureReport, FindingReport, Report, SCHEMA_VERSION};
pub use render::{Format, Paint};
