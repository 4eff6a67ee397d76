//! Attempts in CBS.log: sessions, packages, and the boots that complete or undo them.

use super::attempt::{Attempt, Facts, Outcome, Placed};
use super::phase::Phase;
use super::placing::At;
use crate::component::Component;
use crate::logs::cbs::waits_for_restart;
use crate::logs::codes::{is_failure, plain};
use crate::logs::event::{Item, LogEvent, What};
use crate::logs::fields::kb;
use crate::logs::file::distinct;
use serde::Serialize;

/// Statuses that speak of the disk or of the file system, not of one file.
const DISK_STATUSES: [u32; 8] = [
    0xC000_0102, // STATUS_FILE_CORRUPT_ERROR
    0xC000_0032, // STATUS_DISK_CORRUPT_ERROR
    0xC000_009C, // STATUS_DEVICE_DATA_ERROR
    0xC000_003F, // STATUS_CRC_ERROR
    0xC000_0185, // STATUS_IO_DEVICE_ERROR
    0xC000_0483, // STATUS_DEVICE_HARDWARE_ERROR
    0x8007_0570, // ERROR_FILE_CORRUPT
    0x8007_0571, // ERROR_DISK_CORRUPT
];

/// A failure report follows the end of its session within that time.
const REPORTED_WITHIN: i64 = 10 * crate::logs::time::MINUTE;

/// Attempts that are kept of one file.
const MOST_ATTEMPTS: usize = 5_000;

/// A start of the machine that a log speaks of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Boot {
    /// When the machine started.
    pub at: Option<At>,
    /// The file and line that say so.
    pub file: usize,
    /// Line, or number of the record.
    pub line: u32,
    /// Whether an update is undone in this boot.
    pub undoes: bool,
    /// The code of a failure that happened in this boot.
    pub failed: Option<u32>,
}

/// The sessions and boots of the CBS logs of a case.
#[derive(Default)]
pub(crate) struct History {
    pub attempts: Vec<Attempt>,
    pub boots: Vec<Boot>,
    /// When sessions that never ended began, and their packages.
    pub open: Vec<(Option<At>, LogEvent)>,
}

/// A session that works on a package.
struct Session {
    id: String,
    attempt: Attempt,
    event: LogEvent,
    /// Whether the package is to be unpacked and not installed.
    is_staged_only: bool,
    /// Whether a failure of it was reported, so that it failed even where the log does not end it.
    is_reported: bool,
}

/// Goes through the events of the CBS logs of a case, in the order in which they were written: what
/// waits for a restart in one is completed in the next.
pub(crate) fn read<'a>(logs: impl IntoIterator<Item = Placed<'a>>) -> History {
    let mut logs = logs.into_iter().peekable();
    let Some(&placed) = logs.peek() else { return History::default() };
    let mut reader = Reader {
        placed,
        history: History::default(),
        session: None,
        waiting: Vec::new(),
        runs: 0,
        failed_in: None,
        startup: None,
        run: Facts::default(),
        failed_boot: None,
        reported: None,
    };
    for placed in logs {
        reader.placed = placed;
        for event in placed.events() {
            reader.event(event);
        }
    }
    reader.close_open();
    // Where the log does not say how an attempt came out, what failed in it does.
    for attempt in reader.history.attempts.iter_mut().filter(|attempt| attempt.outcome.is_failure()) {
        if attempt.codes.is_empty() {
            let causes = UNDOING.iter().flat_map(|fact| attempt.facts.proofs(fact));
            let codes: Vec<u32> = causes.filter_map(|proof| proof.code).collect();
            attempt.add_codes(codes);
        }
    }
    reader.history
}

struct Reader<'a> {
    placed: Placed<'a>,
    history: History,
    session: Option<Session>,
    /// Attempts that wait for a restart, each with the run of the service in which it began to.
    waiting: Vec<(usize, u32)>,
    /// How often the service has started.
    runs: u32,
    /// The run in which what failed after a restart was noted.
    failed_in: Option<u32>,
    /// The work after a restart that has begun and not ended.
    startup: Option<(Option<At>, LogEvent)>,
    /// What happened in this run outside of sessions.
    run: Facts,
    /// The attempt that failed in a restart and is undone.
    failed_boot: Option<usize>,
    /// The attempt that only a failure report tells of so far.
    reported: Option<usize>,
}

impl Reader<'_> {
    fn event(&mut self, event: &LogEvent) {
        let proof = |code, item| Some(self.placed.proof_of(event, code, item));
        match &event.what {
            What::Run => {
                // A session does not outlive its run, but two lines announce one.
                self.run = Facts::default();
                self.runs += 1;
            }
            What::Booted { at } => self.boot(event, *at),
            What::PackageBegin { session, client, package, kb } => {
                self.begin(event, session, client, package, kb.as_deref());
            }
            What::Stage(stage) => {
                if let Some(session) = &mut self.session {
                    session.attempt.stage = Some(*stage);
                }
            }
            What::StagedOnly { package } => {
                if let Some(session) = &mut self.session
                    && session.attempt.identity.package.as_ref() == Some(package)
                {
                    session.is_staged_only = true;
                }
            }
            What::PackageEnd { session, package, kb, code } => {
                self.end(event, session, Some((package, kb.as_deref())), *code)
            }
            What::SessionEnd { id, code, .. } => {
                if self.session.as_ref().is_some_and(|session| session.id == *id) {
                    self.end(event, id, None, *code);
                } else if let Some(attempt) =
                    self.history.attempts.last_mut().filter(|a| a.session.as_deref() == Some(id.as_str()))
                {
                    attempt.prove(self.placed.proof_of(event, Some(*code), None));
                }
            }
            What::FailureReport { package, code, .. } => self.report(event, package, *code),
            What::OriginalFailure { code, set, .. } if is_failure(*code) => {
                self.original_failure(event, *code, *set)
            }
            What::StartupEnd { code } => self.startup_end(event, *code),
            What::State { rollback, .. } => {
                let is_after_restart = self.waiting.last().is_some_and(|waiting| waiting.1 < self.runs);
                if is_after_restart && self.startup.is_none() {
                    self.startup = Some((self.placed.at(event), event.clone()));
                }
                if *rollback {
                    self.undone(event);
                }
            }
            What::Missing { item, code } => {
                let item = plain_item(item);
                self.note("item-missing", proof(Some(*code), Some(item)));
            }
            What::Operation { status, path } => {
                let item = item_of_path(path);
                let fact = if is_disk_status(*status) { "disk-operation-failed" } else { "operation-failed" };
                self.note(fact, proof(Some(*status), Some(item)));
            }
            What::Hydration { component, version, arch, file, status } => {
                let name = format!(r"{component}, version {version}, arch {arch}\{file}");
                self.note("hydration-failed", proof(Some(*status), Some(Item::File(name))));
            }
            What::Installer { name, code, ignored: false, component } => {
                let items = [Some(Item::Installer(name.clone())), component.clone().map(Item::Component)];
                let proofs = items.map(|item| item.and_then(|item| proof(Some(*code), Some(item))));
                proofs.into_iter().flatten().for_each(|proof| self.note("installer-failed", Some(proof)));
            }
            What::Driver { inf, code } => {
                self.note("driver-failed", proof(Some(*code), Some(Item::Driver(inf.clone()))))
            }
            What::StoreMarked { item } => {
                self.note("store-marked", proof(None, item.clone().map(Item::Package)));
            }
            What::Marker { id, code, item } => self.note(id, proof(*code, item.clone())),
            What::Failure { code: Some(code), .. } => self.note("failure", proof(Some(*code), None)),
            _ => {}
        }
    }

    /// Notes a fact of the session, or of the run where there is none.
    fn note(&mut self, fact: &str, proof: Option<super::attempt::Proof>) {
        match &mut self.session {
            Some(session) => session.attempt.facts.note(fact, proof),
            None => self.run.note(fact, proof),
        }
    }

    fn boot(&mut self, event: &LogEvent, time: crate::logs::time::LogTime) {
        let at = self.placed.time_at(time, event.line);
        // A service that starts twice in one boot says the same time again.
        let same = self.history.boots.last().is_some_and(|boot| match (boot.at, at) {
            (Some(a), Some(b)) => {
                a.distance(b).is_some_and(|distance| distance <= 3 * crate::logs::time::SECOND)
            }
            _ => false,
        });
        if !same {
            if self.session.is_some() {
                self.close_open();
            }
            // The machine started again before the work after the last restart was done.
            self.history.open.extend(self.startup.take());
            self.history.boots.push(Boot {
                at,
                file: self.placed.file,
                line: event.line,
                undoes: false,
                failed: None,
            });
        }
    }

    fn begin(&mut self, event: &LogEvent, id: &str, client: &str, package: &str, kb: Option<&str>) {
        if self.session.take_if(|session| session.id == id).is_none() {
            self.close_open();
        }
        let mut attempt = Attempt::new(Phase::Staging, Outcome::Failed);
        attempt.touch(self.placed.at(event));
        name(&mut attempt, package, kb);
        attempt.client = Some(client.to_owned()).filter(|client| !client.is_empty());
        attempt.session = Some(id.to_owned());
        attempt.facts.note("servicing-session", Some(self.placed.proof(event)));
        self.reported = None;
        self.session = Some(Session {
            id: id.to_owned(),
            attempt,
            event: event.clone(),
            is_staged_only: false,
            is_reported: false,
        });
    }

    fn end(&mut self, event: &LogEvent, id: &str, package: Option<(&str, Option<&str>)>, code: u32) {
        let mut attempt = match self.session.take_if(|session| session.id == id || id.is_empty()) {
            // A package that was only unpacked is neither installed nor cured.
            Some(session) if session.is_staged_only && !is_failure(code) => return,
            Some(session) => session.attempt,
            None => {
                // The beginning lies before the log, or several packages end in one session.
                let Some((name, _)) = package else { return };
                let reported = self.reported.take().and_then(|at| self.history.attempts.get_mut(at));
                if let Some(attempt) = reported.filter(|a| a.identity.package.as_deref() == Some(name)) {
                    attempt.add_codes([code]);
                    attempt.prove(self.placed.proof_of(event, Some(code), None));
                    return;
                }
                let mut attempt = Attempt::new(Phase::Staging, Outcome::Failed);
                attempt.session = Some(id.to_owned());
                attempt.facts.note("servicing-session", Some(self.placed.proof(event)));
                attempt
            }
        };
        if let Some((package, kb)) = package {
            name(&mut attempt, package, kb);
        }
        attempt.add_codes([code]);
        attempt.prove(self.placed.proof_of(event, Some(code), None));
        attempt.outcome = if waits_for_restart(code) {
            Outcome::WaitsForRestart
        } else if is_failure(code) {
            Outcome::Failed
        } else {
            Outcome::Installed
        };
        if let Some(at) = self.push(attempt)
            && waits_for_restart(code)
        {
            self.waiting.push((at, self.runs));
        }
    }

    fn push(&mut self, attempt: Attempt) -> Option<usize> {
        if self.history.attempts.len() >= MOST_ATTEMPTS {
            return None;
        }
        self.history.attempts.push(attempt);
        Some(self.history.attempts.len() - 1)
    }

    /// A session that the log does not end: the machine or the service went down, or the log ends.
    fn close_open(&mut self) {
        let reported = self.session.take_if(|session| session.is_reported);
        if let Some(session) = reported {
            self.push(session.attempt);
        } else if let Some(session) = self.session.take() {
            self.history.open.push((session.attempt.first, session.event));
        }
    }

    fn report(&mut self, event: &LogEvent, package: &str, code: u32) {
        let proof = self.placed.proof_of(event, Some(code), None);
        if !is_failure(code) {
            return;
        }
        if let Some(session) = &mut self.session {
            name(&mut session.attempt, package, None);
            session.attempt.add_codes([code]);
            session.attempt.prove(proof);
            session.is_reported = true;
        } else if let Some(attempt) = self.failed_boot.and_then(|at| self.history.attempts.get_mut(at)) {
            name(attempt, package, None);
            attempt.prove(proof);
        } else {
            self.report_alone(package, code, proof);
        }
    }

    /// A failure report outside of any session that the log has: the session ended just before, or its beginning is in
    /// another log.
    fn report_alone(&mut self, package: &str, code: u32, proof: super::attempt::Proof) {
        let run = std::mem::take(&mut self.run);
        let is_same = |attempt: &&mut Attempt| {
            let near = match (attempt.last, proof.at) {
                (Some(last), Some(at)) => {
                    last.distance(at).is_some_and(|distance| distance <= REPORTED_WITHIN)
                }
                _ => false,
            };
            near && attempt.outcome.is_failure() && attempt.identity.package.as_deref() == Some(package)
        };
        if let Some(attempt) = self.history.attempts.last_mut().filter(is_same) {
            attempt.add_codes([code]);
            attempt.facts.merge(&run);
            attempt.prove(proof);
            return;
        }
        let mut attempt = Attempt::new(Phase::Staging, Outcome::Failed);
        name(&mut attempt, package, None);
        attempt.facts.note("servicing-session", Some(proof.clone()));
        attempt.facts.merge(&run);
        attempt.add_codes([code]);
        attempt.prove(proof);
        self.reported = self.push(attempt);
    }

    fn original_failure(&mut self, event: &LogEvent, code: u32, set: bool) {
        let proof = self.placed.proof_of(event, Some(code), None);
        let run = std::mem::take(&mut self.run);
        if let Some(boot) = self.history.boots.last_mut() {
            if set {
                boot.failed = Some(code);
            } else {
                boot.undoes = true;
            }
        }
        self.startup = None;
        let at = match self.failed_boot {
            Some(at) => Some(at),
            None => match self.waiting.pop() {
                Some((at, run)) => {
                    self.failed_in = (run < self.runs).then_some(self.runs);
                    Some(at)
                }
                None => self.push(Attempt::new(Phase::Boot, Outcome::Failed)),
            },
        };
        let Some((at, attempt)) = at.and_then(|at| Some((at, self.history.attempts.get_mut(at)?))) else {
            return;
        };
        attempt.outcome = Outcome::Failed;
        // What a session came out with before the restart is no failure of it.
        attempt.add_codes([code]);
        attempt.phase = if set && !attempt.facts.has("rolled-back") && !run.has("rolled-back") {
            Phase::Boot
        } else {
            Phase::RolledBack
        };
        if attempt.phase == Phase::RolledBack {
            attempt.facts.note("rolled-back", Some(proof.clone()));
        }
        attempt.facts.merge(&run);
        attempt.prove(proof);
        self.failed_boot = Some(at);
    }

    /// The state of the work says that something is undone.
    fn undone(&mut self, event: &LogEvent) {
        let proof = self.placed.proof(event);
        let is_explained = UNDOING.iter().any(|fact| self.failing().has(fact));
        match self.failed_boot.and_then(|at| self.history.attempts.get_mut(at)) {
            Some(attempt) => {
                attempt.phase = Phase::RolledBack;
                attempt.facts.note("rolled-back", Some(proof));
            }
            None if is_explained => self.undone_alone(proof),
            None => self.run.note("rolled-back", Some(proof)),
        }
    }

    /// What happened in the session, or in the run where there is none.
    fn failing(&self) -> &Facts {
        self.session.as_ref().map_or(&self.run, |session| &session.attempt.facts)
    }

    /// Something is undone, and the log says only what failed before: the session that began it does not end in it, or
    /// lies in another one.
    fn undone_alone(&mut self, proof: super::attempt::Proof) {
        let mut attempt = match (self.session.take(), self.waiting.pop()) {
            (Some(session), _) => session.attempt,
            (None, Some((at, _))) => {
                let run = std::mem::take(&mut self.run);
                if let Some(attempt) = self.history.attempts.get_mut(at) {
                    attempt.facts.merge(&run);
                    undo(attempt, proof);
                    self.failed_boot = Some(at);
                }
                return;
            }
            (None, None) => Attempt::new(Phase::Boot, Outcome::Failed),
        };
        attempt.facts.merge(&std::mem::take(&mut self.run));
        undo(&mut attempt, proof);
        self.failed_boot = self.push(attempt);
    }

    fn startup_end(&mut self, event: &LogEvent, code: u32) {
        let proof = self.placed.proof_of(event, Some(code), None);
        let run = std::mem::take(&mut self.run);
        self.startup = None;
        if is_failure(code) {
            // What failed after one restart closes with its code after the next one, which has undone it.
            let is_later = self.failed_in.take().is_some_and(|failed| failed < self.runs);
            let at = match self.failed_boot.take() {
                Some(at) => Some(at),
                None => match self.waiting.pop() {
                    Some((at, _)) => Some(at),
                    None => self.push(Attempt::new(Phase::Boot, Outcome::Failed)),
                },
            };
            if let Some(attempt) = at.and_then(|at| self.history.attempts.get_mut(at)) {
                let undone = is_later || attempt.facts.has("rolled-back") || run.has("rolled-back");
                attempt.outcome = Outcome::Failed;
                attempt.phase = if undone { Phase::RolledBack } else { Phase::Boot };
                attempt.add_codes([code]);
                attempt.facts.merge(&run);
                if is_later {
                    attempt.facts.note("rolled-back", Some(proof.clone()));
                }
                attempt.prove(proof);
            }
        } else if !waits_for_restart(code) && self.failed_boot.is_none() {
            for (at, _) in std::mem::take(&mut self.waiting) {
                if let Some(attempt) = self.history.attempts.get_mut(at) {
                    attempt.outcome = Outcome::Installed;
                    attempt.phase = Phase::Boot;
                    attempt.prove(proof.clone());
                }
            }
        } else if !waits_for_restart(code) {
            // The boot that undoes has ended.
            self.failed_boot = None;
        }
    }
}

/// Facts that say why something is undone.
const UNDOING: [&str; 3] = ["driver-failed", "installer-failed", "operation-failed"];

/// Makes an attempt one that failed and was undone.
fn undo(attempt: &mut Attempt, proof: super::attempt::Proof) {
    attempt.outcome = Outcome::Failed;
    attempt.phase = Phase::RolledBack;
    attempt.facts.note("rolled-back", Some(proof.clone()));
    attempt.prove(proof);
}

/// Names what an attempt installs.
fn name(attempt: &mut Attempt, package: &str, number: Option<&str>) {
    let identity = &mut attempt.identity;
    if identity.package.is_none() && package.contains('~') {
        identity.package = Some(package.to_owned());
    }
    if identity.kb.is_none() {
        identity.kb = number.map(str::to_owned).or_else(|| kb(package));
    }
}

/// An item by the name that all logs have in common: below the component store, from its folder on.
pub(crate) fn plain_item(item: &Item) -> Item {
    match item {
        Item::File(path) | Item::Component(path) => item_of_path(path),
        other => other.clone(),
    }
}

/// A path of the component store as its component, or as a file of it; other paths as files.
pub(crate) fn item_of_path(path: &str) -> Item {
    let lower = path.to_ascii_lowercase();
    let store = lower.find(r"\winsxs\").map(|at| at + r"\winsxs\".len());
    if let Some(below) = store.and_then(|at| path.get(at..)).or_else(|| {
        let folder = path.split('\\').next()?;
        Component::parse(folder).map(|_| path)
    }) {
        let below = below.trim_end_matches('\\');
        return match below.split_once('\\') {
            None if Component::parse(below).is_some() => Item::Component(below.to_owned()),
            _ => Item::File(below.to_owned()),
        };
    }
    let plain = path.trim_start_matches(r"\??\");
    match plain.to_ascii_lowercase().strip_prefix(r"\systemroot\") {
        Some(_) => Item::File(format!(r"C:\Windows\{}", plain.get(12..).unwrap_or_default())),
        None => Item::File(plain.to_owned()),
    }
}

/// Whether the shortened name of a component's folder and a file's identity mean the same:
/// `microsoft-windows-w..ationservice-netapi` is `Microsoft-Windows-WorkstationService-NetApi`.
pub(crate) fn is_same_component(directory: &str, identity: &str) -> bool {
    let (folder, file) = directory.split_once('\\').unwrap_or((directory, ""));
    let Some(component) = Component::parse(folder) else { return false };
    let Some((name, rest)) = identity.split_once(", version ") else { return false };
    let Some((version, rest)) = rest.split_once(", arch ") else { return false };
    let identity_file = rest.split_once('\\').map_or("", |(_, file)| file);
    let name = name.to_lowercase();
    let short = component.name.to_lowercase();
    let names = match short.split_once("..") {
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
        None => short == name,
    };
    let own_file = file.rsplit('\\').next().unwrap_or_default();
    names
        && component.version == version
        && (own_file.is_empty() || identity_file.is_empty() || own_file.eq_ignore_ascii_case(identity_file))
}

/// Items of proofs, each once; an identity gives way to the folder that means the same.
pub(crate) fn items<'p>(proofs: impl IntoIterator<Item = &'p super::attempt::Proof>) -> Vec<Item> {
    let all = distinct(proofs.into_iter().filter_map(|proof| proof.item.clone()));
    let is_double =
        |item: &Item| all.iter().any(|other| other != item && is_same_component(other.name(), item.name()));
    all.iter().filter(|item| !is_double(item)).cloned().collect()
}

/// Whether a status speaks of the disk or of the file system.
pub(crate) fn is_disk_status(status: u32) -> bool {
    DISK_STATUSES.contains(&plain(status))
}
