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
const MOST: u64 = 200_000;

/// Events before a failure among which those who have the file open are looked for, at most.
const MOST_BEFORE: u64 = 8_000_000;

/// How long before a failure a touch of the file still means something.
const JUST_BEFORE: u64 = TICKS_PER_SECOND / 10;

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

    /// Who else had one of the files open while `first` to `last` failed there, or touched it just
    /// before one of the two. The servicing stack and the system itself do not count.
    pub(crate) fn holders(&self, first: EventId, last: EventId) -> Vec<Holder> {
        let (Some(begin), Some(end)) = (self.event(first), self.event(last)) else { return Vec::new() };
        let mut wanted: Vec<PathKey> = vec![key(begin.path())];
        wanted.extend(begin.target_path().map(key));
        wanted.retain(|&path| path != PathKey::NONE);
        let actors = &self.knowledge.actors;
        let ours = actors.group("servicing") | actors.group("helpers") | actors.group("system");
        let mut open: HashMap<(ProcessId, PathKey), i64> = HashMap::new();
        let mut holders: Vec<Holder> = Vec::new();
        let mut note = |process: ProcessId, held: bool, touched: bool, event: EventId| match holders
            .iter_mut()
            .find(|holder| holder.process == process)
        {
            Some(holder) => {
                holder.held |= held;
                holder.touched |= touched;
            }
            None => holders.push(Holder { process, held, touched, event }),
        };
        let mut opened: HashMap<(ProcessId, PathKey), EventId> = HashMap::new();
        for id in last.saturating_sub(MOST_BEFORE)..=last {
            if id == first {
                // Whoever has it open now, had it when the first attempt failed.
                for (&(process, path), _) in open.iter().filter(|(_, count)| **count > 0) {
                    note(process, true, false, opened.get(&(process, path)).copied().unwrap_or(id));
                }
            }
            let Some(event) = self.event(id) else { continue };
            if event.status().is_error() || event.class() != EventClass::FileSystem {
                continue;
            }
            let process = self.processes.of(&event);
            if ours >> self.processes.actor(process) & 1 == 1 {
                continue;
            }
            let path = key(event.path());
            if !wanted.contains(&path) {
                continue;
            }
            match event.operation().name() {
                "CreateFile" => {
                    *open.entry((process, path)).or_default() += 1;
                    opened.insert((process, path), id);
                }
                "CloseFile" => *open.entry((process, path)).or_default() -= 1,
                _ => {}
            }
            let near = |other: &Event<'_>| {
                event.time() <= other.time() && other.time().0 - event.time().0 <= JUST_BEFORE
            };
            let touched = near(&begin) || near(&end);
            let held = id > first && open.get(&(process, path)).is_some_and(|&count| count > 0);
            if touched || held {
                note(process, held, touched, opened.get(&(process, path)).copied().unwrap_or(id));
            }
        }
        // Sorted, since tables are not.
        holders.sort_by_key(|holder| (!holder.held, holder.event, holder.process));
        holders
    }
}
