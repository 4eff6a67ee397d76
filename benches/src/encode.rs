//! Encoding record batches that are already in memory: what Parquet alone costs.

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};
use parquet::errors::Result;
use pml_parser::LogSet;
use pml_parser::arrow::schema::EVENTS;
use pml_parser::export::batches::read_batches;
use pml_parser::export::parquet::{Compression, Options, properties};
use pml_parser::export::{CaptureFacts, Monitor, TableExport, Work, WriteError};
use pml_parser::parallel::in_order;
use std::io;
use std::time::{Duration, Instant};

/// A monitor that neither shows nor stops anything.
pub struct Silent;

impl Monitor for Silent {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Rows of a row group, as `pml convert` writes them.
const GROUP_ROWS: usize = 65_536;

/// The default way to convert, on so many threads.
pub fn options(threads: usize) -> Options {
    let export = TableExport { work: Work { threads, filter: None }, ..TableExport::default() };
    Options { export, compression: Compression::Zstd, facts: CaptureFacts::default() }
}

/// All batches of the events table.
///
/// # Errors
/// When they cannot be built.
pub fn batches<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    threads: usize,
) -> Result<Vec<RecordBatch>, WriteError> {
    let mut all = Vec::new();
    read_batches(set, &options(threads).export, &Silent, |batch| {
        all.push(batch);
        Ok(())
    })?;
    Ok(all)
}

/// Batches by row group.
fn groups(batches: &[RecordBatch]) -> impl Iterator<Item = &[RecordBatch]> {
    let mut rest = batches;
    std::iter::from_fn(move || {
        let mut rows = 0;
        let full = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows >= GROUP_ROWS
        };
        let end = rest.iter().position(full).map_or(rest.len(), |last| last + 1);
        let (group, later) = rest.split_at(end);
        rest = later;
        (!group.is_empty()).then_some(group)
    })
}

/// Encodes batches as the events table, row groups in parallel, to nowhere; gives the bytes of the file.
///
/// # Errors
/// When encoding fails.
pub fn encode(batches: &[RecordBatch], threads: usize) -> Result<u64> {
    let properties = properties(Compression::Zstd, EVENTS.columns);
    let writer = ArrowWriter::try_new(Counter(0), EVENTS.schema(), Some(properties))?;
    let (mut writer, factory) = writer.into_serialized_writer()?;
    let schema = EVENTS.schema();
    let encode = |(number, group): (usize, &[RecordBatch])| {
        let mut writers = factory.create_column_writers(number)?;
        for (column, (field, writer)) in schema.fields().iter().zip(&mut writers).enumerate() {
            for batch in group {
                for leaf in compute_leaves(field, batch.column(column))? {
                    writer.write(&leaf)?;
                }
            }
        }
        writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<Vec<_>>>()
    };
    in_order(threads, groups(batches).enumerate(), encode, |chunks| {
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    })?;
    writer.finish()?;
    Ok(writer.inner().0)
}

/// Time and bytes of each column of the events table, encoded alone on one thread.
///
/// # Errors
/// When encoding fails.
pub fn by_column(batches: &[RecordBatch]) -> Result<Vec<(&'static str, Duration, u64)>> {
    let properties = properties(Compression::Zstd, EVENTS.columns);
    let schema = EVENTS.schema();
    let (_, factory) =
        ArrowWriter::try_new(io::sink(), EVENTS.schema(), Some(properties))?.into_serialized_writer()?;
    let mut found: Vec<_> = EVENTS.columns.iter().map(|column| (column.name, Duration::ZERO, 0)).collect();
    for (number, group) in groups(batches).enumerate() {
        for (at, writer) in factory.create_column_writers(number)?.into_iter().enumerate() {
            let mut writer = writer;
            let begin = Instant::now();
            for batch in group {
                for leaf in compute_leaves(schema.field(at), batch.column(at))? {
                    writer.write(&leaf)?;
                }
            }
            let bytes = writer.get_estimated_total_bytes() as u64;
            writer.close()?;
            found[at].1 += begin.elapsed();
            found[at].2 += bytes;
        }
    }
    Ok(found)
}

/// Counts what is written.
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
