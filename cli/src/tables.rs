//! Writes the dataset of a capture or a case: the tables of the capture, failures, findings, and those of text logs.

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::input;
use crate::outcome::write_failure;
use crate::output::PendingDataset;
use crate::status::{Progress, say};
use indicatif::HumanBytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use pml_analyzer::Report;
use pml_analyzer::bundle::LogLocation;
use pml_analyzer::case::CaseReport;
use pml_analyzer::case::tables::{self as case_tables, CaseRows, RECORDS, RecordRow, TablePage};
use pml_analyzer::logs::Signatures;
use pml_analyzer::logs::case::Case;
use pml_analyzer::tables::{FAILURES, FINDINGS, Table};
use pml_parser::Opened;
use pml_parser::export::parquet::{ParquetOptions, write_dataset};
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use pml_parser::symbols::SharedSymbols;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The tables for docs/schema.md.
pub(crate) fn markdown() -> String {
    let own = [page_of(&FAILURES), page_of(&FINDINGS)];
    own.into_iter().chain(case_tables::pages()).map(|table| page(&table)).collect()
}

fn page_of<T>(table: &Table<T>) -> TablePage {
    (table.name, table.doc, table.columns.iter().map(|column| (column.name, column.doc)).collect())
}

fn page((name, doc, columns): &TablePage) -> String {
    let rows: String = columns.iter().map(|(name, doc)| format!("| `{name}` | {doc} |\n")).collect();
    format!("\n## {name}\n\n{doc}\n\n| column | what it is |\n|---|---|\n{rows}")
}

/// The signatures that come with the program.
pub(crate) fn signatures() -> Result<Signatures, Failure> {
    Signatures::embedded()
        .map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))
}

fn properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}

fn write_table<T>(out: impl Write + Send, table: &Table<T>, rows: &[T]) -> Result<(), WriteError> {
    let batch = table.batch(rows).map_err(WriteError::Arrow)?;
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties()))?;
    writer.write(&batch)?;
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
    run: &RunArgs,
) -> Result<(), Failure> {
    let progress = Progress::new(capture.set.size(), run.quiet);
    let options = ParquetOptions {
        export: TableOptions {
            scan: ScanOptions { threads: run.threads(), symbols, ..ScanOptions::default() },
            ..TableOptions::default()
        },
        compression: pml_parser::export::parquet::Compression::Zstd,
        facts: input::provenance(capture),
    };
    let outcome = write_dataset(&capture.set, |name| dataset.create_file(name), &options, &progress);
    progress.clear();
    capture.check()?;
    outcome.map_err(|error| write_failure(path, error))?;
    write_whole(dataset, path, &FAILURES, &report.failures)?;
    write_whole(dataset, path, &FINDINGS, &report.findings)
}

/// Writes the tables of a case: its records, updates, sessions, phases and signals.
pub(crate) fn write_case(
    dataset: &PendingDataset,
    path: &Path,
    logs: &[LogLocation],
    case: &Case,
    report: &CaseReport,
) -> Result<(), Failure> {
    let rows = CaseRows::new(case, report);
    write_whole(dataset, path, &case_tables::UPDATES, &rows.updates)?;
    write_whole(dataset, path, &case_tables::SESSIONS, &rows.sessions)?;
    write_whole(dataset, path, &case_tables::PHASES, &rows.phases)?;
    write_whole(dataset, path, &case_tables::SIGNALS, &rows.signals)?;
    write_records(dataset, path, logs, case)
}

/// Writes the records of all logs, some megabytes at a time. What the case has left out, because it is there twice, is
/// left out here too.
fn write_records(
    dataset: &PendingDataset,
    path: &Path,
    logs: &[LogLocation],
    case: &Case,
) -> Result<(), Failure> {
    const MOST_HELD: usize = 16 << 20;
    let failed = |error| write_failure(path, error);
    let empty = RECORDS.batch(&[]).map_err(|error| failed(WriteError::Arrow(error)))?;
    let file =
        dataset.create_file(&format!("{}.parquet", RECORDS.name)).map_err(|e| Failure::of_io(path, &e))?;
    let mut writer =
        ArrowWriter::try_new(file, empty.schema(), Some(properties())).map_err(|e| failed(e.into()))?;
    let (mut rows, mut held) = (Vec::new(), 0);
    let mut trouble = None;
    let known: HashSet<&str> = case.files.iter().map(|file| file.name.as_str()).collect();
    let mut name: Arc<str> = Arc::from("");
    for log in logs {
        log.visit(&mut |file, kind, record| {
            if trouble.is_some() || !known.contains(file) {
                return;
            }
            if *name != *file {
                name = Arc::from(file);
            }
            let row = RecordRow::new(case, &name, kind, record);
            held += row.size();
            rows.push(row);
            if held > MOST_HELD {
                trouble = write_rows(&mut writer, &rows).err();
                rows.clear();
                held = 0;
            }
        })?;
    }
    if trouble.is_none() {
        trouble = write_rows(&mut writer, &rows).err();
    }
    match trouble {
        Some(error) => Err(failed(error)),
        None => writer.close().map(drop).map_err(|e| failed(e.into())),
    }
}

fn write_rows(writer: &mut ArrowWriter<impl Write + Send>, rows: &[RecordRow]) -> Result<(), WriteError> {
    let batch = RECORDS.batch(rows).map_err(WriteError::Arrow)?;
    writer.write(&batch)?;
    Ok(())
}

fn write_whole<T>(
    dataset: &PendingDataset,
    path: &Path,
    table: &Table<T>,
    rows: &[T],
) -> Result<(), Failure> {
    let file =
        dataset.create_file(&format!("{}.parquet", table.name)).map_err(|e| Failure::of_io(path, &e))?;
    write_table(file, table, rows).map_err(|error| write_failure(path, error))
}

/// Moves the dataset to its place.
pub(crate) fn finish(dataset: PendingDataset, path: &Path, quiet: bool) -> Result<(), Failure> {
    let size = dataset.finish()?;
    if !quiet {
        say(&format!("dataset: {} written to {}", HumanBytes(size), path.display()));
    }
    Ok(())
}
