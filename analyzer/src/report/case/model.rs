//! The report on a case as data. `--format json` prints it for inputs that hold text logs.

use crate::language::Language;
use crate::logs::case::{CaseOutcome, JoinedBy, Outcome, Phase, PlacedBy};
use crate::logs::{AnchorKind, Damage, Encoding, Item, Machine, SignatureKind, StoreItem};
use crate::report::model::{FindingReport, RemedyReport, Report, RollbackReport, Sentence, Tool};
use serde::Serialize;

/// Version of the shape of reports on cases. The report on a boot log alone keeps its own version.
pub const CASE_SCHEMA_VERSION: u32 = 2;

/// All that is known of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool,
    /// Language of the texts.
    pub language: Language,
    /// Where the files come from.
    pub input: CaseInput,
    /// Outcome of the case.
    pub outcome: CaseOutcome,
    /// The outcome in words.
    pub outcome_text: String,
    /// The verdict in one sentence.
    pub headline: String,
    /// The case in four paragraphs, as a text for a ticket or a mail.
    pub mail: String,
    /// Whether the update was rolled back by a restart.
    pub rollback: RollbackReport,
    /// The furthest phase that the failed update reached, or the phase that the update is in.
    pub phase: Option<PhaseText>,
    /// Whether a boot log can show the failure.
    pub boot_log_helps: bool,
    /// The code of the failure.
    pub code: Option<CodeReport>,
    /// The update of the case, as a position in `updates`.
    pub update: Option<usize>,
    /// Whether attempts at the update failed in different ways, without a common cause in the logs.
    pub inconclusive: bool,
    /// The machine, as far as the logs describe it.
    pub machine: Machine,
    /// The files, and those that could not be read.
    pub inputs: Vec<InputReport>,
    /// How local times of the case relate to UTC.
    pub clock: Option<CaseClock>,
    /// The updates, in the order of their last attempts.
    pub updates: Vec<UpdateReport>,
    /// Failed searches for updates.
    pub searches: Vec<AttemptReport>,
    /// Causes, the most important first, from text logs and boot logs.
    pub findings: Vec<CaseFinding>,
    /// Remarks.
    pub notes: Vec<CaseFinding>,
    /// Checks of the component store.
    pub store: StoreReport,
    /// Starts of the machine, in order.
    pub boots: Vec<BootReport>,
    /// What joins boot logs with text logs.
    pub joins: Vec<CaptureLink>,
    /// Events of all logs, in order.
    pub timeline: Vec<TimelineEntry>,
    /// What the logs cannot show, and contradictions between them.
    pub limits: Vec<Sentence>,
    /// Remedies of all findings, in order, each once.
    pub steps: Vec<RemedyReport>,
    /// What to collect next.
    pub next: Vec<CollectReport>,
    /// The paragraphs of `mail`.
    pub summary: CaseSummary,
    /// Reports on the boot logs of the case.
    pub captures: Vec<Report>,
}

/// Where the files of a case come from.
#[derive(Clone, Debug, Serialize)]
pub struct CaseInput {
    /// Name of the folder, zip file or log.
    pub name: String,
}

/// A phase with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseText {
    /// The phase.
    pub id: Phase,
    /// The phase in words.
    pub text: String,
}

/// How local times of a case relate to UTC, by the file that proves it best.
#[derive(Clone, Debug, Serialize)]
pub struct CaseClock {
    /// Minutes that local times are ahead of UTC, in the order of the file.
    pub offset_minutes: Vec<i32>,
    /// The file.
    pub from: String,
    /// The kinds of times in the file that agree on the offset.
    pub agreement: Vec<AnchorKind>,
}

/// The paragraphs of a case.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseSummary {
    /// What the customer sees.
    pub problem: String,
    /// What the logs show, with the lines that prove it.
    pub analysis: String,
    /// What to do, in order.
    pub next: String,
    /// The conclusion.
    pub conclusion: String,
}

/// An input that could not be read.
#[derive(Clone, Debug)]
pub struct UnreadInput {
    pub(super) path: String,
    pub(super) error: String,
}

impl UnreadInput {
    /// A file without content.
    pub fn empty(path: &str) -> Self {
        Self::failed(path, "is empty")
    }

    /// A file that cannot be read, and why.
    pub fn failed(path: &str, error: &str) -> Self {
        Self { path: path.to_owned(), error: error.to_owned() }
    }
}

/// A code, and its name in the headers of Windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeReport {
    /// The code, `0x800F0922`.
    pub code: String,
    /// Its name.
    pub symbol: Option<String>,
    /// Its meaning.
    pub text: Option<String>,
}

/// A file of the case.
#[derive(Clone, Debug, Serialize)]
pub struct InputReport {
    /// Its name.
    pub path: String,
    /// Its kind: the id of a kind of log, or `pml`; nothing for a file that could not be read.
    pub kind: Option<String>,
    /// The kind in words.
    pub kind_text: String,
    /// Its encoding; nothing for a boot log.
    pub encoding: Option<Encoding>,
    /// Number of records, or of events.
    pub records: u64,
    /// Time of the first record, on the clock of the file.
    pub first: Option<String>,
    /// Time of the last record, on the clock of the file.
    pub last: Option<String>,
    /// Where its times are on UTC.
    pub clock: Option<ClockReport>,
    /// Whether the file belongs to another machine and is left out.
    pub foreign: bool,
    /// Number of damaged places.
    pub damage_count: u64,
    /// Damaged places by kind.
    pub damage: Option<Damage>,
    /// Events beyond the number that is kept.
    pub left_out: u64,
    /// Why the file could not be read.
    pub error: Option<String>,
}

/// Where the times of a file are on UTC.
#[derive(Clone, Debug, Serialize)]
pub struct ClockReport {
    /// What shows it.
    pub placed_by: PlacedBy,
    /// The same in words.
    pub text: String,
    /// The other file that shows it.
    pub from: Option<String>,
    /// Minutes that local times are ahead of UTC, in the order of the file.
    pub offset_minutes: Vec<i32>,
    /// The kinds of times in the file that agree on the offset.
    pub agreement: Vec<AnchorKind>,
}

/// An update, with all attempts at it.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateReport {
    /// Short name: the KB number, the title, the package or the identifier.
    pub name: String,
    /// KB number.
    pub kb: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Package.
    pub package: Option<String>,
    /// Identifier.
    pub guid: Option<String>,
    /// Build and revision that the update brings.
    pub brings: Option<String>,
    /// Outcome of the last attempt.
    pub outcome: Outcome,
    /// The outcome in words.
    pub outcome_text: String,
    /// Whether the update was rolled back and not installed since.
    pub rolled_back: bool,
    /// Furthest phase of the last failure, or of the success.
    pub phase: PhaseText,
    /// Code of the last failure.
    pub code: Option<CodeReport>,
    /// Time of the attempt that succeeded after failures.
    pub cured_by: Option<String>,
    /// Whether Windows installs such updates unnoticed, such as definitions.
    pub background: bool,
    /// Attempts, in order.
    pub attempts: Vec<AttemptReport>,
}

/// An attempt to find, download or install an update.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptReport {
    /// Number of the attempt in the case, from 1. Findings refer to it.
    pub number: usize,
    /// First time.
    pub first: Option<String>,
    /// Last time.
    pub last: Option<String>,
    /// Furthest phase.
    pub phase: PhaseText,
    /// Outcome.
    pub outcome: Outcome,
    /// The outcome in words.
    pub outcome_text: String,
    /// The code that says most.
    pub code: Option<CodeReport>,
    /// All codes.
    pub codes: Vec<String>,
    /// Caller, or client of the servicing stack.
    pub client: Option<String>,
    /// Whether no log names the update of this attempt.
    pub assumed: bool,
    /// Lines that prove the outcome.
    pub lines: Vec<ProofReport>,
    /// Other logs that report the same attempt.
    pub joined: Vec<JoinReport>,
}

/// A line or record that proves something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProofReport {
    /// Kind of log: `cbs`, `wu`, `dism`, `evtx`, `panther`, `poqexec`, or another one.
    pub source: &'static str,
    /// File.
    pub file: String,
    /// Line, from 1; of an event log, the number of the record.
    pub line: u32,
    /// Time; it ends with `Z` where it is UTC.
    pub time: Option<String>,
    /// Code in the line.
    pub code: Option<String>,
    /// The line, shortened.
    pub text: String,
}

/// Another source of the same fact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JoinReport {
    /// Kind of log: `pml` for a boot log.
    pub source: &'static str,
    /// File, or name of the boot log.
    pub file: String,
    /// Line, or number of the record; nothing for a boot log.
    pub line: Option<u32>,
    /// Event of a boot log.
    pub event_id: Option<u64>,
    /// What joins them.
    pub by: JoinedWith,
}

/// What joins two sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum JoinedWith {
    /// Two logs report one attempt.
    Attempt(JoinedBy),
    /// A log and a boot log name the same thing.
    Capture(CaptureJoin),
}

/// What joins a log with a boot log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureJoin {
    /// The same path.
    Path,
    /// The same component, another file of it.
    Component,
    /// Damage of the disk or the file system.
    Disk,
}

/// A time that a boot log and a text log share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaptureLink {
    /// Name of the boot log.
    pub capture: String,
    /// `boot-time`: the boot log begins when the machine started. `queue-start`: poqexec ran.
    pub by: &'static str,
    /// File.
    pub file: String,
    /// Line, or number of the record.
    pub line: u32,
    /// Seconds between both.
    pub seconds: f64,
}

/// A cause or a remark.
#[derive(Clone, Debug, Serialize)]
pub struct CaseFinding {
    /// Rank among causes, or among remarks, from 1.
    pub rank: usize,
    /// Id of the signature or rule.
    pub rule: String,
    /// Cause or remark.
    pub kind: SignatureKind,
    /// Kind of log that shows it first: `pml`, `cbs`, `wu`, `dism`, `evtx`, `panther`, `poqexec`, or another one.
    pub source: &'static str,
    /// Title.
    pub title: String,
    /// Explanation.
    pub text: String,
    /// Confidence from 0 to 1.
    pub confidence: f64,
    /// Code of the failure.
    pub code: Option<CodeReport>,
    /// Code of the operation that failed inside.
    pub deep: Option<CodeReport>,
    /// The path that it is about, where there is one.
    pub path: Option<String>,
    /// Files, components, packages, installers, drivers or devices.
    pub items: Vec<Item>,
    /// Numbers of the attempts that it explains.
    pub explains: Vec<usize>,
    /// File that shows it first.
    pub file: Option<String>,
    /// Line, or number of the record, in that file.
    pub line: Option<u32>,
    /// Event of the boot log, where that shows it.
    pub event_id: Option<u64>,
    /// When.
    pub record_time: Option<String>,
    /// Lines that prove it.
    pub lines: Vec<ProofReport>,
    /// Boot logs that show the same.
    pub joined: Vec<JoinReport>,
    /// Remedies, in order.
    pub remedies: Vec<RemedyReport>,
    /// The finding of the boot log that shows the same, or that it is.
    pub boot_log: Option<Box<FindingReport>>,
}

/// Checks of the component store.
#[derive(Clone, Debug, Serialize)]
pub struct StoreReport {
    /// `damaged`, `shifting`, `not-counted` or `healthy`; nothing where no log shows a check.
    pub verdict: Option<&'static str>,
    /// The checks, in order.
    pub scans: Vec<ScanReport>,
}

/// A check of the component store.
#[derive(Clone, Debug, Serialize)]
pub struct ScanReport {
    /// Time.
    pub time: Option<String>,
    /// File.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Kind of check.
    pub operation: String,
    /// Code that the check ended with.
    pub result: Option<String>,
    /// Damage that Windows counted.
    pub detected: Option<u32>,
    /// Whether the count means anything: only the count of a check without an error does.
    pub is_counted: bool,
    /// Number of damaged items that are not repaired.
    pub left: usize,
    /// Damaged items.
    pub items: Vec<StoreItem>,
}

/// A start of the machine.
#[derive(Clone, Debug, Serialize)]
pub struct BootReport {
    /// Time.
    pub time: Option<String>,
    /// File.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Code of the failure in this start.
    pub failed: Option<CodeReport>,
    /// Whether an update was undone in this start.
    pub undoes: bool,
    /// Whether the boot log is of this start.
    pub captured: bool,
}

/// An event of the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineEntry {
    /// Time.
    pub time: String,
    /// Kind of log: `pml` for a boot log.
    pub source: &'static str,
    /// File.
    pub file: String,
    /// Line, or number of the record; nothing for a boot log.
    pub line: Option<u32>,
    /// Event of a boot log.
    pub event_id: Option<u64>,
    /// `attempt`, `boot`, `scan`, `proof`, `phase` or `finding`.
    pub what: &'static str,
    /// Text.
    pub text: String,
}

/// What to collect next.
#[derive(Clone, Debug, Serialize)]
pub struct CollectReport {
    /// Id.
    pub id: String,
    /// What.
    pub text: String,
    /// Why it would decide the question.
    pub why: String,
}
