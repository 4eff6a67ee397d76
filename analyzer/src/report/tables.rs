//! What a report says as tables: failures and findings, each as one record batch, and the labels of their rows.

use super::model::{FailureReport, FindingReport};
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::error::ArrowError;
use pml_parser::arrow::types::Types;
use std::sync::Arc;

pub use super::verdicts::{VERDICTS, VerdictRow};

/// A column of a table of `T`.
pub struct Column<T> {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub doc: &'static str,
    values: fn(&[T]) -> ArrayRef,
}

/// A table of `T`, a row for each.
pub struct Table<T: 'static> {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub doc: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column<T>],
}

impl<T> Table<T> {
    /// The rows as one record batch.
    ///
    /// # Errors
    /// Never, unless Arrow refuses a column.
    pub fn batch(&self, rows: &[T]) -> Result<RecordBatch, ArrowError> {
        // Every batch of a table has one schema, whether it holds nulls or not.
        let columns = self.columns.iter().map(|column| (column.name, (column.values)(rows), true));
        RecordBatch::try_from_iter_with_nullable(columns)
    }
}

/// The columns that the tables of triage begin with, and what they hold.
pub const LABELS: [(&str, &str); 2] = [
    ("capture", "Id of the capture, or of the case where it has none; joins `events.capture`."),
    ("computer", "Machine of the capture; empty for a case without one."),
];

/// The capture or case that the rows of a table are about, and the types of its columns.
#[derive(Clone, Debug)]
pub struct RowLabels {
    /// The id of the capture or case.
    pub capture: String,
    /// Its machine; empty where the logs do not name it.
    pub computer: String,
    /// The types.
    pub types: Types,
}

impl RowLabels {
    /// The rows of a table with the labels before them, in these types.
    ///
    /// # Errors
    /// Never, unless Arrow refuses a column.
    pub fn batch<T>(&self, table: &Table<T>, rows: &[T]) -> Result<RecordBatch, ArrowError> {
        let exact = table.batch(rows)?;
        let texts = [&self.capture, &self.computer].map(|text| {
            let values = std::iter::repeat_n(Some(text), rows.len());
            Arc::new(StringArray::from_iter(values)) as ArrayRef
        });
        let own = LABELS.iter().map(|label| label.0).zip(texts);
        let columns = own.map(|(name, array)| (name.to_owned(), array, false));
        let schema = exact.schema();
        let rest = schema.fields().iter().zip(exact.columns());
        let rest = rest.map(|(field, array)| (field.name().clone(), Arc::clone(array), true));
        self.types.batch(RecordBatch::try_from_iter_with_nullable(columns.chain(rest))?)
    }
}

/// The groups of failures of a report.
pub const FAILURES: Table<FailureReport> = Table {
    name: "failures",
    doc: "Failed operations of the servicing stack, grouped: what a report shows of them. Written by `pml triage --parquet DIR`.",
    columns: FAILURE_COLUMNS,
};

/// The causes of a report.
pub const FINDINGS: Table<FindingReport> = Table {
    name: "findings",
    doc: "Causes, ranked. Written by `pml triage --parquet DIR`.",
    columns: FINDING_COLUMNS,
};

/// A column whose values a function takes from the rows.
pub const fn column<T>(name: &'static str, doc: &'static str, values: fn(&[T]) -> ArrayRef) -> Column<T> {
    Column { name, doc, values }
}

pub(super) fn texts<T>(rows: &[T], value: impl Fn(&T) -> &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
}

pub(super) fn maybe_texts<T>(rows: &[T], value: impl Fn(&T) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringArray>())
}

fn ids<T>(rows: &[T], value: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(rows.iter().map(value)))
}

pub(super) fn maybe_ids<T>(rows: &[T], value: impl Fn(&T) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<UInt64Array>())
}

fn numbers<T>(rows: &[T], value: impl Fn(&T) -> u32) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(rows.iter().map(value)))
}

pub(super) fn maybe_numbers<T>(rows: &[T], value: impl Fn(&T) -> Option<u32>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<UInt32Array>())
}

pub(super) fn floats<T>(rows: &[T], value: impl Fn(&T) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
}

const FAILURE_COLUMNS: &[Column<FailureReport>] = &[
    column("event_id", "First event of the group; joins `events.event_id`.", |rows| {
        ids(rows, |r| r.first_event)
    }),
    column("last_event_id", "Last event of the group.", |rows| ids(rows, |r| r.last_event)),
    column("phase", "Phase of the boot.", |rows| maybe_texts(rows, |r| r.phase.as_deref())),
    column("process_name", "Program.", |rows| texts(rows, |r| &r.process)),
    column("pid", "Process id.", |rows| numbers(rows, |r| r.pid)),
    column("tid", "Thread id of the first event.", |rows| numbers(rows, |r| r.tid)),
    column("operation", "Operation.", |rows| texts(rows, |r| &r.operation)),
    column("path", "Path of the first event.", |rows| texts(rows, |r| &r.path)),
    column("target_path", "Second path.", |rows| maybe_texts(rows, |r| r.target.as_deref())),
    column("status", "NTSTATUS.", |rows| numbers(rows, |r| r.status.status_number)),
    column("result", "What Process Monitor calls it.", |rows| texts(rows, |r| &r.status.result)),
    column("symbol", "Its name in the headers of Windows.", |rows| {
        maybe_texts(rows, |r| r.status.symbol.as_deref())
    }),
    column("hresult", "The HRESULT that programs show for it.", |rows| {
        maybe_texts(rows, |r| r.status.hresult.as_deref())
    }),
    column("attempts", "Events of the group.", |rows| ids(rows, |r| r.attempts)),
    column(
        "later_succeeded",
        "Whether the operation succeeded later; NULL where that was not followed.",
        |rows| Arc::new(rows.iter().map(|r| r.later_succeeded).collect::<BooleanArray>()),
    ),
    column("noise", "Why it means nothing; NULL where it may mean something.", |rows| {
        maybe_texts(rows, |r| r.noise.as_ref().map(|noise| noise.id.as_str()))
    }),
    column("score", "Points, without those of rules.", |rows| floats(rows, |r| r.score)),
    column("finding", "Rank of the finding it belongs to; joins `findings.rank`.", |rows| {
        Arc::new(rows.iter().map(|r| r.finding.map(|rank| rank as u32)).collect::<UInt32Array>())
    }),
    column("longest_seconds", "How long the longest one took.", |rows| floats(rows, |r| r.longest_seconds)),
];

const FINDING_COLUMNS: &[Column<FindingReport>] = &[
    column("rank", "1 for the most important.", |rows| numbers(rows, |r| r.rank as u32)),
    column("event_id", "The event it is about; joins `events.event_id`.", |rows| {
        maybe_ids(rows, |r| r.event_id)
    }),
    column("rule", "Id of the rule.", |rows| texts(rows, |r| &r.rule)),
    column("bucket", "What kind of case it is.", |rows| texts(rows, |r| &r.bucket)),
    column("confidence", "0 to 1.", |rows| floats(rows, |r| r.confidence)),
    column("score", "Sum of the points.", |rows| floats(rows, |r| r.score)),
    column("title", "Headline.", |rows| texts(rows, |r| &r.title)),
    column("text", "What happened.", |rows| texts(rows, |r| &r.text)),
    column("path", "The path it is about.", |rows| texts(rows, |r| &r.path)),
    column("component", "Folder of the component.", |rows| {
        maybe_texts(rows, |r| r.component.as_ref().map(|c| c.component.directory.as_str()))
    }),
    column("status", "NTSTATUS.", |rows| numbers(rows, |r| r.status.status_number)),
    column("result", "What Process Monitor calls it.", |rows| texts(rows, |r| &r.status.result)),
    column("process_name", "Program.", |rows| texts(rows, |r| &r.process)),
    column("pid", "Process id.", |rows| numbers(rows, |r| r.pid)),
    column("tid", "Thread id.", |rows| numbers(rows, |r| r.tid)),
    column("phase", "Phase of the boot.", |rows| maybe_texts(rows, |r| r.phase.as_deref())),
    column("attempts", "How often it happened.", |rows| ids(rows, |r| r.attempts)),
];
