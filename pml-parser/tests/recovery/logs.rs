//! The logs that the tests break, in each layout that Process Monitor writes, and where their records are.

use libtest_mimic::Failed;
use pml_parser::Log;
use pml_samples::boot::{Amount, Bits, Options};
use pml_samples::scenario::generate_in_memory;
use std::ops::Range;

/// Size of the header, which the first record follows.
pub(crate) const HEADER: usize = 0x3A8;
/// Where the header keeps the number of events.
pub(crate) const COUNT: Range<usize> = 0x234..0x238;
/// Where the header keeps the offsets of the event offset array, processes, strings and icons, and of hosts.
pub(crate) const TABLES: [usize; 5] = [0x248, 0x250, 0x258, 0x260, 0x3A0];

/// A small generator of places: the same ones in every run.
pub(crate) struct Places(pub u64);

impl Places {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

pub(crate) fn pointer_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// A generated boot log, as Process Monitor saves it.
pub(crate) fn generated(events: u64, bits: Bits) -> Result<Vec<u8>, Failed> {
    let options = Options { amount: Amount::Events(events), parts: 1, seed: 5, bits, ..Options::default() };
    Ok(generate_in_memory(&options)?.swap_remove(0))
}

/// Makes a log one that was never closed: without offsets of tables, and without a count of events.
pub(crate) fn forget_tables(bytes: &mut [u8]) {
    TABLES.iter().for_each(|&at| bytes[at..at + 8].fill(0));
    bytes[COUNT].fill(0);
}

/// Where the parts of an event record lie.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Header, stack and details.
    pub body: Range<usize>,
    /// The extra blob, with its size.
    pub extra: Option<Range<usize>>,
}

impl Record {
    pub(crate) fn start(&self) -> usize {
        self.body.start
    }

    fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        std::iter::once(self.body.clone()).chain(self.extra.clone())
    }

    /// Where the last part ends.
    pub(crate) fn end(&self) -> usize {
        self.parts().map(|part| part.end).max().unwrap()
    }

    /// Whether a byte of the record lies in the range.
    pub(crate) fn touches(&self, range: &Range<usize>) -> bool {
        self.parts().any(|part| part.start < range.end && range.start < part.end)
    }

    pub(crate) fn contains(&self, at: usize) -> bool {
        self.touches(&(at..at + 1))
    }
}

/// The records of a sound log, in the order of its event offset array.
pub(crate) fn records(bytes: &[u8]) -> Vec<Record> {
    let log = Log::parse(bytes).unwrap();
    let pointer = if log.view().is_64_bit() { 8 } else { 4 };
    let events = log.view().events(0..log.view().event_count());
    events
        .map(|event| {
            let event = event.unwrap();
            let at = event.offset() as usize;
            let stack = event.stack().addresses().count() * pointer;
            let extra = event.extra().map(|extra| {
                let end = at + event.raw().len();
                end - extra.len() - 2..end
            });
            Record { body: at..at + 52 + stack + event.details().len(), extra }
        })
        .collect()
}

/// Where the last record, or extra blob, of a log ends.
pub(crate) fn records_end(records: &[Record]) -> usize {
    records.iter().map(Record::end).max().unwrap()
}

/// How a log lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As Process Monitor saves it: extra blobs follow their records.
    Saved,
    /// As Process Monitor writes it while it captures, or converts a boot log: extra blobs lie where the
    /// operations ended.
    Direct,
    /// As [`Layout::Direct`], and records lie where they arrived, while the event offset array is in the
    /// order of time.
    DirectLate,
}

/// The same log in another layout.
pub(crate) fn laid_out(saved: Vec<u8>, layout: Layout) -> Vec<u8> {
    if layout == Layout::Saved {
        return saved;
    }
    let log = Log::parse(saved.as_slice()).unwrap();
    let records = records(&saved);
    let ends: Vec<u64> = log
        .view()
        .events(0..log.view().event_count())
        .map(|event| event.unwrap())
        .map(|event| event.time().0.saturating_add(event.duration().map_or(0, |ticks| ticks.0)))
        .collect();
    let mut order: Vec<usize> = (0..records.len()).collect();
    if layout == Layout::DirectLate {
        // Every thirtieth record comes some records late, now and then the first one.
        for late in (0..records.len().saturating_sub(9)).step_by(30) {
            order[late..late + 9].rotate_left(1 + late / 30 % 8);
        }
    }
    let mut out = saved[..HEADER].to_vec();
    let mut starts = vec![0; records.len()];
    // Operations that have not ended: when they will, and the number of the event.
    let mut open: Vec<(u64, usize, usize)> = Vec::new();
    for (turn, &number) in order.iter().enumerate() {
        let time = log.view().event(number as u32).unwrap().time().0;
        end_operations(&mut out, &saved, &records, &starts, &mut open, (time, turn));
        starts[number] = out.len();
        out.extend(&saved[records[number].body.clone()]);
        if records[number].extra.is_some() {
            // Some take long, whatever their duration.
            let least = if number % 5 == 0 { turn + 1 + number % 43 } else { turn };
            open.push((ends[number], least, number));
        }
    }
    end_operations(&mut out, &saved, &records, &starts, &mut open, (u64::MAX, usize::MAX));
    out.resize(out.len().next_multiple_of(4), 0);
    let array = out.len();
    for start in starts {
        out.extend(&(start as u64).to_le_bytes()[..5]);
    }
    let moved = out.len().wrapping_sub(pointer_at(&saved, TABLES[1]));
    out.extend(&saved[pointer_at(&saved, TABLES[1])..]);
    out[TABLES[0]..TABLES[0] + 8].copy_from_slice(&(array as u64).to_le_bytes());
    for table in &TABLES[1..] {
        let at = pointer_at(&saved, *table).wrapping_add(moved) as u64;
        out[*table..*table + 8].copy_from_slice(&at.to_le_bytes());
    }
    out
}

/// Writes the extra blobs of operations that end before `now`, a time and the number of records so far.
fn end_operations(
    out: &mut Vec<u8>,
    saved: &[u8],
    records: &[Record],
    starts: &[usize],
    open: &mut Vec<(u64, usize, usize)>,
    now: (u64, usize),
) {
    open.sort_unstable();
    let (ended, rest) = open.iter().partition(|(end, least, _)| *end < now.0 && *least <= now.1);
    *open = rest;
    let ended: Vec<(u64, usize, usize)> = ended;
    for (_, _, number) in ended {
        let start = starts[number];
        let offset = (out.len() - start) as u32;
        out[start + 0x30..start + 0x34].copy_from_slice(&offset.to_le_bytes());
        let extra = &saved[records[number].extra.clone().unwrap()];
        out.extend(extra);
        // The capture driver rounds up what it returns: 65,535 bytes are followed by one more.
        if extra.len() == 2 + 0xFFFF {
            out.push(0xA5);
        }
    }
}

/// A laid-out log is the same log, and has what the layout is about.
pub(crate) fn layouts_differ_as_they_should() -> Result<(), Failed> {
    for bits in [Bits::B32, Bits::B64] {
        let saved = generated(5_000, bits)?;
        let whole = Log::parse(saved.as_slice()).unwrap();
        for layout in [Layout::Direct, Layout::DirectLate] {
            let bytes = laid_out(saved.clone(), layout);
            let log = Log::parse(bytes.as_slice()).unwrap();
            assert!(log.view().damage().is_empty());
            assert_eq!(log.view().event_count(), whole.view().event_count());
            for position in 0..log.view().event_count() {
                let (a, b) = (log.view().event(position).unwrap(), whole.view().event(position).unwrap());
                assert_eq!((a.time(), a.details(), a.extra()), (b.time(), b.details(), b.extra()));
                assert_eq!(a.process().map(|p| p.pid()), b.process().map(|p| p.pid()));
            }
            let records = records(&bytes);
            let is_displaced =
                |record: &&Record| record.extra.as_ref().is_some_and(|extra| extra.start != record.body.end);
            assert!(records.iter().filter(is_displaced).count() > 100);
            assert_eq!(records.is_sorted_by_key(Record::start), layout == Layout::Direct);
        }
    }
    Ok(())
}
