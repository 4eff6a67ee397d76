//! After recovery, for the parts of a capture: names processes that are unknown in one part by their threads.
//!
//! Each part numbers its processes itself, so that a part whose tables are lost cannot look its processes up in the
//! next one. But threads run on from part to part: an unknown process is the one whose threads have the same ids on the
//! other side of the boundary (docs/reliability.md, "Recovery").

use super::rebuild::replacement;
use crate::error::{Error, ErrorKind, Result};
use crate::log::LogView;
use crate::log::process::{Module, Process};
use crate::log::set::LogSet;
use crate::names::operation::Operation;
use crate::progress::Progress;
use crate::raw::bytes::Blob;
use crate::write::Tables;
use std::collections::{BTreeMap, HashMap};

/// Threads of one part that are looked at, at most; captures of whole days have some ten thousand.
const MOST_THREADS: usize = 1 << 18;
/// Events between two looks at whether the caller cancels.
const LOOKED: u32 = 1 << 16;

/// The side of a part on which its neighbour lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// A process of a neighbour, and how many threads show that it is the unknown one.
#[derive(Clone, Copy)]
struct Found<'a> {
    process: Process<'a>,
    threads: u32,
}

impl<B: AsRef<[u8]>> LogSet<B> {
    /// Names the unknown processes of recovered parts, where threads show which process of a neighbouring part each is.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] when `progress` cancels.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn name_by_threads(&mut self, progress: &dyn Progress) -> Result<()> {
        let count = self.parts().len() as u16;
        for part in 0..count {
            let Some(log) = self.part(part) else { continue };
            if log.recovery().is_none_or(|recovery| recovery.processes_unknown == 0) {
                continue;
            }
            let unknown = unknown_threads(log, progress)?;
            let mut found: BTreeMap<u32, Option<Found<'_>>> = BTreeMap::new();
            let before = part.checked_sub(1).map(|part| (part, Side::Before));
            for (neighbour, side) in before.into_iter().chain([(part + 1, Side::After)]) {
                let Some(neighbour) = self.part(neighbour) else { continue };
                for (index, new) in matches(log, &unknown, neighbour, side, progress)? {
                    let is_same = |known: &Found<'_>| identity(known.process) == identity(new.process);
                    let entry = found.entry(index).or_insert(Some(new));
                    // Neighbours that contradict each other show nothing.
                    *entry = entry.filter(is_same);
                }
            }
            let mut found: Vec<(u32, Found<'_>)> =
                found.into_iter().filter_map(|(index, found)| Some((index, found?))).collect();
            // A process has one index in a part.
            let mut times: HashMap<_, u32> = HashMap::new();
            found.iter().for_each(|(_, found)| *times.entry(identity(found.process)).or_default() += 1);
            let is_known = |process| log.processes().any(|known| identity(known) == identity(process));
            found.retain(|(_, found)| {
                times.get(&identity(found.process)) == Some(&1) && !is_known(found.process)
            });
            if found.is_empty() {
                continue;
            }
            let pointer = log.index.pointer();
            let mut tables = Tables::for_copies_of(log);
            for process in log.processes() {
                let modules: Vec<Module<'_>> = process.modules().collect();
                tables.copy_process(process.index(), process.parent_index(), process, &modules, pointer);
            }
            for (index, found) in &found {
                let modules: Vec<Module<'_>> = found.process.modules().collect();
                // Indexes of the neighbour mean other processes here.
                tables.copy_process(*index, 0, found.process, &modules, pointer);
            }
            let matched = found.len() as u32;
            let once = found.iter().filter(|(_, found)| found.threads == 1).count() as u32;
            let (bytes, places) = replacement(&tables);
            if let Some(index) = self.index_mut(part) {
                index.replace_tables(bytes, &places);
                index.add_matched(matched, once);
            }
        }
        Ok(())
    }
}

/// What a process is in every part.
fn identity(process: Process<'_>) -> (u32, u64) {
    (process.pid(), process.start().0)
}

fn stop_if_cancelled(position: u32, progress: &dyn Progress) -> Result<()> {
    if position.is_multiple_of(LOOKED) && progress.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "events", 0));
    }
    Ok(())
}

/// The threads of unknown processes: id and process index. A thread whose id other processes of the part have too is
/// left out.
fn unknown_threads(log: LogView<'_>, progress: &dyn Progress) -> Result<HashMap<u32, u32>> {
    let mut threads: HashMap<u32, Option<u32>> = HashMap::new();
    for (position, event) in (0..).zip(log.events(0..log.event_count())) {
        stop_if_cancelled(position, progress)?;
        let Ok(event) = event else { continue };
        let tid = event.tid();
        if tid == 0 || threads.len() >= MOST_THREADS && !threads.contains_key(&tid) {
            continue;
        }
        let index = event.process_position().is_none().then(|| event.process_index());
        let known = threads.entry(tid).or_insert(index);
        *known = known.filter(|known| Some(*known) == index);
    }
    Ok(threads.into_iter().filter_map(|(tid, index)| Some((tid, index?))).collect())
}

/// Unknown processes that are processes of a neighbour: all of their threads that run on both sides of the boundary say
/// the same.
fn matches<'a>(
    log: LogView<'_>,
    unknown: &HashMap<u32, u32>,
    neighbour: LogView<'a>,
    side: Side,
    progress: &dyn Progress,
) -> Result<Vec<(u32, Found<'a>)>> {
    // The process of a thread at the boundary; `None` for a thread that does not run there.
    let mut owners: HashMap<u32, Option<u32>> = HashMap::new();
    for (position, event) in (0..).zip(neighbour.events(0..neighbour.event_count())) {
        stop_if_cancelled(position, progress)?;
        let Ok(event) = event else { continue };
        let operation = event.operation();
        let (tid, owner) = match side {
            Side::Before if operation == Operation::THREAD_EXIT => (event.tid(), None),
            // The thread begins here.
            Side::After if operation == Operation::THREAD_CREATE => {
                (event.details().u32_at(0).unwrap_or(0), None)
            }
            _ => (event.tid(), event.process_position()),
        };
        if !unknown.contains_key(&tid) {
            continue;
        }
        match side {
            Side::Before => {
                owners.insert(tid, owner);
            }
            Side::After => {
                owners.entry(tid).or_insert(owner);
            }
        }
    }
    let mut votes: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
    for (tid, index) in unknown {
        if let Some(&Some(owner)) = owners.get(tid) {
            *votes.entry(*index).or_default().entry(owner).or_default() += 1;
        }
    }
    let (end, boundary) = (log.time_span().map(|span| span.1), neighbour.time_span().map(|span| span.1));
    let runs = |process: &Process<'_>| match side {
        Side::Before => process.end().is_none_or(|end| boundary.is_some_and(|boundary| end >= boundary)),
        Side::After => end.is_none_or(|end| process.start() <= end),
    };
    let found = votes.into_iter().filter_map(|(index, owners)| {
        let mut owners = owners.into_iter();
        let (Some((owner, threads)), None) = (owners.next(), owners.next()) else { return None };
        let process = neighbour.process_at(owner).filter(runs)?;
        Some((index, Found { process, threads }))
    });
    Ok(found.collect())
}
