//! Every distinct frame of a capture, for symbols to be looked up all at once.

use super::range_size::BATCHES;
use super::stack_tables::{StackSink, StackTables};
use super::{RangeDecoder, ScanOptions, TableOptions, WriteError, position_after};
use crate::arrow::events::EventCounts;
use crate::arrow::schema::EventColumnSet;
use crate::budget::Budget;
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use crate::symbols::Symbols;
use arrow::record_batch::RecordBatch;

/// Receives rows of stacks and frames, and drops them: what matters is that each is made.
struct Asked;

impl StackSink for Asked {
    const WANTED: bool = true;

    fn stacks(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }

    fn frames(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }
}

/// Asks `symbols` for each distinct frame of the events, on the calling thread: a module and an offset in it, once or a
/// few times.
///
/// # Errors
/// When the caller cancels, or the capture exceeds its limits.
pub fn ask<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    scan: &ScanOptions,
    symbols: &impl Symbols,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError> {
    let columns = EventColumnSet::named(["stack_id"]).unwrap_or_default();
    let export = TableOptions { scan: scan.clone(), columns, ..TableOptions::default() };
    let labels = export.labels(set);
    let mut counts = EventCounts::new(false);
    let budget = Budget::new(set, scan.limits);
    let mut stacks = StackTables::new(Asked, &budget, &labels).with_symbols(Some(symbols));
    let decoder = RangeDecoder::new(set, &export, &labels, &budget, progress);
    let decode = |range: EventRange| {
        let (counts, stacks) = decoder.decode(&range, |_, _| Ok(()))?;
        Ok::<_, WriteError>((range, counts, stacks))
    };
    in_order(scan.threads, BATCHES.of(set), decode, |(range, found, found_stacks)| {
        counts.merge(&found);
        stacks.number(set, &found_stacks)?;
        let (events, bytes) = position_after(set, &range);
        progress.advance(events, bytes);
        Ok::<_, WriteError>(())
    })?;
    stacks.finish()?;
    Ok(counts)
}
