//! What a run over many captures and cases writes beside the reports: tables over all of them, and a page.

use super::record::Record;
use crate::args::TriageArgs;
use crate::failure::Failure;
use crate::fleet::folder::Folder;
use crate::outcome::write_failure;
use crate::output::PendingFile;
use crate::status::say;
use crate::tables::write_batches;
use arrow::array::RecordBatch;
use indicatif::HumanBytes;
use pml_analyzer::case::CaseReport;
use pml_analyzer::case::tables::{CaseRows, PHASES, SESSIONS, SIGNALS, UPDATES};
use pml_analyzer::fleet::{FleetEntry, FleetReport};
use pml_analyzer::logs::case::Case;
use pml_analyzer::tables::{FAILURES, FINDINGS, RowLabels, Table};
use pml_analyzer::verdicts::{VERDICTS, VerdictRow};
use pml_analyzer::{Knowledge, Redactor, Report};
use pml_parser::arrow::types::Types;
use std::collections::{BTreeMap, HashMap};

/// What a run has found so far.
pub(super) struct FleetRows {
    types: Types,
    /// Ids of captures and cases, by name.
    ids: HashMap<String, String>,
    /// Batches of each table, each with the id that its rows have.
    tables: BTreeMap<String, Vec<(String, RecordBatch)>>,
    entries: Vec<FleetEntry>,
}

impl FleetRows {
    /// Nothing yet, of captures and cases with these names and ids.
    pub(super) fn new(args: &TriageArgs, ids: HashMap<String, String>) -> Self {
        Self { types: args.table.types.into(), ids, tables: BTreeMap::new(), entries: Vec::new() }
    }

    /// The id of a capture or case.
    pub(super) fn id(&self, name: &str) -> String {
        self.ids.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn labels(&self, name: &str, computer: &str) -> RowLabels {
        RowLabels { capture: self.id(name), computer: computer.to_owned(), types: self.types }
    }

    /// Adds what this run or an earlier one has found of a capture or case.
    pub(super) fn take(&mut self, record: Record) {
        for (table, id, batch) in record.tables {
            self.tables.entry(table).or_default().push((id, batch));
        }
        self.entries.push(record.ended.entry);
    }

    /// What is kept of a capture without text logs beside it.
    pub(super) fn of_report(
        &self,
        (name, is_lost): (&str, bool),
        report: &Report,
        knowledge: &Knowledge,
        link: Option<String>,
    ) -> Result<Record, Failure> {
        let labels = self.labels(name, &report.machine.computer);
        let row = VerdictRow::of_report((name, is_lost), report, knowledge, link);
        let mut record = Record::new(row.entry().clone());
        add(&mut record, &labels, &VERDICTS, &[row])?;
        add(&mut record, &labels, &FAILURES, &report.failures)?;
        add(&mut record, &labels, &FINDINGS, &report.findings)?;
        add_case_rows(&mut record, &labels, &CaseRows::of_boot_log(report))?;
        Ok(record)
    }

    /// What is kept of a case, whose captures have these names.
    pub(super) fn of_case(
        &self,
        (name, captures): (&str, &[&str]),
        is_lost: bool,
        case: &Case,
        report: &CaseReport,
        link: Option<String>,
    ) -> Result<Record, Failure> {
        // The id of its capture joins the tables of `pml convert`.
        let computer = report.machine.computer.as_deref().unwrap_or_default();
        let of_case = self.labels(captures.first().copied().unwrap_or(name), computer);
        let row = VerdictRow::of_case((name, is_lost), report, link);
        let mut record = Record::new(row.entry().clone());
        add(&mut record, &of_case, &VERDICTS, &[row])?;
        for (capture, boot) in captures.iter().zip(&report.captures) {
            let labels = self.labels(capture, &boot.machine.computer);
            add(&mut record, &labels, &FAILURES, &boot.failures)?;
            add(&mut record, &labels, &FINDINGS, &boot.findings)?;
        }
        add_case_rows(&mut record, &of_case, &CaseRows::new(case, report))?;
        Ok(record)
    }

    /// Adds a capture or case without a report.
    pub(super) fn add_failure(&mut self, name: &str, error: &str) -> Result<(), Failure> {
        let row = VerdictRow::failed(name, error);
        let mut record = Record::new(row.entry().clone());
        add(&mut record, &self.labels(name, ""), &VERDICTS, &[row])?;
        self.take(record);
        Ok(())
    }

    /// Writes the tables, whose rows are in the order of the ids.
    pub(super) fn write(&mut self, folder: &Folder, quiet: bool) -> Result<(), Failure> {
        // Every table is there, whether or not it has rows.
        let nothing = RowLabels { capture: String::new(), computer: String::new(), types: self.types };
        let mut empty = Record::new(FleetEntry::failed("", ""));
        add(&mut empty, &nothing, &FAILURES, &[])?;
        add(&mut empty, &nothing, &FINDINGS, &[])?;
        add_case_rows(&mut empty, &nothing, &CaseRows::default())?;
        for (table, id, batch) in empty.tables {
            self.tables.entry(table).or_default().push((id, batch));
        }
        let mut files = Vec::new();
        // The table of verdicts is moved to its place last: where it is, all of them are there.
        let (last, others): (Vec<_>, Vec<_>) =
            self.tables.iter_mut().partition(|(name, _)| **name == VERDICTS.name);
        for (name, batches) in last.into_iter().chain(others) {
            let path = folder.path().join(format!("{name}.parquet"));
            // The rows of one id stay in their order.
            batches.sort_by(|a, b| a.0.cmp(&b.0));
            let file = PendingFile::create(&path, true)?;
            let out = file.writer().map_err(|e| Failure::of_io(&path, &e))?;
            let rows: Vec<_> = batches.iter().map(|batch| &batch.1).collect();
            write_batches(out, self.types, &rows, Vec::new()).map_err(|e| write_failure(&path, e))?;
            files.push(file);
        }
        let size = PendingFile::finish_all(files)?;
        if !quiet {
            say(&format!("tables: {} written to {}", HumanBytes(size), folder.path().display()));
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

fn add<T>(record: &mut Record, labels: &RowLabels, table: &Table<T>, rows: &[T]) -> Result<(), Failure> {
    let batch = labels.batch(table, rows).map_err(|e| Failure::new(e.to_string()))?;
    record.tables.push((table.name.to_owned(), labels.capture.clone(), batch));
    Ok(())
}

fn add_case_rows(record: &mut Record, labels: &RowLabels, rows: &CaseRows) -> Result<(), Failure> {
    add(record, labels, &UPDATES, &rows.updates)?;
    add(record, labels, &SESSIONS, &rows.sessions)?;
    add(record, labels, &PHASES, &rows.phases)?;
    add(record, labels, &SIGNALS, &rows.signals)
}
