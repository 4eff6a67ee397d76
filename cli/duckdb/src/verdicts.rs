//! What triage says of captures and cases, as tables: verdicts, findings, failures, signals, phases, updates, sessions.

use crate::captures::{OPENING, Opening, WhileReadable, cores, readable, said_of_search};
use crate::cases::{Cases, find, signatures};
use crate::host::{Arguments, Bound, Function, Kind, Parameter, Query, Scan, Started};
use crate::small::projected;
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use pml_analyzer::bundle::CaptureLocation;
use pml_analyzer::case::tables::{CaseRows, PHASES, SESSIONS, SIGNALS, UPDATES};
use pml_analyzer::case::{CaseOrigin, CaseReport, UnreadInput};
use pml_analyzer::logs::Signatures;
use pml_analyzer::survey::{CaseFiles, Subject};
use pml_analyzer::tables::{FAILURES, FINDINGS, RowLabels, Table};
use pml_analyzer::verdicts::{VERDICTS, VerdictRow};
use pml_analyzer::{Knowledge, Language, Origin, Report, TriageOptions, triage};
use pml_parser::arrow::types::Types;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What triage says of a capture or case.
#[derive(Default)]
struct Judged {
    verdict: Option<(RowLabels, VerdictRow)>,
    captures: Vec<(RowLabels, Report)>,
    case: Option<(RowLabels, CaseRows)>,
}

/// The rows of a table.
type Rows = fn(&Judged) -> Result<Vec<RecordBatch>, ArrowError>;

/// A table without rows.
type Empty = fn(&RowLabels) -> Result<RecordBatch, ArrowError>;

/// A table function.
pub(crate) struct Verdicts {
    name: &'static str,
    rows: Rows,
    empty: Empty,
    parameters: Vec<Parameter>,
}

/// The language of titles and texts.
const LANGUAGE: Parameter = ("lang", Kind::Text);

/// The function whose rows say what could not be read.
const TRIAGE: &str = "pml_triage";

/// Rows about captures.
fn of_captures<T: 'static>(
    judged: &Judged,
    table: &Table<T>,
    rows: fn(&Report) -> &[T],
) -> Result<Vec<RecordBatch>, ArrowError> {
    judged.captures.iter().map(|(labels, report)| labels.batch(table, rows(report))).collect()
}

/// Rows about a case, or about the boot log that is one.
fn of_case<T: 'static>(
    judged: &Judged,
    table: &Table<T>,
    rows: fn(&CaseRows) -> &[T],
) -> Result<Vec<RecordBatch>, ArrowError> {
    judged.case.iter().map(|(labels, case)| labels.batch(table, rows(case))).collect()
}

/// All of them.
pub(crate) fn all() -> Vec<Verdicts> {
    let verdict: Rows = |judged| {
        let rows = judged.verdict.iter();
        rows.map(|(labels, row)| labels.batch(&VERDICTS, std::slice::from_ref(row))).collect()
    };
    let findings: Rows = |judged| of_captures(judged, &FINDINGS, |report| &report.findings);
    let failures: Rows = |judged| of_captures(judged, &FAILURES, |report| &report.failures);
    let tables: [(&str, Rows, Empty); 7] = [
        (TRIAGE, verdict, |labels| labels.batch(&VERDICTS, &[])),
        ("pml_findings", findings, |labels| labels.batch(&FINDINGS, &[])),
        ("pml_failures", failures, |labels| labels.batch(&FAILURES, &[])),
        (
            "pml_signals",
            |judged| of_case(judged, &SIGNALS, |rows| &rows.signals),
            |labels| labels.batch(&SIGNALS, &[]),
        ),
        (
            "pml_phases",
            |judged| of_case(judged, &PHASES, |rows| &rows.phases),
            |labels| labels.batch(&PHASES, &[]),
        ),
        (
            "pml_updates",
            |judged| of_case(judged, &UPDATES, |rows| &rows.updates),
            |labels| labels.batch(&UPDATES, &[]),
        ),
        (
            "pml_sessions",
            |judged| of_case(judged, &SESSIONS, |rows| &rows.sessions),
            |labels| labels.batch(&SESSIONS, &[]),
        ),
    ];
    let parameters: Vec<Parameter> = OPENING.into_iter().chain([LANGUAGE]).collect();
    let function = |(name, rows, empty)| Verdicts { name, rows, empty, parameters: parameters.clone() };
    tables.into_iter().map(function).collect()
}

/// The rules that come with the extension, loaded once.
fn knowledge() -> Result<&'static Knowledge, String> {
    static KNOWLEDGE: OnceLock<Result<Knowledge, String>> = OnceLock::new();
    let loaded = KNOWLEDGE.get_or_init(|| {
        Knowledge::embedded().map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())
    });
    loaded.as_ref().map_err(Clone::clone)
}

impl Function for Verdicts {
    fn name(&self) -> &str {
        self.name
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn bind(&self, arguments: &Arguments) -> Result<Bound, String> {
        let language = match arguments.text(LANGUAGE.0) {
            None | Some("en") => Language::En,
            Some("zh") => Language::Zh,
            Some(other) => return Err(format!("lang is 'en' or 'zh', not '{other}'")),
        };
        let labels = RowLabels { capture: String::new(), computer: String::new(), types: Types::Exact };
        let schema = (self.empty)(&labels).map_err(|error| error.to_string())?.schema();
        let query = Wanted {
            arguments: arguments.clone(),
            opening: Opening::new(arguments)?,
            rows: self.rows,
            language,
            errors_are_rows: self.name == TRIAGE,
        };
        Ok(Bound { schema, rows: None, query: Box::new(Arc::new(query)) })
    }
}

struct Wanted {
    arguments: Arguments,
    opening: Opening,
    rows: Rows,
    language: Language,
    errors_are_rows: bool,
}

impl Query for Arc<Wanted> {
    fn start(&self, columns: &[usize]) -> Result<Started, String> {
        let signatures = signatures()?;
        let opening = match self.errors_are_rows {
            true => self.opening.clone().skipping(),
            false => self.opening.clone(),
        };
        let cases = Mutex::new(find(&self.arguments, &opening, &signatures)?);
        let reading = Reading { wanted: Arc::clone(self), columns: columns.to_vec(), signatures, cases };
        // An analysis uses all cores itself.
        Ok(Started { scan: Box::new(reading), threads: 1 })
    }
}

/// A reading, case by case.
struct Reading {
    wanted: Arc<Wanted>,
    columns: Vec<usize>,
    signatures: Signatures,
    cases: Mutex<Cases>,
}

impl Scan for Reading {
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
        let mut cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = match cases.unsearched.pop() {
            Some((name, error)) => self.failed(&cases, &name, error)?,
            None => match cases.subjects.pop_front() {
                Some(subject) => self.judge(&cases, &subject)?,
                None => return Ok(None),
            },
        };
        let batches = (self.wanted.rows)(&judged).map_err(|error| error.to_string())?;
        projected(batches, &self.columns).map(Some)
    }
}

impl Reading {
    /// What becomes of something that cannot be read: a row, nothing, or an error.
    fn failed(&self, cases: &Cases, name: &str, error: String) -> Result<Judged, String> {
        if self.wanted.errors_are_rows {
            let row = VerdictRow::failed(name, &error);
            return Ok(Judged { verdict: Some((cases.of_name(name, ""), row)), ..Judged::default() });
        }
        self.wanted.opening.tolerate(Err(error)).map(Option::unwrap_or_default)
    }

    fn judge(&self, cases: &Cases, subject: &Subject) -> Result<Judged, String> {
        let knowledge = knowledge()?;
        match subject {
            Subject::Broken { name, error } => self.failed(cases, name, said_of_search(error)),
            Subject::Case(files) => self.judge_case(cases, files),
            Subject::Capture(location) => {
                let name = location.name();
                let analyzed = match self.analyze(cases, location, name) {
                    Ok(analyzed) => analyzed,
                    Err(error) => return self.failed(cases, name, error),
                };
                let Analyzed { labels, report, is_lost } = analyzed;
                let row = VerdictRow::of_report((name, is_lost), &report, knowledge, None);
                Ok(Judged {
                    verdict: Some((labels.clone(), row)),
                    case: Some((labels.clone(), CaseRows::of_boot_log(&report))),
                    captures: vec![(labels, report)],
                })
            }
        }
    }

    fn judge_case(&self, cases: &Cases, files: &CaseFiles) -> Result<Judged, String> {
        let (mut unread, mut is_lost) = (files.unread.clone(), false);
        let (mut captures, mut reports) = (Vec::new(), Vec::new());
        for location in files.distinct_captures() {
            match self.analyze(cases, location, files.name_within(location)) {
                Ok(analyzed) => {
                    is_lost |= analyzed.is_lost;
                    reports.push(analyzed.report.clone());
                    captures.push((analyzed.labels, analyzed.report));
                }
                // The text logs still have their story.
                Err(error) => unread.push(UnreadInput::failed(location.name(), &error)),
            }
        }
        is_lost |= !unread.is_empty();
        let origin = CaseOrigin { name: files.name.clone(), tool: tool(), unread };
        let (rules, language) = (knowledge()?, self.wanted.language);
        let report = CaseReport::new(&files.case, reports, &origin, &self.signatures, rules, language);
        let computer = report.machine.computer.as_deref().unwrap_or_default();
        // The id of its capture joins the tables of events.
        let labels = match captures.first() {
            Some((labels, _)) => RowLabels { computer: computer.to_owned(), ..labels.clone() },
            None => cases.of_name(&files.name, computer),
        };
        let row = VerdictRow::of_case((&files.name, is_lost), &report, None);
        Ok(Judged {
            verdict: Some((labels.clone(), row)),
            captures,
            case: Some((labels, CaseRows::new(&files.case, &report))),
        })
    }

    /// Analyzes a capture, which its report calls `name`.
    fn analyze(&self, cases: &Cases, location: &CaptureLocation, name: &str) -> Result<Analyzed, String> {
        let knowledge = knowledge()?;
        let capture = self.wanted.opening.open_all(location)?;
        // What is missing may be what matters.
        let lost_parts = capture.lost_parts || !capture.missing.is_empty();
        let options = TriageOptions { threads: cores(), parts_missing: lost_parts };
        let result = triage(&capture.set, knowledge, options, &WhileReadable(&capture));
        readable(&capture)?;
        let result = result.map_err(|error| format!("{}: {error}", location.name()))?;
        let origin = Origin {
            name: name.to_owned(),
            parts: capture.names(),
            argument: location.argument(),
            lost_parts,
            zone: None,
            tool: tool(),
            symbols: None,
        };
        let report = Report::new(&capture.set, &result, knowledge, &origin, self.wanted.language);
        // Building the report has read events again.
        readable(&capture)?;
        let is_lost = lost_parts || capture.has_losses(result.damage());
        Ok(Analyzed { labels: cases.of_capture(location.name(), &capture), report, is_lost })
    }
}

/// A capture that is analyzed.
struct Analyzed {
    labels: RowLabels,
    report: Report,
    is_lost: bool,
}

fn tool() -> (String, String) {
    ("pml-duckdb".to_owned(), env!("CARGO_PKG_VERSION").to_owned())
}
