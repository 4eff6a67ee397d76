//! Parquet: the events table, or a dataset of all tables.
//!
//! A range of events becomes a row group.

use super::stack_tables::{StackSink, StackTables};
use super::{CaptureFacts, Monitor, Work, WriteError, decode_range, progress};
use crate::arrow::events::EventCounts;
use crate::arrow::schema::{EVENTS, FRAMES, MODULES, PROCESSES, STACKS, Source, Table, Type};
use crate::arrow::stacks::FoundStacks;
use crate::arrow::tables;
use crate::log_set::{EventRange, LogSet};
use crate::parallel::in_order;
use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression as ParquetCompression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use std::io::{self, Write};
use std::sync::Arc;

/// How pages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compression {
    /// Zstandard, level 1: the best size for the time.
    #[default]
    Zstd,
    /// Snappy.
    Snappy,
    /// LZ4 (raw).
    Lz4,
    /// Not at all.
    None,
}

/// How a dataset is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which events, by how many threads.
    pub work: Work,
    /// How pages are compressed.
    pub compression: Compression,
    /// What is said of the capture beside the log's own facts.
    pub facts: CaptureFacts,
}

/// Events of a row group: enough for good compression, few enough to keep several in memory.
const RANGE_EVENTS: u32 = 65_536;
/// Bytes of records of a row group, for logs of huge events.
const RANGE_BYTES: u64 = 128 << 20;

/// Writes the events table alone.
///
/// # Errors
/// When writing or encoding fails, or the monitor stops it.
pub fn write_events<B, W>(
    set: &LogSet<B>,
    out: W,
    options: &Options,
    monitor: &dyn Monitor,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
{
    let mut events = EventsFile::new(out, options)?;
    let mut stacks = StackTables::new(());
    let counts = convert(set, options, monitor, &mut events, &mut stacks)?;
    events.finish(&tables::capture_metadata(set, &options.facts, &counts))?;
    Ok(counts)
}

/// Writes all tables. `create` opens the file of a table, by its file name.
///
/// # Errors
/// When writing or encoding fails, or the monitor stops it.
pub fn write_dataset<B, W>(
    set: &LogSet<B>,
    mut create: impl FnMut(&str) -> io::Result<W>,
    options: &Options,
    monitor: &dyn Monitor,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
{
    let mut open = |table: &Table| create(&format!("{}.parquet", table.name));
    let mut events = EventsFile::new(open(&EVENTS)?, options)?;
    let files = StackFiles {
        stacks: table_writer(open(&STACKS)?, &STACKS, options)?,
        frames: table_writer(open(&FRAMES)?, &FRAMES, options)?,
    };
    let mut stacks = StackTables::new(files);
    let counts = convert(set, options, monitor, &mut events, &mut stacks)?;
    let metadata = tables::capture_metadata(set, &options.facts, &counts);
    events.finish(&metadata)?;
    let files = stacks.finish()?;
    close(files.stacks, &metadata)?;
    close(files.frames, &metadata)?;

    let mut write = |table: &Table, batches: &mut dyn Iterator<Item = Result<RecordBatch, ArrowError>>| {
        let mut writer = table_writer(open(table)?, table, options)?;
        for batch in batches {
            if monitor.is_cancelled() {
                return Err(WriteError::Cancelled);
            }
            writer.write(&batch?)?;
        }
        close(writer, &metadata)
    };
    write(&PROCESSES, &mut tables::processes(set))?;
    write(&MODULES, &mut tables::modules(set))?;
    let capture = tables::capture(set, &options.facts, &counts);
    write(&crate::arrow::schema::CAPTURE, &mut std::iter::once(capture))?;
    Ok(counts)
}

/// Everything that is done for one range in parallel.
struct EncodedRange {
    range: EventRange,
    /// One chunk a column, the stack ids left out.
    chunks: Vec<ArrowColumnChunk>,
    /// Local stack id of each row.
    stack_ids: Vec<Option<u32>>,
    stack_writer: ArrowColumnWriter,
    stacks: FoundStacks,
    counts: EventCounts,
}

/// Decodes and encodes all ranges in parallel and writes them in order.
fn convert<B, W, S>(
    set: &LogSet<B>,
    options: &Options,
    monitor: &dyn Monitor,
    events: &mut EventsFile<W>,
    stacks: &mut StackTables<S>,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
    S: StackSink,
{
    let mut counts = EventCounts::default();
    let factory = events.factory.clone();
    let encode = |(row_group, range)| encode_range(set, &factory, row_group, range, &options.work, monitor);
    let ranges = set.ranges(RANGE_EVENTS, RANGE_BYTES).enumerate();
    in_order(options.work.threads, ranges, encode, |range: EncodedRange| {
        if monitor.is_cancelled() {
            return Err(WriteError::Cancelled);
        }
        counts.merge(&range.counts);
        let (events_done, bytes_done) = progress(set, &range.range);
        let column = stacks.column(set, &range.stacks, &range.stack_ids)?;
        events.append(range.chunks, range.stack_writer, &column)?;
        monitor.advance(events_done, bytes_done);
        Ok(())
    })?;
    Ok(counts)
}

fn encode_range<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    factory: &ArrowRowGroupWriterFactory,
    row_group: usize,
    range: EventRange,
    work: &Work,
    monitor: &dyn Monitor,
) -> Result<EncodedRange, WriteError> {
    let mut writers = factory.create_column_writers(row_group)?;
    let stack_writer = writers.pop().ok_or_else(|| ParquetError::General("no stack column".into()))?;
    let mut stack_ids = Vec::new();
    let (counts, stacks) = decode_range(set, &range, work, monitor, |rows| {
        let fields = EVENTS_SCHEMA.fields();
        for ((field, array), writer) in fields.iter().zip(&rows.batch).zip(&mut writers) {
            for leaf in compute_leaves(field, array)? {
                writer.write(&leaf)?;
            }
        }
        stack_ids.extend(rows.stack_ids);
        Ok(())
    })?;
    let chunks = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
    Ok(EncodedRange { range, chunks, stack_ids, stack_writer, stacks, counts })
}

static EVENTS_SCHEMA: std::sync::LazyLock<arrow::datatypes::SchemaRef> =
    std::sync::LazyLock::new(|| EVENTS.schema());

/// The events file: row groups are encoded elsewhere and appended here.
struct EventsFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    factory: Arc<ArrowRowGroupWriterFactory>,
}

impl<W: Write + Send> EventsFile<W> {
    fn new(out: W, options: &Options) -> Result<Self, WriteError> {
        // The stack ids are numbered in order and so are encoded last.
        debug_assert!(EVENTS.columns.last().is_some_and(|c| c.source == Source::StackId));
        let (writer, factory) = table_writer(out, &EVENTS, options)?.into_serialized_writer()?;
        Ok(Self { writer, factory: Arc::new(factory) })
    }

    fn append(
        &mut self,
        chunks: Vec<ArrowColumnChunk>,
        mut stack_writer: ArrowColumnWriter,
        stack_ids: &ArrayRef,
    ) -> Result<(), WriteError> {
        if stack_ids.is_empty() {
            return Ok(());
        }
        if let Some(field) = EVENTS_SCHEMA.fields().last() {
            for leaf in compute_leaves(field, stack_ids)? {
                stack_writer.write(&leaf)?;
            }
        }
        let mut row_group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        stack_writer.close()?.append_to_row_group(&mut row_group)?;
        row_group.close()?;
        Ok(())
    }

    fn finish(mut self, metadata: &[(String, String)]) -> Result<(), WriteError> {
        for (key, value) in metadata {
            self.writer.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
        }
        self.writer.finish()?;
        self.writer.inner_mut().flush()?;
        Ok(())
    }
}

/// The files of stacks and frames.
struct StackFiles<W: Write + Send> {
    stacks: ArrowWriter<W>,
    frames: ArrowWriter<W>,
}

impl<W: Write + Send> StackSink for StackFiles<W> {
    const WANTED: bool = true;

    fn stacks(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.stacks.write(batch)?;
        Ok(self.stacks.flush()?)
    }

    fn frames(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.frames.write(batch)?;
        Ok(self.frames.flush()?)
    }
}

/// A writer for one table.
fn table_writer<W: Write + Send>(
    out: W,
    table: &Table,
    options: &Options,
) -> Result<ArrowWriter<W>, WriteError> {
    Ok(ArrowWriter::try_new(out, table.schema(), Some(properties(table, options)))?)
}

/// Adds the metadata and closes a file.
fn close<W: Write + Send>(
    mut writer: ArrowWriter<W>,
    metadata: &[(String, String)],
) -> Result<(), WriteError> {
    for (key, value) in metadata {
        writer.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
    }
    writer.finish()?;
    writer.inner_mut().flush()?;
    Ok(())
}

/// Paths that a row group's dictionary may hold, in bytes; beyond it they are written plain.
const DICTIONARY_BYTES: usize = 8 << 20;

/// How each column is encoded: what repeats gets a dictionary, what rises is written as
/// differences, what is unlike from row to row is written plainly.
fn properties(table: &Table, options: &Options) -> WriterProperties {
    let compression = match options.compression {
        Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::default()),
        Compression::Snappy => ParquetCompression::SNAPPY,
        Compression::Lz4 => ParquetCompression::LZ4_RAW,
        Compression::None => ParquetCompression::UNCOMPRESSED,
    };
    let mut properties = WriterProperties::builder()
        // The name alone: the same log gives the same bytes whoever builds this crate.
        .set_created_by(concat!("pml-parser version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        let unlike = matches!(column.name, "address" | "location" | "module_offset" | "command_line");
        if unlike || column.source == Source::Duration {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        let rises = matches!(column.source, Source::EventId | Source::Sequence) || column.kind == Type::Time;
        if rises {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if matches!(column.source, Source::Time | Source::EventId | Source::Path | Source::Status) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
    }
    properties.build()
}
