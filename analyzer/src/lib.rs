//! Says from a Process Monitor boot log whether a Windows update was rolled back, what failed, and why.
//!
//! Data flows one way: one pass over the events gives facts and failures ([`triage`]), facts give
//! phases and signals, those decide whether there was a rollback, rules find causes, and a
//! [`Report`] says it all in English or Chinese. What is judged by is data ([`Knowledge`]).
//!
//! ```
//! use pml_analyzer::{Knowledge, Language, NoWatch, Origin, Report, TriageOptions, triage};
//!
//! # fn look(set: &pml_parser::LogSet<Vec<u8>>) -> Result<(), Box<dyn std::error::Error>> {
//! let knowledge = Knowledge::embedded().map_err(|errors| errors[0].clone())?;
//! if let Ok(triage) = triage(set, &knowledge, TriageOptions::default(), &NoWatch) {
//!     let report = Report::new(set, &triage, &knowledge, &Origin::default(), Language::En);
//!     println!("{}", report.headline);
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod boot;
mod canonical;
mod component;
mod error;
mod evidence;
mod facts;
mod judge;
mod knowledge;
mod language;
mod report;
mod triage;

pub use boot::Watch;
pub use component::{Component, Package};
pub use error::TriageError;
pub use evidence::{Certainty, Code, LogEvidence, Moment, Observation, Position};
pub use judge::RollbackClass;
pub use knowledge::{
    Actors, Boot, Knowledge, KnowledgeError, OldId, Risk, Rule, RuleKind, RuleStatus, RuleSummary,
};
pub use language::{Language, Text};
pub use report::{
    FailureReport, FindingReport, Format, Origin, Paint, Report, SCHEMA_VERSION, printable, printable_lines,
};
pub use triage::{ResolvedFailure, Triage, TriageOptions, triage, triage_with_logs};

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
