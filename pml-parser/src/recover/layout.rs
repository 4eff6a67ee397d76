//! The third stage: locates the tables of a log where its header is missing or wrong.
//!
//! Process Monitor writes the tables one after another: event offset array, processes, strings, icons,
//! hosts and ports. So the end of each leads to the next one.

use super::array_bounds::array_ends;
use super::classify::ClassifiedHeader;
use super::region::Region;
use super::salvage::LocatedEvents;
use crate::error::{Error, ErrorKind};
use crate::log::index::Places;
use crate::log::offsets::Offsets;
use crate::raw::bytes::{Blob, parse_at};
use crate::raw::header::{self, RawHeader};
use crate::raw::{process, strings};

/// Where the tables of a log are.
#[derive(Debug)]
pub(super) struct LocatedTables {
    /// The offsets of the tables.
    pub places: Places,
    /// Offsets of a closed log's header that lead elsewhere.
    pub contradictions: Vec<Error>,
    /// Whether the last tables lie beyond the end of the file, though the header is that of a closed log.
    pub is_cut: bool,
}

/// Locates the tables of a log whose events are known.
pub(super) fn locate_tables(
    file: &[u8],
    header: &ClassifiedHeader<'_>,
    events: &LocatedEvents<'_>,
) -> LocatedTables {
    let places = places(file, header, events);
    let contradictions =
        if header.is_closed() { contradictions(header.raw, &places).collect() } else { Vec::new() };
    LocatedTables { places, contradictions, is_cut: header.is_closed() && is_cut(file, header.raw) }
}

/// Looks for each table where the header says, and if no sound table begins there, where the table before
/// it ends.
fn places(file: &[u8], header: &ClassifiedHeader<'_>, events: &LocatedEvents<'_>) -> Places {
    let (raw, pointer) = (header.raw, header.pointer());
    let array_ends = match events.offsets {
        Offsets::InFile { at, count } => vec![at + u64::from(count) * 5],
        Offsets::Found(_) | Offsets::Joined(_) => {
            let region = Region { file, pointer, end: None };
            let array = [raw.offsets.get(), events.end].into_iter().find_map(|at| region.array_near(at));
            array.map_or(Vec::new(), |(at, _)| array_ends(file, at, raw.event_count.get()).to_vec())
        }
    };
    let choose = |stated: u64, derived: &[u64], end: &dyn Fn(u64) -> Option<u64>| {
        let stated = (stated >= header::SIZE as u64).then_some(stated);
        let sound = stated.iter().chain(derived).find_map(|&at| Some((at, end(at)?)));
        match sound {
            Some((at, end)) => (Some(at), Some(end)),
            // The table may be damaged, but its readable entries count.
            None => (stated, None),
        }
    };
    let (processes, end) = choose(raw.processes.get(), &array_ends, &|at| processes_end(file, at, pointer));
    let (strings, end) = choose(raw.strings.get(), end.as_slice(), &|at| records_end(file, at, 0));
    let (icons, end) = choose(raw.icons.get(), end.as_slice(), &|at| records_end(file, at, 4));
    let stated = raw.hosts.get();
    let hosts = Some(stated).filter(|&at| at >= header::SIZE as u64 && at < file.len() as u64).or(end);
    let hosts = hosts.filter(|_| header::has_host_names(header.version()));
    Places { processes, strings, icons, hosts }
}

/// The offsets of a header that lead elsewhere than to the tables that were found.
fn contradictions(header: &RawHeader, places: &Places) -> impl Iterator<Item = Error> {
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

/// Whether the tables follow one another as Process Monitor writes them, and one or more of the last ones
/// lie beyond the end of the file.
fn is_cut(file: &[u8], header: &RawHeader) -> bool {
    let [offsets, processes, strings, icons, hosts] =
        [header.offsets, header.processes, header.strings, header.icons, header.hosts].map(|at| at.get());
    offsets < processes
        && processes < strings
        && strings < icons
        && icons < hosts
        && hosts >= file.len() as u64
}

/// The end of the process table that begins at `at`, if its records lie one after another.
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

/// The end of the string or icon table that begins at `at`, if its records lie one after another; the size
/// of each is `size_at` bytes after its beginning.
fn records_end(file: &[u8], at: u64, size_at: usize) -> Option<u64> {
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
