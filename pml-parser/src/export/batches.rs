//! The events table as Arrow record batches, for whoever goes on in Arrow.

use super::stack_tables::StackTables;
use super::{RangeDecoder, TableExport, WriteError, progress};
use crate::arrow::events::{EventCounts, EventRows};
use crate::budget::Budget;
use crate::columns::Source;
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Events and bytes of records that one thread decodes at a time.
pub(super) const RANGE_EVENTS: u32 = 65_536;
pub(super) const RANGE_BYTES: u64 = 64 << 20;

/// Reads the events table, batch by batch in the order of the log. At most `threads + 2` ranges are
/// held at a time, of at most 65,536 events.
///
/// # Errors
/// When `take` fails, the monitor stops it, or the capture exceeds its limits.
pub fn read_batches<B>(
    set: &LogSet<B>,
    export: &TableExport,
    monitor: &dyn Progress,
    mut take: impl FnMut(RecordBatch) -> Result<(), WriteError>,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
{
    let schema = export.columns.schema();
    let wants_stacks = export.columns.has(Source::StackId);
    let mut counts = EventCounts::new(export.columns.has(Source::Detail));
    let budget = Budget::new(set, export.work.limits);
    let mut stacks = StackTables::new((), &budget);
    let decoder = RangeDecoder::new(set, export, &budget, monitor);
    let decode = |range: EventRange| {
        let mut batches = Vec::new();
        let (counts, stacks) = decoder.decode(&range, |rows, meter| {
            meter.text(rows.text)?;
            batches.push(rows);
            Ok(())
        })?;
        Ok::<_, WriteError>((range, batches, counts, stacks))
    };
    let ranges = set.ranges(RANGE_EVENTS, RANGE_BYTES);
    in_order(export.work.threads, ranges, decode, |(range, batches, found, found_stacks)| {
        counts.merge(&found);
        let ids = stacks.number(set, &found_stacks)?;
        for EventRows { rows, mut batch, stack_ids, .. } in batches {
            if rows == 0 {
                continue;
            }
            if wants_stacks {
                batch.push(StackTables::<()>::rows(&ids, &stack_ids));
            }
            take(RecordBatch::try_new(Arc::clone(&schema), batch)?)?;
        }
        let (events, bytes) = progress(set, &range);
        monitor.advance(events, bytes);
        Ok(())
    })?;
    Ok(counts)
}
