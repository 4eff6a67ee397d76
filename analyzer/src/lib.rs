//! Finds out from a Process Monitor boot log whether a Windows update was rolled back, what failed, and why.
//!
//! Three calls: [`Knowledge::embedded`] reads the rules, [`triage()`] analyzes a capture, [`Report::new`] puts the
//! outcome into words, English or Chinese.
//!
//! ```
//! use pml_analyzer::{Knowledge, Language, Origin, Report, TriageOptions, triage};
//! use pml_parser::{Log, LogSet, NoProgress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/logs/missing-payload");
//! let read = |name: &str| std::fs::read(format!("{folder}/{name}"));
//! let parts = vec![Log::parse(read("Bootlog.pml")?)?, Log::parse(read("Bootlog-1.pml")?)?];
//! let set = LogSet::new(parts);
//! let knowledge = Knowledge::embedded().map_err(|mistakes| mistakes[0].clone())?;
//! let triage = triage(&set, &knowledge, TriageOptions::default(), &NoProgress)?;
//! let report = Report::new(&set, &triage, &knowledge, &Origin::default(), Language::En);
//! assert!(report.headline.starts_with("The update was rolled back."));
//! for finding in &report.findings {
//!     println!("{}. {}: {}", finding.rank, finding.title, finding.path);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! * A [`Report`] is data: `serde_json` writes it (`docs/triage.md` describes the keys), and
//!   [`Report::render`] makes text, Markdown or HTML of it.
//! * What the analysis judges by is data too. [`Knowledge::with`] takes custom files: other rules, or
//!   other weights and texts.
//! * [`triage_with_logs`] also takes what logs beside the capture show: their lines make facts, and reports
//!   cite them.
//! * With the feature `bundle`, the module of that name finds captures in folders and in the zip files of
//!   collectors; with `tables`, the module of that name makes Arrow tables of failures and findings.
//!
//! Data flows one way: one pass over the events gives facts and failures; facts give phases and signals; those
//! decide whether there was a rollback; rules find causes.
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
pub mod logs;
mod report;
#[cfg(feature = "bundle")]
pub mod survey;
mod triage;

pub use component::{Component, Package};
pub use error::TriageError;
pub use evidence::{Certainty, Code, LogEvidence, Moment, Observation, Position};
pub use judge::{NearMiss, RollbackClass, Silence};
pub use knowledge::{
    Actors, Boot, Knowledge, KnowledgeError, OldId, Risk, Rule, RuleKind, RuleStatus, RuleSummary,
};
pub use language::{Language, Text};
pub use report::case;
pub use report::fleet;
#[cfg(feature = "tables")]
pub use report::tables;
#[cfg(feature = "tables")]
pub use report::verdicts;
pub use report::{
    FailureReport, FindingReport, Format, Letter, Origin, Paint, Redactor, Report, SCHEMA_VERSION, Screen,
    printable, printable_lines,
};
pub use triage::{ResolvedFailure, Triage, TriageOptions, triage, triage_with_logs};

/// The README, whose example is compiled.
#[cfg(all(doctest, feature = "bundle"))]
#[doc = include_str!("../README.md")]
struct Readme;
