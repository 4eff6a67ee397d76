//! Lines that a thread wrote to a log of servicing one after the other, without doing anything else in between: an error
//! is several lines. How fast they come says less: a slow disk or a busy machine draws them apart.

use super::suspects::only_ends;
use crate::boot::{EventContext, LogRun, Scan};
use pml_parser::{Operation, Ticks};

/// The longest pause between two such lines.
const LONGEST_PAUSE: Ticks = Ticks(500_000);
/// Events between two lines, and between all of them, that are read at most.
const MOST_BETWEEN: u64 = 5_000;
const MOST_IN_ALL: u64 = 200_000;
/// Runs back that a line may continue: several threads write at the same time.
const OPEN_RUNS: usize = 8;

/// The runs of the scan, put together where nothing of the thread lies between.
pub(super) fn runs<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan) -> Vec<LogRun> {
    let mut left = MOST_IN_ALL;
    let mut runs: Vec<LogRun> = Vec::with_capacity(scan.log_runs().len());
    for run in scan.log_runs() {
        let of_thread = |known: &&mut LogRun| known.tid == run.tid && known.process == run.process;
        let before = runs.iter_mut().rev().take(OPEN_RUNS).find(of_thread);
        match before.filter(|before| is_continued(context, before, run, &mut left)) {
            Some(before) => {
                (before.last, before.last_time) = (run.last, run.last_time);
                before.writes = before.writes.saturating_add(run.writes);
            }
            None => runs.push(*run),
        }
    }
    runs
}

/// Whether a thread did nothing between two runs.
fn is_continued<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    before: &LogRun,
    run: &LogRun,
    left: &mut u64,
) -> bool {
    let between = run.first.saturating_sub(before.last);
    if run.first_time.0.saturating_sub(before.last_time.0) > LONGEST_PAUSE.0
        || between > MOST_BETWEEN.min(*left)
    {
        return false;
    }
    *left -= between;
    (before.last.saturating_add(1)..run.first).filter_map(|id| context.event(id)).all(|event| {
        event.tid() != run.tid
            || context.processes.of(&event) != run.process
            || only_ends(&event)
            // Opening and extending the log is part of writing to it.
            || event.operation() == Operation::FLUSH_BUFFERS_FILE
    })
}
