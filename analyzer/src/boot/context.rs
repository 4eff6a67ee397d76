//! Single events after the pass, and the events around one of them: what `followed_by` and `preceded_by` of rules and
//! ranking (`CompiledSequence`) look for.

use super::processes::Processes;
use crate::canonical::{PathKey, component_folder, key, name_key};
use crate::knowledge::{CompiledSequence, Knowledge, Same};
use pml_parser::{Event, EventId, FileTime, LogSet, TICKS_PER_SECOND};

/// A capture with its processes: what finds an event, and the events around it.
pub(crate) struct EventContext<'a, B> {
    pub set: &'a LogSet<B>,
    pub knowledge: &'a Knowledge,
    pub processes: &'a Processes,
    /// Times of the first and the last event.
    pub span: (FileTime, FileTime),
}

/// Events that are read on one side of an event, at most.
const MOST: u64 = 50_000;

impl<'a, B: AsRef<[u8]>> EventContext<'a, B> {
    pub(crate) fn new(set: &'a LogSet<B>, knowledge: &'a Knowledge, processes: &'a Processes) -> Self {
        Self { set, knowledge, processes, span: set.time_span().unwrap_or_default() }
    }

    /// The folder of Windows.
    pub(crate) fn system_root(&self) -> String {
        self.set.part(0).map(|log| log.system_root().to_string()).unwrap_or_default()
    }

    /// Time of an event; 0 where it cannot be read.
    pub(crate) fn time(&self, id: EventId) -> FileTime {
        self.event(id).map_or(FileTime(0), |event| event.time())
    }

    /// An event, where it can be read.
    pub(crate) fn event(&self, id: EventId) -> Option<Event<'a>> {
        self.set.event(id).ok()
    }

    /// The time between two events.
    pub(crate) fn ticks_between(&self, a: EventId, b: EventId) -> u64 {
        self.time(a).0.abs_diff(self.time(b).0)
    }

    /// The first event, before or after `around`, that a sequence condition wants.
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
        let mut matcher = sequence.filter.as_ref().map(|filter| filter.matcher(self.span.0));
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
}
