//! A capture: one log, or several parts `X.pml`, `X-1.pml`, `X-2.pml` ….

use super::event::{Event, EventId};
use super::index::Index;
use super::recovery::Recovery;
use super::{Log, LogView};
use crate::error::{Damage, Error, ErrorKind, Result};
use crate::time::FileTime;
use std::ops::Range;

/// The parts of one capture, in order. Event ids run through all parts.
#[derive(Debug)]
pub struct LogSet<B> {
    parts: Vec<Log<B>>,
    read_ahead: Option<ReadAhead<B>>,
}

/// Asks for bytes of a log that are needed soon, without waiting for them.
type ReadAhead<B> = fn(&B, Range<u64>);

/// Consecutive events of one part: the unit of parallel work, made by [`LogSet::ranges`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRange {
    part: u16,
    events: Range<u32>,
}

impl EventRange {
    /// Position of the part in the set, from 0.
    pub fn part(&self) -> u16 {
        self.part
    }

    /// Positions of the events in that part, from 0.
    pub fn events(&self) -> Range<u32> {
        self.events.clone()
    }
}

impl<B: AsRef<[u8]>> LogSet<B> {
    /// A set of these parts, in this order; parts after the first 65,535 are dropped. [`mismatch`](super::kinship::mismatch) says
    /// whether two logs belong together.
    pub fn new(mut parts: Vec<Log<B>>) -> Self {
        parts.truncate(usize::from(u16::MAX));
        let mut first_event = 0;
        for (part, log) in parts.iter_mut().enumerate() {
            log.set_place(part as u16, first_event);
            first_event += u64::from(log.view().event_count());
        }
        Self { parts, read_ahead: None }
    }

    /// Calls this function for the records of every range that [`Self::ranges`] gives. Work that takes ranges before it needs
    /// them then finds the records of a file in memory.
    #[cfg(feature = "mmap")]
    pub(crate) fn read_ahead_by(&mut self, read_ahead: ReadAhead<B>) {
        self.read_ahead = Some(read_ahead);
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = LogView<'_>> {
        self.parts.iter().map(Log::view)
    }

    /// Part `part` of the set, from 0.
    pub fn part(&self, part: u16) -> Option<LogView<'_>> {
        self.parts.get(usize::from(part)).map(Log::view)
    }

    /// The index of part `part`.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn index_mut(&mut self, part: u16) -> Option<&mut Index> {
        self.parts.get_mut(usize::from(part)).map(Log::index_mut)
    }

    /// Number of events in all parts.
    pub fn event_count(&self) -> u64 {
        self.parts().map(|log| u64::from(log.event_count())).sum()
    }

    /// Size of all files together in bytes.
    pub fn size(&self) -> u64 {
        self.parts().map(LogView::size).sum()
    }

    /// Time of the first event of the first part that has a [`LogView::time_span`], and of the last event of
    /// the last such part.
    pub fn time_span(&self) -> Option<(FileTime, FileTime)> {
        let first = self.parts().find_map(LogView::time_span)?;
        let last = self.parts.iter().rev().find_map(|log| log.view().time_span())?;
        Some((first.0, last.1))
    }

    /// The damage of the tables of all parts, as [`LogView::damage`] has it.
    pub fn table_damage(&self) -> Damage {
        let mut damage = Damage::default();
        self.parts().for_each(|log| damage.merge(log.damage()));
        damage
    }

    /// The results of recovery of all parts, added up, or `None` where no part was opened by `Log::recover`.
    /// All events of the other parts count as kept.
    pub fn recovery(&self) -> Option<Recovery> {
        let mut sum: Option<Recovery> = None;
        if self.parts().all(|log| log.recovery().is_none()) {
            return None;
        }
        for log in self.parts() {
            let kept = u64::from(log.event_count());
            let whole = Recovery { kept, lost_is_exact: true, ..Recovery::default() };
            let part = log.recovery().unwrap_or(&whole);
            match &mut sum {
                Some(sum) => sum.merge(part),
                None => sum = Some(part.clone()),
            }
        }
        sum
    }

    /// The event with this id.
    ///
    /// # Errors
    /// When the record is damaged, or no event has this id.
    pub fn event(&self, id: EventId) -> Result<Event<'_>> {
        let after = self.parts.partition_point(|log| log.view().first_event_id() <= id);
        // Parts without events share their first id with the next part. The last of them has the event.
        let log = after.checked_sub(1).and_then(|at| self.parts.get(at)).map(Log::view);
        log.and_then(|log| {
            let position = u32::try_from(id - log.first_event_id()).ok()?;
            (position < log.event_count()).then(|| log.event(position))
        })
        .unwrap_or(Err(Error::new(ErrorKind::NoSuchEvent(id), "event", 0)))
    }

    /// Divides the set into ranges of at most `events` events and about `bytes` bytes of records. No range
    /// crosses parts. The ranges of a part have about the same size, so threads finish at about the same
    /// time. The ranges depend only on the set and the limits, never on the number of threads.
    pub fn ranges(&self, events: u32, bytes: u64) -> impl Iterator<Item = EventRange> + '_ {
        let events = events.max(1);
        self.parts.iter().enumerate().flat_map(move |(part, whole)| {
            let (log, mut next) = (whole.view(), 0);
            let count = log.event_count();
            let events = count.div_ceil(count.div_ceil(events).max(1));
            std::iter::from_fn(move || {
                let start = next;
                if start >= count {
                    return None;
                }
                let mut end = start.saturating_add(events).min(count);
                let from = log.event_offset(start).unwrap_or(0);
                // Halve until the records fit. One record is always allowed.
                while end - start > 1 && log.event_offset(end - 1).unwrap_or(0).saturating_sub(from) > bytes {
                    end = start + (end - start) / 2;
                }
                next = end;
                if let Some(read_ahead) = self.read_ahead {
                    // After the last event, the records end somewhere.
                    let to = log.event_offset(end).or_else(|| log.event_offset(end - 1)).unwrap_or(from);
                    read_ahead(&whole.bytes, from..to.max(from));
                }
                Some(EventRange { part: part as u16, events: start..end })
            })
        })
    }

    /// The events of a range, in order. A damaged event is an error, and the next event follows it.
    pub fn events_in(&self, range: &EventRange) -> impl Iterator<Item = Result<Event<'_>>> + use<'_, B> {
        let positions = range.events();
        self.part(range.part).into_iter().flat_map(move |log| log.events(positions.clone()))
    }

    /// All events of all parts, in order. A damaged event is an error, and the next event follows it.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'_>>> {
        self.parts().flat_map(|log| log.events(0..log.event_count()))
    }
}
