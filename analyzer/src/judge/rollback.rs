//! Whether the update was rolled back, and the signals that say so.

use crate::evidence::Citation;
use pml_parser::EventId;
use serde::Serialize;

/// How sure it is that the update was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackClass {
    /// Nothing points to it, or too little.
    None,
    /// It may be.
    Possible,
    /// It is likely.
    Probable,
    /// It is certain.
    Confirmed,
}

/// A signal that is there.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    /// Position in the table of signals.
    pub entry: usize,
    /// How often it was seen.
    pub count: u64,
    /// Some of the places.
    pub citations: Vec<Citation>,
}

/// Whether there was a rollback.
#[derive(Clone, Debug)]
pub(crate) struct Rollback {
    pub class: RollbackClass,
    /// 0 to 1.
    pub confidence: f64,
    pub signals: Vec<Signal>,
    /// The first event of those that prove it.
    pub begins: Option<EventId>,
}
