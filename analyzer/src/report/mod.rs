//! What is said about a capture, in one language: as data, and rendered by templates.

mod build;
pub mod case;
mod cite;
mod clock;
mod finding;
pub mod fleet;
mod model;
mod printable;
mod redact;
mod render;
#[cfg(feature = "tables")]
pub mod tables;
mod text;

pub use build::Origin;
pub use model::{FailureReport, FindingReport, Report, SCHEMA_VERSION};
pub use printable::{printable, printable_lines};
pub use redact::Redactor;
pub use render::{Format, Paint, Screen};
