//! Writes a capture to files: Parquet, Arrow IPC, JSON Lines, CSV, XML, and smaller logs.
//!
//! All writers work alike. Ranges of events are decoded and encoded in parallel. The calling thread then does
//! the work that needs the order of events: it numbers stacks and writes. The bytes written depend only on
//! the log and the options, never on the number of threads.

pub mod batches;
pub mod column_encoder;
pub mod csv;
mod current_modules;
mod encoder;
pub mod frames;
pub mod ipc;
pub mod jsonl;
pub mod parquet;
pub mod range_size;
pub mod slice;
pub mod small_tables;
mod stack_tables;
mod text;
pub mod xml;

use crate::arrow::column::{Texts, Utf8Column};
use crate::arrow::events::{BATCH_ROWS, EventColumns, EventCounts, EventRows};
use crate::arrow::labels::Labels;
use crate::arrow::schema::EventColumnSet;
use crate::arrow::stacks::{FoundStacks, StackFinders};
use crate::arrow::types::Types;
use crate::budget::{Budget, Exceeded, Limits, Meter};
use crate::columns::{Column, Source};
use crate::filter::{Filter, Matcher};
use crate::log::set::{EventRange, LogSet};
use crate::progress::Progress;
use crate::symbols::SharedSymbols;
use crate::time::FileTime;
use ::parquet::errors::ParquetError;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use std::io;

pub use crate::arrow::tables::Provenance;

/// The events to export, and the threads and limits of the work.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Number of threads that decode and encode; 0 means 1. The output does not depend on it.
    pub threads: usize,
    /// The filter that chooses events; `None` for all events.
    pub filter: Option<Filter>,
    /// How much work the capture may cause. A capture that causes more is refused.
    pub limits: Limits,
    /// Names of the functions on stacks, for the frames table and for XML.
    pub symbols: Option<SharedSymbols>,
}

/// An export of the events table.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// The events to export, and the threads and limits of the work.
    pub scan: ScanOptions,
    /// The columns to export; all by default.
    pub columns: EventColumnSet,
    /// The types of the columns.
    pub types: Types,
    /// The id of the capture, for the column `capture`; `None` for [`capture_id`](crate::arrow::labels::capture_id).
    pub capture: Option<String>,
}

impl TableOptions {
    /// The Arrow schema of the events table.
    pub fn schema(&self) -> SchemaRef {
        self.columns.schema(self.types)
    }

    fn labels<B: AsRef<[u8]>>(&self, set: &LogSet<B>) -> Labels {
        Labels::new(set, self.types, self.capture.as_deref())
    }
}

impl ScanOptions {
    /// A matcher for the events of one range, or `None` without a filter.
    fn matcher<B: AsRef<[u8]>>(&self, set: &LogSet<B>) -> Option<Matcher<'_>> {
        let filter = self.filter.as_ref()?;
        Some(filter.matcher(set.time_span().map_or(FileTime(0), |span| span.0)))
    }
}

/// Why an export could not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// Writing failed, or the capture exceeds its limits (the inner error is an [`Exceeded`]).
    Io(io::Error),
    /// Encoding as Parquet failed.
    Parquet(ParquetError),
    /// Building or writing a record batch failed.
    Arrow(ArrowError),
    /// The caller cancelled.
    Cancelled,
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(e) => e.fmt(f),
            Self::Parquet(e) => e.fmt(f),
            Self::Arrow(e) => e.fmt(f),
            Self::Cancelled => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(e) => Some(e),
            Self::Parquet(e) => Some(e),
            Self::Arrow(e) => Some(e),
            Self::Cancelled => None,
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Exceeded> for WriteError {
    fn from(exceeded: Exceeded) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::InvalidData, exceeded))
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            // The Parquet writer boxes an I/O error: take it out of the box.
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => Self::Io(*io),
                Err(other) => Self::Parquet(ParquetError::External(other)),
            },
            other => Self::Parquet(other),
        }
    }
}

impl From<WriteError> for ArrowError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Arrow(error) => error,
            other => Self::ExternalError(Box::new(other)),
        }
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, io) => Self::Io(io),
            other => Self::Arrow(other),
        }
    }
}

/// Number of events, and of bytes of the files, up to the end of a range.
pub(crate) fn position_after<B: AsRef<[u8]>>(set: &LogSet<B>, range: &EventRange) -> (u64, u64) {
    let Some(log) = set.part(range.part()) else { return (0, 0) };
    let end = range.events().end;
    let before: u64 = set.parts().take(usize::from(range.part())).map(|log| log.size()).sum();
    let within = log.event_offset(end).unwrap_or(log.size());
    (log.first_event_id() + u64::from(end), before + within)
}

/// Decodes ranges of events into rows of the events table, on any thread.
struct RangeDecoder<'a, B> {
    set: &'a LogSet<B>,
    export: &'a TableOptions,
    labels: &'a Labels,
    progress: &'a dyn Progress,
    budget: &'a Budget,
    finders: StackFinders<'a>,
}

impl<'a, B: AsRef<[u8]>> RangeDecoder<'a, B> {
    fn new(
        set: &'a LogSet<B>,
        export: &'a TableOptions,
        labels: &'a Labels,
        budget: &'a Budget,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { set, export, labels, progress, budget, finders: StackFinders::default() }
    }

    /// Decodes a range and passes its rows to `take`, batch by batch. `take` must count their text.
    fn decode(
        &self,
        range: &EventRange,
        mut take: impl FnMut(EventRows, &mut Meter<'_>) -> Result<(), WriteError>,
    ) -> Result<(EventCounts, FoundStacks), WriteError> {
        let texts = |_| Some(Utf8Column::default());
        let room = range.events().len().min(BATCH_ROWS);
        self.fill(range, room, texts, |columns, is_last, meter| {
            if is_last || columns.is_full() { take(columns.finish_rows(), meter) } else { Ok(()) }
        })
    }

    /// Fills the columns of a range with its events. `room` is the number of rows that columns have room for at the
    /// beginning; `texts` begins a column of texts. `after` is called after each
    /// event and, with `true`, at the end. It must count the text.
    fn fill<T: Texts + 'static>(
        &self,
        range: &EventRange,
        room: usize,
        texts: impl Fn(&'static Column) -> Option<T>,
        mut after: impl FnMut(&mut EventColumns<'a, '_, T>, bool, &mut Meter<'_>) -> Result<(), WriteError>,
    ) -> Result<(EventCounts, FoundStacks), WriteError> {
        let log = self.set.part(range.part()).ok_or_else(|| io::Error::other("a range of another set"))?;
        let mut matcher = self.export.scan.matcher(self.set);
        let mut meter = self.budget.meter();
        let finder = self.finders.borrow(log);
        let mut columns = EventColumns::new(log, &self.export.columns, self.labels, finder, room, texts);
        // With stacks, whole records are read in sequence, which the hardware prefetches. Without stacks,
        // only parts of records are read, and the iterator prefetches them.
        let whole = self.export.columns.has(Source::StackId);
        let mut ahead = log.events(range.events());
        for position in range.events() {
            stop_if_cancelled(self.progress, position)?;
            let Some(event) = (if whole { Some(log.event(position)) } else { ahead.next() }) else { break };
            match event {
                Ok(event) => {
                    meter.event(&event)?;
                    if matcher.as_mut().is_none_or(|matcher| matcher.matches(&event)) {
                        columns.push(&event);
                    } else {
                        columns.counts().filtered += 1;
                    }
                }
                Err(error) => columns.counts().damage.push(error),
            }
            after(&mut columns, false, &mut meter)?;
        }
        after(&mut columns, true, &mut meter)?;
        meter.finish()?;
        let (counts, mut finder) = columns.into_parts();
        let found = finder.finish_range();
        self.finders.give_back(finder);
        Ok((counts, found))
    }
}

/// Ends the work of a range if the caller cancelled; asks once in 256 events.
fn stop_if_cancelled(progress: &dyn Progress, event: u32) -> Result<(), WriteError> {
    const EVERY: u32 = 256;
    if event.is_multiple_of(EVERY) && progress.is_cancelled() { Err(WriteError::Cancelled) } else { Ok(()) }
}
