//! A capture as files: Parquet, Arrow IPC, JSON Lines, CSV, XML, and smaller logs.
//!
//! All of them work alike: ranges of events are decoded and encoded in parallel, and what has to be
//! in order (numbers of stacks, writing) is done on the calling thread behind them. The bytes
//! written depend on the log and the options alone, never on the number of threads.

pub mod batches;
pub mod column_encoder;
pub mod csv;
mod current_modules;
pub mod ipc;
pub mod jsonl;
pub mod parquet;
pub mod range_size;
pub mod slice;
mod stack_tables;
mod text;
pub mod xml;

use crate::arrow::events::{EventColumns, EventCounts, EventRows};
use crate::arrow::schema::EventColumnSet;
use crate::arrow::stacks::{FoundStacks, StackFinders};
use crate::budget::{Budget, Exceeded, Limits, Meter};
use crate::columns::Source;
use crate::filter::{Filter, Matcher};
use crate::log::set::{EventRange, LogSet};
use crate::progress::Progress;
use crate::time::FileTime;
use ::parquet::errors::ParquetError;
use arrow::error::ArrowError;
use std::io;

pub use crate::arrow::tables::Provenance;

/// Which events are exported, and by how many threads.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Threads that decode and encode; 0 is 1. The output does not depend on it.
    pub threads: usize,
    /// The events to export; all without one.
    pub filter: Option<Filter>,
    /// How much work the capture may make: what a forged one makes beyond is refused.
    pub limits: Limits,
}

/// An export of the events table.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// Which events, by how many threads.
    pub scan: ScanOptions,
    /// Which columns; all by default.
    pub columns: EventColumnSet,
}

impl ScanOptions {
    /// What decides for the events of a range.
    fn matcher<B: AsRef<[u8]>>(&self, set: &LogSet<B>) -> Option<Matcher<'_>> {
        let filter = self.filter.as_ref()?;
        Some(filter.matcher(set.time_span().map_or(FileTime(0), |span| span.0)))
    }
}

/// Why a dataset could not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// Writing failed.
    Io(io::Error),
    /// Encoding failed.
    Parquet(ParquetError),
    /// Building a batch failed.
    Arrow(ArrowError),
    /// The monitor asked to stop.
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
            // An I/O error passes through the writer as an opaque box: bring it back to light.
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

/// Events and bytes of the set up to the end of a range.
pub(crate) fn progress<B: AsRef<[u8]>>(set: &LogSet<B>, range: &EventRange) -> (u64, u64) {
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
    monitor: &'a dyn Progress,
    budget: &'a Budget,
    finders: StackFinders<'a>,
}

impl<'a, B: AsRef<[u8]>> RangeDecoder<'a, B> {
    fn new(
        set: &'a LogSet<B>,
        export: &'a TableOptions,
        budget: &'a Budget,
        monitor: &'a dyn Progress,
    ) -> Self {
        Self { set, export, monitor, budget, finders: StackFinders::default() }
    }

    /// Decodes a range and hands its rows over, batch by batch; whoever takes them counts their text.
    fn decode(
        &self,
        range: &EventRange,
        mut take: impl FnMut(EventRows, &mut Meter<'_>) -> Result<(), WriteError>,
    ) -> Result<(EventCounts, FoundStacks), WriteError> {
        let log = self.set.part(range.part()).ok_or_else(|| io::Error::other("a range of another set"))?;
        let mut matcher = self.export.scan.matcher(self.set);
        let mut meter = self.budget.meter();
        let mut columns = EventColumns::new(log, &self.export.columns, self.finders.borrow(log));
        // Whoever reads stacks reads records as a whole, one after the other, which a processor
        // foresees; of others parts are asked for ahead.
        let whole = self.export.columns.has(Source::StackId);
        let mut ahead = log.events(range.events());
        for position in range.events() {
            stop_if_cancelled(self.monitor, position)?;
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
            if columns.is_full() {
                take(columns.finish_rows(), &mut meter)?;
            }
        }
        take(columns.finish_rows(), &mut meter)?;
        meter.finish()?;
        let (counts, mut finder) = columns.into_parts();
        let found = finder.finish_range();
        self.finders.give_back(finder);
        Ok((counts, found))
    }
}

/// Ends the work of a range, looking whether to do so every few hundred events.
fn stop_if_cancelled(monitor: &dyn Progress, event: u32) -> Result<(), WriteError> {
    const EVERY: u32 = 256;
    if event.is_multiple_of(EVERY) && monitor.is_cancelled() { Err(WriteError::Cancelled) } else { Ok(()) }
}
