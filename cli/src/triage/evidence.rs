//! The slice that proves the verdict.

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::slice;
use crate::status::say;
use indicatif::{HumanBytes, HumanCount};
use pml_analyzer::{Report, Triage};
use pml_parser::Filter;
use pml_parser::Opened;
use std::collections::BTreeSet;
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
    let later: BTreeSet<u64> = resolved.map(|failure| failure.success).collect();
    let mut text =
        String::from("operation in ('Process Start', 'Process Exit', 'Process Create', 'Process Defined')");
    for (from, to) in ranges {
        text += &format!(" or event_id between {from} and {to}");
    }
    if !later.is_empty() {
        let list: Vec<String> = later.iter().map(u64::to_string).collect();
        text += &format!(" or event_id in ({})", list.join(", "));
    }
    let filter = Filter::parse(&text).map_err(|e| Failure::new(e.to_string()))?;
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
