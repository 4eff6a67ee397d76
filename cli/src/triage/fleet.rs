//! What a run over many captures and cases writes beside the reports: tables over all of them, and a page.

use crate::args::TriageArgs;
use crate::failure::Failure;
use crate::output::{PendingDataset, VERDICTS};
use crate::status::say;
use crate::tables::{RowLabels, write_batch};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::compute::concat_batches;
use indicatif::HumanBytes;
use pml_analyzer::case::CaseReport;
use pml_analyzer::case::tables::{CaseRows, PHASES, SESSIONS, SIGNALS, UPDATES};
use pml_analyzer::fleet::{FleetEntry, FleetReport};
use pml_analyzer::logs::case::Case;
use pml_analyzer::tables::{Column, FAILURES, FINDINGS, Table, column};
use pml_analyzer::{Knowledge, Redactor, Report};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// How the analysis of a capture or case ended.
#[derive(Clone, Debug)]
pub(crate) struct VerdictRow {
    source: String,
    status: u32,
    error: Option<String>,
    /// Class of the rollback and confidence in it.
    rollback: Option<(String, f64)>,
    outcome: Option<String>,
    entry: FleetEntry,
    events: Option<u64>,
}

fn texts<'r>(values: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

/// How the analysis of each capture or case ended.
pub(crate) const TABLE: Table<VerdictRow> = Table {
    name: VERDICTS,
    doc: "One row for each capture or case of `pml triage --parquet DIR` over many: the verdict, or why there is none. The tables failures, findings, updates, sessions, phases and signals of such a run hold the rows of all of them.",
    columns: COLUMNS,
};

const COLUMNS: &[Column<VerdictRow>] = &[
    column("source", "The capture or case, as its report calls it.", |rows| {
        texts(rows.iter().map(|r| Some(r.source.as_str())))
    }),
    column("status", "0 whole; 1 something was lost to damage; 2 there is no report.", |rows| {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|r| r.status)))
    }),
    column("error", "Why there is no report.", |rows| texts(rows.iter().map(|r| r.error.as_deref()))),
    column("rollback", "`none`, `possible`, `probable` or `confirmed`.", |rows| {
        texts(rows.iter().map(|r| r.rollback.as_ref().map(|rollback| rollback.0.as_str())))
    }),
    column("confidence", "Confidence in a rollback, 0 to 1.", |rows| {
        let confidence = rows.iter().map(|r| r.rollback.as_ref().map(|rollback| rollback.1));
        Arc::new(confidence.collect::<arrow::array::Float64Array>())
    }),
    column("outcome", "What became of the update, as the report in JSON says.", |rows| {
        texts(rows.iter().map(|r| r.outcome.as_deref()))
    }),
    column("headline", "The verdict in one sentence.", |rows| {
        texts(rows.iter().map(|r| r.error.is_none().then_some(r.entry.headline.as_str())))
    }),
    column("rule", "Rule of the first cause; joins `findings.rule`.", |rows| {
        texts(rows.iter().map(|r| r.entry.cause.as_deref()))
    }),
    column("title", "The first cause in words.", |rows| {
        texts(rows.iter().map(|r| r.entry.cause_title.as_deref()))
    }),
    column("day", "Day of the capture, or of the last attempt of a case.", |rows| {
        texts(rows.iter().map(|r| r.entry.day.as_deref()))
    }),
    column("events", "Events of its captures.", |rows| {
        Arc::new(rows.iter().map(|r| r.events).collect::<UInt64Array>())
    }),
    column("report", "File of the report, where reports go to a directory.", |rows| {
        texts(rows.iter().map(|r| r.entry.link.as_deref()))
    }),
];

/// A name for serialized words such as `rolled-back`.
fn word(value: impl serde::Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// What a run has found so far.
pub(super) struct FleetRows {
    types: pml_parser::arrow::types::Types,
    /// Ids of captures and cases, by name.
    ids: HashMap<String, String>,
    /// Batches of each table, each with the id that its rows have.
    tables: BTreeMap<&'static str, Vec<(String, RecordBatch)>>,
    entries: Vec<FleetEntry>,
}

impl FleetRows {
    /// Nothing yet, of captures and cases with these names and ids.
    pub(super) fn new(args: &TriageArgs, ids: HashMap<String, String>) -> Self {
        Self { types: args.table.types.into(), ids, tables: BTreeMap::new(), entries: Vec::new() }
    }

    fn labels(&self, name: &str, computer: &str) -> RowLabels {
        let capture = self.ids.get(name).cloned().unwrap_or_else(|| name.to_owned());
        RowLabels { capture, computer: computer.to_owned(), types: self.types }
    }

    fn add<T>(&mut self, labels: &RowLabels, table: &Table<T>, rows: &[T]) -> Result<(), Failure> {
        let batch = labels.batch(table, rows).map_err(|e| Failure::new(e.to_string()))?;
        self.tables.entry(table.name).or_default().push((labels.capture.clone(), batch));
        Ok(())
    }

    fn add_case_rows(&mut self, labels: &RowLabels, rows: &CaseRows) -> Result<(), Failure> {
        self.add(labels, &UPDATES, &rows.updates)?;
        self.add(labels, &SESSIONS, &rows.sessions)?;
        self.add(labels, &PHASES, &rows.phases)?;
        self.add(labels, &SIGNALS, &rows.signals)
    }

    /// Adds a capture without text logs beside it.
    pub(super) fn add_report(
        &mut self,
        (name, is_lost): (&str, bool),
        report: &Report,
        knowledge: &Knowledge,
        link: Option<String>,
    ) -> Result<(), Failure> {
        let labels = self.labels(name, &report.machine.computer);
        let entry = FleetEntry::of_report(report, knowledge, link);
        let row = VerdictRow {
            source: name.to_owned(),
            status: u32::from(is_lost),
            error: None,
            rollback: word(report.rollback.class).map(|class| (class, report.rollback.confidence)),
            outcome: Some(report.outcome.to_owned()),
            events: Some(report.capture.events),
            entry: entry.clone(),
        };
        self.entries.push(entry);
        self.add(&labels, &TABLE, &[row])?;
        self.add(&labels, &FAILURES, &report.failures)?;
        self.add(&labels, &FINDINGS, &report.findings)?;
        self.add_case_rows(&labels, &CaseRows::of_boot_log(report))
    }

    /// Adds a case, whose captures have these names.
    pub(super) fn add_case(
        &mut self,
        (name, captures): (&str, &[&str]),
        is_lost: bool,
        case: &Case,
        report: &CaseReport,
        link: Option<String>,
    ) -> Result<(), Failure> {
        // The id of its capture joins the tables of `pml convert`.
        let computer = report.machine.computer.as_deref().unwrap_or_default();
        let of_case = self.labels(captures.first().copied().unwrap_or(name), computer);
        let entry = FleetEntry { name: name.to_owned(), ..FleetEntry::of_case(report, link) };
        let events: u64 = report.captures.iter().map(|capture| capture.capture.events).sum();
        let row = VerdictRow {
            source: name.to_owned(),
            status: u32::from(is_lost),
            error: None,
            rollback: word(report.rollback.class).map(|class| (class, report.rollback.confidence)),
            outcome: word(report.outcome),
            events: (!captures.is_empty()).then_some(events),
            entry: entry.clone(),
        };
        self.entries.push(entry);
        self.add(&of_case, &TABLE, &[row])?;
        for (capture, boot) in captures.iter().zip(&report.captures) {
            let labels = self.labels(capture, &boot.machine.computer);
            self.add(&labels, &FAILURES, &boot.failures)?;
            self.add(&labels, &FINDINGS, &boot.findings)?;
        }
        self.add_case_rows(&of_case, &CaseRows::new(case, report))
    }

    /// Adds a capture or case without a report.
    pub(super) fn add_failure(&mut self, name: &str, error: &str) -> Result<(), Failure> {
        let entry = FleetEntry::failed(name, error);
        let row = VerdictRow {
            source: name.to_owned(),
            status: 2,
            error: Some(error.to_owned()),
            rollback: None,
            outcome: None,
            events: None,
            entry: entry.clone(),
        };
        self.entries.push(entry);
        let labels = self.labels(name, "");
        self.add(&labels, &TABLE, &[row])
    }

    /// Writes the tables, whose rows are in the order of the ids.
    pub(super) fn write(&mut self, dataset: PendingDataset, path: &Path, quiet: bool) -> Result<(), Failure> {
        let failed = |error: String| Failure::new(format!("{}: {error}", path.display()));
        // Every table is there, whether or not it has rows.
        let nothing = RowLabels { capture: String::new(), computer: String::new(), types: self.types };
        self.add(&nothing, &FAILURES, &[])?;
        self.add(&nothing, &FINDINGS, &[])?;
        self.add_case_rows(&nothing, &CaseRows::default())?;
        for (name, batches) in &mut self.tables {
            // The rows of one id stay in their order.
            batches.sort_by(|a, b| a.0.cmp(&b.0));
            let Some(schema) = batches.first().map(|batch| batch.1.schema()) else { continue };
            let table = concat_batches(&schema, batches.iter().map(|batch| &batch.1));
            let table = table.map_err(|e| failed(e.to_string()))?;
            let file =
                dataset.create_file(&format!("{name}.parquet")).map_err(|e| Failure::of_io(path, &e))?;
            write_batch(file, self.types, &table).map_err(|e| failed(e.to_string()))?;
        }
        let size = dataset.finish()?;
        if !quiet {
            say(&format!("tables: {} written to {}", HumanBytes(size), path.display()));
        }
        Ok(())
    }

    /// The page over all reports.
    pub(super) fn page(self, args: &TriageArgs, knowledge: &Knowledge) -> Result<String, Failure> {
        let computers: Vec<String> = self.entries.iter().map(|entry| entry.computer.clone()).collect();
        let tool = concat!("pml ", env!("CARGO_PKG_VERSION")).to_owned();
        let report = FleetReport::new(self.entries, tool, args.lang().into());
        let redactor = match args.redact {
            true => Some(Redactor::new(&report, &computers).map_err(Failure::new)?),
            false => None,
        };
        report.render(knowledge, redactor.as_ref()).map_err(Failure::new)
    }
}
