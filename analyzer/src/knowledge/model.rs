//! The shape of the knowledge files. Unknown keys are errors, so that misspelled keys are found; a name that
//! refers to something else keeps its place in the file, so that an error can give its line.

use crate::language::Text;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A name that refers to something, with its place in the file.
pub(crate) type Ref = Spanned<String>;

/// `actors.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActorsFile {
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<Ref>>,
    #[serde(default)]
    pub actor: Vec<ActorEntry>,
}

/// One kind of process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActorEntry {
    pub id: String,
    #[serde(default)]
    pub programs: Vec<String>,
    pub pid: Option<u32>,
    #[serde(default)]
    pub children_of: Vec<Ref>,
    /// Whether an entry for children goes before this one.
    #[serde(default)]
    pub unless_child: bool,
}

/// `paths.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathsFile {
    #[serde(default)]
    pub class: Vec<PathClassEntry>,
    #[serde(default)]
    pub volume: Vec<VolumeEntry>,
}

/// What a volume without a drive letter is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeEntry {
    pub id: String,
    pub name: Text,
    /// An event on the volume that shows it.
    #[serde(rename = "where")]
    pub filter: Ref,
}

/// One kind of path.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathClassEntry {
    pub id: String,
    pub weight: f64,
    #[serde(default)]
    pub needed: bool,
    /// The group of classes that it belongs to; rules may name either.
    pub group: Option<String>,
    /// What such an object is called, and what it belongs to.
    pub object: Option<Text>,
    /// What can be done for such an object, before what a rule names.
    #[serde(default)]
    pub remedies: Vec<Ref>,
    #[serde(rename = "where")]
    pub filter: Ref,
}

/// `error-path.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorPathFile {
    pub when: Vec<FactCondition>,
    pub log: Ref,
    pub burst_writes: u32,
    pub burst_gap: Ref,
    pub asked: Vec<Ref>,
    pub until: Vec<Ref>,
    /// Filters for operations that succeed, and whose answer is no.
    #[serde(default)]
    pub refused: Vec<Ref>,
    #[serde(default)]
    pub sign: Vec<SignEntry>,
}

/// What follows a failure that is taken seriously.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignEntry {
    pub id: String,
    /// Facts whose events are the sign.
    #[serde(default)]
    pub facts: Vec<Ref>,
    /// Whether several writes to a log at once are the sign.
    #[serde(default)]
    pub burst: bool,
    /// Whether a write to a log is the sign.
    #[serde(default)]
    pub single: bool,
    pub within: Ref,
    pub steps: usize,
    pub asked_within: Option<Ref>,
    /// Whether the sign is that nothing nearer to its facts stands out.
    #[serde(default)]
    pub nearest: bool,
    /// How far before its facts failures are compared with each other.
    pub compared: Option<Ref>,
    /// Failures of one kind within this time are one.
    pub together: Option<Ref>,
    /// Nothing is nearer than this.
    pub at_least: Option<Ref>,
    /// How much nearness weighs among failures that are as rare.
    #[serde(default)]
    pub nearness: f64,
    /// How many failures of the same kind chance may put in between.
    #[serde(default)]
    pub by_chance: f64,
    pub points: f64,
    #[serde(default)]
    pub decides: bool,
    #[serde(default)]
    pub strong: bool,
    pub text: Text,
}

/// `markers.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkersFile {
    #[serde(default)]
    pub marker: Vec<MarkerEntry>,
}

/// What ends an operation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    #[default]
    Success,
    Error,
    Any,
}

/// An event worth noticing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkerEntry {
    pub id: Ref,
    #[serde(default)]
    pub actors: Vec<Ref>,
    pub operations: Vec<Ref>,
    #[serde(default)]
    pub result: Outcome,
    #[serde(rename = "where")]
    pub filter: Option<Ref>,
}

/// `phases.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhasesFile {
    #[serde(default)]
    pub phase: Vec<PhaseEntry>,
}

/// One phase of a boot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhaseEntry {
    pub id: Ref,
    pub name: Text,
    pub start: Vec<Ref>,
    #[serde(default)]
    pub otherwise: Vec<Ref>,
    #[serde(default = "one")]
    pub otherwise_needed: usize,
    #[serde(default)]
    pub end: Vec<Ref>,
    #[serde(default)]
    pub before: Vec<Ref>,
    /// The phase in which, or after which, it has to begin.
    pub within: Option<Ref>,
    pub confidence: f64,
    pub confidence_otherwise: Option<f64>,
    #[serde(default)]
    pub sub: bool,
    #[serde(default)]
    pub work: bool,
}

fn one() -> usize {
    1
}

/// Facts that have to be there, or must not be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactCondition {
    #[serde(default)]
    pub all: Vec<Ref>,
    #[serde(default)]
    pub any: Vec<Ref>,
    #[serde(default)]
    pub none: Vec<Ref>,
}

/// `signals.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalsFile {
    pub classes: ClassLimits,
    #[serde(default)]
    pub signal: Vec<SignalEntry>,
}

/// From which confidence on a rollback is called what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassLimits {
    pub confirmed: f64,
    pub probable: f64,
    pub possible: f64,
    pub at_most: f64,
    pub cut_off: f64,
}

/// One reason for or against a rollback.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalEntry {
    pub id: Ref,
    #[serde(default)]
    pub group: String,
    pub weight: f64,
    #[serde(default)]
    pub strong: bool,
    pub when: Vec<FactCondition>,
    pub text: Text,
}

/// `aliases.toml`: old ids and the new ones, by what they name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasesFile {
    /// The version of the program that no longer accepts them.
    pub dropped_in: String,
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
    #[serde(default)]
    pub buckets: BTreeMap<String, String>,
    #[serde(default)]
    pub phases: BTreeMap<String, String>,
    #[serde(default)]
    pub signals: BTreeMap<String, String>,
}

/// `computed.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComputedFile {
    #[serde(default)]
    pub fact: Vec<ComputedEntry>,
}

/// A fact that the engine computes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComputedEntry {
    pub id: Ref,
    /// For docs/triage.md; `{limit}` is filled in.
    pub meaning: String,
    /// A length of time or a number, for the facts that depend on one.
    pub limit: Option<Ref>,
}

/// `engine.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineFile {
    pub kinds: EngineKinds,
    pub scan: EngineScan,
    pub judging: EngineJudging,
}

/// Kinds of status that the engine treats in a special way.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineKinds {
    pub grave: Vec<Ref>,
    pub lock: Vec<Ref>,
    #[serde(default)]
    pub access: Vec<Ref>,
    pub missing: Vec<Ref>,
    pub damage: Vec<Ref>,
    pub full: Vec<Ref>,
}

/// What a scan keeps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineScan {
    pub probe_statuses: Vec<Ref>,
    pub tracked_registry: Vec<Ref>,
    pub untracked_files: Vec<Ref>,
}

/// Limits of judging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineJudging {
    pub cause_gravity: u8,
    pub fatal_gravity: u8,
    pub retried_for: Ref,
    pub touched_before: Ref,
    pub removed_before: Ref,
}

/// `boots.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BootsFile {
    #[serde(default)]
    pub boot: Vec<BootEntry>,
}

/// Which boot was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// The one that was to complete the update.
    Forward,
    /// The one that takes it back.
    Rollback,
    /// Nothing is serviced.
    Healthy,
    /// An update is prepared without a restart.
    Staging,
    /// The same boot again and again.
    Loop,
    /// Something else.
    Other,
}

/// When a capture is of a boot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BootEntry {
    pub class: Boot,
    pub when: Vec<FactCondition>,
    pub text: Text,
}

/// `noise.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoiseFile {
    #[serde(default)]
    pub noise: Vec<NoiseEntry>,
}

/// When a failure that means nothing as a rule means something after all: a sign that it was taken seriously
/// follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Raised {
    /// Whatever follows, it means nothing.
    Never,
    /// It is the last operation of its thread before the sign.
    Near,
    /// The same, before a sign that is more than lines in a log.
    Strong,
    /// It is on the thread that shows the sign.
    Own,
    /// It is on that thread, or of a process that did work for it.
    #[default]
    Any,
}

/// Failures that mean nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoiseEntry {
    pub id: String,
    #[serde(default)]
    pub kinds: Vec<Ref>,
    pub gravity_at_most: Option<u8>,
    #[serde(default)]
    pub later: bool,
    /// What has to follow for it to mean something after all.
    #[serde(default)]
    pub raised: Raised,
    #[serde(rename = "where")]
    pub filter: Option<Ref>,
    pub text: Text,
}

/// `ranking.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankingFile {
    pub per_gravity: f64,
    pub servicing: f64,
    pub helper: f64,
    pub path: f64,
    pub work_phase: f64,
    pub recency: f64,
    pub never_later: f64,
    pub succeeded_later: f64,
    pub raised: f64,
    pub asked: f64,
    pub slow: f64,
    pub slow_seconds: f64,
    pub spam_decade: f64,
    pub spam_from: f64,
    pub nearly: f64,
    #[serde(default)]
    pub after: Vec<AfterEntry>,
    pub text: RankingTexts,
}

/// Points for what follows a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterEntry {
    pub id: String,
    pub points: f64,
    #[serde(rename = "where")]
    pub filter: Ref,
    pub within: Ref,
    #[serde(default)]
    pub same: Vec<Same>,
    pub text: Text,
}

/// What the points of a ranking are called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankingTexts {
    pub gravity: Text,
    pub actor: Text,
    pub path: Text,
    pub work_phase: Text,
    pub recency: Text,
    pub never_later: Text,
    pub succeeded_later: Text,
    pub raised: Text,
    pub asked: Text,
    pub slow: Text,
    pub spam: Text,
    pub rule: Text,
}

/// `builds.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildsFile {
    #[serde(default)]
    pub product: Vec<ProductEntry>,
    #[serde(default)]
    pub update: Vec<UpdateEntry>,
}

/// What builds are sold as.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductEntry {
    pub builds: Vec<u32>,
    pub name: String,
}

/// The update that brings a revision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateEntry {
    pub build: u32,
    pub revision: u32,
    pub kb: String,
}

/// `remedies.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemediesFile {
    #[serde(default)]
    pub remedy: Vec<RemedyEntry>,
}

/// How much can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It only looks.
    None,
    /// Little.
    Low,
    /// Something; a backup is wanted.
    Medium,
    /// A last resort.
    High,
}

/// Something to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemedyEntry {
    pub id: String,
    /// Kinds of status after which it comes first where no rule explains the failure.
    #[serde(default)]
    pub kinds: Vec<Ref>,
    pub risk: Risk,
    pub text: Text,
    #[serde(default)]
    pub commands: Vec<String>,
    #[serde(default)]
    pub offline: Vec<String>,
}

/// `limits.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsFile {
    #[serde(default)]
    pub limit: Vec<LimitEntry>,
    #[serde(default)]
    pub next: Vec<LimitEntry>,
}

/// What a log cannot show, or what else to collect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitEntry {
    pub id: String,
    pub text: Text,
    /// Facts under which it is said; always without any.
    #[serde(default)]
    pub when: Vec<FactCondition>,
}

/// `labels.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelsFile {
    /// By the names that templates use.
    pub templates: BTreeMap<String, Text>,
    pub report: ReportTexts,
}

/// Sentences that a report puts together; names in braces are filled in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportTexts {
    pub full_stop: Text,
    /// The result of the end of a process.
    pub exit_status: Text,
    /// What an object of no known kind is called.
    pub object: Text,
    /// What a rule looked for and did not find.
    pub not_seen: Text,
    /// Modules of other companies in the stack of the failed call.
    pub in_call_path: Text,
    /// The volume that a path is on, where it is another one than that of Windows: by what it is for, or by its drive.
    pub on_volume: Text,
    pub on_unknown_volume: Text,
    pub on_drive: Text,
    pub later_succeeded: Text,
    pub capture_cut_short: Text,
    pub parts_missing: Text,
    /// What the commands of a finding are for.
    pub slice_around: Text,
    pub explain_rule: Text,
    pub rollback: RollbackTexts,
    pub risk: RiskTexts,
    pub role: RoleTexts,
    pub interfering: InterferingTexts,
    pub mail: MailTexts,
}

/// The verdict on the rollback.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackTexts {
    pub confirmed: Text,
    pub probable: Text,
    pub possible: Text,
    pub none: Text,
    /// The log is damaged or incomplete, and nothing in the rest speaks for a rollback.
    pub damaged: Text,
    /// The log is not the log of a boot.
    pub no_boot: Text,
}

/// How much a remedy can make worse.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskTexts {
    pub none: Text,
    pub low: Text,
    pub medium: Text,
    pub high: Text,
}

impl RiskTexts {
    pub(crate) fn of(&self, risk: Risk) -> &Text {
        match risk {
            Risk::None => &self.none,
            Risk::Low => &self.low,
            Risk::Medium => &self.medium,
            Risk::High => &self.high,
        }
    }
}

/// Why an event is cited.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleTexts {
    pub first: Text,
    pub last: Text,
    pub same: Text,
    pub shows: Text,
    pub follows: Text,
}

/// What an interfering process did.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InterferingTexts {
    pub running: Text,
    pub held: Text,
    pub touched: Text,
    pub removed: Text,
}

/// The parts of the mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailTexts {
    pub case_number: Text,
    pub problem: Text,
    pub analysis: Text,
    pub next_steps: Text,
    pub conclusion: Text,
    pub nothing_failed: Text,
    pub nothing_more: Text,
    pub captured: Text,
    pub cause: Text,
    pub also: Text,
    pub no_cause: Text,
    pub next: Text,
}

/// What a rule leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A cause: a finding.
    Cause,
    /// Something worth knowing: a note.
    Note,
}

/// How far a rule is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleStatus {
    /// Confirmed by real logs.
    Stable,
    /// Inferred.
    Experimental,
}

/// A file of `rules/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    pub id: Ref,
    pub bucket: Ref,
    pub kind: RuleKind,
    pub status: RuleStatus,
    /// Whether the mail has the text of a note.
    #[serde(default = "yes")]
    pub in_mail: bool,
    /// What the report says instead of "no rollback", where there is none and the rule is the first that holds.
    pub headline: Option<Text>,
    pub title: Text,
    pub text: Text,
    pub why: Text,
    #[serde(default)]
    pub remedies: Vec<Ref>,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub fires_in: Vec<Ref>,
    #[serde(default)]
    pub silent_in: Vec<Ref>,
    pub when: When,
    #[serde(default)]
    pub score: RuleScore,
}

/// When a rule fires.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    /// Facts, one of these conditions.
    #[serde(default)]
    pub facts: Vec<FactCondition>,
    /// A filter that a failure has to pass.
    pub failure: Option<Ref>,
    /// A marker whose events are the evidence.
    pub marker: Option<Ref>,
    /// Kinds of status that the failure may have (ntstatus.tsv).
    #[serde(default)]
    pub kinds: Vec<Ref>,
    /// Who may have met it.
    #[serde(default)]
    pub actors: Vec<Ref>,
    /// Phases it may be in; without any, those that can undo an update.
    #[serde(default)]
    pub phases: Vec<Ref>,
    /// Whether it may be in any phase, and outside of all.
    #[serde(default)]
    pub any_phase: bool,
    /// Kinds of path (paths.toml).
    #[serde(default)]
    pub paths: Vec<Ref>,
    /// Whether the failure has to be one that a program took seriously (error-path.toml).
    #[serde(default)]
    pub taken_seriously: bool,
    /// Whether it is only about the gravest failure, and only where no other rule explains it.
    #[serde(default)]
    pub unexplained: bool,
    /// Whether it is only tried where no other rule finds a cause.
    #[serde(default)]
    pub last_resort: bool,
    /// Whether a failure that succeeded later counts too.
    #[serde(default)]
    pub even_if_later_successful: bool,
    /// How often it has to have happened.
    #[serde(default = "one_u64")]
    pub at_least: u64,
    /// Whether a rollback must be possible for the rule to fire; the usual for causes.
    pub needs_rollback: Option<bool>,
    /// How many of the evidence entries have to hold, beyond the required ones.
    #[serde(default)]
    pub evidence_needed: usize,
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

fn one_u64() -> u64 {
    1
}

/// What the engine can say about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Property {
    /// Other files of the component were opened.
    SiblingsSeen,
    /// Another version of the component was opened.
    OtherVersionSeen,
    /// Data, execution, deletion or a link was asked for, not only attributes.
    DataWanted,
    /// It never succeeded later.
    NeverLater,
    /// It was tried several times.
    Repeated,
    /// It took longer than a second.
    Slow,
    /// Another process had the file open.
    HeldByOther,
    /// Another process touched the file just before.
    TouchedByOther,
    /// Another process deleted the file, or moved it away, not long before.
    RemovedByOther,
    /// The process ended with this status.
    ExitStatus,
    /// The process ended with some failure.
    ExitFailed,
    /// A program that the stack had started ended with the code of this failure soon after it.
    ChildStatus,
    /// A process that the stack had started was still running.
    ChildAlive,
    /// The path is not on another drive than Windows.
    SystemVolume,
    /// What followed shows that a program took it seriously, beyond a line in a log.
    ErrorPath,
    /// No sign followed it: it is the failure nearest to the rollback that stands out.
    Nearest,
    /// The process read files or values shortly before it ended.
    LastSteps,
    /// A value of the environment that the process read leads to a drive on which nothing could be opened.
    DriveMissing,
    /// It happened before the update began to be taken back.
    BeforeRollback,
    /// The thread had read a value of the registry that names the file.
    Registered,
}

/// What two events have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Same {
    Thread,
    Process,
    Path,
    Component,
}

/// One more event around a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sequence {
    /// Filter for that event.
    #[serde(rename = "where")]
    pub filter: Option<Ref>,
    #[serde(default)]
    pub actors: Vec<Ref>,
    /// How far away it may be: `250ms`, `5s`.
    pub within: Ref,
    #[serde(default)]
    pub same: Vec<Same>,
    /// How many events that are the same in these ways it may be away; any number without.
    pub events: Option<u64>,
}

/// What supports a rule, and with how many points.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub id: String,
    #[serde(default)]
    pub points: f64,
    #[serde(default)]
    pub required: bool,
    /// It must not be so.
    #[serde(default)]
    pub not: bool,
    /// Whether it is one of those that `evidence_needed` counts.
    #[serde(default = "yes")]
    pub counts: bool,
    pub is: Option<Property>,
    pub followed_by: Option<Sequence>,
    pub preceded_by: Option<Sequence>,
    /// Facts that have to be there.
    pub facts: Option<FactCondition>,
    pub text: Text,
}

/// What a rule adds to ranking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleScore {
    /// Confidence without any evidence, in percent.
    #[serde(default = "usual_base")]
    pub base: f64,
    /// The most it can reach.
    #[serde(default = "usual_cap")]
    pub at_most: f64,
    /// Points beside those of ranking.toml.
    #[serde(default)]
    pub points: f64,
    /// Rules whose findings rank below those of this one.
    #[serde(default)]
    pub outranks: Vec<Ref>,
    /// Rules of whose findings this is a consequence.
    #[serde(default)]
    pub consequence_of: Vec<Ref>,
    /// Whether all failures it fires for are one finding, rather than one for each component or file.
    #[serde(default)]
    pub one_finding: bool,
}

impl Default for RuleScore {
    fn default() -> Self {
        Self {
            base: usual_base(),
            at_most: usual_cap(),
            points: 0.0,
            outranks: Vec::new(),
            consequence_of: Vec::new(),
            one_finding: false,
        }
    }
}

fn yes() -> bool {
    true
}

fn usual_base() -> f64 {
    60.0
}

fn usual_cap() -> f64 {
    97.0
}
