//! Where the tables of a log are, where the header does not say so or says it wrong.
//!
//! Process Monitor writes them one behind the other: event offset array, processes, strings, icons, hosts
//! and ports. So each leads to the next one.

use super::walk::array_at;
use crate::error::{Error, ErrorKind};
use crate::log::index::{Index, Places};
use crate::raw::bytes::{Blob, parse_at, record};
use crate::raw::header::{self, RawHeader};
use crate::raw::offsets::RawOffset;
use crate::raw::{process, strings};

/// Looks for the tables where the header says, and where that is not the beginning of a sound one, behind
/// the table before it. `records_end` is where the last event record ends.
pub(super) fn places(
    file: &[u8],
    header: &RawHeader,
    pointer: usize,
    index: &Index,
    records_end: u64,
) -> Places {
    let behind_array = match index.listed() {
        Some((at, count)) => Some(at + u64::from(count) * 5),
        None => array_end(file, header.offsets.get()).or(array_end(file, records_end)),
    };
    let choose = |stated: u64, derived: Option<u64>, end: &dyn Fn(u64) -> Option<u64>| {
        let stated = (stated >= header::SIZE as u64).then_some(stated);
        let sound = [stated, derived].into_iter().flatten().find_map(|at| Some((at, end(at)?)));
        match sound {
            Some((at, end)) => (Some(at), Some(end)),
            // Damaged it may be, but what can be read of it counts.
            None => (stated, None),
        }
    };
    let (processes, end) =
        choose(header.processes.get(), behind_array, &|at| processes_end(file, at, pointer));
    let (strings, end) = choose(header.strings.get(), end, &|at| records_end_of(file, at, 0));
    let (icons, end) = choose(header.icons.get(), end, &|at| records_end_of(file, at, 4));
    let stated = header.hosts.get();
    let hosts = Some(stated).filter(|&at| at >= header::SIZE as u64 && at < file.len() as u64).or(end);
    Places { processes, strings, icons, hosts }
}

/// Which offsets of a header lead elsewhere than to the tables that were found.
pub(super) fn contradictions(header: &RawHeader, places: &Places) -> impl Iterator<Item = Error> {
    let tables = [
        (header.processes, places.processes, "offset of the process table", 0x250),
        (header.strings, places.strings, "offset of the string table", 0x258),
        (header.icons, places.icons, "offset of the icon table", 0x260),
    ];
    tables
        .into_iter()
        .filter(|(stated, place, ..)| place.is_some_and(|place| place != stated.get()))
        .map(|(stated, _, what, at)| Error::new(ErrorKind::OutOfBounds(stated.get()), what, at))
}

/// Whether the tables follow one another as Process Monitor writes them, and the last one, or more, lies
/// behind the end of the file.
pub(super) fn is_cut(file: &[u8], header: &RawHeader) -> bool {
    let [offsets, processes, strings, icons, hosts] =
        [header.offsets, header.processes, header.strings, header.icons, header.hosts].map(|at| at.get());
    offsets < processes
        && processes < strings
        && strings < icons
        && icons < hosts
        && hosts >= file.len() as u64
}

/// The end of the event offset array that begins close behind `from`.
fn array_end(file: &[u8], from: u64) -> Option<u64> {
    let (at, _) = array_at(file, from)?;
    let bytes = file.get(usize::try_from(at).ok()?..)?;
    let mut before = header::SIZE as u64 - 1;
    let mut count = 0;
    for bytes in bytes.chunks_exact(size_of::<RawOffset>()) {
        let entry: &RawOffset = parse_at(bytes, 0, "event offset array", record).ok()?;
        // What follows the array is a small number, the count of processes.
        if entry.get() <= before || entry.get() >= at {
            break;
        }
        before = entry.get();
        count += 1;
    }
    Some(at + count * 5)
}

/// The end of the process table that begins at `at`, if its records lie one behind the other.
fn processes_end(file: &[u8], at: u64, pointer: usize) -> Option<u64> {
    let (indexes, offsets) = process::table(file, at).ok()?;
    let mut end = at + 4 + 8 * indexes.len() as u64;
    for offset in offsets {
        if at + u64::from(offset.get()) != end {
            return None;
        }
        end += process::read(file, end, pointer).ok()?.size();
    }
    (!indexes.is_empty()).then_some(end)
}

/// The end of the string or icon table that begins at `at`, if its records lie one behind the other; the
/// size of each stands `size_at` bytes behind its beginning.
fn records_end_of(file: &[u8], at: u64, size_at: usize) -> Option<u64> {
    let offsets = parse_at(file, at, "table", strings::offsets).ok()?;
    let mut end = at + 4 + 4 * offsets.len() as u64;
    for offset in offsets {
        if at + u64::from(offset.get()) != end {
            return None;
        }
        let size = file.u32_at(usize::try_from(end).ok()?.checked_add(size_at)?)?;
        end += size_at as u64 + 4 + u64::from(size);
        if end > file.len() as u64 {
            return None;
        }
    }
    (!offsets.is_empty()).then_some(end)
}
