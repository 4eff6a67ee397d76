//! Facts of the case as a whole: how old the machine is, what checks of the store found, what the event
//! logs say of disks and power.

use super::attempt::{Attempt, Facts, Placed, Proof};
use super::phase::Phase;
use super::placing::At;
use super::servicing::{History, item_of_path};
use super::update::Update;
use crate::component::Component;
use crate::logs::LogFile;
use crate::logs::codes::{self, is_failure};
use crate::logs::detect::Kind;
use crate::logs::event::{EventFact, Item, LogEvent, Machine, StoreScan, Topic, Verdict, What};
use crate::logs::fields::build;
use crate::logs::signatures::Signatures;
use crate::logs::time::{self, MINUTE};
use crate::logs::tools::is_damaged;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The marker, and the fact, that the service is one that an organisation runs.
const MANAGED_SERVICE: &str = "managed-service";

/// What the installation of devices says may lie so long before the first and after the last line of an attempt.
const AROUND: i64 = 2 * MINUTE;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A check of the component store, with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlacedScan {
    /// The file, by its position.
    pub file: usize,
    /// First line of the report.
    pub line: u32,
    /// When.
    pub at: Option<At>,
    /// What it found.
    pub scan: StoreScan,
}

/// What facts derive from.
pub(crate) struct Evidence<'a> {
    pub files: &'a [LogFile],
    pub placed: Vec<Placed<'a>>,
    pub machine: &'a Machine,
    pub attempts: &'a [Attempt],
    pub updates: &'a [Update],
    pub history: &'a History,
    pub scans: &'a [PlacedScan],
    pub signatures: &'a Signatures,
    /// Values that texts show, by name.
    pub values: BTreeMap<&'static str, String>,
}

/// Derives the facts of a case.
pub(crate) fn facts(evidence: &mut Evidence<'_>) -> Facts {
    let mut facts = Facts::default();
    evidence.outcomes(&mut facts);
    if facts.has("failed") {
        evidence.ages(&mut facts);
        evidence.event_logs(&mut facts);
    }
    evidence.asked_service(&mut facts);
    evidence.store(&mut facts);
    evidence.sources(&mut facts);
    facts
}

/// Adds to failed attempts what the log of device installation says in their time.
pub(crate) fn device_facts(attempts: &mut [Attempt], placed: &[Placed<'_>]) {
    for placed in placed {
        for event in placed.events() {
            let What::Driver { inf, code } = &event.what else { continue };
            let Some(at) = placed.at(event) else { continue };
            let has_time = |attempt: &&mut Attempt| match (attempt.first, attempt.last) {
                (Some(first), Some(last)) if attempt.outcome.is_failure() => {
                    first.is_utc == at.is_utc
                        && (first.ticks - AROUND..=last.ticks + AROUND).contains(&at.ticks)
                }
                _ => false,
            };
            let is_device = inf.contains('\\');
            let item = if is_device { Item::Device(inf.clone()) } else { Item::Driver(inf.clone()) };
            if let Some(attempt) = attempts.iter_mut().rev().find(has_time) {
                attempt
                    .facts
                    .note("device-install-failed", Some(placed.proof_of(event, Some(*code), Some(item))));
            }
        }
    }
}

/// Months from year 0 of a time.
fn month(ticks: i64) -> i32 {
    let [year, month, ..] = time::civil(ticks);
    i32::try_from(year * 12 + month - 1).unwrap_or_default()
}

impl<'a> Evidence<'a> {
    /// All events of files of some kinds, with their files.
    fn events(&self, kinds: &'a [Kind]) -> impl Iterator<Item = (Placed<'a>, &'a LogEvent)> {
        let chosen = self.placed.iter().copied().filter(|placed| {
            placed.files.get(placed.file).is_some_and(|file| kinds.is_empty() || kinds.contains(&file.kind))
        });
        chosen
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|placed| placed.events().iter().map(move |event| (placed, event)))
    }

    /// Failed attempts that nothing has made good and that are no background.
    fn failed(&self) -> impl Iterator<Item = &'a Attempt> + use<'a> {
        let cured: BTreeSet<usize> = self
            .updates
            .iter()
            .filter(|update| !update.is_failed())
            .flat_map(|update| update.attempts.clone())
            .collect();
        let attempts = self.attempts;
        attempts
            .iter()
            .enumerate()
            .filter(move |(at, attempt)| {
                attempt.outcome.is_failure() && !attempt.background && !cured.contains(at)
            })
            .map(|(_, attempt)| attempt)
    }

    fn outcomes(&mut self, facts: &mut Facts) {
        if let Some(server) = &self.machine.server {
            self.values.insert("server", server.clone());
        }
        let mut failed = self.failed().peekable();
        if failed.peek().is_some() && failed.all(|attempt| attempt.phase == Phase::Scan) {
            facts.note("search-failed", None);
        }
        for attempt in self.failed() {
            facts.note("failed", attempt.proofs.first().cloned());
            if attempt.phase >= Phase::Boot {
                facts.note("rollback", attempt.proofs.first().cloned());
            }
        }
        for update in self.updates.iter().filter(|update| update.cured_by.is_some() && !update.background) {
            let proof = update
                .cured_by
                .and_then(|at| self.attempts.get(at))
                .and_then(|attempt| attempt.proofs.last());
            facts.note("cured", proof.cloned());
        }
        let is_serviced =
            |attempt: &Attempt| attempt.facts.has("servicing-session") || attempt.phase >= Phase::Staging;
        if !self.attempts.iter().any(is_serviced) {
            facts.note("never-serviced", None);
        }
        // Attempts of the update client that came as far as the servicing stack, and no log of it.
        let online = self.failed().filter(|attempt| attempt.phase == Phase::Install);
        if !self.failed().any(is_serviced) {
            online
                .filter_map(|attempt| attempt.proofs.first().cloned())
                .for_each(|proof| facts.note("online-only", Some(proof)));
        }
        for (placed, event) in self.events(&[]).filter(|(_, event)| event.what == What::Undecoded).take(1) {
            facts.note("undecoded", Some(placed.proof(event)));
        }
    }

    /// How old the update client, the servicing stack and the machine are.
    fn ages(&mut self, facts: &mut Facts) {
        let Some(last) = self.failed().filter_map(|attempt| attempt.last).max() else { return };
        let failed_in = month(last.ticks);
        let signatures = self.signatures;
        // The latest month that a revision can be of; one beyond the known revisions is not old.
        let latest = |build: u32, revision: u32| signatures.month(build, revision).1;

        let client = self
            .events(&[Kind::WindowsUpdate, Kind::WindowsUpdateOld])
            .filter_map(|(placed, event)| match &event.what {
                What::Client { version } => Some((placed.proof(event), version.clone())),
                _ => None,
            })
            .last();
        if let Some((proof, version)) = client {
            let old = version.starts_with("10.0.").then(|| build(&version)).flatten();
            if let Some(since) = old.and_then(|(build, revision)| latest(build, revision))
                && failed_in - since >= 12
            {
                facts.note("client-old", Some(proof));
                self.values.insert("client", version);
            }
        }

        let stack = self
            .events(&[Kind::Cbs])
            .filter_map(|(placed, event)| match event.what {
                What::Stack { build, revision } => Some((placed.proof(event), build, revision)),
                _ => None,
            })
            .last();
        let machine = self.machine.build.zip(self.machine.revision);
        let build = self.machine.build.or(stack.as_ref().map(|stack| stack.1));
        if let Some(kb) = build.and_then(|build| signatures.newest_of(build, failed_in)) {
            self.values.insert("newest", kb.to_owned());
        }
        let proof = self.revision_proof();
        let (running, stack_proof) = match stack {
            Some((proof, build, revision)) => (Some((build, revision)), Some(proof)),
            None => (machine, proof.clone()),
        };
        if let Some((build, revision)) = running
            && let Some(needed) = signatures.branch(build).and_then(|branch| branch.stack.as_ref())
        {
            let listed = self.machine.installed.contains(&needed.kb);
            let needed_since = signatures.month(build, needed.revision).0;
            if revision < needed.revision && !listed && needed_since.is_some_and(|since| failed_in > since) {
                facts.note("stack-old", stack_proof.clone());
                self.values.insert("stack", format!("{build}.{revision}"));
                self.values.insert("stack-kb", needed.kb.clone());
            }
            self.listed_but_old(build, revision, stack_proof, facts);
        }

        if let Some((build, revision)) = machine
            && let Some(since) = latest(build, revision)
        {
            let target = self
                .updates
                .iter()
                .filter(|update| update.is_failed())
                .filter_map(|update| update.brings)
                .next_back();
            // The earliest month that the update can be of; where there is none, that before the failure.
            let wanted = match target {
                Some((build, revision)) => signatures.month(build, revision).0,
                None => Some(failed_in - 1),
            };
            if let Some(wanted) = wanted.filter(|wanted| wanted - since >= 6) {
                facts.note("revision-gap", proof);
                let [year, of_year, ..] = time::civil(last.ticks);
                let target = target.map_or_else(
                    || format!("{year}-{of_year:02}"),
                    |(build, revision)| format!("{build}.{revision}"),
                );
                self.values.insert("revision", format!("{build}.{revision}"));
                self.values.insert("target", target);
                self.values.insert("months", (wanted - since).to_string());
            }
        }
    }

    /// The line that says which revision the machine has.
    fn revision_proof(&self) -> Option<Proof> {
        let revision = self.machine.revision?;
        let from_console = self.events(&[]).find_map(|(placed, event)| match event.what {
            What::Image { revision: r, .. } if r == revision => Some(placed.proof(event)),
            _ => None,
        });
        from_console.or_else(|| {
            let file = self.files.iter().position(|file| file.machine.revision == Some(revision))?;
            let quote = format!("UBR = {revision}");
            Some(Proof { file, line: 0, at: None, quote, code: None, item: None })
        })
    }

    /// An update of the time of the failing one is listed as installed, and yet the servicing stack that
    /// runs is a year older.
    fn listed_but_old(&mut self, build: u32, revision: u32, proof: Option<Proof>, facts: &mut Facts) {
        let number = |kb: &str| kb.trim_start_matches("KB").parse::<u32>().ok();
        let Some(running) = self.signatures.month(build, revision).1 else { return };
        // Numbers of updates grow with time: that of a known cumulative update a year after the stack.
        let later = self.signatures.releases.iter().filter(|release| {
            self.signatures.branch(build).is_some_and(|branch| branch.build == release.build)
                && self
                    .signatures
                    .month(release.build, release.revision)
                    .0
                    .is_some_and(|month| month - running >= 12)
        });
        let Some(limit) = later.filter_map(|release| number(release.kb.as_deref()?)).min() else { return };
        let is_cumulative = |kb: &str| self.signatures.release_of(kb).is_some();
        let listed = self
            .machine
            .installed
            .iter()
            .filter(|kb| number(kb).is_some_and(|n| n >= limit) && !is_cumulative(kb));
        for kb in listed.take(5).cloned().collect::<Vec<_>>() {
            let proof = proof.clone().map(|proof| Proof { item: Some(Item::Package(kb)), ..proof });
            facts.note("stack-not-applied", proof);
            self.values.entry("stack").or_insert_with(|| format!("{build}.{revision}"));
        }
    }

    /// Which service the update client asked, as far as a marker says so.
    fn asked_service(&mut self, facts: &mut Facts) {
        /// Lines that are shown.
        const MOST: usize = 3;
        let asked = self
            .events(&[Kind::WindowsUpdate, Kind::WindowsUpdateOld])
            .filter(|(_, event)| matches!(&event.what, What::Marker { id, .. } if id == MANAGED_SERVICE));
        let proofs: Vec<Proof> = asked.take(MOST).map(|(placed, event)| placed.proof(event)).collect();
        if !proofs.is_empty() {
            let server = self.machine.server.clone().unwrap_or_else(|| "WSUS".to_owned());
            self.values.insert("managed", server);
        }
        proofs.into_iter().for_each(|proof| facts.note(MANAGED_SERVICE, Some(proof)));
    }

    /// Disks, power, memory, crashes.
    fn event_logs(&self, facts: &mut Facts) {
        let failures: Vec<&Attempt> = self.failed().collect();
        let near = |at: Option<At>, limit: i64| {
            failures.iter().any(|attempt| match (at, attempt.first, attempt.last) {
                (Some(at), Some(first), Some(last)) => {
                    at.is_utc == first.is_utc
                        && at.ticks >= first.ticks - limit
                        && at.ticks <= last.ticks + limit
                }
                _ => false,
            })
        };
        let mut bug_checks: BTreeSet<String> = BTreeSet::new();
        let mut bug_check_proofs = Vec::new();
        // By fact and number of the event: how many are needed, and those that are there.
        let mut damage: BTreeMap<(&str, u32), (u32, Vec<Proof>)> = BTreeMap::new();
        for (placed, event) in self.events(&[Kind::Evtx, Kind::EventXml]) {
            let What::Event(fact) = &event.what else { continue };
            let at = placed.at(event);
            let proof = |item: Option<Item>| Some(placed.proof_of(event, fact.code, item));
            let device = fact.item.clone().map(Item::Device);
            match fact.topic {
                Topic::Disk | Topic::FileSystem if near(at, 30 * DAY) && is_system_disk(fact) => {
                    let name = if fact.topic == Topic::Disk { "disk-events" } else { "file-system-events" };
                    let (least, proofs) = damage.entry((name, fact.id)).or_default();
                    *least = fact.at_least;
                    proofs.extend(proof(device));
                }
                Topic::PowerLost => {
                    let open = self.history.open.iter().any(|(begin, _)| match (*begin, at) {
                        (Some(begin), Some(at)) => {
                            at > begin && begin.distance(at).is_some_and(|distance| distance < DAY)
                        }
                        _ => false,
                    });
                    if open {
                        facts.note("power-lost-in-session", proof(None));
                    }
                }
                Topic::BugCheck if near(at, 30 * DAY) => {
                    bug_checks.insert(bug_check(fact).unwrap_or_default());
                    bug_check_proofs.push(placed.proof(event));
                }
                Topic::Hardware if near(at, 30 * DAY) => facts.note("hardware-errors", proof(None)),
                Topic::Memory => facts.note("memory-errors", proof(None)),
                Topic::Task if near(at, HOUR) => {
                    facts.note("task-not-loaded", proof(fact.item.clone().map(Item::Task)));
                }
                Topic::RestartedBy if near(at, HOUR / 2) => {
                    if let Some(program) = fact.item.as_deref().and_then(foreign_program) {
                        facts.note("restarted-by-program", proof(Some(Item::Program(program.to_owned()))));
                    }
                }
                Topic::Crash if near(at, HOUR) => {
                    facts.note("program-crashed", proof(fact.item.clone().map(Item::File)))
                }
                _ => {}
            }
        }
        for ((name, _), (least, proofs)) in damage {
            if proofs.len() >= least as usize {
                proofs.into_iter().for_each(|proof| facts.note(name, Some(proof)));
            }
        }
        if bug_checks.len() > 1 {
            bug_check_proofs.into_iter().for_each(|proof| facts.note("bug-checks-differ", Some(proof)));
        }
        for attempt in failures {
            for proof in attempt.facts.proofs("disk-operation-failed") {
                facts.note("disk-operation-failed", Some(proof.clone()));
            }
        }
    }

    /// Checks of the store, and what consoles say of it.
    fn store(&self, facts: &mut Facts) {
        let left = |scan: &PlacedScan| -> BTreeSet<String> {
            scan.scan.left().map(|item| item.name.clone()).collect()
        };
        let kind = |scan: &PlacedScan| scan.scan.operation == "System File Checker";
        let proof = |scan: &PlacedScan, item: Option<Item>| {
            let quote = format!("{}: {} items", scan.scan.operation, scan.scan.items.len());
            Some(Proof {
                file: scan.file,
                line: scan.line,
                at: scan.at,
                quote,
                code: scan.scan.result.filter(|&r| is_failure(r)),
                item,
            })
        };
        for (a, b) in self.scans.iter().zip(self.scans.iter().skip(1)).filter(|(a, b)| kind(a) == kind(b)) {
            let (first, second) = (left(a), left(b));
            let shared = first.intersection(&second).count();
            let least = first.len().min(second.len());
            let near = match (a.at, b.at) {
                (Some(a), Some(b)) => a.distance(b).is_some_and(|distance| distance <= DAY),
                _ => false,
            };
            let serviced_between = self.attempts.iter().any(|attempt| match (attempt.last, a.at, b.at) {
                (Some(last), Some(a), Some(b)) => !attempt.outcome.is_failure() && last > a && last < b,
                _ => false,
            });
            if near && least >= 3 && shared * 100 < least * 34 && !serviced_between {
                facts.note("store-shifting", proof(a, None));
                facts.note("store-shifting", proof(b, None));
            }
        }
        // The last check of each kind counts.
        for of_kind in [false, true] {
            let Some(scan) = self.scans.iter().rev().find(|scan| kind(scan) == of_kind) else { continue };
            if scan.scan.result.is_some_and(is_failure) {
                facts.note("store-count-unknown", proof(scan, None));
            }
            let items: Vec<Item> = scan.scan.left().map(|item| store_item(&item.name)).collect();
            for item in &items {
                facts.note("store-damaged", proof(scan, Some(item.clone())));
            }
            if !items.is_empty()
                && items.iter().all(|item| item.name().to_ascii_lowercase().contains(r"\r\"))
                && self.reverse_deltas_are_spare()
            {
                facts.note("only-reverse-deltas", proof(scan, None));
            }
            if let Some(component) = one_component(&items) {
                facts.note("store-one-component", proof(scan, Some(component)));
            }
        }
        let verdicts = self.events(&[Kind::DismConsole, Kind::SfcConsole]).filter_map(|(placed, event)| {
            match event.what {
                What::Console(verdict) => Some((placed, event, verdict)),
                _ => None,
            }
        });
        // The last word of each console counts; a repair after it is the last word.
        let mut last: BTreeMap<usize, (Proof, Verdict)> = BTreeMap::new();
        for (placed, event, verdict) in verdicts {
            if verdict == Verdict::NoSource {
                facts.note("source-missing", Some(placed.proof(event)));
            }
            last.insert(placed.file, (placed.proof(event), verdict));
        }
        for (proof, _) in last.into_values().filter(|(_, verdict)| is_damaged(*verdict)) {
            facts.note("store-damaged", Some(proof));
        }
    }

    /// From Windows 11 24H2 on nothing is rebuilt from reverse differences any more.
    fn reverse_deltas_are_spare(&self) -> bool {
        self.machine.build.is_some_and(|build| build >= 26_100)
    }

    /// Sources of repairs that were given and did not fit.
    fn sources(&self, facts: &mut Facts) {
        for (placed, event) in self.events(&[Kind::Dism, Kind::DismConsole]) {
            match &event.what {
                What::Marker { id, .. } if id == "source-option" => {
                    facts.note("source-given", Some(placed.proof(event)))
                }
                What::CommandFailed { code } | What::Failure { code: Some(code), .. }
                    if matches!(code, 0x800F_081F | 0x800F_0915 | 0x8007_010B) =>
                {
                    facts.note("source-missing", Some(placed.proof_of(event, Some(*code), None)));
                }
                _ => {}
            }
        }
    }
}

/// A component and file of a check, by the name that other logs use.
fn store_item(name: &str) -> Item {
    if name.contains('~') { Item::Package(name.to_owned()) } else { item_of_path(name) }
}

/// The component that all of several damaged files belong to, where they are of one kind too.
fn one_component(items: &[Item]) -> Option<Item> {
    let part = |item: &Item| {
        let (owner, file) = item.name().split_once('\\')?;
        let name = Component::parse(owner).map_or_else(|| owner.to_owned(), |component| component.name);
        let kind = file.rsplit_once('.')?.1.to_ascii_lowercase();
        Some((name, kind))
    };
    let first = part(items.first()?)?;
    (items.len() >= 3 && items.iter().all(|item| part(item).as_ref() == Some(&first)))
        .then_some(Item::Component(first.0))
}

/// Whether an event is about the disk that Windows lies on, as far as its device says.
fn is_system_disk(fact: &EventFact) -> bool {
    let Some(device) = &fact.item else { return true };
    let device = device.to_ascii_lowercase();
    // `D:` is another volume; Windows lies on C: nearly everywhere.
    if let [letter, b':', ..] = device.as_bytes() {
        return *letter == b'c';
    }
    !device.contains("harddisk") || device.contains(r"\harddisk0\") || device.contains("harddiskvolume")
}

/// The program that an event names, where it is not one of Windows: `c:\program files\agent\agent.exe (PC)`.
fn foreign_program(item: &str) -> Option<&str> {
    let path = item.rsplit_once(" (").map_or(item, |(path, _)| path);
    (path.contains('\\') && !path.to_ascii_lowercase().contains(r"\windows\")).then_some(path)
}

/// The code of a bug check: the first number of the text, or the datum itself.
fn bug_check(fact: &EventFact) -> Option<String> {
    let text = fact.item.as_deref()?;
    Some(text.split([' ', '(']).next()?.to_ascii_lowercase())
}

/// Facts of an attempt that derive from what it came out with.
pub(crate) fn attempt_facts(attempts: &mut [Attempt]) {
    let failed_downloads: Vec<(Option<At>, super::attempt::Identity, Proof)> = attempts
        .iter()
        .filter(|attempt| attempt.phase == Phase::Download && attempt.outcome.is_failure())
        .filter_map(|attempt| Some((attempt.last, attempt.identity.clone(), attempt.proofs.first()?.clone())))
        .collect();
    for attempt in attempts.iter_mut().filter(|attempt| attempt.outcome.is_failure()) {
        if !attempt.codes.is_empty() && attempt.codes.iter().all(|&code| codes::wrapping(code) > 0) {
            attempt.facts.note("wrapper-only", attempt.proofs.first().cloned());
        }
        if !attempt.facts.has("serviced") && !attempt.facts.has("servicing-session") {
            attempt.facts.note("not-serviced", None);
        }
        if attempt.phase <= Phase::Download {
            continue;
        }
        for (at, identity, proof) in &failed_downloads {
            let before = match (*at, attempt.first) {
                (Some(at), Some(first)) => {
                    at < first && at.distance(first).is_some_and(|distance| distance <= 7 * DAY)
                }
                _ => false,
            };
            if before && identity.is_same(&attempt.identity) {
                attempt.facts.note("download-failed-before", Some(proof.clone()));
            }
        }
    }
}
