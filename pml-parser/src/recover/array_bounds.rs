//! Recognizes where an event offset array begins and ends, where the header does not say so.

use crate::raw::bytes::{parse_at, record};
use crate::raw::header;
use crate::raw::offsets::RawOffset;

/// The event offset array begins at a multiple of four after the last record; a stray byte may lie between.
pub(super) const PADDING: u64 = 4;
/// Bytes after the last record that are searched for an event offset array: damage may have inserted some.
const ARRAY_WITHIN: u64 = 8;

/// Where the event offset array begins that lies close after `at`, and its second entry; the first entry
/// is always the same.
pub(super) fn array_near(file: &[u8], at: u64) -> Option<(u64, u64)> {
    (at..=at.saturating_add(ARRAY_WITHIN)).find_map(|at| {
        let entries: &[RawOffset; 2] = parse_at(file, at, "event offset array", record).ok()?;
        (entries[0].get() == header::SIZE as u64).then(|| (at, entries[1].get()))
    })
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

/// The end of the event offset array that begins close after `from`.
pub(super) fn array_end(file: &[u8], from: u64) -> Option<u64> {
    let (at, _) = array_near(file, from)?;
    let bytes = file.get(usize::try_from(at).ok()?..)?;
    let mut before = header::SIZE as u64 - 1;
    let mut count = 0;
    for bytes in bytes.chunks_exact(size_of::<RawOffset>()) {
        let entry: &RawOffset = parse_at(bytes, 0, "event offset array", record).ok()?;
        // The array is followed by a small number, the count of processes.
        if entry.get() <= before || entry.get() >= at {
            break;
        }
        before = entry.get();
        count += 1;
    }
    Some(at + count * 5)
}
