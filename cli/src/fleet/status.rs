//! The table of how each capture of a run ended.

use crate::failure::Failure;
use crate::outcome::write_failure;
use crate::output::{PendingDataset, PendingFile, STATUS};
use crate::tables::write_batches;
use arrow::array::{ArrayRef, StringArray, TimestampNanosecondArray, UInt32Array, UInt64Array};
use arrow::error::ArrowError;
use parquet::file::metadata::ParquetMetaDataReader;
use pml_analyzer::tables::{Column, RowLabels, Table, column};
use pml_parser::FileTime;
use pml_parser::arrow::labels::{seconds_array, seconds_between};
use pml_parser::arrow::types::Types;
use pml_parser::export::WriteError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// How a capture of a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusRow {
    /// The id of the capture.
    pub capture: String,
    pub computer: String,
    pub source: String,
    pub source_bytes: u64,
    pub status: u32,
    pub error: Option<String>,
    /// Times of the first and the last event, in ticks of [`FileTime`].
    pub span: Option<(u64, u64)>,
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
        let nanos = rows.iter().map(|r| r.span.and_then(|(first, _)| FileTime(first).unix_nanos()));
        Arc::new(TimestampNanosecondArray::from_iter(nanos).with_timezone("UTC"))
    }),
    column("seconds", "Seconds from the first event to the last.", |rows| {
        let seconds = |(first, last)| seconds_between(FileTime(first), FileTime(last));
        seconds_array(rows.iter().map(|r| r.span.and_then(seconds)))
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

/// The key of the metadata of a capture's table that holds the row a second time, for `--resume`: reading it takes no
/// reader of Parquet's pages.
const KEY: &str = "pml.status";

/// What the metadata hold.
#[derive(Serialize, Deserialize)]
struct Kept {
    tool: String,
    row: StatusRow,
}

/// The row of an earlier run, if it is of this log, these options and this program.
pub(crate) fn same_as_before(folder: &Path, wanted: &StatusRow) -> Option<StatusRow> {
    let file = File::open(folder.join(format!("{STATUS}.parquet"))).ok()?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).ok()?;
    let entry = metadata.file_metadata().key_value_metadata()?.iter().find(|entry| entry.key == KEY)?;
    let Kept { tool, row } = serde_json::from_str(entry.value.as_deref()?).ok()?;
    let is_same = tool == TOOL
        && row.capture == wanted.capture
        && row.source == wanted.source
        && row.source_bytes == wanted.source_bytes
        && row.options == wanted.options;
    is_same.then_some(row)
}

/// Writes the table of a capture among its tables.
pub(crate) fn write_one(
    dataset: &PendingDataset,
    path: &Path,
    types: Types,
    row: &StatusRow,
) -> Result<(), Failure> {
    let name = format!("{STATUS}.parquet");
    let file = dataset.create_file(&name).map_err(|e| Failure::of_io(path, &e))?;
    let kept = Kept { tool: TOOL.to_owned(), row: row.clone() };
    let write = || -> Result<(), WriteError> {
        let kept = serde_json::to_string(&kept).map_err(std::io::Error::from)?;
        write_rows(file, types, std::slice::from_ref(row), vec![(KEY.to_owned(), kept)])
    };
    write().map_err(|error| write_failure(path, error))
}

/// Writes the table of a run, in the order of the ids.
pub(crate) fn write(folder: &Path, types: Types, mut rows: Vec<StatusRow>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by(|a, b| a.capture.cmp(&b.capture));
    let path = folder.join(format!("{STATUS}.parquet"));
    let file = PendingFile::create(&path, true)?;
    let out = file.writer().map_err(|e| Failure::of_io(&path, &e))?;
    write_rows(out, types, &rows, Vec::new()).map_err(|error| write_failure(&path, error))?;
    file.finish().map(drop)
}

fn write_rows(
    out: impl Write + Send,
    types: Types,
    rows: &[StatusRow],
    metadata: Vec<(String, String)>,
) -> Result<(), WriteError> {
    let batch = |row: &StatusRow| {
        let labels = RowLabels { capture: row.capture.clone(), computer: row.computer.clone(), types };
        labels.batch(&TABLE, std::slice::from_ref(row))
    };
    let batches = rows.iter().map(batch).collect::<Result<Vec<_>, ArrowError>>()?;
    write_batches(out, types, &batches.iter().collect::<Vec<_>>(), metadata)
}
