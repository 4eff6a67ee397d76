//! Runs the one pass over the events: makes the `Plan`, collects ranges in parallel, each with a `Collector`, and
//! merges their `Scan`s in order, so that "later" means the same for any number of threads.

use super::collect::Collector;
use super::plan::Plan;
use super::processes::Processes;
use super::scan::Scan;
use crate::error::TriageError;
use crate::knowledge::Knowledge;
use pml_parser::parallel::in_order;
use pml_parser::{Budget, Damage, EventRange, FileTime, Limits, LogSet, Progress};

/// Events and bytes of records that are collected together.
const RANGE_EVENTS: u32 = 32_768;
const RANGE_BYTES: u64 = 64 << 20;

/// Scans a capture.
pub(crate) fn scan<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    knowledge: &Knowledge,
    processes: &Processes,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Scan, TriageError> {
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let plan = Plan::new(knowledge, processes, first);
    let budget = Budget::new(set, Limits::default());
    let collect = |range: EventRange| {
        let (mut collector, mut damage) = (Collector::new(&plan), Damage::default());
        let (mut end, mut meter) = (0, budget.meter());
        for (position, event) in range.events().zip(set.events_in(&range)) {
            if position.is_multiple_of(1_024) && progress.is_cancelled() {
                return Err(TriageError::Cancelled);
            }
            match event {
                Ok(event) => {
                    meter.event(&event).map_err(TriageError::TooMuchWork)?;
                    end = event.offset();
                    collector.push(&event);
                }
                Err(error) => damage.push(error),
            }
        }
        meter.finish().map_err(TriageError::TooMuchWork)?;
        let mut scan = collector.finish();
        (scan.events, scan.damage) = (range.events().len() as u64, damage);
        let before: u64 = set.parts().take(usize::from(range.part())).map(|log| log.size()).sum();
        Ok((scan, before + end))
    };
    let mut whole = Scan::new(knowledge.markers.len());
    let outcome = in_order(threads, set.ranges(RANGE_EVENTS, RANGE_BYTES), collect, |(range, bytes)| {
        whole.merge(range, &plan);
        progress.advance(whole.events, bytes);
        Ok(())
    });
    outcome.map(|()| whole)
}
