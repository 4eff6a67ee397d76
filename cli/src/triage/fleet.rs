//! What a run over many captures and cases writes beside the reports: tables over all of them, and a page.

use crate::args::TriageArgs;
use crate::failure::Failure;
use crate::output::PendingDataset;
use crate::status::say;
use crate::tables::write_batch;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use indicatif::HumanBytes;
use pml_analyzer::case::CaseReport;
use pml_analyzer::case::tables::{CaseRows, PHASES, SESSIONS, SIGNALS, UPDATES};
use pml_analyzer::fleet::{FleetEntry, FleetReport};
use pml_analyzer::logs::case::Case;
use pml_analyzer::tables::{FAILURES, FINDINGS, RowLabels, Table};
use pml_analyzer::verdicts::{VERDICTS, VerdictRow};
use pml_analyzer::{Knowledge, Redactor, Report};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

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
        let row = VerdictRow::of_report((name, is_lost), report, entry.clone());
        self.entries.push(entry);
        self.add(&labels, &VERDICTS, &[row])?;
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
        let row = VerdictRow::of_case((name, is_lost), report, entry.clone());
        self.entries.push(entry);
        self.add(&of_case, &VERDICTS, &[row])?;
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
        let row = VerdictRow::failed(name, error);
        self.entries.push(entry);
        let labels = self.labels(name, "");
        self.add(&labels, &VERDICTS, &[row])
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
