//! Parquet: the events table, or a dataset of all tables.
//!
//! Each range of events becomes one row group of the events table.

use super::column_encoder::{ColumnEncoders, RowGroup};
use super::encoder::{EncodedRows, EventEncoder};
use super::range_size::ROW_GROUP;
use super::stack_tables::{StackSink, StackTables};
use super::{Provenance, RangeDecoder, TableOptions, WriteError, position_after};
use crate::arrow::events::EventCounts;
use crate::arrow::labels::Labels;
use crate::arrow::stacks::FoundStacks;
use crate::arrow::tables;
use crate::arrow::types::Types;
use crate::budget::Budget;
use crate::columns::{CAPTURE, Column, EVENTS, FRAMES, MODULES, PROCESSES, STACKS, Source, Table, Type};
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowWriterOptions};
use parquet::basic::{Compression as ParquetCompression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use std::io::{self, Write};

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
    /// No compression.
    None,
}

/// What encodes the events table. Both encoders write the same values, with the same encodings and statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EventsWriter {
    /// The encoder of this crate, which encodes the columns as they are filled.
    #[default]
    Direct,
    /// The encoder of the `parquet` crate, from Arrow arrays. It takes longer, and will not stay.
    Arrow,
}

/// How a dataset is written.
#[derive(Clone, Debug, Default)]
pub struct ParquetOptions {
    /// The events and the columns of the events table, and the threads and limits of the work.
    pub export: TableOptions,
    /// How pages are compressed.
    pub compression: Compression,
    /// Facts about the capture that the log does not hold, for the metadata and the capture table.
    pub facts: Provenance,
    /// What encodes the events table.
    pub writer: EventsWriter,
}

/// Writes the events table alone, to `out`.
///
/// # Errors
/// When writing or encoding fails, the caller cancels, or the capture exceeds its limits.
pub fn write_events<B, W>(
    set: &LogSet<B>,
    out: W,
    options: &ParquetOptions,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
{
    let mut events = EventsFile::new(out, options)?;
    let budget = Budget::new(set, options.export.scan.limits);
    let labels = options.export.labels(set);
    let mut stacks = StackTables::new((), &budget, &labels);
    let counts = convert(set, options, &labels, &budget, progress, &mut events, &mut stacks)?;
    events.finish(&tables::capture_metadata(set, &labels, &options.facts, &counts))?;
    Ok(counts)
}

/// Writes all tables, each to a file. `create` opens the file with the given name. Without the column
/// `stack_id`, the tables of stacks and frames are not written.
///
/// # Errors
/// When writing or encoding fails, the caller cancels, or the capture exceeds its limits.
pub fn write_dataset<B, W>(
    set: &LogSet<B>,
    mut create: impl FnMut(&str) -> io::Result<W>,
    options: &ParquetOptions,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
{
    let budget = Budget::new(set, options.export.scan.limits);
    let labels = options.export.labels(set);
    let mut open = |table: &Table| create(&format!("{}.parquet", table.name));
    let mut events = EventsFile::new(open(&EVENTS)?, options)?;
    let (counts, metadata) = if options.export.columns.has(Source::StackId) {
        let files = StackFiles {
            stacks: table_writer(open(&STACKS)?, &STACKS, options)?,
            frames: table_writer(open(&FRAMES)?, &FRAMES, options)?,
        };
        let symbols = options.export.scan.symbols.as_ref();
        let mut stacks = StackTables::new(files, &budget, &labels).with_symbols(symbols);
        let counts = convert(set, options, &labels, &budget, progress, &mut events, &mut stacks)?;
        let metadata = tables::capture_metadata(set, &labels, &options.facts, &counts);
        let files = stacks.finish()?;
        close(files.stacks, &metadata)?;
        close(files.frames, &metadata)?;
        (counts, metadata)
    } else {
        let mut stacks = StackTables::new((), &budget, &labels);
        let counts = convert(set, options, &labels, &budget, progress, &mut events, &mut stacks)?;
        let metadata = tables::capture_metadata(set, &labels, &options.facts, &counts);
        (counts, metadata)
    };
    events.finish(&metadata)?;

    let mut write = |table: &Table, batches: &mut dyn Iterator<Item = Result<RecordBatch, ArrowError>>| {
        let mut writer = table_writer(open(table)?, table, options)?;
        for batch in batches {
            if progress.is_cancelled() {
                return Err(WriteError::Cancelled);
            }
            let batch = batch?;
            // Processes and modules share texts, and each row holds a copy.
            budget.written(batch.get_array_memory_size())?;
            writer.write(&batch)?;
        }
        close(writer, &metadata)
    };
    write(&PROCESSES, &mut tables::processes(set, &labels))?;
    write(&MODULES, &mut tables::modules(set, &labels))?;
    let capture = tables::capture(set, &labels, &options.facts, &counts);
    write(&CAPTURE, &mut std::iter::once(capture))?;
    Ok(counts)
}

/// One range after the work that is done in parallel.
struct EncodedRange {
    range: EventRange,
    rows: usize,
    chunks: Chunks,
    found: FoundStacks,
    counts: EventCounts,
}

/// The columns of a row group. The column of stack ids is the last one, and stacks are numbered in the order of
/// ranges, so that it is completed on the thread that knows their numbers.
enum Chunks {
    /// Encoded columns, and the encoded rows of the stack ids.
    Direct(EncodedRows),
    /// Encoded columns, and the local stack id of each row.
    Arrow(Vec<ArrowColumnChunk>, Option<Vec<Option<u32>>>),
}

/// What encodes the columns.
enum Encoder {
    Direct(EventEncoder),
    Arrow(ColumnEncoders),
}

/// Decodes and encodes all ranges in parallel and writes them in order.
fn convert<B, W, S>(
    set: &LogSet<B>,
    options: &ParquetOptions,
    labels: &Labels,
    budget: &Budget,
    progress: &dyn Progress,
    events: &mut EventsFile<W>,
    stacks: &mut StackTables<'_, S>,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Send,
    S: StackSink,
{
    let mut counts = EventCounts::new(options.export.columns.has(Source::Detail));
    let decoder = RangeDecoder::new(set, &options.export, labels, budget, progress);
    let encoder = Encoder::new(options, events.schema())?;
    let encode = |range| encode_range(&decoder, &encoder, range);
    let ranges = ROW_GROUP.of(set);
    in_order(options.export.scan.threads, ranges, encode, |range: EncodedRange| {
        if progress.is_cancelled() {
            return Err(WriteError::Cancelled);
        }
        counts.merge(&range.counts);
        let (events_done, bytes_done) = position_after(set, &range.range);
        let ids = stacks.number(set, &range.found)?;
        let chunks = match (range.chunks, &encoder) {
            (Chunks::Arrow(mut chunks, Some(rows)), Encoder::Arrow(encoders)) => {
                chunks.push(encoders.encode(chunks.len(), &stacks.rows(&ids, &rows))?);
                Chunks::Arrow(chunks, None)
            }
            (Chunks::Direct(EncodedRows { mut chunks, stacks: Some(stacks) }), _) => {
                chunks.push(stacks.finish(&ids)?);
                Chunks::Direct(EncodedRows { chunks, stacks: None })
            }
            (chunks, _) => chunks,
        };
        if range.rows > 0 {
            events.append(chunks)?;
        }
        progress.advance(events_done, bytes_done);
        Ok(())
    })?;
    Ok(counts)
}

impl Encoder {
    /// The encoder of the events table, for a file with this schema.
    fn new(options: &ParquetOptions, schema: &SchemaDescriptor) -> Result<Self, WriteError> {
        let export = &options.export;
        let properties = properties(options.compression, export.types, export.columns.iter());
        Ok(match options.writer {
            EventsWriter::Direct => {
                Self::Direct(EventEncoder::new(&export.columns, export.types, schema, &properties)?)
            }
            EventsWriter::Arrow => Self::Arrow(ColumnEncoders::new(&export.schema(), &properties)?),
        })
    }
}

/// Decodes and encodes a range.
fn encode_range<B: AsRef<[u8]>>(
    decoder: &RangeDecoder<'_, B>,
    encoder: &Encoder,
    range: EventRange,
) -> Result<EncodedRange, WriteError> {
    let mut rows = 0;
    let (chunks, (counts, found)) = match encoder {
        Encoder::Direct(encoder) => {
            let mut encoded = EncodedRows::default();
            let done = decoder.fill(
                &range,
                range.events().len(),
                |column| encoder.texts(column, range.events().len()),
                |columns, is_last, meter| {
                    meter.text(columns.take_text())?;
                    if is_last {
                        rows = columns.rows();
                        encoded = encoder.encode(decoder.labels, columns)?;
                    }
                    Ok(())
                },
            )?;
            (Chunks::Direct(encoded), done)
        }
        Encoder::Arrow(encoders) => {
            let (mut group, mut stack_ids) = (RowGroup::new(encoders), Vec::new());
            let done = decoder.decode(&range, |part, meter| {
                meter.text(part.text)?;
                rows += part.rows;
                stack_ids.extend(part.stack_ids);
                group.push(part.batch, part.text)
            })?;
            let wants_stacks = decoder.export.columns.has(Source::StackId);
            (Chunks::Arrow(group.finish()?, wants_stacks.then_some(stack_ids)), done)
        }
    };
    Ok(EncodedRange { range, rows, chunks, found, counts })
}

/// The events file: row groups are encoded elsewhere and appended here.
struct EventsFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> EventsFile<W> {
    fn new(out: W, options: &ParquetOptions) -> Result<Self, WriteError> {
        let export = &options.export;
        let properties = properties(options.compression, export.types, export.columns.iter());
        let writer = table_file(out, export.schema(), export.types, properties)?;
        Ok(Self { writer: writer.into_serialized_writer()?.0 })
    }

    fn schema(&self) -> &SchemaDescriptor {
        self.writer.schema_descr()
    }

    fn append(&mut self, chunks: Chunks) -> Result<(), WriteError> {
        let mut row_group = self.writer.next_row_group()?;
        match chunks {
            Chunks::Direct(rows) => {
                for chunk in rows.chunks {
                    row_group.append_column(&chunk.bytes, chunk.close)?;
                }
            }
            Chunks::Arrow(chunks, _) => {
                for chunk in chunks {
                    chunk.append_to_row_group(&mut row_group)?;
                }
            }
        }
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
    options: &ParquetOptions,
) -> Result<ArrowWriter<W>, WriteError> {
    let types = options.export.types;
    let properties = properties(options.compression, types, table.columns);
    table_file(out, table.schema(types), types, properties)
}

/// A writer of a Parquet file whose schema has these types.
///
/// A file with portable types has no Arrow schema in its metadata: pyarrow would read dictionaries by it, which Delta
/// refuses in the column that tables are partitioned by.
///
/// # Errors
/// When Parquet cannot express the type of a column.
pub fn table_file<W: Write + Send>(
    out: W,
    schema: SchemaRef,
    types: Types,
    properties: WriterProperties,
) -> Result<ArrowWriter<W>, WriteError> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(types == Types::Portable);
    Ok(ArrowWriter::try_new_with_options(out, schema, options)?)
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

/// Rows that an encoder takes between two checks whether a page is full.
const WRITE_BATCH_ROWS: usize = 8_192;

/// The most bytes of a column's dictionary in a row group. Further values are written plain.
const DICTIONARY_BYTES: usize = 8 << 20;

/// How each column is encoded, for custom Parquet writers. Values that repeat get a dictionary, values that
/// ascend are written as differences, and values that differ from row to row are written plain.
pub fn properties<'c>(
    compression: Compression,
    types: Types,
    columns: impl IntoIterator<Item = &'c Column>,
) -> WriterProperties {
    let compression = match compression {
        Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::default()),
        Compression::Snappy => ParquetCompression::SNAPPY,
        Compression::Lz4 => ParquetCompression::LZ4_RAW,
        Compression::None => ParquetCompression::UNCOMPRESSED,
    };
    let mut properties = WriterProperties::builder()
        // Only the name and the version: every build of this version writes the same bytes.
        .set_created_by(concat!("pml-parser version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(WRITE_BATCH_ROWS);
    for column in columns {
        let differs = matches!(column.name, "address" | "location" | "module_offset" | "command_line");
        let counts = matches!(column.source, Source::EventId | Source::Sequence | Source::RowNumber);
        let rises = counts || matches!(column.kind, Type::Timestamp | Type::Seconds);
        let statistics = match (column.source, column.kind) {
            // A lake takes the value of a partition from the statistics.
            _ if matches!(column.name, "capture" | "computer") => EnabledStatistics::Chunk,
            (Source::Time | Source::Seconds | Source::EventId | Source::Status, _) => EnabledStatistics::Page,
            // Few events have these columns: a query skips row groups that hold only NULL.
            (Source::TargetPath | Source::RegistryData, _) => EnabledStatistics::Chunk,
            // The least and the greatest text of a row group hardly ever let a query skip it.
            (_, Type::Utf8 | Type::Dictionary) => EnabledStatistics::None,
            _ => EnabledStatistics::Chunk,
        };
        for path in column.names(types).map(ColumnPath::from) {
            if differs || rises {
                properties = properties.set_column_dictionary_enabled(path.clone(), false);
            }
            if rises {
                properties = properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
            properties = properties.set_column_statistics_enabled(path, statistics);
        }
    }
    properties.build()
}
