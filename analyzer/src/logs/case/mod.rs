//! A case: all its logs read together. What was to be installed, how far it got, why it failed, and what
//! proves each of it.

mod attempt;
mod client;
mod facts;
mod finding;
mod others;
mod phase;
mod placing;
mod servicing;
mod update;

pub use attempt::{Attempt, Identity, Joined, JoinedBy, Outcome, Proof};
pub use facts::PlacedScan;
pub use finding::Finding;
pub use phase::Phase;
pub use placing::{At, PlacedBy, Placing};
pub use servicing::Boot;
pub use update::Update;

use super::LogFile;
use super::detect::Kind;
use super::event::{LogEvent, Machine, What};
use super::signatures::Signatures;
use super::time::LogTime;
use attempt::Placed;
use facts::Evidence;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseOutcome {
    /// Something failed, and nothing has made it good.
    Failed,
    /// What was installed waits for a restart.
    WaitsForRestart,
    /// Everything that was tried was installed in the end.
    Installed,
    /// Nothing was tried, as far as these logs go.
    Nothing,
}

/// What to collect next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collect {
    /// Its id.
    pub id: String,
    /// What.
    #[serde(skip)]
    pub what: crate::language::Text,
    /// Why it would decide the question.
    #[serde(skip)]
    pub why: crate::language::Text,
}

/// All that the logs of a case say.
#[derive(Clone, Debug)]
pub struct Case {
    /// The files, in the order in which they were given; the same file twice is there once.
    pub files: Vec<LogFile>,
    /// Where the times of each file lie.
    pub placings: Vec<Placing>,
    /// What is known of the machine.
    pub machine: Machine,
    /// Files of other machines than the one that the registry or systeminfo describes, by position: they
    /// prove nothing here.
    pub foreign: Vec<usize>,
    /// Starts of the machine, in order.
    pub boots: Vec<Boot>,
    /// Attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Updates, in the order of their last attempts.
    pub updates: Vec<Update>,
    /// Checks of the component store, in order.
    pub scans: Vec<PlacedScan>,
    /// How the case came out.
    pub outcome: CaseOutcome,
    /// The update that the case is about, by position.
    pub main: Option<usize>,
    /// The attempt that the case is about, by position.
    pub main_attempt: Option<usize>,
    /// How far the update got at the most before it failed, or got at last.
    pub phase: Option<Phase>,
    /// The code of that attempt.
    pub code: Option<u32>,
    /// Whether attempts at the update failed in different ways and no log says why.
    pub inconclusive: bool,
    /// Causes, the surest first, then remarks.
    pub findings: Vec<Finding>,
    /// What to collect next.
    pub collect: Vec<Collect>,
}

impl Case {
    /// Reads the logs of a case together.
    pub fn new(files: Vec<LogFile>, signatures: &Signatures) -> Self {
        let files = without_copies(files);
        let placings = placing::place(&files);
        let foreign = foreign(&files, signatures);
        let own = (0..files.len()).filter(|file| !foreign.contains(file));
        let placed: Vec<Placed<'_>> =
            own.map(|file| Placed { files: &files, placings: &placings, file }).collect();
        let of = |kinds: &[Kind]| {
            let chosen = placed
                .iter()
                .copied()
                .filter(|p| files.get(p.file).is_some_and(|file| kinds.contains(&file.kind)));
            chosen.collect::<Vec<_>>()
        };
        let machine = machine(&files, &foreign, &placed);
        let mut logs = of(&[Kind::Cbs]);
        logs.sort_by_key(|p| files.get(p.file).and_then(|file| file.reading.span).map(|span| span.0.ticks));
        let mut history = servicing::read(logs);
        let client = of(&[Kind::WindowsUpdate, Kind::WindowsUpdateOld, Kind::ReportingEvents]);
        let mut lists = vec![std::mem::take(&mut history.attempts)];
        lists.extend(client.into_iter().map(|p| client::read(p, &signatures.background)));
        lists.extend(
            of(&[Kind::Evtx, Kind::EventXml]).into_iter().map(|p| others::events(p, &signatures.background)),
        );
        let setups = of(&[Kind::Setup, Kind::SetupDiag]);
        lists.extend(
            setups
                .into_iter()
                .filter_map(|p| others::setup(p, files.get(p.file)?.kind))
                .map(|attempt| vec![attempt]),
        );
        lists.extend(of(&[Kind::Poqexec]).into_iter().map(others::queue));
        let mut attempts = update::join(lists);
        drop_stale_queues(&mut attempts, &files);
        facts::attempt_facts(&mut attempts);
        facts::device_facts(&mut attempts, &of(&[Kind::SetupApi]));
        let updates = update::updates(&attempts, signatures);
        let scans = scans(&placed);
        let mut boots = std::mem::take(&mut history.boots);
        boots.sort_by_key(|boot| boot.at.map(|at| at.ticks));

        let mut evidence = Evidence {
            files: &files,
            placed: placed.clone(),
            machine: &machine,
            attempts: &attempts,
            updates: &updates,
            history: &history,
            scans: &scans,
            signatures,
            values: BTreeMap::new(),
        };
        let facts = facts::facts(&mut evidence);
        let main = main_update(&updates);
        let scan = attempts.iter().rposition(|attempt| {
            attempt.phase == Phase::Scan && attempt.outcome.is_failure() && !attempt.background
        });
        let failed = updates.iter().any(|update| update.is_failed() && !update.background);
        let main =
            main.filter(|&main| failed || scan.is_none() || updates.get(main).is_some_and(Update::is_failed));
        let explained = explained(&updates, &attempts, main, scan);
        let findings = finding::findings(&evidence, &facts, &explained);
        let main_attempt = match main.and_then(|main| updates.get(main)) {
            Some(update) => update.attempts.last().copied(),
            None => scan,
        };
        let outcome = match main.and_then(|main| updates.get(main)) {
            Some(update) if update.is_failed() => CaseOutcome::Failed,
            Some(update) if update.outcome == Outcome::WaitsForRestart => CaseOutcome::WaitsForRestart,
            Some(_) => CaseOutcome::Installed,
            None if scan.is_some() => CaseOutcome::Failed,
            None => CaseOutcome::Nothing,
        };
        let shown = main_attempt.and_then(|at| attempts.get(at));
        let code = shown.and_then(|attempt| attempt.code);
        let furthest =
            main.and_then(|main| updates.get(main)).filter(|update| update.is_failed()).and_then(|update| {
                let failures = update
                    .attempts
                    .iter()
                    .filter_map(|&at| attempts.get(at))
                    .filter(|a| a.outcome.is_failure());
                failures.map(|attempt| attempt.phase).max()
            });
        let succeeded = main
            .and_then(|main| updates.get(main))
            .filter(|update| update.outcome == Outcome::Installed && !update.is_failed())
            .map(|update| update.phase);
        let phase = furthest.or(succeeded).or(shown.map(|attempt| attempt.phase));
        let inconclusive = facts.has("online-only")
            && main.and_then(|main| updates.get(main)).is_some_and(|update| {
                let mut codes: Vec<_> =
                    update.attempts.iter().filter_map(|&at| attempts.get(at)?.code).collect();
                codes.sort_unstable();
                codes.dedup();
                codes.len() > 1
            });
        let collect = collect(&files, &facts, signatures);
        Self {
            machine,
            foreign,
            boots,
            updates,
            scans,
            outcome,
            main,
            main_attempt,
            phase,
            code,
            inconclusive,
            findings,
            collect,
            attempts: attempts.clone(),
            placings: placings.clone(),
            files: files.clone(),
        }
    }

    /// A time of a line of a file, in ticks of UTC; nothing where the clock of the file is not known.
    pub fn utc(&self, file: &str, time: Option<LogTime>, line: u32) -> Option<i64> {
        let at = self.files.iter().position(|known| known.name == file)?;
        let placed = placing::time_at(time?, line, at, &self.files, &self.placings)?;
        placed.is_utc.then_some(placed.ticks)
    }

    /// Name of a file by its position.
    pub fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| file.name.as_str())
    }
}

/// Leaves out files that are there twice, as they are when a bundle holds an unpacked copy of a part.
fn without_copies(files: Vec<LogFile>) -> Vec<LogFile> {
    let mut kept: Vec<LogFile> = Vec::new();
    for file in files {
        let is_copy = |other: &LogFile| {
            other.kind == file.kind
                && other.reading == file.reading
                && other.events == file.events
                && other.machine == file.machine
        };
        if !kept.iter().any(is_copy) {
            kept.push(file);
        }
    }
    kept
}

/// What is known of the machine: the registry and images say more than systeminfo does.
fn machine(files: &[LogFile], foreign: &[usize], placed: &[Placed<'_>]) -> Machine {
    let mut machine = Machine::default();
    let own = files.iter().enumerate().filter(|(at, _)| !foreign.contains(at));
    let mut order: Vec<&LogFile> = own.map(|(_, file)| file).collect();
    order.sort_by_key(|file| file.kind == Kind::Registry);
    for file in order {
        let own = &file.machine;
        machine.computer = own.computer.clone().or(machine.computer);
        machine.build = own.build.or(machine.build);
        machine.revision = own.revision.or(machine.revision);
        machine.offset = own.offset.or(machine.offset);
        machine.server = own.server.clone().or(machine.server);
        machine.installed.extend(own.installed.iter().cloned());
    }
    let events = || placed.iter().flat_map(|placed| placed.events());
    if machine.revision.is_none() {
        let mut image = events().filter_map(|event| match event.what {
            What::Image { build, revision } => Some((build, revision)),
            _ => None,
        });
        if let Some((build, revision)) = image.next_back() {
            (machine.build, machine.revision) = (Some(build), Some(revision));
        }
    }
    if machine.build.is_none() {
        machine.build = events().find_map(|event| match event.what {
            What::Stack { build, .. } => Some(build),
            _ => None,
        });
    }
    if machine.server.is_none() {
        machine.server = events().find_map(|event| match &event.what {
            What::Server { url } => url.clone(),
            _ => None,
        });
    }
    machine.installed.sort();
    machine.installed.dedup();
    machine
}

/// Files that are of another machine: event logs that never name it, and logs of the servicing stack of
/// another build.
fn foreign(files: &[LogFile], signatures: &Signatures) -> Vec<usize> {
    let of = |kind: Kind| files.iter().filter(move |file| file.kind == kind).map(|file| &file.machine);
    let described = || of(Kind::Registry).chain(of(Kind::SystemInfo));
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let name = described().find_map(|machine| machine.computer.as_deref()).map(short);
    let branch = |build: u32| signatures.branch(build).map(|branch| branch.build);
    let own = described().find_map(|machine| machine.build).and_then(branch);
    let is_foreign = |file: &LogFile| {
        let other_name = !file.computers.is_empty()
            && name.as_ref().is_some_and(|name| !file.computers.iter().any(|other| short(other) == *name));
        let builds = file.events.iter().filter_map(|event| match event.what {
            What::Stack { build, .. } => branch(build),
            _ => None,
        });
        let mut builds = builds.peekable();
        let other_build = own.is_some_and(|own| builds.peek().is_some() && builds.all(|build| build != own));
        other_name || other_build
    };
    files.iter().enumerate().filter(|(_, file)| is_foreign(file)).map(|(at, _)| at).collect()
}

/// Lines of poqexec.log stay there for years: without another log that reports the same failure, they count
/// only where no log covers their time and nothing came after.
fn drop_stale_queues(attempts: &mut Vec<Attempt>, files: &[LogFile]) {
    let is_queue = |attempt: &Attempt| {
        attempt
            .proofs
            .iter()
            .all(|proof| files.get(proof.file).is_some_and(|file| file.kind == Kind::Poqexec))
    };
    let has_other =
        attempts.iter().any(|attempt| !is_queue(attempt)) || files.iter().any(|file| file.kind == Kind::Cbs);
    let last = attempts.iter().rposition(is_queue);
    let mut at = 0;
    attempts.retain(|attempt| {
        let keep = !is_queue(attempt) || (!has_other && Some(at) == last);
        at += 1;
        keep
    });
}

fn scans(placed: &[Placed<'_>]) -> Vec<PlacedScan> {
    let of = |placed: &Placed<'_>, event: &LogEvent| match &event.what {
        What::Scan(scan) => Some(PlacedScan {
            file: placed.file,
            line: event.line,
            at: placed.at(event),
            scan: (**scan).clone(),
        }),
        _ => None,
    };
    let mut scans: Vec<PlacedScan> =
        placed.iter().flat_map(|p| p.events().iter().filter_map(|event| of(p, event))).collect();
    scans.sort_by_key(|scan| scan.at.map(|at| at.ticks));
    scans
}

/// The update that a case is about: the last that failed, else the last that waits, else the last.
fn main_update(updates: &[Update]) -> Option<usize> {
    let last = |fits: &dyn Fn(&Update) -> bool| {
        updates.iter().rposition(|update| !update.background && fits(update))
    };
    let waits = |update: &Update| update.outcome == Outcome::WaitsForRestart;
    let has_name = |update: &Update| update.identity.kb.is_some() || update.identity.package.is_some();
    last(&|update| update.is_failed() && (has_name(update) || update.identity.title.is_some()))
        .or_else(|| last(&Update::is_failed))
        .or_else(|| last(&|update| waits(update) && has_name(update)))
        .or_else(|| last(&waits))
        .or_else(|| last(&|update| !update.identity.is_empty()))
}

/// Attempts that need an explanation: failures of updates that nothing has made good.
fn explained(
    updates: &[Update],
    attempts: &[Attempt],
    main: Option<usize>,
    scan: Option<usize>,
) -> Vec<usize> {
    let mut explained: Vec<usize> = updates
        .iter()
        .filter(|update| update.is_failed() && !update.background)
        .flat_map(|update| update.attempts.iter().copied())
        .filter(|&at| attempts.get(at).is_some_and(|attempt| attempt.outcome.is_failure()))
        .collect();
    explained.sort_unstable();
    // A search that fails explains something only where nothing got further.
    if explained.is_empty() && main.is_none() {
        explained.extend(scan);
    }
    explained
}

fn collect(files: &[LogFile], facts: &attempt::Facts, signatures: &Signatures) -> Vec<Collect> {
    let is_there = |kind: &Kind| files.iter().any(|file| file.kind == *kind);
    let fits = |all: &Vec<toml::Spanned<String>>| all.iter().all(|fact| facts.has(fact.get_ref()));
    let needed = signatures.collect.iter().filter(|entry| {
        !entry.unless.iter().any(is_there) && (entry.when.is_empty() || entry.when.iter().any(fits))
    });
    needed
        .map(|entry| Collect { id: entry.id.clone(), what: entry.what.clone(), why: entry.why.clone() })
        .collect()
}
