//! Where the records of a raw boot log lie. The file has no header and no table: records follow one another.

use crate::error::{Damage, Error, ErrorKind};
use crate::raw::bytes::Blob;
use crate::raw::event::{HEADER_SIZE, MOST_FRAMES, RawEvent};
use crate::time::{OF_CAPTURES, TICKS_PER_SECOND};

/// The most bytes of a record: the size of the driver's buffers.
const MOST_BYTES: u64 = 0x2_0000;
/// The highest class that Process Monitor passes on. The driver writes only classes up to [`HIGHEST_OF_DRIVER`].
const HIGHEST_CLASS: u16 = 7;
const HIGHEST_OF_DRIVER: u16 = 4;
/// Records that must follow one another before a place behind damage counts as the beginning of one.
const CHAIN: usize = 4;
/// The longest pause between two records of one boot, thirty days.
const LONGEST_PAUSE: u64 = 30 * 86_400 * TICKS_PER_SECOND;
/// Records with a stack, and records of any kind, by which the bitness of a log is decided.
const COMPARED: (usize, usize) = (64, 4096);
/// Bytes that are searched for a first record where the file does not begin with one.
const NEAR: u64 = 16 << 20;
/// Records that must follow one another in a file that does not begin with one. Beginnings and ends must be among
/// them: a PML has no ends.
const CHAIN_OF_UNKNOWN: usize = 16;

/// The records of a raw boot log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames<'a> {
    pub file: &'a [u8],
    /// Bytes of a pointer.
    pub pointer: usize,
}

/// What a place in the file holds.
#[derive(Clone, Copy)]
enum Place {
    /// A record: where the next one begins, and the time.
    Record { next: u64, time: u64 },
    /// The beginning of a record, the end of which is beyond the end of the file.
    Cut,
    /// Nothing but zeros up to the end of the file.
    Blank,
    /// No record.
    Other,
}

/// What the walk over all records reports.
pub(super) trait Records {
    /// A record at an offset, all bytes of which are in the file.
    fn record(&mut self, at: u64);
    /// Whether the walk goes on; called every quarter of a megabyte.
    fn goes_on(&mut self, at: u64) -> bool;
}

/// What is wrong with the records of a file.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Stretches between records, each of which held at least one.
    pub gaps: u64,
    pub lost_bytes: u64,
    /// Records kept although damage follows them directly.
    pub doubtful: u64,
    /// Where the last record is cut off by the end of the file.
    pub cut: Option<Error>,
    /// Where the first damage lies.
    pub first: Option<u64>,
    pub damage: Damage,
    pub is_cancelled: bool,
}

impl Losses {
    fn gap(&mut self, from: u64, to: u64) {
        self.gaps += 1;
        self.lost_bytes += to - from;
        self.first.get_or_insert(from);
        self.damage.push(Error::new(ErrorKind::NoEvents(to - from), "records", from));
    }

    fn doubt(&mut self, at: u64) {
        self.doubtful += 1;
        self.damage.push(Error::new(ErrorKind::Doubtful, "record", at));
    }

    fn cut(&mut self, file: &[u8], at: u64, need: u64) {
        let error = Error::truncated("record", at, need, file.len() as u64 - at);
        self.lost_bytes += file.len() as u64 - at;
        self.gaps += 1;
        self.first.get_or_insert(at);
        self.cut = Some(error);
    }
}

/// Bytes of a record, by its header.
fn size_of_record(header: &RawEvent, pointer: usize) -> u64 {
    HEADER_SIZE as u64 + u64::from(header.depth.get()) * pointer as u64 + u64::from(header.details_size.get())
}

/// Whether a header can be that of a record in the sequence.
fn is_record(header: &RawEvent, pointer: usize) -> bool {
    header.class.get() <= HIGHEST_CLASS
        && OF_CAPTURES.contains(&header.time.get())
        && size_of_record(header, pointer) <= MOST_BYTES
}

/// Whether a header is one that the driver writes, with a time near that of the last record.
fn is_sound(header: &RawEvent, pointer: usize, near: Option<u64>) -> bool {
    is_record(header, pointer)
        && header.class.get() <= HIGHEST_OF_DRIVER
        && header.class_high.get() == 0
        && header.depth.get() <= MOST_FRAMES
        && header.details_size.get().is_multiple_of(4)
        && near.is_none_or(|near| header.time.get().abs_diff(near) <= LONGEST_PAUSE)
}

/// Where the first byte lies that is not zero, from an offset on.
fn next_set(file: &[u8], at: u64) -> Option<u64> {
    let rest = usize::try_from(at).ok().and_then(|at| file.get(at..))?;
    let words = rest.chunks_exact(8).take_while(|word| word.iter().all(|&byte| byte == 0)).count() * 8;
    let behind = rest.get(words..)?.iter().position(|&byte| byte != 0)?;
    Some(at + (words + behind) as u64)
}

impl<'a> Frames<'a> {
    fn len(self) -> u64 {
        self.file.len() as u64
    }

    /// The header at an offset.
    pub(super) fn header(self, at: u64) -> Option<&'a RawEvent> {
        zerocopy::FromBytes::ref_from_prefix(self.file.get(usize::try_from(at).ok()?..)?)
            .ok()
            .map(|found| found.0)
    }

    #[inline]
    fn place(self, at: u64) -> Place {
        let Some(header) = self.header(at) else {
            return if next_set(self.file, at).is_none() { Place::Blank } else { Place::Cut };
        };
        if is_record(header, self.pointer) {
            let next = at + size_of_record(header, self.pointer);
            let time = header.time.get();
            return if next <= self.len() { Place::Record { next, time } } else { Place::Cut };
        }
        let is_blank = self.file.u64_at(at as usize) == Some(0) && next_set(self.file, at).is_none();
        if is_blank { Place::Blank } else { Place::Other }
    }

    /// How many sound records follow one another from `at`, up to `most`, and where the last one ends.
    fn chain(self, at: u64, near: Option<u64>, most: usize) -> (usize, u64) {
        let (mut end, mut near) = (at, near);
        for count in 0..most {
            let header = self.header(end).filter(|header| is_sound(header, self.pointer, near));
            let next = header.map(|header| end + size_of_record(header, self.pointer));
            match next.filter(|&next| next <= self.len()) {
                Some(next) => end = next,
                None => return (count, end),
            }
            near = header.map(|header| header.time.get());
        }
        (most, end)
    }

    /// Whether sound records begin at `at`: several, or as many as there is room for.
    fn resumes(self, at: u64, near: Option<u64>) -> bool {
        let (count, end) = self.chain(at, near, CHAIN);
        count == CHAIN || count > 0 && end == self.len()
    }

    /// The first place from `from` on at which sound records begin.
    fn find(self, from: u64, near: Option<u64>, goes_on: &mut impl FnMut(u64) -> bool) -> Option<u64> {
        const SEARCHED: u64 = 1 << 20;
        let mut at = from;
        while at + HEADER_SIZE as u64 <= self.len() {
            if (at - from).is_multiple_of(SEARCHED) && !goes_on(at) {
                return None;
            }
            if self.resumes(at, near) {
                return Some(at);
            }
            at += 1;
            // A long run of zeros holds no record. The first fields of one may be zeros.
            if self.file.u64_at(at as usize) == Some(0) {
                let set = next_set(self.file, at)?;
                at = at.max(set.saturating_sub(HEADER_SIZE as u64 - 1));
            }
        }
        None
    }

    /// Reports every record, and returns what lies between records.
    pub(super) fn walk(self, records: &mut impl Records) -> Losses {
        const REPORTED: u64 = 256 << 10;
        let mut losses = Losses::default();
        let (mut at, mut near, mut next_report) = (0, None, REPORTED);
        // What follows the last record, which was looked at to judge that record.
        let mut seen = None;
        while at < self.len() {
            if at >= next_report {
                next_report = at + REPORTED;
                if !records.goes_on(at) {
                    losses.is_cancelled = true;
                    return losses;
                }
            }
            match seen.take().unwrap_or_else(|| self.place(at)) {
                Place::Blank => return losses,
                Place::Record { next, time } => {
                    let after = (next < self.len()).then(|| self.place(next));
                    if !matches!(after, Some(Place::Other)) {
                        near = Some(time);
                        records.record(at);
                        (at, seen) = (next, after);
                        continue;
                    }
                    // Either this record has a wrong size, or damage follows it.
                    let found = self.find(at + 1, near, &mut |at| records.goes_on(at));
                    if found.is_none_or(|found| found >= next) {
                        near = Some(time);
                        records.record(at);
                        losses.doubt(at);
                        at = next;
                    }
                    losses.gap(at, found.unwrap_or(self.len()));
                    at = found.unwrap_or(self.len());
                }
                Place::Cut => {
                    // A record in the middle may have a wrong size that reaches beyond the end.
                    let need =
                        self.header(at).map_or(HEADER_SIZE as u64, |h| size_of_record(h, self.pointer));
                    match self.find(at + 1, near, &mut |at| records.goes_on(at)) {
                        Some(found) => {
                            losses.gap(at, found);
                            at = found;
                        }
                        None => {
                            losses.cut(self.file, at, need);
                            return losses;
                        }
                    }
                }
                Place::Other => {
                    let found = self.find(at + 1, near, &mut |at| records.goes_on(at));
                    losses.gap(at, found.unwrap_or(self.len()));
                    at = found.unwrap_or(self.len());
                }
            }
        }
        losses
    }

    /// How many records the file begins with, as far as they tell 32-bit from 64-bit logs, and whether the file can
    /// begin with them.
    fn beginning(self) -> (usize, bool) {
        let (mut at, mut count, mut with_stack, mut near) = (0, 0, 0, None);
        loop {
            if count >= COMPARED.1 || with_stack >= COMPARED.0 {
                return (count, true);
            }
            let Some(header) = self.header(at).filter(|header| is_sound(header, self.pointer, near)) else {
                // What follows the last record may be damaged, or cut.
                let few = self.len() - at.min(self.len()) < HEADER_SIZE as u64;
                return (count, count >= CHAIN || count > 0 && (few || next_set(self.file, at).is_none()));
            };
            near = Some(header.time.get());
            at += size_of_record(header, self.pointer);
            if at > self.len() {
                return (count, count > 0);
            }
            count += 1;
            // Records of the right size have texts that begin where texts do.
            with_stack += usize::from(header.depth.get() > 0);
            if header.class.get() == FILE_SYSTEM && !self.has_path(at, header) {
                count -= 1;
            }
        }
    }

    /// Whether the record that ends at `end` has the path of a file, as far as its details reach.
    fn has_path(self, end: u64, header: &RawEvent) -> bool {
        let info_at = 24 + 5 * self.pointer;
        let Some(details) = end.checked_sub(header.details_size.get().into()) else { return false };
        let Some(details) = self.file.get(details as usize..end as usize) else { return false };
        match (details.u16_at(info_at), details.u16_at(info_at + 4)) {
            (Some(size), Some(first)) => {
                size > 0 && first != 0 && info_at + 4 + 2 * usize::from(size) <= details.len()
            }
            _ => false,
        }
    }

    /// Where records begin in a file that begins with something else: the beginning of a raw boot log may be damaged.
    fn behind_damage(self) -> Option<u64> {
        let near = Frames { file: self.file.get(..NEAR as usize).unwrap_or(self.file), ..self };
        let mut from = 0;
        while let Some(at) = near.find(from, None, &mut |_| true) {
            let (count, end) = self.chain(at, None, CHAIN_OF_UNKNOWN);
            if count == CHAIN_OF_UNKNOWN && self.has_both(at, end) {
                return Some(at);
            }
            from = end.max(at + 1);
        }
        None
    }

    /// Whether both beginnings and ends of operations are among the records from `at` to `end`.
    fn has_both(self, mut at: u64, end: u64) -> bool {
        let (mut beginnings, mut ends) = (false, false);
        while at < end
            && let Some(header) = self.header(at)
        {
            let is_end = header.class.get() == 0;
            (beginnings, ends) = (beginnings || !is_end, ends || is_end && header.sequence.get() != 0);
            at += size_of_record(header, self.pointer);
        }
        beginnings && ends
    }
}

/// The class of file system operations.
const FILE_SYSTEM: u16 = 3;

/// The records of a file that is a raw boot log; `None` where it is none. Nothing in the file says that it is one,
/// or that it is of a 32-bit Windows, so both sizes of pointers are tried.
pub(super) fn recognize(file: &[u8]) -> Option<Frames<'_>> {
    let [narrow, wide] = [4, 8].map(|pointer| Frames { file, pointer });
    let [(of_narrow, narrow_begins), (of_wide, wide_begins)] = [narrow, wide].map(Frames::beginning);
    if narrow_begins || wide_begins {
        let is_narrow = narrow_begins && (!wide_begins || of_narrow > of_wide);
        return Some(if is_narrow { narrow } else { wide });
    }
    let [in_narrow, in_wide] = [narrow, wide].map(Frames::behind_damage);
    match (in_narrow, in_wide) {
        (Some(narrow_at), Some(wide_at)) if narrow_at < wide_at => Some(narrow),
        (Some(_), None) => Some(narrow),
        (_, Some(_)) => Some(wide),
        (None, None) => None,
    }
}
