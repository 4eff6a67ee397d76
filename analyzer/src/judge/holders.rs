//! Which other processes had a file open, touched it, or removed it, when an operation on it failed; and which
//! processes lived on while nothing happened.

use super::conclusions::Established;
use crate::boot::{EventContext, ProcessId, Scan};
use crate::canonical::{PathKey, key};
use hashbrown::HashMap;
use pml_parser::{EventClass, EventId, FileTime, Operation};
use std::borrow::Borrow;

/// Events before a failure that are searched for processes which have the file open, at most.
const MOST_BEFORE: u64 = 8_000_000;

/// A process that had a file open, touched it, or removed it, when an operation of another process on it failed.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub process: ProcessId,
    /// Whether it had the file open at the time.
    pub held: bool,
    /// Whether it touched the file just before.
    pub touched: bool,
    /// Whether it deleted the file or moved it away.
    pub removed: bool,
    /// Whether the file is the second path of the operation: the place that a link or a rename leads to.
    pub is_target: bool,
    /// The event that shows it.
    pub event: EventId,
}

impl Holder {
    /// A process of which nothing is known yet but an event.
    fn new(process: ProcessId, event: EventId) -> Self {
        Self { process, held: false, touched: false, removed: false, is_target: false, event }
    }
}

/// A failure whose files others may have used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Its first and its last event.
    pub first: EventId,
    pub last: EventId,
    /// Whether it matters who had the files open or touched them, for which events have to be read.
    pub history: bool,
}

/// For each failure: which other processes removed one of its files not long before it first failed, had one open when it
/// first failed or until it last did, or touched it just before either. The servicing stack and the system itself do
/// not count. One pass over the events before the last failure answers for all.
pub(super) fn find<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    failures: &[Wanted],
) -> Vec<Vec<Holder>> {
    let mut cases: Vec<HeldFile> =
        failures.iter().map(|failure| HeldFile::new(context, failure.first, failure.last)).collect();
    let with_history = failures.iter().zip(&mut cases).filter(|(failure, _)| failure.history);
    read_history(context, with_history.map(|(_, case)| case).collect());
    let by_path = by_path(&cases);
    let not_long = context.knowledge.engine.removed_before;
    for removal in scan.removals() {
        for &at in by_path.get(&removal.path).into_iter().flatten() {
            if let Some(case) = cases.get_mut(at) {
                let user = (removal.process, case.paths.first() != Some(&removal.path));
                case.remove(user, removal.event, removal.time, not_long);
            }
        }
    }
    cases.into_iter().map(HeldFile::holders).collect()
}

/// Positions of the failures by the paths of their files.
fn by_path(cases: &[impl Borrow<HeldFile>]) -> HashMap<PathKey, Vec<usize>> {
    let mut positions: HashMap<PathKey, Vec<usize>> = HashMap::new();
    for (at, case) in cases.iter().enumerate() {
        case.borrow().paths.iter().for_each(|&path| positions.entry(path).or_default().push(at));
    }
    positions
}

/// Notes who had the files open, and who touched them.
fn read_history<B: AsRef<[u8]>>(context: &EventContext<'_, B>, mut cases: Vec<&mut HeldFile>) {
    let wanted = by_path(&cases);
    let ends = (cases.iter().map(|case| case.first).min(), cases.iter().map(|case| case.last).max());
    let (Some(from), Some(to)) = ends else { return };
    let actors = &context.knowledge.actors;
    let just_before = context.knowledge.engine.touched_before;
    let own = actors.group("servicing") | actors.group("helpers") | actors.group("system");
    for id in from.saturating_sub(MOST_BEFORE)..to {
        let Some(event) = context.event(id) else { continue };
        if event.class() != EventClass::FileSystem || event.status().is_error() {
            continue;
        }
        let process = context.processes.of(&event);
        if own >> context.processes.actor(process) & 1 == 1 {
            continue;
        }
        let path = key(event.path());
        let Some(touched) = wanted.get(&path) else { continue };
        let change = match event.operation() {
            Operation::CREATE_FILE => 1,
            Operation::CLOSE_FILE => -1,
            _ => 0,
        };
        for &at in touched {
            if let Some(case) = cases.get_mut(at) {
                let is_target = case.paths.first() != Some(&path);
                case.touch((process, is_target), id, event.time(), change, just_before);
            }
        }
    }
}

/// Processes that the servicing stack had started and that lived on while the worker did nothing.
pub(super) fn children_alive<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    known: Established<'_>,
) -> Vec<Holder> {
    let pause = known.get("worker-quiet").or(known.get("hang-noted"));
    let ends = pause.and_then(|seen| seen.first_event().zip(seen.events().next_back()));
    let Some((start, end)) = ends else { return Vec::new() };
    let Some(start) = context.event(start).map(|event| event.time()) else { return Vec::new() };
    let child = context.knowledge.actors.group("child");
    let mut alive = Vec::new();
    for (process, info) in context.processes.iter() {
        let exit = scan.exit(process).map(|exit| exit.event);
        let lives_on = exit.is_none_or(|exit| exit > end);
        if child >> info.actor & 1 == 1 && lives_on && info.start <= start {
            alive.push(Holder::new(process, exit.unwrap_or(end)));
        }
    }
    alive
}

/// A process, and whether what it has open is the second path of the operation.
type User = (ProcessId, bool);

/// The files of a failure, and the processes that have them open.
struct HeldFile {
    first: EventId,
    last: EventId,
    /// Times of the first and the last failure.
    times: [FileTime; 2],
    paths: Vec<PathKey>,
    /// Processes that have one of the files open, how often, and since which event.
    open: Vec<(User, i64, EventId)>,
    found: Vec<Holder>,
}

impl HeldFile {
    fn new<B: AsRef<[u8]>>(context: &EventContext<'_, B>, first: EventId, last: EventId) -> Self {
        let mut paths: Vec<PathKey> = Vec::new();
        if let Some(event) = context.event(first) {
            paths.push(key(event.path()));
            paths.extend(event.target_path().map(key));
            paths.retain(|&path| path != PathKey::NONE);
        }
        let times = [first, last].map(|event| context.time(event));
        Self { first, last, times, paths, open: Vec::new(), found: Vec::new() }
    }

    /// Notes that a process did something with one of the files; `change` is 1 where it opened it, -1
    /// where it closed it.
    fn touch(&mut self, process: User, event: EventId, time: FileTime, change: i64, just_before: u64) {
        if event > self.last {
            return;
        }
        if event > self.first {
            self.note_open();
        }
        match self.open.iter_mut().find(|open| open.0 == process) {
            Some(open) => {
                open.1 += change;
                if change > 0 {
                    open.2 = event;
                }
            }
            None => self.open.push((process, change, event)),
        }
        let near = |other: FileTime| time <= other && other.0 - time.0 <= just_before;
        if self.times.into_iter().any(near) {
            let since = self.open.iter().find(|open| open.0 == process).map_or(event, |open| open.2);
            self.note(process, since).touched = true;
        }
    }

    /// Notes that a process removed one of the files, where that was before the first failure and not long ago.
    fn remove(&mut self, process: User, event: EventId, time: FileTime, not_long: u64) {
        let [first, _] = self.times;
        if event < self.first && first.0.saturating_sub(time.0) <= not_long {
            self.note(process, event).removed = true;
        }
    }

    /// A process that has a file open now has it while the failure goes on.
    fn note_open(&mut self) {
        for (process, count, since) in self.open.clone() {
            if count > 0 {
                self.note(process, since).held = true;
            }
        }
    }

    /// What is known of a process, which `event` shows where nothing is known yet.
    fn note(&mut self, (process, is_target): User, event: EventId) -> &mut Holder {
        let at = self.found.iter().position(|holder| holder.process == process).unwrap_or_else(|| {
            self.found.push(Holder { is_target, ..Holder::new(process, event) });
            self.found.len() - 1
        });
        &mut self.found[at]
    }

    fn holders(mut self) -> Vec<Holder> {
        self.note_open();
        self.found.sort_by_key(|holder| (!holder.held, holder.event, holder.process));
        self.found
    }
}
