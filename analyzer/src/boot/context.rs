//! Single events after the pass, and the events around one of them: what `followed_by` and `preceded_by` of rules and
//! ranking (`CompiledSequence`) look for.

use super::processes::{ProcessId, Processes};
use crate::canonical::{PathKey, component_folder, key, name_key};
use crate::knowledge::{CompiledSequence, Knowledge, Same};
use pml_parser::{Event, EventId, FileTime, LogSet, Matcher, TICKS_PER_SECOND};

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
        self.find_each(around, &[sequence], forward).pop().flatten()
    }

    /// For each sequence condition the first event, before or after `around`, that it wants. Reading the events takes
    /// longer than looking at them, so all conditions look at each event in turn.
    pub(crate) fn find_each(
        &self,
        around: EventId,
        sequences: &[&CompiledSequence],
        forward: bool,
    ) -> Vec<Option<EventId>> {
        let mut found = vec![None; sequences.len()];
        let Some(origin) = self.event(around) else { return found };
        let origin = Origin::new(origin, self);
        let mut searches: Vec<Search<'_>> =
            sequences.iter().enumerate().map(|(at, sequence)| Search::new(at, sequence, self)).collect();
        for step in 1..=MOST {
            let next = if forward { around.checked_add(step) } else { around.checked_sub(step) };
            let Some(id) = next.filter(|&id| id < self.set.event_count()) else { break };
            let Some(event) = self.event(id) else { continue };
            let apart = event.time().0.abs_diff(origin.event.time().0);
            searches.retain_mut(|search| match search.look(&event, apart, &origin, self) {
                Step::On => true,
                Step::Over => false,
                Step::Found => {
                    found[search.at] = Some(id);
                    false
                }
            });
            if searches.is_empty() {
                break;
            }
        }
        found
    }
}

/// The event around which others are looked for.
struct Origin<'a> {
    event: Event<'a>,
    process: ProcessId,
    /// Keys of its path and of its target.
    paths: [PathKey; 2],
    /// Key of the component's folder that its path leads into.
    folder: Option<u64>,
}

impl<'a> Origin<'a> {
    fn new<B: AsRef<[u8]>>(event: Event<'a>, context: &EventContext<'a, B>) -> Self {
        Self {
            process: context.processes.of(&event),
            paths: [key(event.path()), event.target_path().map_or(PathKey::NONE, key)],
            folder: component_folder(event.path()).map(name_key),
            event,
        }
    }
}

/// The search for the event that one sequence condition wants.
struct Search<'s> {
    /// Position among the conditions.
    at: usize,
    sequence: &'s CompiledSequence,
    matcher: Option<Matcher<'s>>,
    /// Events that may still be looked at.
    left: u64,
}

/// What a search says of one event.
enum Step {
    /// It wants another one.
    On,
    /// There is none.
    Over,
    /// It wants this one.
    Found,
}

impl<'s> Search<'s> {
    fn new<B: AsRef<[u8]>>(at: usize, sequence: &'s CompiledSequence, context: &EventContext<'_, B>) -> Self {
        let matcher = sequence.filter.as_ref().map(|filter| filter.matcher(context.span.0));
        Self { at, sequence, matcher, left: sequence.events.unwrap_or(u64::MAX) }
    }

    /// Looks at an event that is `apart` ticks from the origin.
    fn look<B: AsRef<[u8]>>(
        &mut self,
        event: &Event<'_>,
        apart: u64,
        origin: &Origin<'_>,
        context: &EventContext<'_, B>,
    ) -> Step {
        let sequence = self.sequence;
        if apart > sequence.within {
            // Events are ordered by time, but for a few that were merged in late.
            let is_beyond = apart > sequence.within.saturating_add(TICKS_PER_SECOND);
            return if is_beyond { Step::Over } else { Step::On };
        }
        let is_of_process = || context.processes.of(event) == origin.process;
        let same = sequence.same.iter().all(|same| match same {
            Same::Thread => event.tid() == origin.event.tid() && is_of_process(),
            Same::Process => is_of_process(),
            Same::Path => {
                let own = key(event.path());
                own != PathKey::NONE && origin.paths.contains(&own)
            }
            Same::Component => {
                origin.folder.is_some() && component_folder(event.path()).map(name_key) == origin.folder
            }
        });
        if !same {
            return Step::On;
        }
        let fits = sequence.actors >> context.processes.actor(context.processes.of(event)) & 1 == 1
            && self.matcher.as_mut().is_none_or(|matcher| matcher.matches(event));
        if fits {
            return Step::Found;
        }
        self.left -= 1;
        if self.left == 0 { Step::Over } else { Step::On }
    }
}
