//! Writes the slice of events that proves the verdict.

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::slice;
use crate::status::say;
use indicatif::{HumanBytes, HumanCount};
use pml_analyzer::{Report, Triage};
use pml_parser::{Filter, Opened, Operation};
use std::path::Path;

/// Events on either side of a cited one that are written too, of any process.
const AROUND: u64 = 40;

/// Writes the events that a report cites, those around them, and the starts and ends of processes.
pub(super) fn write(
    path: &Path,
    capture: &Opened,
    triage: &Triage,
    report: &Report,
    run: &RunArgs,
) -> Result<(), Failure> {
    let cited = report.cited_events();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for event in cited {
        let (from, to) = (event.saturating_sub(AROUND), event.saturating_add(AROUND));
        match ranges.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    let inside = |event: u64| {
        let at = ranges.partition_point(|range| range.1 < event);
        ranges.get(at).is_some_and(|range| range.0 <= event)
    };
    let resolved = triage.resolved_failures().filter(|failure| inside(failure.first) || inside(failure.last));
    let later = resolved.map(|failure| failure.success..=failure.success);
    let cited = ranges.iter().map(|&(from, to)| from..=to).chain(later);
    let filter = Filter::event_ids(cited).or(Filter::operations([
        Operation::PROCESS_START,
        Operation::PROCESS_EXIT,
        Operation::PROCESS_CREATE,
        Operation::PROCESS_DEFINED,
    ]));
    let (counts, size) = slice::write(path, capture, Some(filter), run)?;
    if !run.quiet {
        say(&format!(
            "evidence: {} events, {} written to {}",
            HumanCount(counts.kept),
            HumanBytes(size),
            path.display()
        ));
    }
    Ok(())
}
