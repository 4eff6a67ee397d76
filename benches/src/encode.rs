//! Encodes record batches that are already in memory: the cost of Parquet alone.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::file::writer::SerializedFileWriter;
use pml_parser::LogSet;
use pml_parser::NoProgress;
use pml_parser::arrow::types::Types;
use pml_parser::columns::{EVENTS, TABLES, Table};
use pml_parser::export::batches::read_batches;
use pml_parser::export::column_encoder::{ColumnEncoders, RowGroup};
use pml_parser::export::parquet::{Compression, ParquetOptions, properties, write_dataset};
use pml_parser::export::range_size::ROW_GROUP;
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use pml_parser::parallel::in_order;
use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The default options of a conversion, with this number of threads.
pub fn options(threads: usize) -> ParquetOptions {
    let export =
        TableOptions { scan: ScanOptions { threads, ..ScanOptions::default() }, ..TableOptions::default() };
    ParquetOptions { export, ..ParquetOptions::default() }
}

/// The record batches of a dataset.
pub struct Batches {
    /// The batches of the events table, by row group.
    pub events: Vec<Vec<RecordBatch>>,
    /// The batches of the other tables.
    pub others: Vec<(&'static Table, Vec<RecordBatch>)>,
}

impl Batches {
    /// Decodes a set into memory.
    ///
    /// # Errors
    /// When the batches cannot be built.
    ///
    /// # Panics
    /// When a thread that wrote a table panicked.
    pub fn new<B: AsRef<[u8]> + Sync>(set: &LogSet<B>, threads: usize) -> Result<Self, WriteError> {
        // Ranges become row groups, and no batch crosses the border of a range.
        let mut rows_left = ROW_GROUP.of(set).map(|range| range.events().len());
        let (mut events, mut left) = (Vec::<Vec<RecordBatch>>::new(), 0);
        read_batches(set, &options(threads).export, &NoProgress, |batch| {
            if left == 0 {
                left = rows_left.next().unwrap_or(usize::MAX);
                events.push(Vec::new());
            }
            left = left.saturating_sub(batch.num_rows());
            if let Some(group) = events.last_mut() {
                group.push(batch);
            }
            Ok(())
        })?;
        // The other tables are made while a dataset is written, so they are read back from a dataset.
        let mut files = Vec::new();
        let create = |name: &str| {
            let file = Shared::default();
            files.push((name.to_owned(), file.clone()));
            Ok(file)
        };
        write_dataset(set, create, &options(threads), &NoProgress)?;
        let mut others = Vec::new();
        for table in TABLES.iter().filter(|table| table.name != EVENTS.name) {
            let name = format!("{}.parquet", table.name);
            let Some((_, Shared(file))) = files.iter().find(|file| file.0 == name) else { continue };
            let file = Bytes::from(std::mem::take(&mut *file.lock().expect("no thread panicked")));
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)?
                .with_batch_size(ROW_GROUP.events as usize)
                .build()?;
            others.push((table, reader.collect::<Result<Vec<_>, _>>()?));
        }
        Ok(Self { events, others })
    }
}

/// A file in memory with two owners.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("a panic elsewhere"))?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Encodes a dataset and discards the result: row groups of events in parallel, the other tables beside them, as
/// `pml convert` does. Gives the number of bytes of all files.
///
/// # Errors
/// When encoding fails.
pub fn encode(batches: &Batches, threads: usize) -> Result<u64, WriteError> {
    let others = || -> Result<u64, WriteError> {
        let mut bytes = 0;
        for (table, batches) in &batches.others {
            let properties = properties(Compression::Zstd, Types::Exact, table.columns);
            let mut writer = ArrowWriter::try_new(Counter(0), table.schema(Types::Exact), Some(properties))?;
            for batch in batches {
                writer.write(batch)?;
                writer.flush()?;
            }
            writer.finish()?;
            bytes += writer.inner().0;
        }
        Ok(bytes)
    };
    if threads < 2 {
        return Ok(encode_events(&batches.events, 1)? + others()?);
    }
    std::thread::scope(|scope| {
        let others = scope.spawn(others);
        let events = encode_events(&batches.events, threads)?;
        Ok(events + others.join().unwrap_or_else(|panic| resume_unwind(panic))?)
    })
}

fn encode_events(groups: &[Vec<RecordBatch>], threads: usize) -> Result<u64, WriteError> {
    let properties = properties(Compression::Zstd, Types::Exact, EVENTS.columns);
    let writer = ArrowWriter::try_new(Counter(0), EVENTS.schema(Types::Exact), Some(properties.clone()))?;
    let (mut writer, _) = writer.into_serialized_writer()?;
    let encoders = ColumnEncoders::new(&EVENTS.schema(Types::Exact), &properties)?;
    let encode = |group: &Vec<RecordBatch>| {
        let mut row_group = RowGroup::new(&encoders);
        for batch in group {
            row_group.push(batch.columns().to_vec(), 0)?;
        }
        row_group.finish()
    };
    in_order(threads, groups.iter(), encode, |chunks| append(&mut writer, chunks))?;
    writer.finish()?;
    Ok(writer.inner().0)
}

/// Time and bytes of each column of the events table, encoded alone on one thread.
///
/// # Errors
/// When encoding fails.
pub fn by_column(groups: &[Vec<RecordBatch>]) -> Result<Vec<(&'static str, Duration, u64)>, WriteError> {
    let properties = properties(Compression::Zstd, Types::Exact, EVENTS.columns);
    let mut found = Vec::new();
    for (at, column) in EVENTS.columns.iter().enumerate() {
        let schema = Arc::new(EVENTS.schema(Types::Exact).project(&[at])?);
        let writer = ArrowWriter::try_new(Counter(0), Arc::clone(&schema), Some(properties.clone()))?;
        let (mut writer, _) = writer.into_serialized_writer()?;
        let encoders = ColumnEncoders::new(&schema, &properties)?;
        let begin = Instant::now();
        for group in groups {
            let mut row_group = RowGroup::new(&encoders);
            for batch in group {
                row_group.push(vec![Arc::clone(batch.column(at))], 0)?;
            }
            append(&mut writer, row_group.finish()?)?;
        }
        let took = begin.elapsed();
        writer.finish()?;
        found.push((column.name, took, writer.inner().0));
    }
    Ok(found)
}

fn append(
    writer: &mut SerializedFileWriter<Counter>,
    chunks: Vec<ArrowColumnChunk>,
) -> Result<(), WriteError> {
    let mut group = writer.next_row_group()?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut group)?;
    }
    group.close()?;
    Ok(())
}

/// Counts the bytes that are written.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
