//! From a capture to what there is to say about it: facts, phases, failures, signals, findings, each
//! from those before it.

use crate::canonical::PathKey;
use crate::component::Package;
use crate::facts::{Facts, Seen};
use crate::failure::{self, Failure};
use crate::finding::{Case, Finding};
use crate::knowledge::{Boot, Knowledge};
use crate::look::Surroundings;
use crate::phase::{self, Phase};
use crate::processes::{ProcessId, Processes};
use crate::scan::{Link, Scan, Watch, scan};
use crate::signal::{self, Rollback};
use hashbrown::HashMap;
use pml_parser::{Damage, EventId, Exceeded, FileTime, LogSet, Number, TextOptions};

/// How a capture is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct TriageOptions {
    /// Threads that scan; 0 is 1. The outcome does not depend on it.
    pub threads: usize,
    /// Whether parts of the capture are known to be missing.
    pub parts_missing: bool,
}

/// What there is to say about a capture.
#[derive(Debug)]
pub struct Triage {
    pub(crate) facts: Facts,
    pub(crate) processes: Processes,
    pub(crate) scan: Scan,
    pub(crate) phases: Vec<Phase>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) rollback: Rollback,
    pub(crate) boot: Boot,
    /// Position in the table of boots.
    pub(crate) boot_entry: Option<usize>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) notes: Vec<Finding>,
    /// The revision of Windows that the registry names, and the newest that the update brings.
    pub(crate) revisions: (Option<u32>, Option<u32>),
}

impl Triage {
    /// Failures that were overcome: the first and the last one, and what succeeded then. Without the
    /// success, a smaller log would tell another story.
    pub fn overcome(&self) -> impl Iterator<Item = (EventId, EventId, EventId)> {
        self.failures.iter().filter_map(|failure| {
            let group = &failure.group;
            Some((group.first, group.last, group.later?))
        })
    }

    /// Events that could not be read.
    pub fn damage(&self) -> &Damage {
        &self.scan.damage
    }
}

/// Why there is nothing to say about a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriageError {
    /// The watch asked to stop.
    Stopped,
    /// No sound log of its size makes so much work.
    TooMuchWork(Exceeded),
}

impl std::fmt::Display for TriageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::TooMuchWork(exceeded) => exceeded.fmt(f),
        }
    }
}

impl std::error::Error for TriageError {}

/// Looks at a capture.
///
/// # Errors
/// When the watch stops it, or its records overlap so that it would take many times its size to read.
pub fn triage<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    knowledge: &Knowledge,
    options: TriageOptions,
    watch: &dyn Watch,
) -> Result<Triage, TriageError> {
    let processes = Processes::new(set, &knowledge.actors);
    let scan = scan(set, knowledge, &processes, options.threads, watch)?;
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let around = Surroundings { set, knowledge, processes: &processes, first };
    let mut facts = Facts::default();
    for (marker, seen) in knowledge.markers.iter().zip(&scan.markers) {
        facts.insert(&marker.id, seen.clone());
    }
    if options.parts_missing {
        facts.note("parts-missing", None);
    }
    let limits = &knowledge.computed.limits;
    let boots = phase::boots(set, &facts, limits.several_boots);
    if let Some(second) = boots.get(1) {
        facts.note("several-boots", Some(second.start));
    }
    note_course(&around, &scan, &mut facts);
    note_links(&scan, &mut facts);
    note_package_state(&around, &scan, &mut facts);
    let revisions = revisions(&around, &facts);
    if let (Some(installed), Some(newest)) = revisions
        && u64::from(newest.saturating_sub(installed)) >= limits.revision_gap
    {
        facts.note("revision-gap", facts.first("revision-read"));
    }
    let phases = phase::phases(knowledge, &facts, &boots);
    // What markers alone say; failures may add to it.
    let likely = signal::weigh(knowledge, &facts);
    let begins = likely.begins.filter(|_| likely.class > signal::RollbackClass::None);
    let mut failures = failure::judge(&around, &scan.groups, &phases, begins);
    failure::note_facts(&around, &failures, &phases, &mut facts);
    let rollback = signal::weigh(knowledge, &facts);
    if let Some(begins) = rollback.begins {
        failure::add_recency(&around, &mut failures, &phases, begins);
    }
    let (boot, boot_entry) = signal::boot(knowledge, &facts);
    facts.note(&format!("boot:{}", boot_name(boot)), None);
    facts.note(&format!("rollback:{}", class_name(rollback.class)), rollback.begins);
    let case = Case {
        around: &around,
        facts: &facts,
        scan: &scan,
        phases: &phases,
        failures: &failures,
        rollback: &rollback,
    };
    let (findings, notes) = case.findings();
    for finding in &findings {
        if let Some(rule) = knowledge.rules.get(finding.rule) {
            facts.note(&format!("found:{}", rule.id), None);
        }
    }
    Ok(Triage {
        facts,
        processes,
        scan,
        phases,
        failures,
        rollback,
        boot,
        boot_entry,
        findings,
        notes,
        revisions,
    })
}

pub(crate) fn boot_name(boot: Boot) -> &'static str {
    match boot {
        Boot::Forward => "forward",
        Boot::Rollback => "rollback",
        Boot::Healthy => "healthy",
        Boot::Staging => "staging",
        Boot::Loop => "loop",
        Boot::Other => "other",
    }
}

pub(crate) fn class_name(class: signal::RollbackClass) -> &'static str {
    use signal::RollbackClass::{Confirmed, None, Possible, Probable};
    match class {
        Confirmed => "confirmed",
        Probable => "probable",
        Possible => "possible",
        None => "none",
    }
}

/// Facts about how the boot went: who ran when, for how long, and how the log ends.
fn note_course<B: AsRef<[u8]>>(around: &Surroundings<'_, B>, scan: &Scan, facts: &mut Facts) {
    let actors = &around.knowledge.actors;
    let limits = &around.knowledge.computed.limits;
    let set = around.set;
    let end = set.time_span().map_or(FileTime(0), |span| span.1);
    let activity = |name: &str| {
        let members = actors.group(name);
        scan.activity
            .iter()
            .enumerate()
            .filter(move |(actor, _)| members >> actor & 1 == 1)
            .map(|entry| *entry.1)
    };
    let logon = [facts.first("shell-started"), facts.first("logon-begun")].into_iter().flatten().min();
    let before = |event: Option<EventId>| match (event, logon) {
        (Some(event), Some(logon)) => event < logon,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let installer = facts.first("installer-started");
    let early = before(installer);
    if early {
        facts.note("installer-before-logon", installer);
    }
    let queue = facts.has("queue-started");
    if (queue || early) && !facts.has("shutdown") && logon.is_none() {
        facts.note("log-ends-early", set.event_count().checked_sub(1));
    }
    if let Some(logon) = logon {
        let late =
            activity("servicing").any(|activity| activity.last.is_some_and(|(event, _)| event > logon));
        let began_late =
            activity("servicing").all(|activity| activity.first.is_none_or(|(event, _)| event > logon));
        if late {
            facts.note("servicing-after-logon", Some(logon));
        }
        if late && began_late {
            facts.note("after-logon-only", Some(logon));
        }
    }
    if let Some((event, _)) = activity("worker").find_map(|activity| activity.first) {
        facts.note("worker-active", Some(event));
    }
    // Forged times must not overflow.
    let ended = |process: usize| {
        let exit = scan.exits.get(&(process as ProcessId)).and_then(|exit| around.event(exit.1));
        exit.map(|event| event.time())
    };
    let lived = |name: &str| {
        let members = actors.group(name);
        let all = around.processes.all.iter().enumerate();
        all.filter(|(_, process)| members >> process.actor & 1 == 1)
            .map(|(at, process)| {
                let last = ended(at).or(process.end).unwrap_or(end);
                last.0.saturating_sub(process.start.0.max(around.first.0))
            })
            .max()
            .unwrap_or(0)
    };
    if lived("servicing") > limits.servicing_ran_long {
        facts.note("servicing-ran-long", None);
    }
    if lived("installer") >= limits.installer_long_lived {
        facts.note("installer-long-lived", installer);
    }
    if lived("disk-check") > limits.disk_check_long {
        facts.note("disk-check-long", facts.first("disk-check-started"));
    }
    let pause = activity("worker").map(|activity| activity.longest_pause).max_by_key(|pause| pause.ticks);
    if let Some(pause) = pause.filter(|pause| pause.ticks >= limits.worker_quiet) {
        let seen = Seen { count: 2, events: vec![pause.before, pause.after], last: pause.after };
        facts.insert("worker-quiet", seen);
    }
}

/// Facts about which versions of components went to their places.
fn note_links(scan: &Scan, facts: &mut Facts) {
    let mut versions: HashMap<u64, (u128, u128)> = HashMap::new();
    for component in scan.components.values() {
        let (oldest, newest) =
            versions.entry(component.identity).or_insert((component.version, component.version));
        (*oldest, *newest) = ((*oldest).min(component.version), (*newest).max(component.version));
    }
    let (mut forward, mut back, mut relinked) = (Seen::default(), Seen::default(), Seen::default());
    let mut places: HashMap<(PathKey, u64), u128> = HashMap::new();
    let mut links: Vec<&Link> = scan.links.iter().collect();
    links.sort_by_key(|link| link.event);
    for link in links {
        let Some(component) = scan.components.get(&link.folder) else { continue };
        // Where only one version was seen, nothing says which way it goes.
        match versions.get(&component.identity) {
            Some(&(_, newest)) if component.version < newest => back.push(link.event),
            Some(&(oldest, _)) if component.version > oldest => forward.push(link.event),
            _ => {}
        }
        let place = places.entry((link.place, component.identity)).or_insert(component.version);
        if component.version < *place {
            relinked.push(link.event);
        }
        *place = component.version;
    }
    if back.count > forward.count {
        facts.note("links-mostly-back", back.first());
    }
    facts.insert("links-forward", forward);
    facts.insert("links-back", back);
    facts.insert("relinked-older", relinked);
}

/// What became of the packages that this boot set a state of. Of a cumulative update, the package that
/// carries its name decides; others, such as that of the servicing stack, may be installed while it is not.
fn note_package_state<B: AsRef<[u8]>>(around: &Surroundings<'_, B>, scan: &Scan, facts: &mut Facts) {
    let limits = &around.knowledge.computed.limits;
    let (installed_from, staged_up_to) = (limits.package_installed, limits.package_state_lowered);
    let mut text = String::new();
    let mut states: Vec<(u64, EventId, Option<EventId>, bool)> = Vec::new();
    for state in scan.packages.values() {
        let Some((value, event)) = state.set else { continue };
        text.clear();
        if let Some(event) = around.event(event) {
            event.push_path(&TextOptions::default(), &mut text);
        }
        let is_update = Package::find(&text).is_some_and(|package| package.build.is_some());
        states.push((value, event, state.lowered, is_update));
    }
    states.sort_unstable_by_key(|state| state.1);
    let any_update = states.iter().any(|state| state.3);
    let (mut lowered, mut installed) = (Seen::default(), Seen::default());
    let mut back = false;
    for &(value, event, lower, is_update) in &states {
        if let Some(lower) = lower.filter(|_| value <= staged_up_to) {
            lowered.push(lower);
        }
        if is_update || !any_update {
            back |= value <= staged_up_to;
            if value >= installed_from {
                installed.push(event);
            }
        }
    }
    facts.insert("package-state-lowered", lowered);
    facts.insert("package-installed", if back { Seen::default() } else { installed });
}

/// The revision that the registry names, and the newest one that a package of the update names.
fn revisions<B: AsRef<[u8]>>(around: &Surroundings<'_, B>, facts: &Facts) -> (Option<u32>, Option<u32>) {
    let read = facts.first("revision-read").and_then(|event| around.event(event));
    let installed = read
        .and_then(|event| event.numbers().get(Number::RegistryNumber))
        .and_then(|n| u32::try_from(n).ok());
    let states = ["package-set-back", "package-installed", "package-state"];
    let mut text = String::new();
    let newest = states
        .iter()
        .filter_map(|fact| facts.get(fact))
        .flat_map(|seen| &seen.events)
        .filter_map(|&event| {
            text.clear();
            around.event(event)?.push_path(&TextOptions::default(), &mut text);
            Package::find(&text)?.build.map(|build| build.1)
        })
        .max();
    (installed, newest)
}
