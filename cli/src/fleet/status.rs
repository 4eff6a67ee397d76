//! The table of how each capture of a run ended.

use crate::failure::Failure;
use crate::output::{PendingFile, STATUS};
use crate::tables::write_batch;
use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pml_analyzer::tables::{Column, RowLabels, Table, column};
use pml_parser::FileTime;
use pml_parser::arrow::labels::{seconds_array, seconds_between};
use pml_parser::arrow::types::Types;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// How a capture of a run ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatusRow {
    pub source: String,
    pub source_bytes: u64,
    pub status: u32,
    pub error: Option<String>,
    pub span: Option<(FileTime, FileTime)>,
    pub parts: Option<u32>,
    pub log_bytes: Option<u64>,
    pub events: Option<u64>,
    pub rows: Option<u64>,
    pub damaged_events: Option<u64>,
    pub undecoded_events: Option<u64>,
    pub table_damage: Option<u64>,
    pub log_hash: Option<String>,
    pub options: String,
}

/// The program that wrote a row.
const TOOL: &str = concat!("pml ", env!("CARGO_PKG_VERSION"));

fn texts<'r>(values: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn counts(rows: &[StatusRow], value: fn(&StatusRow) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<UInt64Array>())
}

/// How each capture of a run ended.
pub(crate) const TABLE: Table<StatusRow> = Table {
    name: STATUS,
    doc: "How each capture of `pml convert` over many captures ended: one row a capture, in `OUT/status.parquet`, and beside the tables of each capture.",
    columns: COLUMNS,
};

const COLUMNS: &[Column<StatusRow>] = &[
    column("source", "The log, as it was named.", |rows| texts(rows.iter().map(|r| Some(r.source.as_str())))),
    column("source_bytes", "Size of its first file.", |rows| counts(rows, |r| Some(r.source_bytes))),
    column("status", "0 whole; 1 something was lost to damage; 2 there are no tables.", |rows| {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|r| r.status)))
    }),
    column("error", "Why there are no tables, or what was lost.", |rows| {
        texts(rows.iter().map(|r| r.error.as_deref()))
    }),
    column("first_time", "Time of the first event.", |rows| {
        let nanos = rows.iter().map(|r| r.span.and_then(|span| span.0.unix_nanos()));
        Arc::new(TimestampNanosecondArray::from_iter(nanos).with_timezone("UTC"))
    }),
    column("seconds", "Seconds from the first event to the last.", |rows| {
        seconds_array(rows.iter().map(|r| r.span.and_then(|(first, last)| seconds_between(first, last))))
    }),
    column("parts", "Number of parts.", |rows| {
        Arc::new(rows.iter().map(|r| r.parts).collect::<UInt32Array>())
    }),
    column("log_bytes", "Bytes of all parts.", |rows| counts(rows, |r| r.log_bytes)),
    column("events", "Events in the log, damaged ones included.", |rows| counts(rows, |r| r.events)),
    column("rows", "Rows of the table of events.", |rows| counts(rows, |r| r.rows)),
    column("damaged_events", "Events that could not be read.", |rows| counts(rows, |r| r.damaged_events)),
    column("undecoded_events", "Events whose details could not be decoded.", |rows| {
        counts(rows, |r| r.undecoded_events)
    }),
    column("table_damage", "Entries of the log's tables that could not be read.", |rows| {
        counts(rows, |r| r.table_damage)
    }),
    column("log_hash", "Tells logs apart whatever they are called, as `capture.log_hash`.", |rows| {
        texts(rows.iter().map(|r| r.log_hash.as_deref()))
    }),
    column("tool_version", "Program that wrote the tables.", |rows| texts(rows.iter().map(|_| Some(TOOL)))),
    column("options", "Options of the run that change the tables.", |rows| {
        texts(rows.iter().map(|r| Some(r.options.as_str())))
    }),
];

/// The row of an earlier run, if it is of this log, these options and this program.
pub(crate) fn same_as_before(folder: &Path, labels: &RowLabels, wanted: &StatusRow) -> Option<RecordBatch> {
    let file = File::open(folder.join(format!("{STATUS}.parquet"))).ok()?;
    let mut rows = ParquetRecordBatchReaderBuilder::try_new(file).ok()?.build().ok()?;
    let row = rows.next()?.ok()?;
    let text = |name: &str| {
        let column = cast(row.column_by_name(name)?, &DataType::Utf8).ok()?;
        let column = column.as_string::<i32>();
        (column.len() == 1).then(|| column.value(0).to_owned())
    };
    let is_same = text("capture")? == labels.capture
        && text("source")? == wanted.source
        && text("source_bytes")? == wanted.source_bytes.to_string()
        && text("tool_version")? == TOOL
        && text("options")? == wanted.options;
    // The schema of the file says the same in other words.
    let schema = labels.batch(&TABLE, &[]).ok()?.schema();
    if is_same { RecordBatch::try_new(schema, row.columns().to_vec()).ok() } else { None }
}

/// Whether a row is of a capture without tables.
pub(crate) fn exit_status(row: &RecordBatch) -> u32 {
    let column = row.column_by_name("status").and_then(|column| cast(column, &DataType::UInt32).ok());
    column.map_or(2, |column| {
        column.as_primitive::<arrow::datatypes::UInt32Type>().values().first().copied().unwrap_or(2)
    })
}

/// Writes the table of a run: rows with their ids, which are brought into the order of the ids.
pub(crate) fn write(
    folder: &Path,
    types: Types,
    mut rows: Vec<(String, RecordBatch)>,
) -> Result<(), Failure> {
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let path = folder.join(format!("{STATUS}.parquet"));
    let failed = |error: String| Failure::new(format!("{}: {error}", path.display()));
    let Some(schema) = rows.first().map(|row| row.1.schema()) else { return Ok(()) };
    let table = concat_batches(&schema, rows.iter().map(|row| &row.1)).map_err(|e| failed(e.to_string()))?;
    let file = PendingFile::create(&path, true)?;
    let out = file.writer().map_err(|e| Failure::of_io(&path, &e))?;
    write_batch(out, types, &table).map_err(|e| failed(e.to_string()))?;
    file.finish().map(drop)
}
