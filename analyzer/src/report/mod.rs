//! What is said about a capture, in one language: as data, and rendered by templates.

mod build;
pub mod case;
mod cite;
mod clock;
mod finding;
pub mod fleet;
mod letter;
mod model;
mod printable;
mod redact;
mod render;
#[cfg(feature = "tables")]
pub mod tables;
mod text;
#[cfg(feature = "tables")]
pub mod verdicts;

pub use build::Origin;
pub use letter::Letter;
pub use model::{FailureReport, FindingReport, Report, SCHEMA_VERSION};
pub use printable::{printable, printable_lines};
pub use redact::Redactor;
pub use render::{Format, Paint, Screen};
