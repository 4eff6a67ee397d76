//! From the inputs of a case to all that there is to say about it.

use crate::boot::{EventContext, Processes, Scan, scan};
use crate::error::TriageError;
use crate::evidence::{Citation, LogEvidence, Observation};
use crate::facts::{self, Facts, Lost};
use crate::judge::{self, Established, Silence, Verdict, judge};
use crate::knowledge::Knowledge;
use pml_parser::{Damage, EventId, LogSet, Progress};

/// How a capture is analyzed.
#[derive(Clone, Copy, Debug, Default)]
pub struct TriageOptions {
    /// Threads that scan; 0 is 1. The outcome does not depend on it.
    pub threads: usize,
    /// Whether parts of the capture are known to be missing.
    pub parts_missing: bool,
}

/// What there is to say about a case; [`Report`](crate::Report) says it.
#[derive(Debug)]
pub struct Triage {
    processes: Processes,
    scan: Scan,
    facts: Facts,
    verdict: Verdict,
    logs: Vec<LogEvidence>,
}

/// A failure that was resolved later, by its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedFailure {
    /// The first failure of the group.
    pub first: EventId,
    /// The last failure of the group.
    pub last: EventId,
    /// The success that came after it.
    pub success: EventId,
}

impl Triage {
    /// Failures that were resolved. Without the success, a smaller log would show another course of events.
    pub fn resolved_failures(&self) -> impl Iterator<Item = ResolvedFailure> {
        self.verdict.failures().iter().filter_map(|failure| {
            let group = &failure.group;
            Some(ResolvedFailure { first: group.first, last: group.last, success: group.resolved_by? })
        })
    }

    /// Events that could not be read.
    pub fn damage(&self) -> &Damage {
        self.scan.damage()
    }

    /// Why a rule has no finding and no note; `None` where it has one, or where there is no such rule. Capture and
    /// knowledge are those of the analysis. Reads the events of failures again.
    pub fn why_silent<B: AsRef<[u8]>>(
        &self,
        set: &LogSet<B>,
        knowledge: &Knowledge,
        rule: &str,
    ) -> Option<Silence> {
        let context = EventContext::new(set, knowledge, &self.processes);
        judge::silence(&context, &self.scan, &self.facts, &self.verdict, rule)
    }

    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    pub(crate) fn scan(&self) -> &Scan {
        &self.scan
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    pub(crate) fn established(&self) -> Established<'_> {
        self.verdict.established(&self.facts)
    }

    /// The log that a citation is of, and the observation at that place; `None` for one of the capture.
    pub(crate) fn observation(&self, citation: Citation) -> Option<(&LogEvidence, &Observation)> {
        let log = self.logs.get(citation.source.log_position()?)?;
        let observation = log.observations.iter().find(|seen| seen.position == citation.position)?;
        Some((log, observation))
    }
}

/// Analyzes a capture.
///
/// # Errors
/// When the caller cancels, or the records of the capture overlap so that reading them takes many times the
/// size of the log.
pub fn triage<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    knowledge: &Knowledge,
    options: TriageOptions,
    progress: &dyn Progress,
) -> Result<Triage, TriageError> {
    triage_with_logs(set, Vec::new(), knowledge, options, progress)
}

/// Analyzes a capture together with what the logs beside it show.
///
/// # Errors
/// As [`triage`].
pub fn triage_with_logs<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    logs: Vec<LogEvidence>,
    knowledge: &Knowledge,
    options: TriageOptions,
    progress: &dyn Progress,
) -> Result<Triage, TriageError> {
    let processes = Processes::new(set, &knowledge.actors);
    let scan = scan(set, knowledge, &processes, options.threads, progress)?;
    let context = EventContext::new(set, knowledge, &processes);
    let records = !scan.damage().is_empty() || !set.table_damage().is_empty();
    let lost = Lost { parts: options.parts_missing, records };
    let facts = facts::derive(&context, &scan, &logs, lost);
    let verdict = judge(&context, &scan, &facts);
    Ok(Triage { processes, scan, facts, verdict, logs })
}
