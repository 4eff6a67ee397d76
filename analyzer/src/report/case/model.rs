//! The report on a case as data. `--format json` prints it for inputs that hold text logs.

use crate::language::Language;
use crate::logs::case::{CaseOutcome, JoinedBy, Outcome, Phase, PlacedBy};
use crate::logs::{AnchorKind, Damage, Encoding, Item, Kind, Machine, SignatureKind, StoreItem};
use crate::report::model::{RemedyReport, Report};
use serde::Serialize;

/// Version of the shape of reports on cases. The report on a boot log alone keeps its own version.
pub const CASE_SCHEMA_VERSION: u32 = 2;

/// All that is known of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name and version of the program.
    pub tool: (String, String),
    /// Language of the texts.
    pub language: Language,
    /// Name of the input.
    pub name: String,
    /// Outcome of the case.
    pub outcome: CaseOutcome,
    /// The outcome in words.
    pub outcome_text: String,
    /// The verdict in one sentence.
    pub headline: String,
    /// The furthest phase that the failed update reached, or the phase that the update is in.
    pub phase: Option<Phase>,
    /// The phase in words.
    pub phase_text: Option<String>,
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
    /// The files.
    pub inputs: Vec<InputReport>,
    /// The updates, in the order of their last attempts.
    pub updates: Vec<UpdateReport>,
    /// Failed searches for updates.
    pub searches: Vec<AttemptReport>,
    /// Causes, the most important first.
    pub findings: Vec<CaseFinding>,
    /// Remarks.
    pub notes: Vec<CaseFinding>,
    /// Checks of the component store, in order.
    pub store: Vec<ScanReport>,
    /// Starts of the machine, in order.
    pub boots: Vec<BootReport>,
    /// Events of all logs, in order.
    pub timeline: Vec<TimelineEntry>,
    /// Contradictions between the logs.
    pub limits: Vec<String>,
    /// What to collect next.
    pub collect: Vec<CollectReport>,
    /// The case in four paragraphs, for a ticket or a mail.
    pub summary: String,
    /// Reports on the boot logs of the case.
    pub captures: Vec<Report>,
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
    pub file: String,
    /// Its kind.
    pub kind: Kind,
    /// The kind in words.
    pub kind_text: String,
    /// Its encoding.
    pub encoding: Encoding,
    /// Number of records.
    pub records: u64,
    /// Time of the first record, on the clock of the file.
    pub first: Option<String>,
    /// Time of the last record, on the clock of the file.
    pub last: Option<String>,
    /// Where its times are on UTC.
    pub clock: ClockReport,
    /// Whether the file belongs to another machine and is left out.
    pub foreign: bool,
    /// Number of damaged places.
    pub damage_count: u64,
    /// Damaged places by kind.
    pub damage: Damage,
    /// Events beyond the number that is kept.
    pub left_out: u64,
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
    pub phase: Phase,
    /// The phase in words.
    pub phase_text: String,
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
    pub phase: Phase,
    /// The phase in words.
    pub phase_text: String,
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
    /// Damage of the disk or the file system.
    Disk,
}

/// A cause or a remark.
#[derive(Clone, Debug, Serialize)]
pub struct CaseFinding {
    /// Rank among causes, or among remarks, from 1.
    pub rank: usize,
    /// Id of the signature.
    pub id: String,
    /// Cause or remark.
    pub kind: SignatureKind,
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
    /// Files, components, packages, installers, drivers or devices.
    pub items: Vec<Item>,
    /// Numbers of the attempts that it explains.
    pub attempts: Vec<usize>,
    /// Lines that prove it.
    pub lines: Vec<ProofReport>,
    /// Boot logs that show the same.
    pub joined: Vec<JoinReport>,
    /// Remedies, in order.
    pub remedies: Vec<RemedyReport>,
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
    /// File.
    pub file: String,
    /// Line, or number of the record.
    pub line: u32,
    /// `attempt`, `boot`, `scan` or `proof`.
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
    pub what: String,
    /// Why it would decide the question.
    pub why: String,
}
