//! Lists and numbers of the engine, checked and made ready: `engine.toml`, and the limits of `computed.toml`. All stages
//! use them, not only the rules (`judge/engine.rs`).

use super::codes::Codes;
use super::error::Inspection;
use super::model::{ComputedEntry, ComputedFile, EngineFile, Ref};
use pml_parser::{EventClass, Operation, TICKS_PER_SECOND};

/// `engine.toml`, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// Codes of the statuses for which a failure of any process counts, ascending.
    pub grave: Vec<u32>,
    /// Codes of the statuses of a lock, ascending.
    pub locks: Vec<u32>,
    /// Codes of the statuses with which a probe of the registry ends.
    pub probes: Vec<u32>,
    /// Kinds of status of a lock.
    pub lock_kinds: Vec<String>,
    /// Kinds of status that say that access is denied.
    pub access_kinds: Vec<String>,
    /// Kinds of status of something that is not there.
    pub missing_kinds: Vec<String>,
    /// Kinds of status by which a disk or its file system is damaged.
    pub damage_kinds: Vec<String>,
    /// Kinds of status by which a volume is full.
    pub full_kinds: Vec<String>,
    tracked_registry: Vec<String>,
    untracked_files: Vec<String>,
    /// From this gravity on a failure can be a cause.
    pub cause_gravity: u8,
    /// From this gravity on a failure can be fatal.
    pub fatal_gravity: u8,
    /// How long a program goes on trying, in 100 ns.
    pub retried_for: u64,
    /// How long before a failure another process's access matters, in 100 ns.
    pub touched_before: u64,
    /// How long before a failure another process's removal of the file matters, in 100 ns.
    pub removed_before: u64,
}

impl Engine {
    pub(super) fn new(file: EngineFile, codes: &Codes, inspection: &mut Inspection<'_>) -> Self {
        let EngineFile { kinds, scan, judging } = file;
        let all = [&kinds.grave, &kinds.lock, &kinds.access, &kinds.missing, &kinds.damage, &kinds.full];
        all.into_iter().flatten().for_each(|kind| codes.check_kind(kind, inspection));
        let mut probes = Vec::new();
        for symbol in &scan.probe_statuses {
            match codes.code_of(symbol.get_ref()) {
                Some(code) => probes.push(code),
                None => inspection.push(symbol.span(), format!("no status {:?}", symbol.get_ref())),
            }
        }
        for name in scan.tracked_registry.iter().chain(&scan.untracked_files) {
            if !Operation::names().any(|operation| fits(name.get_ref(), operation)) {
                inspection.push(name.span(), format!("no operation {:?}", name.get_ref()));
            }
        }
        let names = |refs: Vec<Ref>| refs.into_iter().map(Ref::into_inner).collect::<Vec<_>>();
        let (grave, lock_kinds) = (names(kinds.grave), names(kinds.lock));
        Self {
            grave: codes.of_kinds(&grave),
            locks: codes.of_kinds(&lock_kinds),
            probes,
            lock_kinds,
            access_kinds: names(kinds.access),
            missing_kinds: names(kinds.missing),
            damage_kinds: names(kinds.damage),
            full_kinds: names(kinds.full),
            tracked_registry: names(scan.tracked_registry),
            untracked_files: names(scan.untracked_files),
            cause_gravity: judging.cause_gravity,
            fatal_gravity: judging.fatal_gravity,
            retried_for: length_of_time(&judging.retried_for, inspection),
            touched_before: length_of_time(&judging.touched_before, inspection),
            removed_before: length_of_time(&judging.removed_before, inspection),
        }
    }

    /// Whether a later success of an operation makes its failure good. What only looks, or cleans up, does not.
    pub(crate) fn is_tracked(&self, operation: Operation) -> bool {
        let is_one_of = |names: &[String]| names.iter().any(|name| fits(name, operation.name()));
        match operation.class {
            EventClass::Registry => is_one_of(&self.tracked_registry),
            EventClass::FileSystem => !is_one_of(&self.untracked_files),
            _ => false,
        }
    }
}

/// Whether an operation has a name of a list, which may end with an asterisk.
fn fits(name: &str, operation: &str) -> bool {
    match name.strip_suffix('*') {
        Some(start) => operation.starts_with(start),
        None => operation == name,
    }
}

/// Limits from which on computed facts hold. Times are in 100 ns.
#[derive(Clone, Debug)]
pub(crate) struct FactLimits {
    /// Starts of the session manager closer than this belong to one boot.
    pub several_boots: u64,
    pub servicing_ran_long: u64,
    pub installer_long_lived: u64,
    pub worker_quiet: u64,
    pub disk_check_long: u64,
    /// From this state on a package is installed.
    pub package_installed: u64,
    /// Up to this state a package is staged at most.
    pub package_state_lowered: u64,
    /// From this difference of revisions on, an update skips enough others to matter.
    pub revision_gap: u64,
}

impl FactLimits {
    /// Takes the limits of the facts; `engine` has the ids that the engine computes.
    pub(super) fn new(file: &ComputedFile, engine: &ComputedFile, inspection: &mut Inspection<'_>) -> Self {
        let has = |file: &ComputedFile, id: &str| file.fact.iter().any(|fact| fact.id.get_ref() == id);
        for fact in &file.fact {
            if !has(engine, fact.id.get_ref()) {
                let reason = format!("the engine computes no fact {:?}", fact.id.get_ref());
                inspection.push(fact.id.span(), reason);
            }
        }
        for fact in &engine.fact {
            if !has(file, fact.id.get_ref()) {
                inspection.push(0..0, format!("the fact {:?} is missing", fact.id.get_ref()));
            }
        }
        let mut time = |id: &str| limit(file, id, length_of_time_in, TIME_WANTED, inspection);
        let (several_boots, servicing_ran_long) = (time("several-boots"), time("servicing-ran-long"));
        let (installer_long_lived, worker_quiet) = (time("installer-long-lived"), time("worker-quiet"));
        let disk_check_long = time("disk-check-long");
        let mut number =
            |id: &str| limit(file, id, number_in, "want a number such as 1500 or 0x70", inspection);
        Self {
            several_boots,
            servicing_ran_long,
            installer_long_lived,
            worker_quiet,
            disk_check_long,
            package_installed: number("package-installed"),
            package_state_lowered: number("package-state-lowered"),
            revision_gap: number("revision-gap"),
        }
    }
}

/// The limit of a fact. One that is missing or no such limit is noted.
fn limit(
    file: &ComputedFile,
    id: &str,
    read: impl Fn(&str) -> Option<u64>,
    wanted: &str,
    inspection: &mut Inspection<'_>,
) -> u64 {
    let Some(fact) = file.fact.iter().find(|fact| fact.id.get_ref() == id) else { return 0 };
    let found = fact.limit.as_ref().and_then(|limit| read(limit.get_ref()));
    found.unwrap_or_else(|| {
        let span = fact.limit.as_ref().map_or(fact.id.span(), Ref::span);
        inspection.push(span, format!("limit of {id}: {wanted}"));
        0
    })
}

impl ComputedEntry {
    /// What the fact means, with its limit.
    pub(super) fn text(&self) -> String {
        let limit = self.limit.as_ref().map_or("", |limit| limit.get_ref());
        self.meaning.replace("{limit}", limit)
    }
}

const TIME_WANTED: &str = "want a length of time such as 250ms or 5s";

/// A length of time in 100 ns. One that does not parse is noted.
pub(super) fn length_of_time(text: &Ref, inspection: &mut Inspection<'_>) -> u64 {
    length_of_time_in(text.get_ref()).unwrap_or_else(|| {
        inspection.push(text.span(), TIME_WANTED);
        0
    })
}

/// `250ms`, `5s` or `2m` in 100 ns.
fn length_of_time_in(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "ms" => TICKS_PER_SECOND / 1_000,
        "s" => TICKS_PER_SECOND,
        "m" => 60 * TICKS_PER_SECOND,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// `1500` or `0x70`.
fn number_in(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
