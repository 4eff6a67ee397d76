//! Recognizes where an event offset array begins and ends, where the header does not say so.

use crate::raw::bytes::{parse_at, record};
use crate::raw::event::ROUNDING;
use crate::raw::header;
use crate::raw::offsets::RawOffset;

/// Bytes after the last record that are searched for an event offset array: damage may have inserted some.
pub(super) const ARRAY_WITHIN: u64 = 8;

/// Whether what ends at `end` leads to what begins at `at`.
pub(super) fn leads_to(end: u64, at: u64) -> bool {
    (end..=end + ROUNDING).contains(&at)
}

/// The second entry of the event offset array at `at`, if the first one is the offset of the first record.
pub(super) fn array_begins(file: &[u8], at: u64) -> Option<u64> {
    let entries: &[RawOffset; 2] = parse_at(file, at, "event offset array", record).ok()?;
    (entries[0].get() == header::SIZE as u64).then(|| entries[1].get())
}

/// The first entries of what may be an event offset array at `at`, if they can be offsets of records.
pub(super) fn first_entries(file: &[u8], at: u64) -> Option<[u64; 4]> {
    let entries: &[RawOffset; 4] = parse_at(file, at, "event offset array", record).ok()?;
    let entries = entries.map(|entry| entry.get());
    entries.iter().all(|entry| (header::SIZE as u64..at).contains(entry)).then_some(entries)
}

/// The first entry above `offset` of the event offset array that begins at `array`, as far as its entries
/// ascend; found in a number of steps that grows with the number of digits of its length.
pub(super) fn first_entry_after(file: &[u8], array: u64, offset: u64) -> Option<u64> {
    let entry = |position: u64| {
        let at = array.checked_add(position.checked_mul(size_of::<RawOffset>() as u64)?)?;
        parse_at(file, at, "event offset array", record::<RawOffset>).ok().map(|entry| entry.get())
    };
    // The entries up to `low` are not above it; the one at `high` is, or is not part of the array.
    let is_above = |position: u64, low: u64| {
        let (value, before) = (entry(position)?, entry(low)?);
        Some(value > offset || value <= before)
    };
    let (mut low, mut high) = (0, 1);
    while is_above(high, low) == Some(false) {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match is_above(middle, low) {
            Some(false) => low = middle,
            _ => high = middle,
        }
    }
    entry(high).filter(|&value| value > offset && value < array)
}

/// Where the event offset array that begins at `array` may end: after the header's count of entries, where
/// entries no longer ascend, where they lead elsewhere than to records. It is followed by a small number,
/// the count of processes.
pub(super) fn array_ends(file: &[u8], array: u64, counted: u32) -> [u64; 3] {
    let bytes = usize::try_from(array).ok().and_then(|array| file.get(array..)).unwrap_or_default();
    let entries = || {
        let bytes = bytes.chunks_exact(size_of::<RawOffset>());
        bytes.map_while(|bytes| parse_at(bytes, 0, "event offset array", record::<RawOffset>).ok())
    };
    let is_record = |entry: &&RawOffset| (header::SIZE as u64..array).contains(&entry.get());
    let mut before = 0;
    let ascending = entries().take_while(is_record).take_while(|entry| {
        let ascends = entry.get() > before;
        before = entry.get();
        ascends
    });
    let lengths =
        [u64::from(counted), ascending.count() as u64, entries().take_while(is_record).count() as u64];
    lengths.map(|length| array.saturating_add(length * size_of::<RawOffset>() as u64))
}
