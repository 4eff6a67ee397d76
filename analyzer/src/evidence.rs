//! Evidence, whichever input it comes from: where it was seen, when, and what it shows.
//!
//! A case has one capture, and may have logs beside it: `CBS.log`, `WindowsUpdate.log`, event logs. Their
//! readers make [`Observation`]s; facts derive from those as they do from the events of the capture.

use pml_parser::{EventId, FileTime, NtStatus};
use serde::Serialize;
use std::borrow::Cow;

/// An input of a case, by its position: the capture comes first, the logs follow in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceId(u16);

impl SourceId {
    /// The capture.
    pub(crate) const CAPTURE: Self = Self(0);

    /// The logs, in order: as many as there are numbers.
    pub(crate) fn logs() -> impl Iterator<Item = Self> {
        (1..=u16::MAX).map(Self)
    }

    /// The position in the list of logs; `None` for the capture.
    pub(crate) fn log_position(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }
}

/// A place in an input. Places of one input are all of one kind, and sort as they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// An event of the capture.
    Event(EventId),
    /// A line of a text file, from 1.
    Line(u32),
    /// A record of an event log, by the number that the log gives it.
    Record(u64),
}

/// A place in one of the inputs of a case. Citations of the capture sort before those of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Citation {
    pub source: SourceId,
    pub position: Position,
}

impl Citation {
    /// An event of the capture.
    pub(crate) const fn event(event: EventId) -> Self {
        Self { source: SourceId::CAPTURE, position: Position::Event(event) }
    }

    /// The event, where the capture is cited.
    pub(crate) fn as_event(self) -> Option<EventId> {
        match self.position {
            Position::Event(event) if self.source == SourceId::CAPTURE => Some(event),
            _ => None,
        }
    }
}

/// How well the time of an observation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The log writes UTC.
    Utc,
    /// The log writes local time, and it or another input shows the offset from UTC.
    Zone,
    /// The log writes local time, and the offset is a guess.
    Guessed,
}

/// A time, and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// The time in UTC.
    pub at: FileTime,
    /// How well it is known.
    pub certainty: Certainty,
}

/// A code that something ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// NTSTATUS.
    Status(NtStatus),
    /// HRESULT.
    Hresult(u32),
}

/// Something worth noticing in a log that belongs to the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Where the log says it.
    pub position: Position,
    /// When it happened; `None` where the log does not say.
    pub time: Option<Moment>,
    /// The fact that it shows, by the name that conditions of rules use.
    pub what: Cow<'static, str>,
    /// The code that the log gives.
    pub code: Option<Code>,
    /// What the log says, to be shown: the line, or the message of the record.
    pub text: String,
}

/// A log that belongs to the capture, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvidence {
    /// What to call the log in reports: the name of its file.
    pub name: String,
    /// What the log shows, in ascending order of positions.
    pub observations: Vec<Observation>,
}

/// How often something was seen, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    count: u64,
    /// The first ones, ascending.
    citations: Vec<Citation>,
}

/// Citations that are kept of each fact and source.
const KEPT: usize = 64;

impl Seen {
    /// Something that holds, and the one place that shows it, if there is one.
    pub(crate) fn once(citation: Option<Citation>) -> Self {
        Self { count: 1, citations: citation.into_iter().collect() }
    }

    pub(crate) fn push(&mut self, citation: Citation) {
        self.count += 1;
        if self.citations.len() < KEPT {
            self.citations.push(citation);
        }
    }

    /// Adds what was seen later in the same source.
    pub(crate) fn merge(&mut self, later: Self) {
        self.count += later.count;
        let room = KEPT.saturating_sub(self.citations.len());
        self.citations.extend(later.citations.into_iter().take(room));
    }

    /// Adds what was seen in another source.
    pub(crate) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.citations.extend(other.citations);
        self.citations.sort_unstable();
    }

    /// How often it was seen.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The first places where it was seen, ascending.
    pub(crate) fn citations(&self) -> &[Citation] {
        &self.citations
    }

    /// The first place.
    pub(crate) fn first(&self) -> Option<Citation> {
        self.citations.first().copied()
    }

    /// The first places in the capture, ascending.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = EventId> {
        self.citations.iter().filter_map(|citation| citation.as_event())
    }

    /// The first place in the capture.
    pub(crate) fn first_event(&self) -> Option<EventId> {
        self.events().next()
    }
}

impl FromIterator<EventId> for Seen {
    fn from_iter<I: IntoIterator<Item = EventId>>(events: I) -> Self {
        let mut seen = Self::default();
        events.into_iter().for_each(|event| seen.push(Citation::event(event)));
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_at(position: usize) -> SourceId {
        SourceId::logs().nth(position).unwrap()
    }

    #[test]
    fn citations_sort_by_source_and_then_by_place() {
        let line = |log, line| Citation { source: log_at(log), position: Position::Line(line) };
        let sorted = [Citation::event(5), Citation::event(9), line(0, 1), line(0, 70), line(1, 3)];
        assert!(sorted.is_sorted());
        assert_eq!(sorted.map(Citation::as_event), [Some(5), Some(9), None, None, None]);
        assert_eq!((SourceId::CAPTURE.log_position(), log_at(3).log_position()), (None, Some(3)));
    }

    #[test]
    fn all_are_counted_and_the_first_ones_kept() {
        let mut seen: Seen = (0..50).collect();
        seen.merge((50..150).collect());
        assert_eq!((seen.count(), seen.citations().len()), (150, KEPT));
        // One source does not take the room of another.
        let mut joined = Seen::once(Some(Citation { source: log_at(0), position: Position::Line(7) }));
        joined.join(seen);
        let seen = joined;
        assert_eq!((seen.count(), seen.citations().len(), seen.events().count()), (151, KEPT + 1, KEPT));
        assert_eq!((seen.first_event(), seen.events().next_back()), (Some(0), Some(63)));
    }
}
