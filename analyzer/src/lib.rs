//! Says from a Process Monitor boot log whether a Windows update was rolled back, what failed, and why.
//!
//! Data flows one way: one pass over the events gives facts and failures ([`triage`]), facts give
//! phases and signals, those decide whether there was a rollback, rules find causes, and a
//! [`Report`] says it all in English or Chinese. What is judged by is data ([`Knowledge`]).
//!
//! ```
//! use pml_analyzer::{Knowledge, Language, NoWatch, Report, Source, TriageOptions, triage};
//!
//! # fn look(set: &pml_parser::LogSet<Vec<u8>>) -> Result<(), Box<dyn std::error::Error>> {
//! let knowledge = Knowledge::embedded().map_err(|errors| errors[0].clone())?;
//! if let Ok(triage) = triage(set, &knowledge, TriageOptions::default(), &NoWatch) {
//!     let report = Report::new(set, &triage, &knowledge, &Source::default(), Language::En);
//!     println!("{}", report.headline);
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod canonical;
mod component;
mod facts;
mod failure;
mod finding;
mod knowledge;
mod language;
mod look;
mod phase;
mod plain;
mod processes;
mod report;
mod scan;
mod signal;
mod triage;

pub use component::{Component, Package};
pub use knowledge::{
    Actors, Boot, Knowledge, KnowledgeError, OldId, Risk, Rule, RuleKind, RuleStatus, RuleSummary,
};
pub use language::{Language, Text};
pub use plain::{plain, plain_lines};
pub use report::{FailureReport, FindingReport, Format, Paint, Report, SCHEMA_VERSION, Source};
pub use scan::Watch;
pub use signal::RollbackClass;
pub use triage::{Triage, TriageError, TriageOptions, triage};

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
