//! Writes the dataset of a capture with two more tables: failures and findings.

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
use pml_analyzer::tables::{Column, FAILURES, FINDINGS, Table};
use pml_parser::Opened;
use pml_parser::export::parquet::{ParquetOptions, write_dataset};
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use std::io::Write;
use std::path::Path;

/// The two tables for docs/schema.md.
pub(crate) fn markdown() -> String {
    format!("{}{}", page(&FAILURES), page(&FINDINGS))
}

fn page<T>(table: &Table<T>) -> String {
    let row = |column: &Column<T>| format!("| `{}` | {} |\n", column.name, column.doc);
    let rows: String = table.columns.iter().map(row).collect();
    format!("\n## {}\n\n{}\n\n| column | what it is |\n|---|---|\n{rows}", table.name, table.doc)
}

fn write_table<T>(out: impl Write + Send, table: &Table<T>, rows: &[T]) -> Result<(), WriteError> {
    let batch = table.batch(rows).map_err(WriteError::Arrow)?;
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

/// Writes the dataset and the two tables.
pub(super) fn write(path: &Path, capture: &Opened, report: &Report, run: &RunArgs) -> Result<(), Failure> {
    let dataset = PendingDataset::create(path, run.force)?;
    let progress = Progress::new(capture.set.size(), run.quiet);
    let options = ParquetOptions {
        export: TableOptions {
            scan: ScanOptions { threads: run.threads(), ..ScanOptions::default() },
            ..TableOptions::default()
        },
        compression: pml_parser::export::parquet::Compression::Zstd,
        facts: input::provenance(capture),
    };
    let outcome = write_dataset(&capture.set, |name| dataset.create_file(name), &options, &progress);
    progress.clear();
    capture.check()?;
    let failed = |error| write_failure(path, error);
    outcome.map_err(failed)?;
    let io = |e: std::io::Error| Failure::of_io(path, &e);
    let create = |name: &str| dataset.create_file(&format!("{name}.parquet")).map_err(io);
    write_table(create(FAILURES.name)?, &FAILURES, &report.failures).map_err(failed)?;
    write_table(create(FINDINGS.name)?, &FINDINGS, &report.findings).map_err(failed)?;
    let size = dataset.finish()?;
    if !run.quiet {
        say(&format!("dataset: {} written to {}", HumanBytes(size), path.display()));
    }
    Ok(())
}
