//! The report as data. This is what `--format json` prints (docs/triage.md).

use crate::component::Component;
use crate::evidence::Certainty;
use crate::judge::RollbackClass;
use crate::knowledge::{Boot, Risk, RuleStatus};
use crate::language::Language;
use pml_parser::Recovery;
use serde::Serialize;

/// Version of the JSON of reports: its key `schema_version`. It rises when a key changes its meaning or goes away. The
/// version of the columns of a dataset is another one, in the parser.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that is said about a capture.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this shape.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool,
    /// Its language.
    pub language: Language,
    /// Where it comes from.
    pub input: Input,
    /// The machine that was captured.
    pub machine: Machine,
    /// What was captured.
    pub capture: CaptureFacts,
    /// Which boot it is.
    pub boot: Boot,
    /// The same in words.
    pub boot_text: String,
    /// Whether the update was rolled back.
    pub rollback: RollbackReport,
    /// What became of the update: `rolled-back`, `failed`, `completed` or `nothing` (none was at stake).
    pub outcome: &'static str,
    /// The verdict in one sentence.
    pub headline: String,
    /// The verdict as a text for a mail.
    pub mail: String,
    /// Whether it is the disk.
    pub disk: Disk,
    /// Causes, the most important first.
    pub findings: Vec<FindingReport>,
    /// What else is worth knowing.
    pub notes: Vec<Note>,
    /// Failed operations of the servicing stack, grouped, those that mean something first.
    pub failures: Vec<FailureReport>,
    /// How many groups of failures there are.
    pub failure_groups: u64,
    /// How many of them `failures` holds.
    pub failures_shown: u64,
    /// Failures beyond the number of groups that is kept: counted, and no more.
    pub failures_left_out: u64,
    /// Phases of the boot, or boots.
    pub phases: Vec<PhaseReport>,
    /// Processes of the servicing stack.
    pub processes: Vec<ProcessReport>,
    /// What such a log cannot show.
    pub limits: Vec<Sentence>,
    /// What to collect next.
    pub next: Vec<Sentence>,
    /// What became of each package whose state was set.
    pub packages: Vec<PackageReport>,
    /// What of the log could not be read.
    pub damage: DamageReport,
}

/// What became of a package.
#[derive(Clone, Debug, Serialize)]
pub struct PackageReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The update that it belongs to, where that is known.
    pub kb: Option<String>,
    /// The last state that was set, `0x…`.
    pub state: String,
    /// `installed`, `back` (it was taken back), `staged` or `pending`.
    pub outcome: &'static str,
    /// The event that set it.
    pub event_id: u64,
}

/// What made a report.
#[derive(Clone, Debug, Serialize)]
pub struct Tool {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many rules it judged by.
    pub rules: usize,
    /// Ids of those that did not come with it.
    pub own_rules: Vec<String>,
}

/// Where a report comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// Name of the capture.
    pub name: String,
    /// Its parts.
    pub parts: Vec<InputPart>,
}

/// One file of a capture.
#[derive(Clone, Debug, Serialize)]
pub struct InputPart {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// How many events it holds.
    pub events: u64,
}

/// The machine on which a boot log was converted.
#[derive(Clone, Debug, Serialize)]
pub struct Converter {
    /// Its name.
    pub computer: String,
    /// Version and build of its Windows.
    pub windows: String,
}

/// The machine that was captured.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Its name.
    pub computer: String,
    /// Version and build of its Windows.
    pub windows: String,
    /// Computer and Windows that the header names, where the events contradict it: those of the machine on which a
    /// boot log was converted.
    pub converter: Option<Converter>,
    /// What that is sold as, where it is known.
    pub product: Option<String>,
    /// 32 or 64.
    pub bits: u32,
    /// The revision that its registry names, where the log shows it.
    pub revision: Option<u32>,
    /// Version of its servicing stack, from the path of the worker.
    pub servicing_stack: Option<String>,
    /// Its Windows folder.
    pub system_root: String,
    /// Logical processors.
    pub processors: u32,
    /// Physical memory.
    pub memory_bytes: u64,
}

/// What was captured.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureFacts {
    /// Time of the first event.
    pub first: String,
    /// The same in the zone of the report, to the second, with the zone.
    pub first_local: String,
    /// The zone in which the report says times.
    pub zone: String,
    /// Time of the last event.
    pub last: String,
    /// Seconds between them.
    pub seconds: f64,
    /// How many events.
    pub events: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Whether the update was rolled back.
#[derive(Clone, Debug, Serialize)]
pub struct RollbackReport {
    /// How sure that is.
    pub class: RollbackClass,
    /// The same as a number, 0 to 1.
    pub confidence: f64,
    /// The same in words.
    pub text: String,
    /// What speaks for it and against it.
    pub signals: Vec<SignalReport>,
}

/// What speaks for a rollback, or against it.
#[derive(Clone, Debug, Serialize)]
pub struct SignalReport {
    /// Its id.
    pub id: String,
    /// How much it weighs, -1 to 1.
    pub weight: f64,
    /// What it is.
    pub text: String,
    /// How many events show it.
    pub count: u64,
    /// Some of them.
    pub events: Vec<EventReport>,
    /// Some of the lines of logs that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineReport>,
}

/// An event that is cited.
#[derive(Clone, Debug, Serialize)]
pub struct EventReport {
    /// Its number in the capture, from 0, as in the dataset.
    pub event_id: u64,
    /// When it began.
    pub time: String,
    /// The time of day in the zone of the report.
    pub clock: String,
    /// Seconds from the first event.
    pub seconds: f64,
    /// The program.
    pub process: String,
    /// Its process id.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The operation.
    pub operation: String,
    /// The path.
    pub path: String,
    /// The second path.
    pub target: Option<String>,
    /// Data of the registry value that was set or returned.
    pub value: Option<String>,
    /// NTSTATUS.
    pub status: String,
    /// What Process Monitor calls it.
    pub result: String,
    /// Where in user mode the call came from.
    pub module: Option<String>,
    /// Why it is cited.
    pub role: String,
}

/// A line of a log, or a record of an event log, that is cited.
#[derive(Clone, Debug, Serialize)]
pub struct LineReport {
    /// Name of the log.
    pub log: String,
    /// Number of the line, from 1, where the log is a text file.
    pub line: Option<u32>,
    /// Number of the record, where the log is an event log.
    pub record: Option<u64>,
    /// When it happened, in UTC.
    pub time: Option<String>,
    /// How well that is known.
    pub certainty: Option<Certainty>,
    /// The NTSTATUS or HRESULT that the log gives.
    pub code: Option<String>,
    /// The name of the code in the headers of Windows.
    pub symbol: Option<String>,
    /// What the log says.
    pub text: String,
    /// Why it is cited.
    pub role: String,
}

/// A cause.
#[derive(Clone, Debug, Serialize)]
pub struct FindingReport {
    /// 1 for the most important.
    pub rank: usize,
    /// Id of the rule.
    pub rule: String,
    /// What kind of case it is.
    pub bucket: String,
    /// How far the rule is trusted.
    pub rule_status: RuleStatus,
    /// Headline.
    pub title: String,
    /// What happened.
    pub text: String,
    /// Why the rule concludes that.
    pub why: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Sum of the points.
    pub score: f64,
    /// What the points are for.
    pub reasons: Vec<ReasonReport>,
    /// The event it is about; `null` where it is about a line of a log.
    pub event_id: Option<u64>,
    /// The path it is about.
    pub path: String,
    /// The second path.
    pub target: Option<String>,
    /// The component that the path lies in.
    pub component: Option<ComponentReport>,
    /// How it ended.
    #[serde(flatten)]
    pub status: StatusReport,
    /// What that says.
    pub hresult_text: Option<String>,
    /// The layer of Windows that gives it.
    pub hresult_layer: Option<String>,
    /// The program.
    pub process: String,
    /// Its process id.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The operation.
    pub operation: String,
    /// The phase it lies in.
    pub phase: Option<String>,
    /// Its name.
    pub phase_name: Option<String>,
    /// When it first happened.
    pub time: String,
    /// The same in the zone of the report, to the second, with the zone.
    pub local_time: String,
    /// Seconds from the first event.
    pub seconds: f64,
    /// When it last happened.
    pub last_time: String,
    /// How often it happened.
    pub attempts: u64,
    /// What shows it.
    pub events: Vec<EventReport>,
    /// The lines of logs that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineReport>,
    /// What followed from it.
    pub consequences: Vec<EventReport>,
    /// What speaks against it.
    pub counter_evidence: Vec<String>,
    /// Who was in the way.
    pub interfering: Vec<Interfering>,
    /// What to do, in order.
    pub remedies: Vec<RemedyReport>,
    /// How to look closer.
    pub commands: Vec<CommandReport>,
    /// Where to read on.
    pub references: Vec<String>,
}

/// How an operation ended, in all the ways in which that is named.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// NTSTATUS; of a log, the code that it gives.
    pub status: String,
    /// The same as a number.
    pub status_number: u32,
    /// What Process Monitor calls it.
    pub result: String,
    /// Its name in the headers of Windows.
    pub symbol: Option<String>,
    /// The Win32 error it becomes.
    pub win32: Option<u32>,
    /// The HRESULT that programs show.
    pub hresult: Option<String>,
}

/// A component, and what is known of its version.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentReport {
    /// Its parts.
    #[serde(flatten)]
    pub component: Component,
    /// The update that brought the version, where it is known.
    pub kb: Option<String>,
    /// The product that its build belongs to.
    pub product: Option<String>,
}

/// Points of a score.
#[derive(Clone, Debug, Serialize)]
pub struct ReasonReport {
    /// What they are for.
    pub id: String,
    /// How many.
    pub points: f64,
    /// The same in words.
    pub text: String,
}

/// A process that was in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Interfering {
    /// The program.
    pub process: String,
    /// Its process id.
    pub pid: u32,
    /// Its file.
    pub image_path: String,
    /// Its company.
    pub company: String,
    /// Whether its file does not name Microsoft as its company.
    pub foreign: bool,
    /// Modules of other companies inside it, where it is a program of Microsoft, and drivers that its call went through.
    pub modules: Vec<String>,
    /// Whether it had the file open at the time.
    pub held: bool,
    /// What it did.
    pub text: String,
    /// The event that shows it.
    pub event_id: u64,
    /// When that was.
    pub time: String,
}

/// Something to do.
#[derive(Clone, Debug, Serialize)]
pub struct RemedyReport {
    /// Its id.
    pub id: String,
    /// How much can go wrong.
    pub risk: Risk,
    /// The same in words.
    pub risk_text: String,
    /// What to do.
    pub text: String,
    /// What to type.
    pub commands: Vec<String>,
    /// What to type in the recovery environment, or without Internet.
    pub offline: Vec<String>,
}

/// A command that looks closer.
#[derive(Clone, Debug, Serialize)]
pub struct CommandReport {
    /// What it is for.
    pub text: String,
    /// What to type.
    pub command: String,
}

/// What else is worth knowing.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// Id of the rule.
    pub rule: String,
    /// Headline.
    pub title: String,
    /// What it is.
    pub text: String,
    /// What shows it.
    pub events: Vec<EventReport>,
    /// The lines of logs that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineReport>,
}

/// The same failure, once or many times.
#[derive(Clone, Debug, Serialize)]
pub struct FailureReport {
    /// The first one.
    pub first_event: u64,
    /// The last one.
    pub last_event: u64,
    /// Time of the first one.
    pub time: String,
    /// The time of day of the first one in the zone of the report.
    pub clock: String,
    /// Seconds from the first event of the capture.
    pub seconds: f64,
    /// The phase it lies in.
    pub phase: Option<String>,
    /// The program.
    pub process: String,
    /// Its process id.
    pub pid: u32,
    /// The thread of the first one.
    pub tid: u32,
    /// The operation.
    pub operation: String,
    /// The path; of harmless ones that are counted together, the first.
    pub path: String,
    /// The second path.
    pub target: Option<String>,
    /// How it ended.
    #[serde(flatten)]
    pub status: StatusReport,
    /// How many there were.
    pub attempts: u64,
    /// Whether it succeeded later; unknown for processes that do not service.
    pub later_succeeded: Option<bool>,
    /// Why it means nothing, if it does.
    pub noise: Option<NoiseReport>,
    /// Points, without those of rules.
    pub score: f64,
    /// Rank of the finding it belongs to.
    pub finding: Option<usize>,
    /// Seconds that the longest one took.
    pub longest_seconds: f64,
}

/// Why a failure means nothing.
#[derive(Clone, Debug, Serialize)]
pub struct NoiseReport {
    /// Id of the entry.
    pub id: String,
    /// The same in words.
    pub text: String,
}

/// A phase of a boot.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which boot of the capture, from 1.
    pub boot: usize,
    /// When it began.
    pub start: String,
    /// When it ended.
    pub end: String,
    /// Seconds from the first event to its begin.
    pub start_seconds: f64,
    /// And to its end.
    pub end_seconds: f64,
    /// Its first event.
    pub start_event: u64,
    /// The first event after it.
    pub end_event: u64,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// The fact it is known by.
    pub marker: String,
    /// Whether it lies inside another one.
    pub sub: bool,
}

/// A process of the servicing stack.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessReport {
    /// The program.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// What it is in servicing.
    pub actor: String,
    /// Seconds from the first event to its start.
    pub start_seconds: f64,
    /// And to its end, unless it ran on.
    pub end_seconds: Option<f64>,
    /// Its exit status, where the log shows it.
    pub exit_status: Option<String>,
}

/// A sentence with an id.
#[derive(Clone, Debug, Serialize)]
pub struct Sentence {
    /// Its id.
    pub id: String,
    /// The sentence.
    pub text: String,
}

/// What could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct DamageReport {
    /// Events.
    pub events: u64,
    /// Entries of tables.
    pub tables: u64,
    /// Whether a part of the capture could not be read at all.
    pub lost_parts: bool,
    /// The first of it.
    pub first: Vec<String>,
    /// What was recovered, where the log was read that way.
    pub recovered: Option<Recovered>,
}

/// What could be had of a capture that was cut short, damaged or never closed.
#[derive(Clone, Debug, Serialize)]
pub struct Recovered {
    /// Events that were kept.
    pub kept: u64,
    /// How many of them are doubtful.
    pub doubtful: u64,
    /// Events that are lost, or the least number of them.
    pub lost: u64,
    /// Whether that is their number.
    pub lost_is_exact: bool,
    /// Processes known from events only.
    pub processes_rebuilt: u32,
    /// Processes of which nothing is known.
    pub processes_unknown: u32,
}

impl From<Recovery> for Recovered {
    fn from(recovery: Recovery) -> Self {
        Self {
            kept: recovery.kept,
            doubtful: recovery.doubtful,
            lost: recovery.lost,
            lost_is_exact: recovery.lost_is_exact,
            processes_rebuilt: recovery.processes_rebuilt,
            processes_unknown: recovery.processes_unknown,
        }
    }
}

/// Whether it is the disk.
#[derive(Clone, Debug, Serialize)]
pub struct Disk {
    /// `damaged`, `full`, `perhaps`, `checked` or `no`.
    pub answer: &'static str,
    /// Rank of the finding that says so.
    pub finding: Option<usize>,
    /// How many failures speak of damage.
    pub failures: u64,
}
