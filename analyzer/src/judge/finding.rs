//! A cause, or something else worth knowing, that a rule names.

use super::failure::{Failure, Reason};
use super::holders::Holder;
use crate::evidence::Citation;

/// What a rule that holds names.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Position in the list of rules.
    pub rule: usize,
    /// Positions in the list of failures, the main one first.
    pub failures: Vec<usize>,
    /// What else shows it: the main one first where there is no failure.
    pub cited: Vec<Cited>,
    pub reasons: Vec<Reason>,
    /// 0 to 1.
    pub confidence: f64,
    /// Evidence of the rule that was looked for and is not there.
    pub missing: Vec<usize>,
    pub holders: Vec<Holder>,
    /// How often it and failures like it happened, where they are one fact.
    pub similar: u64,
    /// What followed from it: positions in the list of failures.
    pub consequences: Vec<usize>,
}

/// A citation with the reason for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cited {
    pub citation: Citation,
    /// Position in the evidence of the rule, if it is that.
    pub evidence: Option<usize>,
}

impl Finding {
    /// A finding of a rule, with nothing to show it yet.
    pub(super) fn new(rule: usize, reasons: Vec<Reason>) -> Self {
        Self {
            rule,
            failures: Vec::new(),
            cited: Vec::new(),
            reasons,
            confidence: 0.0,
            missing: Vec::new(),
            holders: Vec::new(),
            similar: 0,
            consequences: Vec::new(),
        }
    }

    /// Sum of the points.
    pub(crate) fn score(&self) -> f64 {
        self.reasons.iter().map(|reason| reason.points).sum()
    }

    /// What it is about: the main failure, or the first citation.
    pub(crate) fn main(&self, failures: &[Failure]) -> Option<Citation> {
        let failure = self.failures.first().and_then(|&at| failures.get(at));
        failure
            .map(|failure| Citation::event(failure.group.first))
            .or(self.cited.first().map(|cited| cited.citation))
    }
}
