//! Says from a Process Monitor boot log whether a Windows update was rolled back, what failed, and why.
//!
//! Data flows one way: one pass over the events gives facts and failures ([`triage`]), facts give
//! phases and signals, those decide whether there was a rollback, rules find causes, and a
//! [`Report`] says it all in English or Chinese. What is judged by is data ([`Knowledge`]).
//!
//! ```
//! use pml_analyzer::{Knowledge, Language, Origin, Report, TriageOptions, triage};
//! use pml_parser::NoProgress;
//!
//! # fn look(set: &pml_parser::LogSet<Vec<u8>>) -> Result<(), Box<dyn std::error::Error>> {
//! let knowledge = Knowledge::embedded().map_err(|errors| errors[0].clone())?;
//! if let Ok(triage) = triage(set, &knowledge, TriageOptions::default(), &NoProgress) {
//!     let report = Report::new(set, &triage, &knowledge, &Origin::default(), Language::En);
//!     println!("{}", report.headline);
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod boot;
#[cfg(feature = "bundle")]
pub mod bundle;
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

pub use component::{Component, Package};
pub use error::TriageError;
pub use evidence::{Certainty, Code, LogEvidence, Moment, Observation, Position};
pub use judge::RollbackClass;
pub use knowledge::{
    Actors, Boot, Knowledge, KnowledgeError, OldId, Risk, Rule, RuleKind, RuleStatus, RuleSummary,
};
pub use language::{Language, Text};
#[cfg(feature = "tables")]
pub use report::tables;
pub use report::{
    FailureReport, FindingReport, Format, Origin, Paint, Report, SCHEMA_VERSION, printable, printable_lines,
};
pub use triage::{ResolvedFailure, Triage, TriageOptions, triage, triage_with_logs};
