//! Finding event records where no array leads to them.
//!
//! Records lie one behind the other, so the end of one is the beginning of the next. Where that does
//! not lead to another record, the next place is looked for from which several records follow one
//! another. Every byte is looked at once as the possible beginning of a record, and a look costs at
//! most a few record headers: the work grows with the file and with nothing else.

use crate::log::prefetch::prefetch;
use crate::raw::bytes::{Blob, parse_at, record};
use crate::raw::event::{self, EventRecord, HEADER_SIZE, RawEvent};
use crate::raw::header;
use crate::raw::offsets::RawOffset;
use crate::time::TICKS_PER_SECOND;

/// The highest event class there is; 0 is that of a completion without its event.
const HIGHEST_CLASS: u16 = 6;
/// The deepest stack that the capture driver takes.
const MOST_FRAMES: u16 = 150;
/// How far the time of a record may lie before that of the record before it: events of several
/// sources are merged by time when they are stored, not by when they came.
const MOST_BACK: u64 = 60 * TICKS_PER_SECOND;
/// The longest pause between two records of one capture, thirty days.
const LONGEST_PAUSE: u64 = 30 * 86_400 * TICKS_PER_SECOND;
/// Times that a capture can have, 1990 to 2200.
const TIMES: std::ops::Range<u64> = 122_750_208_000_000_000..189_021_312_000_000_000;
/// Records that have to follow one another before a place is believed to be the beginning of one.
const CHAIN: usize = 4;
/// The event offset array begins at a multiple of four behind the last record; a stray byte may lie between.
pub(super) const PADDING: u64 = 4;
/// Bytes behind the last record in which an event offset array is looked for: some may have been inserted.
pub(super) const ARRAY_WITHIN: u64 = 8;
/// Bytes that are searched between two questions whether to go on.
const SEARCHED: usize = 1 << 20;
/// Size of an extra blob behind which one byte too many may stand (docs/format.md, "Extra blob").
const FULL_EXTRA: usize = 0xFFFF;

/// A stretch of a log in which records are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    /// The file, up to where records may reach.
    pub file: &'a [u8],
    /// Pointer size.
    pub pointer: usize,
    /// Where the records end, if that is known.
    pub end: Option<u64>,
}

/// A place that may hold a record, and how much speaks for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub at: u64,
    pub record: EventRecord<'a>,
    /// How many things about its header are not as they are in a sound record.
    pub oddities: usize,
}

impl Step<'_> {
    /// Where the next record begins, if no stray byte lies between.
    pub(super) fn end(&self) -> u64 {
        self.at + self.record.raw.len() as u64
    }

    /// Whether all of its header is as it is in a sound record.
    pub(super) fn is_sound(&self) -> bool {
        self.oddities == 0
    }

    /// Whether a stray byte may follow.
    fn has_full_extra(&self) -> bool {
        self.record.extra.is_some_and(|extra| extra.len() == FULL_EXTRA)
    }

    pub(super) fn time(&self) -> u64 {
        self.record.header.time.get()
    }
}

/// What a walk finds.
pub(super) trait Finder<'a> {
    /// A record was found.
    fn found(&mut self, step: &Step<'a>, is_doubtful: bool);
    /// These bytes hold no record, though one or more should be there.
    fn lost(&mut self, from: u64, to: u64);
    /// Told how far the work has come; whether nobody asked to stop.
    fn goes_on(&mut self, at: u64) -> bool;
}

/// Whether `time` can be that of a record that follows one of `before`.
fn follows(time: u64, before: Option<u64>) -> bool {
    TIMES.contains(&time)
        && before.is_none_or(|before| {
            time >= before.saturating_sub(MOST_BACK) && time <= before.saturating_add(LONGEST_PAUSE)
        })
}

/// How many things about a header are not as they are in a sound record.
fn oddities(header: &RawEvent, pointer: usize, before: Option<u64>) -> usize {
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
        // Nothing else would tell where the record ends: it counts twice.
        + 2 * usize::from(extra != 0 && extra != body)
        + usize::from(!is_in_time)
}

impl<'a> Ground<'a> {
    /// The record at `at`, if its parts lie inside the file and at most one thing is odd about it.
    fn step(&self, at: u64, before: Option<u64>) -> Option<Step<'a>> {
        let record = event::read(self.file, at, self.pointer).ok()?;
        let oddities = oddities(record.header, self.pointer, before);
        (oddities <= 1).then_some(Step { at, record, oddities })
    }

    /// The record at `at`, if its parts lie inside the file, whatever is odd about it.
    pub(super) fn any_step(&self, at: u64) -> Option<Step<'a>> {
        let record = event::read(self.file, at, self.pointer).ok()?;
        Some(Step { at, record, oddities: oddities(record.header, self.pointer, None) })
    }

    fn sound_step(&self, at: u64, before: Option<u64>) -> Option<Step<'a>> {
        self.step(at, before).filter(|step| step.is_sound())
    }

    /// The record behind another one; `before` is the time of the sound record before both.
    fn next(&self, step: &Step<'a>, before: Option<u64>) -> Option<Step<'a>> {
        let (end, time) = (step.end(), Some(step.time()));
        // Somewhat ahead, so that the next headers are there when their places are known.
        let ahead = end as usize + 1024;
        prefetch(self.file.get(ahead..ahead + 512).unwrap_or_default());
        if let Some(next) = self.sound_step(end, time) {
            return Some(next);
        }
        let stray = if step.has_full_extra() { self.sound_step(end + 1, time) } else { None };
        stray.or_else(|| self.sound_step(end, before)).or_else(|| self.step(end, time))
    }

    /// Whether no record is to be expected at `at`: it is where they are said to end, or where an event
    /// offset array begins, whose second entry is `second`. The array must not know of a record between
    /// `last`, the one that ends here, and `at`.
    fn is_end(&self, at: u64, last: u64, second: Option<u64>) -> bool {
        match array_at(self.file, at) {
            Some((array, begins)) => {
                (second.is_none() || Some(begins) == second)
                    && first_behind(self.file, array, last).is_none_or(|entry| entry >= at)
            }
            None => self.end.is_some_and(|end| (at..=at + PADDING).contains(&end)),
        }
    }

    /// Where the search for records ends that finds none: where they are said to end, if an array is there.
    fn stop(&self, from: u64) -> u64 {
        let stated = self.end.filter(|&end| end > from && array_at(self.file, end).is_some());
        stated.unwrap_or(self.file.len() as u64)
    }

    /// Whether what follows a record could be one, if there were more of the file.
    fn is_cut(&self, step: &Step<'a>) -> bool {
        let strays = if step.has_full_extra() { 0..=1 } else { 0..=0 };
        strays.into_iter().any(|stray| {
            let at = usize::try_from(step.end() + stray).ok();
            let rest = at.and_then(|at| self.file.get(at..)).unwrap_or_default();
            match parse_at(rest, 0, "event record", record::<RawEvent>) {
                Ok(header) => {
                    oddities(header, self.pointer, Some(step.time())) == 0
                        && event::read(rest, 0, self.pointer).is_err()
                }
                Err(_) => true,
            }
        })
    }

    /// Whether nothing but zeros is left: room that the capture had, or the copy would have, and did not fill.
    fn is_blank(&self, from: u64) -> bool {
        let rest = usize::try_from(from).ok().and_then(|from| self.file.get(from..));
        rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// The first place from `from` on at which several records follow one another.
    pub(super) fn resume(
        &self,
        from: u64,
        before: Option<u64>,
        mut goes_on: impl FnMut(u64) -> bool,
    ) -> Option<Step<'a>> {
        let start = usize::try_from(from).ok()?;
        for piece in (start..self.file.len()).step_by(SEARCHED) {
            if !goes_on(piece as u64) {
                return None;
            }
            let end = self.file.len().min(piece + SEARCHED + HEADER_SIZE - 1);
            let places = self.file.get(piece..end)?.windows(HEADER_SIZE).enumerate();
            let found = places.filter(|(_, header)| may_begin(header)).find_map(|(place, _)| {
                let first = self.sound_step((piece + place) as u64, None)?;
                // A capture has one time, give or take its length.
                let near = before.is_none_or(|before| first.time().abs_diff(before) <= LONGEST_PAUSE);
                (near && self.is_chain(first)).then_some(first)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether records follow one another from this one on, up to the end if need be.
    fn is_chain(&self, first: Step<'a>) -> bool {
        let mut step = first;
        for _ in 1..CHAIN {
            match self.next(&step, Some(step.time())) {
                Some(next) if next.is_sound() => step = next,
                _ => return self.is_end(step.end(), step.at, None) || self.is_cut(&step),
            }
        }
        true
    }

    /// Walks from the first record to the end of all. Gives whether that was met: where records are said to
    /// end, or an event offset array.
    pub(super) fn walk(&self, from: u64, finder: &mut impl Finder<'a>) -> bool {
        let mut before = None;
        // The first two records, by the second of which an array is known.
        let (mut second, mut found) = (None, 0u64);
        let mut at = from;
        let mut current = self.step(at, before);
        while finder.goes_on(at) {
            let Some(step) = current else {
                if self.is_end(at, at, second) {
                    return true;
                }
                if at >= self.file.len() as u64 {
                    return false;
                }
                current = self.resume(at, before, |at| finder.goes_on(at));
                let to = current.map_or(self.stop(at), |step| step.at);
                finder.lost(at, to);
                let Some(step) = current else { return to < self.file.len() as u64 };
                at = step.at;
                continue;
            };
            let end = step.end();
            let next = self.next(&step, before).filter(|next| step.is_sound() || next.is_sound());
            // A time that the next record does not go on from is this record's alone to doubt.
            let goes_on = next.is_some_and(|next| step.is_sound() || follows(next.time(), Some(step.time())));
            let is_last = next.is_none() && self.is_end(end, step.at, second);
            let is_followed = next.is_some() || is_last;
            // Nothing whole follows. If what follows begins as a record does, it was cut or says more of its
            // size than is there; otherwise this record does not end where it says, or the next one is gone.
            let is_cut = !is_followed && step.is_sound() && self.is_cut(&step);
            let resumed = if is_followed {
                next
            } else {
                self.resume(step.at + HEADER_SIZE as u64, before, |at| finder.goes_on(at))
            };
            let to = match resumed {
                Some(resumed) => resumed.at,
                None if is_last => end,
                None => self.stop(end),
            };
            if !is_followed && (!step.is_sound() || to < end) {
                finder.lost(step.at, to);
            } else {
                let only_time = only_time_is_odd(&step, self.pointer, before);
                let is_sure = if is_followed { step.is_sound() || only_time && goes_on } else { is_cut };
                finder.found(&step, !is_sure);
                if step.is_sound() || goes_on {
                    before = Some(step.time());
                }
                found += 1;
                if found == 2 {
                    second = Some(step.at);
                }
                if !is_followed && end < to && (resumed.is_some() || !self.is_blank(end)) {
                    finder.lost(end, to);
                }
            }
            if resumed.is_none() {
                return is_last || to < self.file.len() as u64;
            }
            at = to;
            current = resumed;
        }
        false
    }

    /// How many records follow one another from `at` on, up to `most`.
    pub(super) fn chain_length(&self, at: u64, most: usize) -> usize {
        let mut step = self.sound_step(at, None);
        let mut length = 0;
        while let Some(this) = step {
            length += 1;
            step = if length < most {
                self.next(&this, Some(this.time())).filter(|next| next.is_sound())
            } else {
                None
            };
        }
        length
    }
}

/// Whether all of a header but its time is as it is in a sound record.
fn only_time_is_odd(step: &Step<'_>, pointer: usize, before: Option<u64>) -> bool {
    !follows(step.time(), before) && oddities(step.record.header, pointer, Some(step.time())) == 0
}

/// Whether the bytes of a header can be those of a record, at one glance: the event class.
fn may_begin(header: &[u8]) -> bool {
    header.u32_at(8).is_some_and(|class| class.wrapping_sub(1) < 6)
}

/// Where the event offset array begins that lies close behind `at`, and its second entry; the first one is
/// always the same.
pub(super) fn array_at(file: &[u8], at: u64) -> Option<(u64, u64)> {
    (at..=at.saturating_add(ARRAY_WITHIN)).find_map(|at| {
        let entries: &[RawOffset; 2] = parse_at(file, at, "event offset array", record).ok()?;
        (entries[0].get() == header::SIZE as u64).then(|| (at, entries[1].get()))
    })
}

/// The first entry behind `offset` of the event offset array that begins at `array`, as far as its entries
/// ascend; found in a number of steps that grows with the number of digits of its length.
fn first_behind(file: &[u8], array: u64, offset: u64) -> Option<u64> {
    let entry = |position: u64| {
        let at = array.checked_add(position.checked_mul(size_of::<RawOffset>() as u64)?)?;
        parse_at(file, at, "event offset array", record::<RawOffset>).ok().map(|entry| entry.get())
    };
    // Up to `low` entries are not behind it; the one at `high` is, or is none of the array.
    let is_behind = |position: u64, low: u64| {
        let (value, before) = (entry(position)?, entry(low)?);
        Some(value > offset || value <= before)
    };
    let (mut low, mut high) = (0, 1);
    while is_behind(high, low) == Some(false) {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match is_behind(middle, low) {
            Some(false) => low = middle,
            _ => high = middle,
        }
    }
    entry(high).filter(|&value| value > offset && value < array)
}
