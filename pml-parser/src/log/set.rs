//! A capture: one log, or the parts `X.pml`, `X-1.pml`, `X-2.pml` … of one.

use super::event::{Event, EventId};
use super::recovery::Recovery;
use super::{Log, LogView};
use crate::error::{Damage, Error, ErrorKind, Result};
use crate::time::FileTime;
use std::ops::Range;

/// The parts of one capture, in order; event ids run through all of them.
#[derive(Debug)]
pub struct LogSet<B> {
    parts: Vec<Log<B>>,
}

/// A run of events of one part: the unit of parallel work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRange {
    part: u16,
    events: Range<u32>,
}

impl EventRange {
    /// Position of the part in the set.
    pub fn part(&self) -> u16 {
        self.part
    }

    /// Positions of the events in that part.
    pub fn events(&self) -> Range<u32> {
        self.events.clone()
    }
}

/// Why two logs are not parts of one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Captured on another machine.
    Computer,
    /// One is 32-bit, the other 64-bit.
    Bitness,
    /// They were captured over times that overlap, or in the other order.
    Time,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Computer => "it is of another machine",
            Self::Bitness => "it is of another bitness",
            Self::Time => "its time overlaps that of the other parts, or is out of order",
        })
    }
}

/// Whether `later` can be a later part of the capture that `earlier` belongs to.
pub fn mismatch(earlier: LogView<'_>, later: LogView<'_>) -> Option<Mismatch> {
    // A header that is gone, or is none any more, names no computer.
    let names_one = |log: LogView<'_>| {
        let cause = log.recovery().and_then(|recovery| recovery.cause);
        !log.computer().is_empty() && cause.is_none_or(|cause| cause.kind() != ErrorKind::NotPml)
    };
    let differ = earlier.computer().to_str() != later.computer().to_str();
    if differ && names_one(earlier) && names_one(later) {
        return Some(Mismatch::Computer);
    }
    if earlier.is_64_bit() != later.is_64_bit() {
        return Some(Mismatch::Bitness);
    }
    match (earlier.usual_span(), later.usual_span()) {
        (Some((_, end)), Some((start, _))) if start < end => Some(Mismatch::Time),
        _ => None,
    }
}

impl<B: AsRef<[u8]>> LogSet<B> {
    /// A set of these parts, in this order. Use [`mismatch`] first where it is not known that
    /// they belong together.
    pub fn new(mut parts: Vec<Log<B>>) -> Self {
        parts.truncate(usize::from(u16::MAX));
        let mut first_event = 0;
        for (part, log) in parts.iter_mut().enumerate() {
            log.set_place(part as u16, first_event);
            first_event += u64::from(log.view().event_count());
        }
        Self { parts }
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = LogView<'_>> {
        self.parts.iter().map(Log::view)
    }

    /// Part `part` of the set.
    pub fn part(&self, part: u16) -> Option<LogView<'_>> {
        self.parts.get(usize::from(part)).map(Log::view)
    }

    /// Number of events of all parts.
    pub fn event_count(&self) -> u64 {
        self.parts().map(|log| u64::from(log.event_count())).sum()
    }

    /// Bytes of all parts.
    pub fn size(&self) -> u64 {
        self.parts().map(LogView::size).sum()
    }

    /// Time of the first event of the first part and of the last event of the last part.
    pub fn time_span(&self) -> Option<(FileTime, FileTime)> {
        let first = self.parts().find_map(LogView::time_span)?;
        let last = self.parts.iter().rev().find_map(|log| log.view().time_span())?;
        Some((first.0, last.1))
    }

    /// What is wrong with the tables of all parts.
    pub fn table_damage(&self) -> Damage {
        let mut damage = Damage::default();
        self.parts().for_each(|log| damage.merge(log.damage()));
        damage
    }

    /// What recovery made of all parts, where one of them was opened by `Log::recover`. Parts that opened as
    /// they are count as kept.
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
    /// When its record is damaged or there is no such event.
    pub fn event(&self, id: EventId) -> Result<Event<'_>> {
        let after = self.parts.partition_point(|log| log.view().first_event_id() <= id);
        // Parts without events share their first id with the next part: the last one has it.
        let log = after.checked_sub(1).and_then(|at| self.parts.get(at)).map(Log::view);
        log.and_then(|log| {
            let position = u32::try_from(id - log.first_event_id()).ok()?;
            (position < log.event_count()).then(|| log.event(position))
        })
        .unwrap_or(Err(Error::new(ErrorKind::NoSuchEvent(id), "event", 0)))
    }

    /// Cuts the set into ranges of at most `events` events and about `bytes` bytes of records,
    /// none of which crosses a part; those of a part have about the same size, so that threads are
    /// done at about the same time. The cut depends on the set alone, so whatever is made of it does
    /// too.
    pub fn ranges(&self, events: u32, bytes: u64) -> impl Iterator<Item = EventRange> + '_ {
        let events = events.max(1);
        self.parts().enumerate().flat_map(move |(part, log)| {
            let mut next = 0;
            let count = log.event_count();
            let events = count.div_ceil(count.div_ceil(events).max(1));
            std::iter::from_fn(move || {
                let start = next;
                if start >= count {
                    return None;
                }
                let mut end = start.saturating_add(events).min(count);
                let from = log.event_offset(start).unwrap_or(0);
                // Halve until the records fit; one record always does.
                while end - start > 1 && log.event_offset(end - 1).unwrap_or(0).saturating_sub(from) > bytes {
                    end = start + (end - start) / 2;
                }
                next = end;
                Some(EventRange { part: part as u16, events: start..end })
            })
        })
    }

    /// The events of a range.
    pub fn events_in(&self, range: &EventRange) -> impl Iterator<Item = Result<Event<'_>>> + use<'_, B> {
        let positions = range.events();
        self.part(range.part).into_iter().flat_map(move |log| log.events(positions.clone()))
    }

    /// All events.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'_>>> {
        self.parts().flat_map(|log| log.events(0..log.event_count()))
    }
}
