//! A region of a log in which event records are looked for, and what makes a place in it plausible.

use super::array_bounds::{PADDING, array_near, first_entry_after};
use crate::log::prefetch::prefetch;
use crate::raw::bytes::{Blob, parse_at, record};
use crate::raw::event::{self, EventRecord, HEADER_SIZE, RawEvent};
use crate::time::TICKS_PER_SECOND;

/// The highest event class; 0 is that of a completion without its event.
const HIGHEST_CLASS: u16 = 6;
/// The deepest stack that the capture driver records.
const MOST_FRAMES: u16 = 150;
/// How far the time of a record may lie before that of the record before it: Process Monitor merges
/// events of several sources by time, not by arrival.
const MOST_BACK: u64 = 60 * TICKS_PER_SECOND;
/// The longest pause between two records of one capture, thirty days.
const LONGEST_PAUSE: u64 = 30 * 86_400 * TICKS_PER_SECOND;
/// Times that a capture can have, 1990 to 2200.
const TIMES: std::ops::Range<u64> = 122_750_208_000_000_000..189_021_312_000_000_000;
/// Records that must follow one another before a place counts as the beginning of one.
const CHAIN: usize = 4;
/// Bytes that are searched between two looks at whether the caller has cancelled.
const SEARCHED: usize = 1 << 20;
/// Size of an extra blob that one stray byte may follow (docs/format.md, "Extra blob").
const FULL_EXTRA: usize = 0xFFFF;

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
    /// The record.
    pub record: EventRecord<'a>,
    /// How many properties of its header differ from those of a sound record.
    anomalies: usize,
}

impl Candidate<'_> {
    /// Where the next record begins, if no stray byte lies between.
    pub(super) fn end(&self) -> u64 {
        self.at + self.record.raw.len() as u64
    }

    /// Whether the header is that of a sound record.
    pub(super) fn is_sound(&self) -> bool {
        self.anomalies == 0
    }

    /// Whether a stray byte may follow.
    fn has_full_extra(&self) -> bool {
        self.record.extra.is_some_and(|extra| extra.len() == FULL_EXTRA)
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

/// Whether `time` can be that of a record that follows one of `before`.
pub(super) fn follows(time: u64, before: Option<u64>) -> bool {
    TIMES.contains(&time)
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
    let lowest = u16::from(!is_in_time);
    usize::from(!(lowest..=HIGHEST_CLASS).contains(&class) || header.class_high.get() != 0)
        + usize::from(header.depth.get() > MOST_FRAMES)
        // Nothing else shows where the record ends: it counts twice.
        + 2 * usize::from(extra != 0 && extra != body)
        + usize::from(!is_in_time)
}

/// Whether the event class, at one glance, lets these bytes be the header of a record.
fn may_begin(header: &[u8]) -> bool {
    header.u32_at(8).is_some_and(|class| class.wrapping_sub(1) < 6)
}

impl<'a> Region<'a> {
    /// The record at `at`, if its parts lie inside the file and its header has at most one anomaly.
    pub(super) fn candidate(&self, at: u64, before: Option<u64>) -> Option<Candidate<'a>> {
        let record = event::read(self.file, at, self.pointer).ok()?;
        let anomalies = anomalies(record.header, self.pointer, before);
        (anomalies <= 1).then_some(Candidate { at, record, anomalies })
    }

    /// The record at `at`, if its parts lie inside the file, whatever its anomalies.
    pub(super) fn any_candidate(&self, at: u64) -> Option<Candidate<'a>> {
        let record = event::read(self.file, at, self.pointer).ok()?;
        Some(Candidate { at, record, anomalies: anomalies(record.header, self.pointer, None) })
    }

    fn sound_candidate(&self, at: u64, before: Option<u64>) -> Option<Candidate<'a>> {
        self.candidate(at, before).filter(Candidate::is_sound)
    }

    /// The record after another one; `before` is the time of the sound record before both.
    pub(super) fn next(&self, candidate: &Candidate<'a>, before: Option<u64>) -> Option<Candidate<'a>> {
        let (end, time) = (candidate.end(), Some(candidate.time()));
        // Somewhat ahead, so that the next headers are in the cache when their places are known.
        let ahead = end as usize + 1024;
        prefetch(self.file.get(ahead..ahead + 512).unwrap_or_default());
        if let Some(next) = self.sound_candidate(end, time) {
            return Some(next);
        }
        let stray = if candidate.has_full_extra() { self.sound_candidate(end + 1, time) } else { None };
        stray.or_else(|| self.sound_candidate(end, before)).or_else(|| self.candidate(end, time))
    }

    /// Whether no record is due at `at`: the header ends the records there, or an event offset array
    /// begins there, whose second entry is `second`. The array must not list a record between `last`, the
    /// one that ends here, and `at`.
    pub(super) fn is_end(&self, at: u64, last: u64, second: Option<u64>) -> bool {
        match array_near(self.file, at) {
            Some((array, begins)) => {
                (second.is_none() || Some(begins) == second)
                    && first_entry_after(self.file, array, last).is_none_or(|entry| entry >= at)
            }
            None => self.end.is_some_and(|end| (at..=at + PADDING).contains(&end)),
        }
    }

    /// Where a search for records that finds none ends: the header's end of the records if an array is
    /// there, otherwise the end of the file.
    pub(super) fn search_end(&self, from: u64) -> u64 {
        let stated = self.end.filter(|&end| end > from && array_near(self.file, end).is_some());
        stated.unwrap_or(self.file.len() as u64)
    }

    /// Whether the bytes after a record could be another one, if the file were longer.
    pub(super) fn is_cut(&self, candidate: &Candidate<'a>) -> bool {
        let strays = if candidate.has_full_extra() { 0..=1 } else { 0..=0 };
        strays.into_iter().any(|stray| {
            let at = usize::try_from(candidate.end() + stray).ok();
            let rest = at.and_then(|at| self.file.get(at..)).unwrap_or_default();
            match parse_at(rest, 0, "event record", record::<RawEvent>) {
                Ok(header) => {
                    anomalies(header, self.pointer, Some(candidate.time())) == 0
                        && event::read(rest, 0, self.pointer).is_err()
                }
                Err(_) => true,
            }
        })
    }

    /// Whether only zeros are left: room that the capture reserved, or the copy would have filled.
    pub(super) fn is_blank(&self, from: u64) -> bool {
        let rest = usize::try_from(from).ok().and_then(|from| self.file.get(from..));
        rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// The first place from `from` on at which several records follow one another.
    pub(super) fn resume(
        &self,
        from: u64,
        before: Option<u64>,
        mut goes_on: impl FnMut(u64) -> bool,
    ) -> Option<Candidate<'a>> {
        let start = usize::try_from(from).ok()?;
        for piece in (start..self.file.len()).step_by(SEARCHED) {
            if !goes_on(piece as u64) {
                return None;
            }
            let end = self.file.len().min(piece + SEARCHED + HEADER_SIZE - 1);
            let places = self.file.get(piece..end)?.windows(HEADER_SIZE).enumerate();
            let found = places.filter(|(_, header)| may_begin(header)).find_map(|(place, _)| {
                let first = self.sound_candidate((piece + place) as u64, None)?;
                // All times of a capture lie close together, give or take its length.
                let near = before.is_none_or(|before| first.time().abs_diff(before) <= LONGEST_PAUSE);
                (near && self.is_chain(first)).then_some(first)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether records follow one another from this one on, or reach the end of all records.
    fn is_chain(&self, first: Candidate<'a>) -> bool {
        let mut candidate = first;
        for _ in 1..CHAIN {
            match self.next(&candidate, Some(candidate.time())) {
                Some(next) if next.is_sound() => candidate = next,
                _ => return self.is_end(candidate.end(), candidate.at, None) || self.is_cut(&candidate),
            }
        }
        true
    }

    /// How many records follow one another from `at` on, up to `most`.
    pub(super) fn chain_length(&self, at: u64, most: usize) -> usize {
        let mut candidate = self.sound_candidate(at, None);
        let mut length = 0;
        while let Some(this) = candidate {
            length += 1;
            candidate = if length < most {
                self.next(&this, Some(this.time())).filter(Candidate::is_sound)
            } else {
                None
            };
        }
        length
    }
}
