//! Writes the dataset of a capture or a case: the tables of the capture, failures, findings, and those of text logs.

use crate::args::{RunArgs, TableArgs};
use crate::failure::Failure;
use crate::input;
use crate::outcome::write_failure;
use crate::output::PendingDataset;
use crate::status::{Progress, say};
use arrow::array::RecordBatch;
use indicatif::HumanBytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use pml_analyzer::Report;
use pml_analyzer::bundle::LogLocation;
use pml_analyzer::case::CaseReport;
use pml_analyzer::case::tables::{self as case_tables, CaseRows, RECORDS, RecordRow, TablePage};
use pml_analyzer::logs::Signatures;
use pml_analyzer::logs::case::Case;
use pml_analyzer::survey;
use pml_analyzer::tables::{FAILURES, FINDINGS, LABELS, RowLabels, Table};
use pml_parser::Opened;
use pml_parser::arrow::labels::capture_id;
use pml_parser::arrow::types::Types;
use pml_parser::export::parquet::{ParquetOptions, table_file, write_dataset};
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use pml_parser::symbols::SharedSymbols;
use std::cell::OnceCell;
use std::io::Write;
use std::path::Path;

/// The tables for docs/schema.md.
pub(crate) fn markdown() -> String {
    let own = [page_of(&FAILURES), page_of(&FINDINGS)];
    own.into_iter().chain(case_tables::pages()).map(|table| page(&table)).collect()
}

/// The page of a table.
pub(crate) fn page_of<T>(table: &Table<T>) -> TablePage {
    (table.name, table.doc, table.columns.iter().map(|column| (column.name, column.doc)).collect())
}

/// A table for docs/schema.md.
pub(crate) fn page((name, doc, columns): &TablePage) -> String {
    let rows: String =
        LABELS.iter().chain(columns).map(|(name, doc)| format!("| `{name}` | {doc} |\n")).collect();
    format!("\n## {name}\n\n{doc}\n\n| column | what it is |\n|---|---|\n{rows}")
}

/// The signatures that come with the program, read when the first text log needs them.
#[derive(Default)]
pub(crate) struct LazySignatures(OnceCell<Signatures>);

impl LazySignatures {
    pub(crate) fn get(&self) -> Result<&Signatures, Failure> {
        if let Some(signatures) = self.0.get() {
            return Ok(signatures);
        }
        let signatures = Signatures::embedded()
            .map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))?;
        Ok(self.0.get_or_init(|| signatures))
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}

/// The labels of the rows about a capture.
pub(crate) fn labels_of(args: &TableArgs, capture: &Opened) -> RowLabels {
    let id = args.capture_id.clone().unwrap_or_else(|| capture_id(&capture.set));
    let computer = capture.set.part(0).map(|log| log.computer().to_string()).unwrap_or_default();
    RowLabels { capture: id, computer, types: args.types.into() }
}

/// Those of the rows about a case without a capture.
pub(crate) fn labels_of_case(args: &TableArgs, name: &str) -> RowLabels {
    let id = args.capture_id.clone().unwrap_or_else(|| name.to_owned());
    RowLabels { capture: id, computer: String::new(), types: args.types.into() }
}

fn write_table<T>(
    out: impl Write + Send,
    labels: &RowLabels,
    table: &Table<T>,
    rows: &[T],
) -> Result<(), WriteError> {
    write_batches(out, labels.types, &[&labels.batch(table, rows)?], Vec::new())
}

/// Writes a table that is a few batches, with keys and values of metadata.
pub(crate) fn write_batches(
    out: impl Write + Send,
    types: Types,
    batches: &[&RecordBatch],
    metadata: Vec<(String, String)>,
) -> Result<(), WriteError> {
    let Some(first) = batches.first() else { return Ok(()) };
    let mut writer = table_file(out, first.schema(), types, properties())?;
    for (key, value) in metadata {
        writer.append_key_value_metadata(KeyValue::new(key, value));
    }
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.close()?;
    Ok(())
}

/// Writes the tables of a capture: those of `pml convert`, failures and findings.
pub(crate) fn write(
    dataset: &PendingDataset,
    path: &Path,
    capture: &Opened,
    report: &Report,
    symbols: Option<SharedSymbols>,
    (table, run): (&TableArgs, &RunArgs),
) -> Result<(), Failure> {
    let labels = labels_of(table, capture);
    let progress = Progress::new(capture.set.size(), run.quiet);
    let options = ParquetOptions {
        export: TableOptions {
            scan: ScanOptions { threads: run.threads(), symbols, ..ScanOptions::default() },
            types: labels.types,
            capture: Some(labels.capture.clone()),
            ..TableOptions::default()
        },
        facts: input::provenance(capture),
        ..ParquetOptions::default()
    };
    let outcome = write_dataset(&capture.set, |name| dataset.create_file(name), &options, &progress);
    progress.clear();
    capture.check()?;
    outcome.map_err(|error| write_failure(path, error))?;
    write_whole(dataset, path, &labels, &FAILURES, &report.failures)?;
    write_whole(dataset, path, &labels, &FINDINGS, &report.findings)
}

/// Writes the tables of a case: its records, updates, sessions, phases and signals.
pub(crate) fn write_case(
    dataset: &PendingDataset,
    path: &Path,
    labels: &RowLabels,
    logs: &[LogLocation],
    case: &Case,
    report: &CaseReport,
) -> Result<(), Failure> {
    let rows = CaseRows::new(case, report);
    write_whole(dataset, path, labels, &case_tables::UPDATES, &rows.updates)?;
    write_whole(dataset, path, labels, &case_tables::SESSIONS, &rows.sessions)?;
    write_whole(dataset, path, labels, &case_tables::PHASES, &rows.phases)?;
    write_whole(dataset, path, labels, &case_tables::SIGNALS, &rows.signals)?;
    write_records(dataset, path, labels, logs, case)
}

/// Writes the records of all logs.
fn write_records(
    dataset: &PendingDataset,
    path: &Path,
    labels: &RowLabels,
    logs: &[LogLocation],
    case: &Case,
) -> Result<(), Failure> {
    let failed = |error| write_failure(path, error);
    let empty = labels.batch(&RECORDS, &[]).map_err(|e| failed(e.into()))?;
    let file =
        dataset.create_file(&format!("{}.parquet", RECORDS.name)).map_err(|e| Failure::of_io(path, &e))?;
    let mut writer = table_file(file, empty.schema(), labels.types, properties()).map_err(failed)?;
    survey::records(logs, case, &mut |rows| write_rows(&mut writer, labels, rows).map_err(failed))?;
    writer.close().map(drop).map_err(|e| failed(e.into()))
}

fn write_rows(
    writer: &mut ArrowWriter<impl Write + Send>,
    labels: &RowLabels,
    rows: &[RecordRow],
) -> Result<(), WriteError> {
    let batch = labels.batch(&RECORDS, rows)?;
    writer.write(&batch)?;
    Ok(())
}

/// Writes a table of a dataset.
pub(crate) fn write_whole<T>(
    dataset: &PendingDataset,
    path: &Path,
    labels: &RowLabels,
    table: &Table<T>,
    rows: &[T],
) -> Result<(), Failure> {
    let file =
        dataset.create_file(&format!("{}.parquet", table.name)).map_err(|e| Failure::of_io(path, &e))?;
    write_table(file, labels, table, rows).map_err(|error| write_failure(path, error))
}

/// Moves the dataset to its place.
pub(crate) fn finish(dataset: PendingDataset, path: &Path, quiet: bool) -> Result<(), Failure> {
    let size = dataset.finish()?;
    if !quiet {
        say(&format!("dataset: {} written to {}", HumanBytes(size), path.display()));
    }
    Ok(())
}
