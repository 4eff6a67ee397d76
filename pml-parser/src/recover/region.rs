//! A region of a log in which event records are looked for, and what makes a place in it plausible.

use super::array_bounds::{ARRAY_WITHIN, array_begins, first_entries, first_entry_after, leads_to};
use super::extra_blobs::{ExtraSpan, PendingExtras};
use crate::log::prefetch::prefetch;
use crate::raw::bytes::{Blob, parse_at, record};
use crate::raw::event::{self, EventRecord, HEADER_SIZE, HIGHEST_CLASS, MOST_FRAMES, RawEvent};
use crate::time::{OF_CAPTURES, TICKS_PER_SECOND};
use std::ops::Range;

/// How far the time of a record may lie before that of the record before it: Process Monitor merges
/// events of several sources by time, not by arrival.
const MOST_BACK: u64 = 60 * TICKS_PER_SECOND;
/// The longest pause between two records of one capture, thirty days.
const LONGEST_PAUSE: u64 = 30 * 86_400 * TICKS_PER_SECOND;
/// Records that must follow one another before a place counts as the beginning of one.
const CHAIN: usize = 4;
/// Bytes that are searched between two looks at whether the caller has cancelled.
const SEARCHED: usize = 1 << 20;
/// Extra blobs between two records of a chain; more of them may lie between records that are carved.
const MOST_BETWEEN: usize = 16;

/// A region of a log in which records are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region<'a> {
    /// The file, up to where records may reach.
    pub file: &'a [u8],
    /// Pointer size.
    pub pointer: usize,
    /// Where the records end, if the header says so.
    pub end: Option<u64>,
}

/// A place that may hold a record, and how plausible its header is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// Offset of the record.
    pub at: u64,
    /// The record, without its extra blob.
    pub record: EventRecord<'a>,
    /// Where its extra blob lies.
    extra: Option<ExtraSpan>,
    /// Whether the extra blob, if there is one, lies inside the file.
    pub is_whole: bool,
    /// How many properties of its header differ from those of a sound record.
    anomalies: usize,
}

impl Candidate<'_> {
    /// Where header, frames and details end.
    fn body_end(&self) -> u64 {
        self.at + self.record.raw.len() as u64
    }

    /// The extra blob, if it follows the details directly.
    fn direct_extra(&self) -> Option<ExtraSpan> {
        self.extra.filter(|extra| extra.from == self.body_end())
    }

    /// The extra blob, if it does not follow the details directly.
    #[inline]
    pub(super) fn displaced_extra(&self) -> Option<ExtraSpan> {
        self.extra.filter(|extra| extra.from != self.body_end())
    }

    /// Where the record ends, a displaced extra blob left out.
    pub(super) fn own_end(&self) -> u64 {
        self.direct_extra().map_or(self.body_end(), |extra| extra.to)
    }

    /// Whether the record has no extra blob, or an empty one.
    pub(super) fn returned_nothing(&self) -> bool {
        self.extra.is_none_or(|extra| extra.to <= extra.from + 2)
    }

    /// Where the next record is due, if no displaced extra blobs lie there.
    pub(super) fn own_place(&self) -> Place {
        let may_stray = self.direct_extra().is_some_and(ExtraSpan::is_full);
        Place { at: self.own_end(), may_stray, is_after_displaced: false }
    }

    /// Whether the header is that of a sound record.
    pub(super) fn is_sound(&self) -> bool {
        self.anomalies == 0
    }

    /// The time of the event, a FILETIME.
    pub(super) fn time(&self) -> u64 {
        self.record.header.time.get()
    }

    /// Whether the header is that of a sound record but for its time, which does not follow `before`.
    pub(super) fn only_time_is_anomalous(&self, pointer: usize, before: Option<u64>) -> bool {
        !follows(self.time(), before) && anomalies(self.record.header, pointer, Some(self.time())) == 0
    }
}

/// A place where the next record is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Offset of the place.
    pub at: u64,
    /// Whether a stray byte may lie there, before the record.
    may_stray: bool,
    /// Whether a displaced extra blob ends there, whose size may be wrong.
    pub is_after_displaced: bool,
}

/// Whether `time` can be that of a record that follows one of `before`.
pub(super) fn follows(time: u64, before: Option<u64>) -> bool {
    OF_CAPTURES.contains(&time)
        && before.is_none_or(|before| {
            time >= before.saturating_sub(MOST_BACK) && time <= before.saturating_add(LONGEST_PAUSE)
        })
}

/// How many properties of a header differ from those of a sound record.
fn anomalies(header: &RawEvent, pointer: usize, before: Option<u64>) -> usize {
    let class = header.class.get();
    let body = HEADER_SIZE as u64
        + u64::from(header.depth.get()) * pointer as u64
        + u64::from(header.details_size.get());
    let extra = u64::from(header.extra_offset.get());
    let is_in_time = follows(header.time.get(), before);
    // Zeros are no completion.
    let lowest = u16::from(!is_in_time || header.begins_blank());
    usize::from(!(lowest..=HIGHEST_CLASS).contains(&class) || header.class_high.get() != 0)
        + usize::from(header.depth.get() > MOST_FRAMES)
        // Nothing else shows where the record ends: it counts twice.
        + 2 * usize::from(extra != 0 && extra < body)
        + usize::from(!is_in_time)
}

/// Whether the event class, at one glance, lets these bytes be the header of a record.
fn may_begin(header: &[u8]) -> bool {
    header.u32_at(8).is_some_and(|class| class.wrapping_sub(1) < 6)
}

impl<'a> Region<'a> {
    /// The record at `at`, whatever its anomalies, if its header, frames and details lie inside the file.
    fn read(&self, at: u64, before: Option<u64>) -> Option<Candidate<'a>> {
        let record = event::read_body(self.file, at, self.pointer).ok()?;
        let anomalies = anomalies(record.header, self.pointer, before);
        let extra = match record.header.extra_offset.get() {
            0 => None,
            offset => Some(self.extra_at(at + u64::from(offset))),
        };
        let is_whole = extra.is_none_or(|extra| extra.to <= self.file.len() as u64);
        Some(Candidate { at, record, extra, is_whole, anomalies })
    }

    /// The extra blob at `from`; if its size lies beyond the end of the file, so does its end.
    fn extra_at(&self, from: u64) -> ExtraSpan {
        let size = usize::try_from(from).ok().and_then(|from| self.file.u16_at(from)).unwrap_or(0);
        ExtraSpan { from, to: from + 2 + u64::from(size) }
    }

    /// The record at `at`, if its header, frames and details lie inside the file and the header has at most
    /// one anomaly; none if the extra blob lies outside.
    pub(super) fn candidate(&self, at: u64, before: Option<u64>) -> Option<Candidate<'a>> {
        self.read(at, before).filter(|candidate| candidate.anomalies <= usize::from(candidate.is_whole))
    }

    /// The record at `at`, if all of it lies inside the file, whatever the anomalies of its header.
    pub(super) fn any_candidate(&self, at: u64) -> Option<Candidate<'a>> {
        let is_after = |candidate: &Candidate<'_>| {
            candidate.extra.is_none_or(|extra| extra.from >= candidate.body_end())
        };
        self.read(at, None).filter(|candidate| candidate.is_whole && is_after(candidate))
    }

    /// The same, if its header has no anomaly.
    pub(super) fn sound_candidate(&self, at: u64, before: Option<u64>) -> Option<Candidate<'a>> {
        self.candidate(at, before).filter(Candidate::is_sound)
    }

    /// Where the next record is due after the last record of a chain: after its details, and after the
    /// extra blobs of it and of earlier records that lie there. `None` where these are more than `most`.
    pub(super) fn place_after(
        &self,
        chain: &[Candidate<'a>],
        pending: &PendingExtras,
        most: usize,
    ) -> Option<Place> {
        let last = chain.last()?;
        let mut place = last.own_place();
        let of_chain = |at: u64| chain.iter().filter_map(Candidate::displaced_extra).find(|e| e.from == at);
        let extra_at = |at: u64| of_chain(at).or_else(|| pending.at(at));
        for _ in 0..most {
            let after_stray = || extra_at(place.at + 1).filter(|_| place.may_stray);
            let Some(extra) = extra_at(place.at).or_else(after_stray) else { return Some(place) };
            // A damaged extra offset may lead to a record: the record counts.
            if self.sound_candidate(extra.from, Some(last.time())).is_some() {
                return Some(place);
            }
            place = Place { at: extra.to, may_stray: extra.is_full(), is_after_displaced: true };
        }
        None
    }

    /// The record at the place after another one; `before` is the time of the sound record before both.
    pub(super) fn next(
        &self,
        candidate: &Candidate<'a>,
        place: Place,
        before: Option<u64>,
    ) -> Option<Candidate<'a>> {
        let (at, time) = (place.at, Some(candidate.time()));
        // Somewhat ahead, so that the next headers are in the cache when their places are known.
        let ahead = at as usize + 1024;
        prefetch(self.file.get(ahead..ahead + 512).unwrap_or_default());
        if let Some(next) = self.sound_candidate(at, time) {
            return Some(next);
        }
        let stray = if place.may_stray { self.sound_candidate(at + 1, time) } else { None };
        stray.or_else(|| self.sound_candidate(at, before)).or_else(|| self.candidate(at, time))
    }

    /// Whether no record is due at `at`: the header ends the records there, or an event offset array
    /// begins there, which lists `second`, the second record. The array must not list a record between
    /// `last`, the one that ends here, and `at`.
    pub(super) fn is_end(&self, at: u64, last: u64, second: Option<u64>) -> bool {
        match self.array_near(at) {
            Some((array, begins)) => {
                (second.is_none() || Some(begins) == second || self.sound_candidate(begins, None).is_some())
                    && first_entry_after(self.file, array, last).is_none_or(|entry| entry >= at)
            }
            None => self.end.is_some_and(|end| leads_to(at, end) && at <= self.file.len() as u64),
        }
    }

    /// Where the event offset array begins that lies close after `at`, and its second entry. The first record
    /// is nearly always its first entry; where it is not, some of the first entries must lead to records.
    pub(super) fn array_near(&self, at: u64) -> Option<(u64, u64)> {
        let places = at..=at.saturating_add(ARRAY_WITHIN);
        places.clone().find_map(|at| Some((at, array_begins(self.file, at)?))).or_else(|| {
            places.into_iter().find_map(|at| {
                let entries = first_entries(self.file, at)?;
                let records = entries.iter().filter(|entry| self.sound_candidate(**entry, None).is_some());
                (records.count() >= 2).then_some((at, entries[1]))
            })
        })
    }

    /// Where a search for records that finds none ends: the header's end of the records if an array is
    /// there, otherwise the end of the file.
    pub(super) fn search_end(&self, from: u64) -> u64 {
        let stated = self.end.filter(|&end| end > from && self.array_near(end).is_some());
        stated.unwrap_or(self.file.len() as u64)
    }

    /// Whether the bytes at the place after a record could be another one, if the file were longer.
    pub(super) fn is_cut(&self, candidate: &Candidate<'a>, place: Place) -> bool {
        let strays = if place.may_stray { 0..=1 } else { 0..=0 };
        strays.into_iter().any(|stray| {
            let at = usize::try_from(place.at + stray).ok();
            let rest = at.and_then(|at| self.file.get(at..)).unwrap_or_default();
            match parse_at(rest, 0, "event record", record::<RawEvent>) {
                Ok(header) => {
                    anomalies(header, self.pointer, Some(candidate.time())) == 0
                        && event::read_body(rest, 0, self.pointer).is_err()
                }
                Err(_) => true,
            }
        })
    }

    /// Whether the bytes from `from` to `to`, where a record or the event offset array begins, are extra
    /// blobs alone, of records that are lost.
    pub(super) fn are_extras(&self, from: u64, to: u64) -> bool {
        let mut extra = self.extra_at(from);
        // An operation that returned nothing has no blob, so zeros are no blobs.
        while extra.to < to && extra.to > extra.from + 2 && !leads_to(extra.to, to) {
            extra = self.extra_at(extra.to);
        }
        extra.to > extra.from + 2 && leads_to(extra.to, to)
    }

    /// Whether only zeros are left: room that the capture reserved, or the copy would have filled.
    pub(super) fn is_blank(&self, from: u64) -> bool {
        let rest = usize::try_from(from).ok().and_then(|from| self.file.get(from..));
        rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// The first place in `range` at which several records follow one another; `pending` are the displaced
    /// extra blobs of earlier records.
    pub(super) fn resume(
        &self,
        range: Range<u64>,
        before: Option<u64>,
        pending: &PendingExtras,
        mut goes_on: impl FnMut(u64) -> bool,
    ) -> Option<Candidate<'a>> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        let end = end.saturating_add(HEADER_SIZE - 1).min(self.file.len());
        for piece in (start..end).step_by(SEARCHED) {
            if !goes_on(piece as u64) {
                return None;
            }
            let piece_end = end.min(piece + SEARCHED + HEADER_SIZE - 1);
            let places = self.file.get(piece..piece_end)?.windows(HEADER_SIZE).enumerate();
            let found = places.filter(|(_, header)| may_begin(header)).find_map(|(place, _)| {
                let first = self.sound_candidate((piece + place) as u64, None)?;
                // All times of a capture lie close together, give or take its length.
                let near = before.is_none_or(|before| first.time().abs_diff(before) <= LONGEST_PAUSE);
                (near && self.is_chain(first, pending)).then_some(first)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether sound records follow one another from this one on, or reach the end of all records. An
    /// anomalous record may lie between two sound ones.
    fn is_chain(&self, first: Candidate<'a>, pending: &PendingExtras) -> bool {
        let mut chain = [first; CHAIN];
        for length in 1..CHAIN {
            let (Some(records), Some(last)) = (chain.get(..length), chain.get(length - 1)) else { break };
            let Some(place) = self.place_after(records, pending, MOST_BETWEEN) else { return false };
            let next = self.next(last, place, Some(last.time()));
            let sound = next.filter(Candidate::is_sound).or_else(|| self.after_lost_extras(last, place));
            if sound.is_none() && (self.ends_after(last, place) || self.is_cut(last, place)) {
                return true;
            }
            let Some(next) = sound.or(next.filter(|_| last.is_sound())) else { return false };
            if let Some(slot) = chain.get_mut(length) {
                *slot = next;
            }
        }
        chain.last().is_some_and(Candidate::is_sound)
    }

    /// The sound record after extra blobs whose records are lost.
    pub(super) fn after_lost_extras(&self, candidate: &Candidate<'a>, place: Place) -> Option<Candidate<'a>> {
        let time = Some(candidate.time());
        self.lost_extras(place).find_map(|extra| {
            let stray = || if extra.is_full() { self.sound_candidate(extra.to + 1, time) } else { None };
            self.sound_candidate(extra.to, time).or_else(stray)
        })
    }

    /// Whether the records end at the place after the last one, or after extra blobs whose records are lost.
    fn ends_after(&self, last: &Candidate<'a>, place: Place) -> bool {
        self.is_end(place.at, last.at, None)
            || self.lost_extras(place).any(|extra| self.is_end(extra.to, last.at, None))
    }

    /// What may be extra blobs at a place, one after another.
    fn lost_extras(&self, place: Place) -> impl Iterator<Item = ExtraSpan> {
        let first = self.extra_at(place.at);
        std::iter::successors(Some(first), |extra| Some(self.extra_at(extra.to))).take(MOST_BETWEEN)
    }

    /// How many records follow one another from `at` on, up to `most`.
    pub(super) fn chain_length(&self, at: u64, most: usize) -> usize {
        let pending = PendingExtras::default();
        let mut chain: Vec<Candidate<'a>> = self.sound_candidate(at, None).into_iter().collect();
        while let Some(last) = chain.last().filter(|_| chain.len() < most) {
            let place = self.place_after(&chain, &pending, MOST_BETWEEN);
            let next = place.and_then(|place| self.next(last, place, Some(last.time())));
            match next.filter(Candidate::is_sound) {
                Some(next) => chain.push(next),
                None => break,
            }
        }
        chain.len()
    }
}
