//! Writes to the logs of servicing, one right after the other by one thread: what a program writes when something
//! matters to it.

use super::processes::ProcessId;
use pml_parser::{EventId, FileTime};

/// Writes to a log with nearly no time between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogRun {
    pub process: ProcessId,
    pub tid: u32,
    /// The first write.
    pub first: EventId,
    /// The last write.
    pub last: EventId,
    /// When the first write was.
    pub first_time: FileTime,
    /// When the last write was.
    pub last_time: FileTime,
    /// How many writes.
    pub writes: u32,
}

/// The runs of a range, or of the whole capture, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(super) struct LogRuns {
    runs: Vec<LogRun>,
}

/// Runs that are kept.
const MOST_RUNS: usize = 20_000;
/// Threads write at the same time: a write continues one of the last few runs.
const OPEN_RUNS: usize = 8;

impl LogRuns {
    /// Adds a run of one write or, where ranges are put together, of several; it continues a run of its thread
    /// that ended at most `gap` before it, in 100 ns.
    pub(super) fn push(&mut self, run: LogRun, gap: u64) {
        let continued = self.runs.iter_mut().rev().take(OPEN_RUNS).find(|known| {
            known.tid == run.tid
                && known.process == run.process
                && run.first_time.0.saturating_sub(known.last_time.0) <= gap
        });
        if let Some(known) = continued {
            (known.last, known.last_time) = (run.last, run.last_time);
            known.writes = known.writes.saturating_add(run.writes);
        } else if self.runs.len() < MOST_RUNS {
            self.runs.push(run);
        }
    }

    /// Adds the runs of a later range.
    pub(super) fn merge(&mut self, later: Self, gap: u64) {
        later.runs.into_iter().for_each(|run| self.push(run, gap));
    }

    pub(super) fn all(&self) -> &[LogRun] {
        &self.runs
    }
}
