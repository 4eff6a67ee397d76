//! The events table as Arrow record batches: from an iterator, passed to a function, or range by range for a caller that has
//! threads.

use super::range_size::{BATCHES, SMALL_BATCHES};
use super::stack_tables::StackTables;
use super::{RangeDecoder, TableOptions, WriteError, position_after};
use crate::arrow::events::{EventCounts, EventRows};
use crate::arrow::labels::Labels;
use crate::budget::Budget;
use crate::columns::Source;
use crate::log::set::{EventRange, LogSet};
use crate::parallel::{Ahead, in_order};
use crate::progress::Progress;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The events table of a capture, as an iterator of record batches in the order of the log.
///
/// The iterator owns the capture, so DataFusion, a C data stream or a language binding can hold it. Ranges of
/// events are decoded in parallel before they are needed. At most `threads + 2` ranges of at most 65,536
/// events, and two batches, are in memory. The batches depend only on the capture and the options.
///
/// ```
/// # fn count(bytes: Vec<u8>) -> Result<usize, Box<dyn std::error::Error>> {
/// use pml_parser::arrow::schema::EventColumnSet;
/// use pml_parser::export::batches::EventBatches;
/// use pml_parser::export::{TableOptions, ScanOptions};
/// use pml_parser::{Filter, Log, LogSet};
/// use std::sync::Arc;
///
/// let set = Arc::new(LogSet::new(vec![Log::parse(bytes)?]));
/// let columns = EventColumnSet::named(["time", "path", "result"]).map_err(str::to_owned)?;
/// let scan = ScanOptions { threads: 4, filter: Some(Filter::parse("result = error")?), ..ScanOptions::default() };
/// let mut rows = 0;
/// for batch in EventBatches::new(set, TableOptions { scan, columns, ..TableOptions::default() })? {
///     rows += batch?.num_rows();
/// }
/// # Ok(rows)
/// # }
/// ```
pub struct EventBatches {
    schema: SchemaRef,
    batches: Ahead<RecordBatch, Result<EventCounts, WriteError>>,
    is_dropped: Arc<AtomicBool>,
    counts: Option<EventCounts>,
    is_done: bool,
}

/// Cancels the work when the reader is dropped.
struct UntilDropped(Arc<AtomicBool>);

impl Progress for UntilDropped {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl EventBatches {
    /// Starts to read a capture on another thread.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn new<B>(set: Arc<LogSet<B>>, export: TableOptions) -> std::io::Result<Self>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        Self::of(set, |set| set, export)
    }

    /// The same of a capture that belongs to something else, such as an opened one.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn of<H, B>(
        holder: H,
        set: impl Fn(&H) -> &LogSet<B> + Send + 'static,
        export: TableOptions,
    ) -> std::io::Result<Self>
    where
        H: Send + 'static,
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        Self::share_of(holder, set, export, Share::default())
    }

    /// The same of a share of the events.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn share_of<H, B>(
        holder: H,
        set: impl Fn(&H) -> &LogSet<B> + Send + 'static,
        export: TableOptions,
        share: Share,
    ) -> std::io::Result<Self>
    where
        H: Send + 'static,
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let schema = export.schema();
        let is_dropped = Arc::new(AtomicBool::new(false));
        let progress = UntilDropped(Arc::clone(&is_dropped));
        let batches = Ahead::new(1, move |hand_over| {
            read_share(set(&holder), &export, share, &progress, |batch| {
                hand_over(batch).map_err(|_| WriteError::Cancelled)
            })
        })?;
        Ok(Self { schema, batches, is_dropped, counts: None, is_done: false })
    }

    /// The numbers of events, and the damage. `None` until the iterator has ended without an error.
    pub fn counts(&self) -> Option<&EventCounts> {
        self.counts.as_ref()
    }
}

impl Iterator for EventBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        if let Some(batch) = self.batches.next() {
            return Some(Ok(batch));
        }
        self.is_done = true;
        match self.batches.finish()? {
            Ok(counts) => {
                self.counts = Some(counts);
                None
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl RecordBatchReader for EventBatches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for EventBatches {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
        // No thread outlives its reader.
        self.batches.abandon();
    }
}

/// Reads the events table and passes its batches to `take`, in the order of the log, on the calling thread.
/// At most `threads + 2` ranges of at most 65,536 events are in memory. [`EventBatches`] runs this function
/// on another thread. Where a function can be passed, this one is simpler and as fast (benches/RESULTS.md).
///
/// # Errors
/// When `take` fails, the caller cancels, or the capture exceeds its limits.
pub fn read_batches<B>(
    set: &LogSet<B>,
    export: &TableOptions,
    progress: &dyn Progress,
    take: impl FnMut(RecordBatch) -> Result<(), WriteError>,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
{
    read_share(set, export, Share::default(), progress, take)
}

/// A share of the events of a capture, so that several machines can read one. Which events it has depends only on the
/// capture and these numbers; all shares together have every event once. The column `stack_id` has the numbers of the whole
/// capture only in the whole: leave it out of other shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which share, from 0.
    pub number: u32,
    /// How many there are; 0 means 1.
    pub of: u32,
}

impl Default for Share {
    /// The whole.
    fn default() -> Self {
        Self { number: 0, of: 1 }
    }
}

impl Share {
    fn take(self, ranges: Vec<EventRange>) -> Vec<EventRange> {
        let count = ranges.len() as u64;
        let end = |number: u64| (count * number / u64::from(self.of.max(1))).min(count) as usize;
        let (first, end) = (end(self.number.into()), end(u64::from(self.number) + 1));
        ranges.get(first..end).map(<[_]>::to_vec).unwrap_or_default()
    }
}

/// [`read_batches`] of a share of the events.
///
/// # Errors
/// As [`read_batches`].
pub fn read_share<B>(
    set: &LogSet<B>,
    export: &TableOptions,
    share: Share,
    progress: &dyn Progress,
    mut take: impl FnMut(RecordBatch) -> Result<(), WriteError>,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
{
    let schema = export.schema();
    let wants_stacks = export.columns.has(Source::StackId);
    let mut counts = EventCounts::new(export.columns.has(Source::Detail));
    let budget = Budget::new(set, export.scan.limits);
    let labels = export.labels(set);
    let mut stacks = StackTables::new((), &budget, &labels);
    let decoder = RangeDecoder::new(set, export, &labels, &budget, progress);
    let decode = |range: EventRange| {
        let mut batches = Vec::new();
        let (counts, stacks) = decoder.decode(&range, |rows, meter| {
            meter.text(rows.text)?;
            batches.push(rows);
            Ok(())
        })?;
        Ok::<_, WriteError>((range, batches, counts, stacks))
    };
    let ranges = share.take(BATCHES.of(set).collect());
    in_order(export.scan.threads, ranges.into_iter(), decode, |(range, batches, found, found_stacks)| {
        counts.merge(&found);
        let ids = stacks.number(set, &found_stacks)?;
        for EventRows { rows, mut batch, stack_ids, .. } in batches {
            if rows == 0 {
                continue;
            }
            if wants_stacks {
                batch.push(stacks.rows(&ids, &stack_ids));
            }
            take(RecordBatch::try_new(Arc::clone(&schema), batch)?)?;
        }
        let (events, bytes) = position_after(set, &range);
        progress.advance(events, bytes);
        Ok(())
    })?;
    Ok(counts)
}

/// The events table of a capture range by range, in any order and on any thread: for engines that schedule work on their
/// own threads.
///
/// The ranges are small, so that a reader that wants few rows decodes few. All of them share one budget: the limits are
/// those of the whole capture.
#[derive(Debug)]
pub struct EventRanges {
    schema: SchemaRef,
    export: TableOptions,
    labels: Labels,
    budget: Budget,
}

impl EventRanges {
    /// The table of a capture. `None` where it has the column `stack_id`: stacks are numbered in the order of the log, so
    /// that [`EventBatches`] alone has their numbers.
    pub fn new<B: AsRef<[u8]>>(set: &LogSet<B>, export: TableOptions) -> Option<Self> {
        if export.columns.has(Source::StackId) {
            return None;
        }
        let (schema, labels) = (export.schema(), export.labels(set));
        let budget = Budget::new(set, export.scan.limits);
        Some(Self { schema, export, labels, budget })
    }

    /// The ranges of the capture, in the order of the log.
    pub fn ranges<B: AsRef<[u8]>>(set: &LogSet<B>) -> impl Iterator<Item = EventRange> + '_ {
        SMALL_BATCHES.of(set)
    }

    /// The rows of a range. Events that are damaged, or that the filter does not take, have none.
    ///
    /// # Errors
    /// When the caller cancels, or the capture exceeds its limits.
    pub fn decode<B: AsRef<[u8]>>(
        &self,
        set: &LogSet<B>,
        range: &EventRange,
        progress: &dyn Progress,
    ) -> Result<Vec<RecordBatch>, WriteError> {
        let mut batches = Vec::new();
        let decoder = RangeDecoder::new(set, &self.export, &self.labels, &self.budget, progress);
        decoder.decode(range, |EventRows { rows, batch, text, .. }, meter| {
            meter.text(text)?;
            if rows > 0 {
                batches.push(RecordBatch::try_new(Arc::clone(&self.schema), batch)?);
            }
            Ok(())
        })?;
        Ok(batches)
    }
}
