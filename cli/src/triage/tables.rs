//! The dataset of a capture with two more tables: failures and findings.

use crate::args::RunArgs;
use crate::convert::write_failure;
use crate::failure::Failure;
use crate::input::Capture;
use crate::output::PendingDataset;
use crate::status::{Progress, say};
use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array, UInt64Array};
use arrow::record_batch::RecordBatch;
use indicatif::HumanBytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use pml_analyzer::{FailureReport, FindingReport, Report};
use pml_parser::export::parquet::{Options, write_dataset};
use pml_parser::export::{TableExport, Work, WriteError};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// A column of a table: its name, what it is, and its values.
type Column<T> = (&'static str, &'static str, fn(&[T]) -> ArrayRef);

fn texts<T>(rows: &[T], value: impl Fn(&T) -> &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
}

fn maybe_texts<T>(rows: &[T], value: impl Fn(&T) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringArray>())
}

fn ids<T>(rows: &[T], value: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(rows.iter().map(value)))
}

fn maybe_ids<T>(rows: &[T], value: impl Fn(&T) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<UInt64Array>())
}

fn numbers<T>(rows: &[T], value: impl Fn(&T) -> u32) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(rows.iter().map(value)))
}

fn floats<T>(rows: &[T], value: impl Fn(&T) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
}

/// `failures.parquet`.
pub(crate) const FAILURES: &[Column<FailureReport>] = &[
    ("event_id", "First event of the group; joins `events.event_id`.", |rows| ids(rows, |r| r.first_event)),
    ("last_event_id", "Last event of the group.", |rows| ids(rows, |r| r.last_event)),
    ("phase", "Phase of the boot.", |rows| maybe_texts(rows, |r| r.phase.as_deref())),
    ("process_name", "Program.", |rows| texts(rows, |r| &r.process)),
    ("pid", "Process id.", |rows| numbers(rows, |r| r.pid)),
    ("tid", "Thread id of the first event.", |rows| numbers(rows, |r| r.tid)),
    ("operation", "Operation.", |rows| texts(rows, |r| &r.operation)),
    ("path", "Path of the first event.", |rows| texts(rows, |r| &r.path)),
    ("target_path", "Second path.", |rows| maybe_texts(rows, |r| r.target.as_deref())),
    ("status", "NTSTATUS.", |rows| numbers(rows, |r| r.status.status_number)),
    ("result", "What Process Monitor calls it.", |rows| texts(rows, |r| &r.status.result)),
    ("symbol", "Its name in the headers of Windows.", |rows| {
        maybe_texts(rows, |r| r.status.symbol.as_deref())
    }),
    ("hresult", "The HRESULT that programs show for it.", |rows| {
        maybe_texts(rows, |r| r.status.hresult.as_deref())
    }),
    ("attempts", "Events of the group.", |rows| ids(rows, |r| r.attempts)),
    ("later_succeeded", "Whether the operation succeeded later; NULL where that was not followed.", |rows| {
        Arc::new(rows.iter().map(|r| r.later_succeeded).collect::<BooleanArray>())
    }),
    ("noise", "Why it means nothing; NULL where it may mean something.", |rows| {
        maybe_texts(rows, |r| r.noise.as_ref().map(|noise| noise.id.as_str()))
    }),
    ("score", "Points, without those of rules.", |rows| floats(rows, |r| r.score)),
    ("finding", "Rank of the finding it belongs to; joins `findings.rank`.", |rows| {
        Arc::new(rows.iter().map(|r| r.finding.map(|rank| rank as u32)).collect::<UInt32Array>())
    }),
    ("longest_seconds", "How long the longest one took.", |rows| floats(rows, |r| r.longest_seconds)),
];

/// `findings.parquet`.
pub(crate) const FINDINGS: &[Column<FindingReport>] = &[
    ("rank", "1 for the most important.", |rows| numbers(rows, |r| r.rank as u32)),
    ("event_id", "The event it is about; joins `events.event_id`.", |rows| maybe_ids(rows, |r| r.event_id)),
    ("rule", "Id of the rule.", |rows| texts(rows, |r| &r.rule)),
    ("bucket", "What kind of case it is.", |rows| texts(rows, |r| &r.bucket)),
    ("confidence", "0 to 1.", |rows| floats(rows, |r| r.confidence)),
    ("score", "Sum of the points.", |rows| floats(rows, |r| r.score)),
    ("title", "Headline.", |rows| texts(rows, |r| &r.title)),
    ("text", "What happened.", |rows| texts(rows, |r| &r.text)),
    ("path", "The path it is about.", |rows| texts(rows, |r| &r.path)),
    ("component", "Folder of the component.", |rows| {
        maybe_texts(rows, |r| r.component.as_ref().map(|c| c.component.directory.as_str()))
    }),
    ("status", "NTSTATUS.", |rows| numbers(rows, |r| r.status.status_number)),
    ("result", "What Process Monitor calls it.", |rows| texts(rows, |r| &r.status.result)),
    ("process_name", "Program.", |rows| texts(rows, |r| &r.process)),
    ("pid", "Process id.", |rows| numbers(rows, |r| r.pid)),
    ("tid", "Thread id.", |rows| numbers(rows, |r| r.tid)),
    ("phase", "Phase of the boot.", |rows| maybe_texts(rows, |r| r.phase.as_deref())),
    ("attempts", "How often it happened.", |rows| ids(rows, |r| r.attempts)),
];

/// The two tables for docs/schema.md.
pub(crate) fn markdown() -> String {
    let mut out = String::new();
    let mut table = |name: &str, doc: &str, columns: &[(&str, &str)]| {
        out += &format!("\n## {name}\n\n{doc}\n\n| column | what it is |\n|---|---|\n");
        columns.iter().for_each(|(column, doc)| out += &format!("| `{column}` | {doc} |\n"));
    };
    let failures: Vec<_> = FAILURES.iter().map(|column| (column.0, column.1)).collect();
    let findings: Vec<_> = FINDINGS.iter().map(|column| (column.0, column.1)).collect();
    let doc = "Failed operations of the servicing stack, grouped: what a report shows of them. Written by `pml triage --parquet DIR`.";
    table("failures", doc, &failures);
    table("findings", "Causes, ranked. Written by `pml triage --parquet DIR`.", &findings);
    out
}

fn write_table<T>(out: impl Write + Send, columns: &[Column<T>], rows: &[T]) -> Result<(), WriteError> {
    let arrays = columns.iter().map(|(name, _, values)| (*name, values(rows)));
    let batch = RecordBatch::try_from_iter(arrays).map_err(WriteError::Arrow)?;
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

/// Writes the dataset and the two tables.
pub(super) fn write(path: &Path, capture: &Capture, report: &Report, run: &RunArgs) -> Result<(), Failure> {
    let dataset = PendingDataset::create(path, run.force)?;
    let progress = Progress::new(capture.set.size(), run.quiet);
    let options = Options {
        export: TableExport {
            work: Work { threads: run.threads(), ..Work::default() },
            ..TableExport::default()
        },
        compression: pml_parser::export::parquet::Compression::Zstd,
        facts: capture.facts(),
    };
    let outcome = write_dataset(&capture.set, |name| dataset.create_file(name), &options, &progress);
    progress.clear();
    capture.check()?;
    let failed = |error| write_failure(path, error);
    outcome.map_err(failed)?;
    let io = |e: std::io::Error| Failure::of_io(path, &e);
    let [failures, findings] = super::TABLES;
    write_table(dataset.create_file(&format!("{failures}.parquet")).map_err(io)?, FAILURES, &report.failures)
        .map_err(failed)?;
    write_table(dataset.create_file(&format!("{findings}.parquet")).map_err(io)?, FINDINGS, &report.findings)
        .map_err(failed)?;
    let size = dataset.finish()?;
    if !run.quiet {
        say(&format!("dataset: {} written to {}", HumanBytes(size), path.display()));
    }
    Ok(())
}
