//! The small tables of a capture as record batches in memory: processes, modules, stacks, frames and the capture.

use super::range_size::BATCHES;
use super::stack_tables::{StackSink, StackTables};
use super::{Provenance, RangeDecoder, TableOptions, WriteError};
use crate::arrow::events::EventCounts;
use crate::arrow::schema::EventColumnSet;
use crate::arrow::tables;
use crate::budget::Budget;
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Collects batches, whose text is counted.
fn collect<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    export: &TableOptions,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Vec<RecordBatch>, WriteError> {
    let budget = Budget::new(set, export.scan.limits);
    let counted = batches.map(|batch| {
        let batch = batch?;
        budget.written(batch.get_array_memory_size())?;
        Ok(batch)
    });
    counted.collect()
}

/// The table of processes.
///
/// # Errors
/// When the capture exceeds its limits.
pub fn processes<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    export: &TableOptions,
) -> Result<Vec<RecordBatch>, WriteError> {
    collect(set, export, tables::processes(set, &export.labels(set)))
}

/// The table of modules.
///
/// # Errors
/// When the capture exceeds its limits.
pub fn modules<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    export: &TableOptions,
) -> Result<Vec<RecordBatch>, WriteError> {
    collect(set, export, tables::modules(set, &export.labels(set)))
}

/// The table of the capture. Its columns about damaged events are those of `counts`, which a reading of the events
/// gives.
///
/// # Errors
/// Never, unless Arrow refuses a column.
pub fn capture<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    export: &TableOptions,
    facts: &Provenance,
    counts: &EventCounts,
) -> Result<RecordBatch, WriteError> {
    Ok(tables::capture(set, &export.labels(set), facts, counts)?)
}

/// Stacks and frames.
#[derive(Clone, Debug, Default)]
pub struct StacksAndFrames {
    /// The table of stacks.
    pub stacks: Vec<RecordBatch>,
    /// The table of frames.
    pub frames: Vec<RecordBatch>,
}

impl StackSink for StacksAndFrames {
    const WANTED: bool = true;

    fn stacks(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.stacks.push(batch.clone());
        Ok(())
    }

    fn frames(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.frames.push(batch.clone());
        Ok(())
    }
}

/// The tables of stacks and frames, for which all events of `export` are read once. Their numbers are those of `stack_id`
/// in the events of the same export.
///
/// # Errors
/// When the caller cancels, or the capture exceeds its limits.
pub fn stacks_and_frames<B>(
    set: &LogSet<B>,
    export: &TableOptions,
    progress: &dyn Progress,
) -> Result<StacksAndFrames, WriteError>
where
    B: AsRef<[u8]> + Sync,
{
    let columns = EventColumnSet::named(["stack_id"]).unwrap_or_default();
    let export = &TableOptions { columns, ..export.clone() };
    let (labels, budget) = (export.labels(set), Budget::new(set, export.scan.limits));
    let symbols = export.scan.symbols.as_ref();
    let mut tables = StackTables::new(StacksAndFrames::default(), &budget, &labels).with_symbols(symbols);
    let decoder = RangeDecoder::new(set, export, &labels, &budget, progress);
    let decode = |range: EventRange| {
        let found = decoder.decode(&range, |_, _| Ok(()))?.1;
        Ok::<_, WriteError>(found)
    };
    in_order(export.scan.threads, BATCHES.of(set), decode, |found| tables.number(set, &found).map(drop))?;
    tables.finish()
}
