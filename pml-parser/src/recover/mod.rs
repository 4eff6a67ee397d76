//! Reads what is left of a log that was never closed, was cut short, or is damaged.
//!
//! Five stages, each of which returns what the next ones need:
//!
//! 1. `classify`: whether the file is a log, how far its header can be trusted, its bitness.
//! 2. `locate_events`: by the file's own event offset array if it is consistent, otherwise by carving.
//! 3. `locate_tables`: where the header says, otherwise where the table before ends.
//! 4. `repair_tables`: table records whose place is lost. `rebuild_tables`: those that are missing or damaged, out of the
//!    events of the process class.
//! 5. `conclude`: the index of the log, with the [`Recovery`] that describes it.
//!
//! Nothing is copied: events stay where they are in the file, and only their offsets and the rebuilt
//! tables are kept in memory.

mod array_bounds;
mod carve;
mod classify;
mod extra_blobs;
mod layout;
mod neighbours;
mod offset_array;
mod process_evidence;
mod rebuild;
mod region;
mod repair;
mod salvage;

use crate::error::{Error, ErrorKind, Result};
use crate::log::Log;
use crate::log::index::Index;
use crate::log::recovery::Recovery;
use crate::progress::{NoProgress, Progress};
use crate::raw::header;
use classify::{ClassifiedHeader, classify};
use layout::{LocatedTables, locate_tables};
use rebuild::{Rebuilt, rebuild_tables};
use repair::repair_tables;
use salvage::{LocatedEvents, Loss, locate_events};

impl<B: AsRef<[u8]>> Log<B> {
    /// Reads as much of a damaged log as is intact. A sound log opens as with [`Log::parse`], though every
    /// event header is read; [`LogView::recovery`](crate::LogView::recovery) says what was found.
    ///
    /// Where the event offset array cannot be used, records are found by carving the file; memory grows
    /// by five bytes an event. The work is at most a small multiple of reading the file once.
    ///
    /// # Errors
    /// When the file is shorter than a header, or of another version; or when it does not begin as a log
    /// does and no event is in it.
    pub fn recover(bytes: B) -> Result<Self> {
        Self::recover_watched(bytes, &NoProgress)
    }

    /// The same, with progress reports; the caller may cancel.
    ///
    /// # Errors
    /// As [`Log::recover`], and [`ErrorKind::Cancelled`] when `progress` cancels.
    pub fn recover_watched(bytes: B, progress: &dyn Progress) -> Result<Self> {
        let index = read(bytes.as_ref(), progress)?;
        Ok(Self::from_parts(bytes, index))
    }
}

/// Where the records begin.
const FIRST: u64 = header::SIZE as u64;

/// Makes the index of a damaged log.
fn read(file: &[u8], progress: &dyn Progress) -> Result<Index> {
    let header = classify(file)?;
    let events = locate_events(file, &header, progress)?;
    if let Some(error) = header.not_a_log().filter(|_| events.offsets.count() == 0) {
        return Err(error);
    }
    let tables = locate_tables(file, &header, &events);
    let cause = find_cause(file, &header, &events, &tables);
    let LocatedEvents { offsets, loss, evidence, .. } = events;
    let mut index = Index::new(header.is64, header.version(), offsets);
    index.set_windows(header.raw);
    index.read_found_tables(file, &tables.places);
    if !index.has_sound_tables() {
        repair_tables(file, &mut index, &tables.places);
    }
    tables.contradictions.iter().for_each(|&error| index.push_damage(error));
    // If the tables are sound, a process they do not list is not missing.
    let rebuilt = if cause.is_some() || !index.has_sound_tables() {
        rebuild_tables(file, &mut index, &evidence)
    } else {
        Rebuilt::default()
    };
    Ok(conclude(index, cause, tables.is_cut, &loss, rebuilt))
}

/// Why the log does not open as it is: the first reason counts.
fn find_cause(
    file: &[u8],
    header: &ClassifiedHeader<'_>,
    events: &LocatedEvents<'_>,
    tables: &LocatedTables,
) -> Option<Error> {
    let refused = Index::read(file).err();
    let misplaced = tables.contradictions.first().copied();
    refused.or(misplaced).or_else(|| array_error(header, events))
}

/// What is wrong with the event offset array of a closed log, if the events are not.
fn array_error(header: &ClassifiedHeader<'_>, events: &LocatedEvents<'_>) -> Option<Error> {
    if !header.is_closed() || events.has_array() {
        return None;
    }
    let counted = u64::from(header.raw.event_count.get());
    if u64::from(events.offsets.count()) > counted {
        return Some(Error::new(ErrorKind::OutOfBounds(counted), "number of events", 0x234));
    }
    let is_whole = events.loss.lost == 0 && !events.loss.has_gaps;
    let array = header.raw.offsets.get();
    is_whole.then_some(Error::new(ErrorKind::InconsistentOffsets, "event offset array", array))
}

/// The fifth stage: adds to the index what recovery came to.
fn conclude(mut index: Index, cause: Option<Error>, is_cut: bool, loss: &Loss, rebuilt: Rebuilt) -> Index {
    let recovery = Recovery {
        cause,
        is_cut,
        kept: u64::from(index.event_count()),
        doubtful: loss.doubtful,
        lost: loss.lost,
        lost_is_exact: loss.lost_is_exact,
        lost_bytes: loss.lost_bytes,
        processes_rebuilt: rebuilt.processes,
        processes_matched: 0,
        processes_matched_once: 0,
        processes_matched_by_modules: 0,
        processes_unknown: rebuilt.unknown,
    };
    index.add_recovery(recovery, &loss.damage);
    index
}
