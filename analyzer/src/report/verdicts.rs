//! The table of how the analysis of each capture or case ended.

use super::case::CaseReport;
use super::fleet::FleetEntry;
use super::model::Report;
use super::tables::{Column, Table, column, maybe_ids, maybe_texts, texts};
use crate::knowledge::Knowledge;
use arrow::array::{Float64Array, UInt32Array};
use std::sync::Arc;

/// How the analysis of a capture or case ended.
#[derive(Clone, Debug)]
pub struct VerdictRow {
    source: String,
    status: u32,
    error: Option<String>,
    /// Class of the rollback and confidence in it.
    rollback: Option<(String, f64)>,
    outcome: Option<String>,
    entry: FleetEntry,
    events: Option<u64>,
}

/// How the analysis of each capture or case ended.
pub const VERDICTS: Table<VerdictRow> = Table {
    name: "verdicts",
    doc: "One row for each capture or case of `pml triage --parquet DIR` over many: the verdict, or why there is none. The tables failures, findings, updates, sessions, phases and signals of such a run hold the rows of all of them.",
    columns: COLUMNS,
};

const COLUMNS: &[Column<VerdictRow>] = &[
    column("source", "The capture or case, as its report calls it.", |rows| texts(rows, |r| &r.source)),
    column("status", "0 whole; 1 something was lost to damage; 2 there is no report.", |rows| {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|r| r.status)))
    }),
    column("error", "Why there is no report.", |rows| maybe_texts(rows, |r| r.error.as_deref())),
    column("rollback", "`none`, `possible`, `probable` or `confirmed`.", |rows| {
        maybe_texts(rows, |r| r.rollback.as_ref().map(|rollback| rollback.0.as_str()))
    }),
    column("confidence", "Confidence in a rollback, 0 to 1.", |rows| {
        let confidence = rows.iter().map(|r| r.rollback.as_ref().map(|rollback| rollback.1));
        Arc::new(confidence.collect::<Float64Array>())
    }),
    column("outcome", "What became of the update, as the report in JSON says.", |rows| {
        maybe_texts(rows, |r| r.outcome.as_deref())
    }),
    column("headline", "The verdict in one sentence.", |rows| {
        maybe_texts(rows, |r| r.error.is_none().then_some(r.entry.headline.as_str()))
    }),
    column("rule", "Rule of the first cause; joins `findings.rule`.", |rows| {
        maybe_texts(rows, |r| r.entry.cause.as_deref())
    }),
    column("title", "The first cause in words.", |rows| {
        maybe_texts(rows, |r| r.entry.cause_title.as_deref())
    }),
    column("day", "Day of the capture, or of the last attempt of a case.", |rows| {
        maybe_texts(rows, |r| r.entry.day.as_deref())
    }),
    column("events", "Events of its captures.", |rows| maybe_ids(rows, |r| r.events)),
    column("report", "File of the report, where reports go to a directory.", |rows| {
        maybe_texts(rows, |r| r.entry.link.as_deref())
    }),
];

/// A name for serialized words such as `rolled-back`.
fn word(value: impl serde::Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

impl VerdictRow {
    /// The row of a report on a capture that is called `name`; `is_lost` where something was lost to damage.
    pub fn of_report(
        (name, is_lost): (&str, bool),
        report: &Report,
        knowledge: &Knowledge,
        link: Option<String>,
    ) -> Self {
        Self {
            source: name.to_owned(),
            status: u32::from(is_lost),
            error: None,
            rollback: word(report.rollback.class).map(|class| (class, report.rollback.confidence)),
            outcome: Some(report.outcome.to_owned()),
            events: Some(report.capture.events),
            entry: FleetEntry::of_report(report, knowledge, link),
        }
    }

    /// The row of a report on a case that is called `name`.
    pub fn of_case((name, is_lost): (&str, bool), report: &CaseReport, link: Option<String>) -> Self {
        let events: u64 = report.captures.iter().map(|capture| capture.capture.events).sum();
        Self {
            source: name.to_owned(),
            status: u32::from(is_lost),
            error: None,
            rollback: word(report.rollback.class).map(|class| (class, report.rollback.confidence)),
            outcome: word(report.outcome),
            events: (!report.captures.is_empty()).then_some(events),
            entry: FleetEntry { name: name.to_owned(), ..FleetEntry::of_case(report, link) },
        }
    }

    /// The row of a capture or case without a report.
    pub fn failed(name: &str, error: &str) -> Self {
        Self {
            source: name.to_owned(),
            status: 2,
            error: Some(error.to_owned()),
            rollback: None,
            outcome: None,
            events: None,
            entry: FleetEntry::failed(name, error),
        }
    }

    /// Its entry on the page over many reports.
    pub fn entry(&self) -> &FleetEntry {
        &self.entry
    }
}
