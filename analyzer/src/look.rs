//! What lies around an event: the few events of sequence conditions, and who else had a file open.

use crate::canonical::{PathKey, component_folder, key, name_key};
use crate::knowledge::{CompiledSequence, Knowledge, Same};
use crate::processes::{ProcessId, Processes};
use hashbrown::HashMap;
use pml_parser::{Event, EventClass, EventId, FileTime, LogSet, TICKS_PER_SECOND};

/// A capture, and what is needed to look around in it.
pub(crate) struct Surroundings<'a, B> {
    pub set: &'a LogSet<B>,
    pub knowledge: &'a Knowledge,
    pub processes: &'a Processes,
    pub first: FileTime,
}

/// Events that are looked at on one side of an event, at most.
const MOST: u64 = 50_000;

/// Events before a failure among which those who have the file open are looked for, at most.
const MOST_BEFORE: u64 = 8_000_000;

/// A process that had a file open, or touched it, when somebody else failed there.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub process: ProcessId,
    /// Whether it had the file open at the time.
    pub held: bool,
    /// Whether it touched the file just before.
    pub touched: bool,
    /// The event by which that is known.
    pub event: EventId,
}

impl<B: AsRef<[u8]>> Surroundings<'_, B> {
    pub(crate) fn event(&self, id: EventId) -> Option<Event<'_>> {
        self.set.event(id).ok()
    }

    /// The time between two events.
    pub(crate) fn ticks_between(&self, a: EventId, b: EventId) -> u64 {
        let time = |id| self.event(id).map_or(0, |event| event.time().0);
        time(a).abs_diff(time(b))
    }

    /// The first event, before or behind `around`, that a sequence condition wants.
    pub(crate) fn find(
        &self,
        around: EventId,
        sequence: &CompiledSequence,
        forward: bool,
    ) -> Option<EventId> {
        let origin = self.event(around)?;
        let process = self.processes.of(&origin);
        let paths = [key(origin.path()), origin.target_path().map_or(PathKey::NONE, key)];
        let folder = component_folder(origin.path()).map(name_key);
        let mut matcher = sequence.filter.as_ref().map(|filter| filter.matcher(self.first));
        let mut left = sequence.events.unwrap_or(u64::MAX);
        for step in 1..=MOST {
            let id = if forward { around.checked_add(step) } else { around.checked_sub(step) }?;
            if id >= self.set.event_count() {
                return None;
            }
            let Some(event) = self.event(id) else { continue };
            let apart = event.time().0.abs_diff(origin.time().0);
            if apart > sequence.within {
                // Events are ordered by time, but for a few that were merged in late.
                if apart > sequence.within.saturating_add(TICKS_PER_SECOND) {
                    return None;
                }
                continue;
            }
            let same = sequence.same.iter().all(|same| match same {
                Same::Thread => event.tid() == origin.tid() && self.processes.of(&event) == process,
                Same::Process => self.processes.of(&event) == process,
                Same::Path => {
                    let own = key(event.path());
                    own != PathKey::NONE && paths.contains(&own)
                }
                Same::Component => folder.is_some() && component_folder(event.path()).map(name_key) == folder,
            });
            if !same {
                continue;
            }
            let fits = sequence.actors >> self.processes.actor(self.processes.of(&event)) & 1 == 1
                && matcher.as_mut().is_none_or(|matcher| matcher.matches(&event));
            if fits {
                return Some(id);
            }
            left -= 1;
            if left == 0 {
                return None;
            }
        }
        None
    }

    /// For each failure, given by its first and its last event: who else had one of its files open when
    /// it first failed or until it last did, or touched it just before either. The servicing stack and
    /// the system itself do not count. One look over the events before the last of them answers for all.
    pub(crate) fn holders(&self, failures: &[(EventId, EventId)]) -> Vec<Vec<Holder>> {
        let mut cases: Vec<HolderCase> =
            failures.iter().map(|&(first, last)| self.case(first, last)).collect();
        let mut wanted: HashMap<PathKey, Vec<usize>> = HashMap::new();
        for (at, case) in cases.iter().enumerate() {
            case.paths.iter().for_each(|&path| wanted.entry(path).or_default().push(at));
        }
        let (Some(from), Some(to)) = (failures.iter().map(|f| f.0).min(), failures.iter().map(|f| f.1).max())
        else {
            return Vec::new();
        };
        let actors = &self.knowledge.actors;
        let just_before = self.knowledge.engine.touched_before;
        let ours = actors.group("servicing") | actors.group("helpers") | actors.group("system");
        for id in from.saturating_sub(MOST_BEFORE)..to {
            let Some(event) = self.event(id) else { continue };
            if event.class() != EventClass::FileSystem || event.status().is_error() {
                continue;
            }
            let process = self.processes.of(&event);
            if ours >> self.processes.actor(process) & 1 == 1 {
                continue;
            }
            let Some(touched) = wanted.get(&key(event.path())) else { continue };
            let change = match event.operation().name() {
                "CreateFile" => 1,
                "CloseFile" => -1,
                _ => 0,
            };
            for &at in touched {
                if let Some(case) = cases.get_mut(at) {
                    case.touch(process, id, event.time(), change, just_before);
                }
            }
        }
        cases.into_iter().map(HolderCase::holders).collect()
    }

    fn case(&self, first: EventId, last: EventId) -> HolderCase {
        let (begin, end) = (self.event(first), self.event(last));
        let mut paths: Vec<PathKey> = Vec::new();
        if let Some(event) = &begin {
            paths.push(key(event.path()));
            paths.extend(event.target_path().map(key));
            paths.retain(|&path| path != PathKey::NONE);
        }
        let times = [begin, end].map(|event| event.map_or(FileTime(0), |event| event.time()));
        HolderCase { first, last, times, paths, open: Vec::new(), found: Vec::new() }
    }
}

/// A failure whose files others may have open.
struct HolderCase {
    first: EventId,
    last: EventId,
    /// Of the first and the last failure.
    times: [FileTime; 2],
    paths: Vec<PathKey>,
    /// Processes that have one of the files open, how often, and since which event.
    open: Vec<(ProcessId, i64, EventId)>,
    found: Vec<Holder>,
}

impl HolderCase {
    /// Notes that a process did something with one of the files; `change` is 1 where it opened it, -1
    /// where it closed it. Within `just_before` (in 100 ns) of a failure, it touched the file.
    fn touch(&mut self, process: ProcessId, event: EventId, time: FileTime, change: i64, just_before: u64) {
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
            self.note(process, false, true, since);
        }
    }

    /// Whoever has a file open now, has it while the failure goes on.
    fn note_open(&mut self) {
        for (process, count, since) in self.open.clone() {
            if count > 0 {
                self.note(process, true, false, since);
            }
        }
    }

    fn note(&mut self, process: ProcessId, held: bool, touched: bool, event: EventId) {
        match self.found.iter_mut().find(|holder| holder.process == process) {
            Some(holder) => {
                holder.held |= held;
                holder.touched |= touched;
            }
            None => self.found.push(Holder { process, held, touched, event }),
        }
    }

    fn holders(mut self) -> Vec<Holder> {
        self.note_open();
        self.found.sort_by_key(|holder| (!holder.held, holder.event, holder.process));
        self.found
    }
}
