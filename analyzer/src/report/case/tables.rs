//! A case as tables: the records of its logs, attempts at updates, sessions of the servicing stack, phases of its boot
//! logs, and signs of a rollback.

use super::model::CaseReport;
use crate::logs::case::Case;
use crate::logs::{Kind, LogTime, Record};
use crate::report::cite::hex;
use crate::report::model::{Report, RollbackReport};
use crate::report::tables::{Column, Table, column, floats, maybe_ids, maybe_numbers, maybe_texts, texts};
use arrow::array::{ArrayRef, BooleanArray, TimestampNanosecondArray};
use std::sync::Arc;

/// A record of a log.
#[derive(Clone, Debug)]
pub struct RecordRow {
    source: &'static str,
    file: Arc<str>,
    line: u32,
    /// Ticks in UTC.
    time: Option<i64>,
    local: Option<String>,
    level: &'static str,
    component: String,
    code: Option<String>,
    text: String,
}

impl RecordRow {
    /// A row of a record of a file, whose times the case places.
    pub fn new(case: &Case, file: &Arc<str>, kind: Kind, record: &Record<'_>) -> Self {
        Self {
            source: super::build::source(kind),
            file: Arc::clone(file),
            line: record.line,
            time: case.utc(file, record.time, record.line),
            local: record.time.map(|time| time.to_string()),
            level: match record.level {
                crate::logs::Level::Info => "info",
                crate::logs::Level::Warning => "warning",
                crate::logs::Level::Error => "error",
            },
            component: record.component.to_owned(),
            code: record.code().map(hex),
            text: record.text().into_owned(),
        }
    }

    /// Bytes that the row takes, about.
    pub fn size(&self) -> usize {
        self.text.len() + self.component.len() + 100
    }
}

/// An attempt at an update.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    name: String,
    kb: Option<String>,
    title: Option<String>,
    package: Option<String>,
    guid: Option<String>,
    attempt: u32,
    first: Option<String>,
    last: Option<String>,
    phase: String,
    outcome: String,
    code: Option<String>,
    symbol: Option<String>,
    cured_by: Option<String>,
    is_background: bool,
    file: Option<String>,
    line: Option<u32>,
}

/// A session of the servicing stack.
#[derive(Clone, Debug)]
pub struct SessionRow {
    session: String,
    client: Option<String>,
    package: Option<String>,
    kb: Option<String>,
    attempt: u32,
    first: Option<String>,
    last: Option<String>,
    outcome: String,
    code: Option<String>,
}

/// A phase of a boot log.
#[derive(Clone, Debug)]
pub struct PhaseRow {
    boot_log: String,
    phase: String,
    name: String,
    start: String,
    end: String,
    start_event: u64,
    end_event: u64,
    confidence: f64,
}

/// A place that shows a sign of a rollback.
#[derive(Clone, Debug)]
pub struct SignalRow {
    signal: String,
    weight: f64,
    text: String,
    file: Option<String>,
    line: Option<u32>,
    event_id: Option<u64>,
    time: Option<String>,
}

/// The rows of the tables that a report fills.
#[derive(Clone, Debug, Default)]
pub struct CaseRows {
    /// Rows of [`UPDATES`].
    pub updates: Vec<AttemptRow>,
    /// Rows of [`SESSIONS`].
    pub sessions: Vec<SessionRow>,
    /// Rows of [`PHASES`].
    pub phases: Vec<PhaseRow>,
    /// Rows of [`SIGNALS`].
    pub signals: Vec<SignalRow>,
}

impl CaseRows {
    /// The rows of a case and its report.
    pub fn new(case: &Case, report: &CaseReport) -> Self {
        let mut rows = Self::default();
        for update in &report.updates {
            rows.updates.extend(update.attempts.iter().map(|attempt| AttemptRow {
                name: update.name.clone(),
                kb: update.kb.clone(),
                title: update.title.clone(),
                package: update.package.clone(),
                guid: update.guid.clone(),
                attempt: attempt.number as u32,
                first: attempt.first.clone(),
                last: attempt.last.clone(),
                phase: super::build::id(attempt.phase.id),
                outcome: super::build::id(attempt.outcome),
                code: attempt.code.as_ref().map(|code| code.code.clone()),
                symbol: attempt.code.as_ref().and_then(|code| code.symbol.clone()),
                cured_by: update.cured_by.clone(),
                is_background: update.background,
                file: attempt.lines.first().map(|line| line.file.clone()),
                line: attempt.lines.first().map(|line| line.line),
            }));
        }
        let sessions = case.attempts.iter().enumerate();
        rows.sessions.extend(sessions.filter_map(|(at, attempt)| {
            Some(SessionRow {
                session: attempt.session()?.to_owned(),
                client: attempt.client.clone(),
                package: attempt.identity.package.clone(),
                kb: attempt.identity.kb.clone(),
                attempt: at as u32 + 1,
                first: attempt.first.map(|at| at.to_time().to_string()),
                last: attempt.last.map(|at| at.to_time().to_string()),
                outcome: super::build::id(attempt.outcome),
                code: attempt.code.map(hex),
            })
        }));
        report.captures.iter().for_each(|capture| rows.add_phases(capture));
        rows.add_signals(&report.rollback);
        rows
    }

    /// The rows of a boot log alone: phases and signals.
    pub fn of_boot_log(report: &Report) -> Self {
        let mut rows = Self::default();
        rows.add_phases(report);
        rows.add_signals(&report.rollback);
        rows
    }

    fn add_phases(&mut self, capture: &Report) {
        self.phases.extend(capture.phases.iter().map(|phase| PhaseRow {
            boot_log: capture.input.name.clone(),
            phase: phase.id.clone(),
            name: phase.name.clone(),
            start: phase.start.clone(),
            end: phase.end.clone(),
            start_event: phase.start_event,
            end_event: phase.end_event,
            confidence: phase.confidence,
        }));
    }

    fn add_signals(&mut self, rollback: &RollbackReport) {
        for signal in &rollback.signals {
            let row = |file: Option<String>, line, event_id, time| SignalRow {
                signal: signal.id.clone(),
                weight: signal.weight,
                text: signal.text.clone(),
                file,
                line,
                event_id,
                time,
            };
            let events = signal.events.iter();
            self.signals
                .extend(events.map(|event| row(None, None, Some(event.event_id), Some(event.time.clone()))));
            let record = |record: Option<u64>| record.and_then(|record| u32::try_from(record).ok());
            self.signals.extend(signal.lines.iter().map(|line| {
                row(Some(line.log.clone()), line.line.or(record(line.record)), None, line.time.clone())
            }));
        }
    }
}

/// Ticks between 1601 and 1970, of 100 ns.
const UNIX_EPOCH: i64 = 116_444_736_000_000_000;

fn nanoseconds(ticks: i64) -> Option<i64> {
    ticks.checked_sub(UNIX_EPOCH)?.checked_mul(100)
}

/// Times of a report that are UTC; a local time has no place among them.
fn times<T>(rows: &[T], time: impl Fn(&T) -> Option<&str>) -> ArrayRef {
    let utc = |text: &str| {
        let time = LogTime::parse(text).filter(|_| text.ends_with('Z'))?;
        nanoseconds(time.ticks)
    };
    let values = rows.iter().map(|row| time(row).and_then(utc));
    Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
}

/// The records of the text logs and event logs of a case.
pub const RECORDS: Table<RecordRow> = Table {
    name: "records",
    doc: "Every record of every text log and event log of a case. Written by `pml triage --parquet DIR`.",
    columns: &[
        column("source", "Kind of log: `cbs`, `wu`, `dism`, `evtx`, `panther`, `poqexec`, …", |rows| {
            texts(rows, |r| r.source)
        }),
        column("file", "Name of the file.", |rows| texts(rows, |r| &r.file)),
        column("line", "First line, from 1; of an event log, the number of the record.", |rows| {
            maybe_numbers(rows, |r| Some(r.line))
        }),
        column(
            "time",
            "Time in UTC; NULL where the clock of the file is not known. Compares with `events.time`.",
            |rows| {
                let values = rows.iter().map(|row| row.time.and_then(nanoseconds));
                Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
            },
        ),
        column("local", "Time as the log writes it; it ends with `Z` where that is UTC.", |rows| {
            maybe_texts(rows, |r| r.local.as_deref())
        }),
        column("level", "`info`, `warning` or `error`, as the log says; it says little.", |rows| {
            texts(rows, |r| r.level)
        }),
        column("component", "The part of Windows that wrote it, or the provider.", |rows| {
            texts(rows, |r| &r.component)
        }),
        column("code", "The deepest code in the text.", |rows| maybe_texts(rows, |r| r.code.as_deref())),
        column("text", "Message, with its continuation lines.", |rows| texts(rows, |r| &r.text)),
    ],
};

/// Attempts at updates.
pub const UPDATES: Table<AttemptRow> = Table {
    name: "updates",
    doc: "Attempts at each update of a case. Written by `pml triage --parquet DIR`.",
    columns: &[
        column("name", "Short name of the update.", |rows| texts(rows, |r| &r.name)),
        column("kb", "KB number.", |rows| maybe_texts(rows, |r| r.kb.as_deref())),
        column("title", "Title.", |rows| maybe_texts(rows, |r| r.title.as_deref())),
        column("package", "Package.", |rows| maybe_texts(rows, |r| r.package.as_deref())),
        column("guid", "Identifier of the update client.", |rows| maybe_texts(rows, |r| r.guid.as_deref())),
        column("attempt", "Number of the attempt in the case; joins `sessions.attempt`.", |rows| {
            maybe_numbers(rows, |r| Some(r.attempt))
        }),
        column("first_time", "When it began, in UTC.", |rows| times(rows, |r| r.first.as_deref())),
        column("last_time", "When it ended, in UTC.", |rows| times(rows, |r| r.last.as_deref())),
        column("phase", "How far it got.", |rows| texts(rows, |r| &r.phase)),
        column("outcome", "`failed`, `cancelled`, `waits-for-restart` or `installed`.", |rows| {
            texts(rows, |r| &r.outcome)
        }),
        column("code", "The code that says most.", |rows| maybe_texts(rows, |r| r.code.as_deref())),
        column("symbol", "Its name.", |rows| maybe_texts(rows, |r| r.symbol.as_deref())),
        column("cured_by", "When the update was installed after all.", |rows| {
            times(rows, |r| r.cured_by.as_deref())
        }),
        column("is_background", "Whether Windows installs such updates unnoticed.", |rows| {
            Arc::new(rows.iter().map(|r| Some(r.is_background)).collect::<BooleanArray>())
        }),
        column("file", "The log that proves it first; joins `records.file`.", |rows| {
            maybe_texts(rows, |r| r.file.as_deref())
        }),
        column("line", "The line there; joins `records.line`.", |rows| maybe_numbers(rows, |r| r.line)),
    ],
};

/// Sessions of the servicing stack.
pub const SESSIONS: Table<SessionRow> = Table {
    name: "sessions",
    doc: "Sessions of the servicing stack that worked on a package. Written by `pml triage --parquet DIR`.",
    columns: &[
        column("session", "Id, which is the time of its start in UTC.", |rows| texts(rows, |r| &r.session)),
        column("client", "The program that asked for it.", |rows| maybe_texts(rows, |r| r.client.as_deref())),
        column("package", "Package.", |rows| maybe_texts(rows, |r| r.package.as_deref())),
        column("kb", "KB number.", |rows| maybe_texts(rows, |r| r.kb.as_deref())),
        column("attempt", "Number of the attempt in the case.", |rows| {
            maybe_numbers(rows, |r| Some(r.attempt))
        }),
        column("first_time", "When it began, in UTC.", |rows| times(rows, |r| r.first.as_deref())),
        column("last_time", "When it ended, with its restart, in UTC.", |rows| {
            times(rows, |r| r.last.as_deref())
        }),
        column("outcome", "How it ended.", |rows| texts(rows, |r| &r.outcome)),
        column("code", "The code that says most.", |rows| maybe_texts(rows, |r| r.code.as_deref())),
    ],
};

/// Phases of the boot logs.
pub const PHASES: Table<PhaseRow> = Table {
    name: "phases",
    doc: "Phases of the boot logs of a case. Written by `pml triage --parquet DIR`.",
    columns: &[
        column("boot_log", "Name of the boot log.", |rows| texts(rows, |r| &r.boot_log)),
        column("phase", "Id.", |rows| texts(rows, |r| &r.phase)),
        column("name", "Name.", |rows| texts(rows, |r| &r.name)),
        column("start_time", "Begin, in UTC.", |rows| times(rows, |r| Some(&r.start))),
        column("end_time", "End, in UTC.", |rows| times(rows, |r| Some(&r.end))),
        column("start_event", "First event; joins `events.event_id`.", |rows| {
            maybe_ids(rows, |r| Some(r.start_event))
        }),
        column("end_event", "First event after it.", |rows| maybe_ids(rows, |r| Some(r.end_event))),
        column("confidence", "0 to 1.", |rows| floats(rows, |r| r.confidence)),
    ],
};

/// Signs of a rollback.
pub const SIGNALS: Table<SignalRow> = Table {
    name: "signals",
    doc: "Signs of a rollback, and the places that show them. Written by `pml triage --parquet DIR`.",
    columns: &[
        column("signal", "Id.", |rows| texts(rows, |r| &r.signal)),
        column("weight", "How much it weighs, -1 to 1.", |rows| floats(rows, |r| r.weight)),
        column("text", "What it is.", |rows| texts(rows, |r| &r.text)),
        column("file", "The log that shows it; NULL for a boot log.", |rows| {
            maybe_texts(rows, |r| r.file.as_deref())
        }),
        column("line", "The line there.", |rows| maybe_numbers(rows, |r| r.line)),
        column("event_id", "The event of the boot log; joins `events.event_id`.", |rows| {
            maybe_ids(rows, |r| r.event_id)
        }),
        column("time", "When, in UTC.", |rows| times(rows, |r| r.time.as_deref())),
    ],
};

/// Name, meaning and columns of a table: what pages show.
pub type TablePage = (&'static str, &'static str, Vec<(&'static str, &'static str)>);

/// The tables of a case for a page.
pub fn pages() -> Vec<TablePage> {
    fn page<T>(table: &Table<T>) -> TablePage {
        let columns = table.columns.iter().map(|column: &Column<T>| (column.name, column.doc));
        (table.name, table.doc, columns.collect())
    }
    vec![page(&RECORDS), page(&UPDATES), page(&SESSIONS), page(&PHASES), page(&SIGNALS)]
}
