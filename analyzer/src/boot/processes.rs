//! The processes of a capture, each once, with what they are in servicing.

use crate::knowledge::{ActorId, Actors};
use hashbrown::HashMap;
use pml_parser::{Event, FileTime, LogSet, Process, WinStr};

/// Position of a process in [`Processes`].
pub(crate) type ProcessId = u32;

/// The id of a process that the log has no record of.
pub(super) const NOBODY: ProcessId = ProcessId::MAX;

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct ProcessInfo {
    pub name: String,
    pub pid: u32,
    pub start: FileTime,
    pub end: Option<FileTime>,
    pub actor: ActorId,
    pub image_path: String,
    pub company: String,
    pub command_line: String,
    pub parent: Option<ProcessId>,
}

/// All processes of a capture, and how events refer to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    all: Vec<ProcessInfo>,
    /// How to find the process of an index, by part.
    parts: Vec<ProcessIndexes>,
    other: ActorId,
}

impl Processes {
    pub(crate) fn new<B: AsRef<[u8]>>(set: &LogSet<B>, actors: &Actors) -> Self {
        let mut processes = Self { other: actors.other(), ..Self::default() };
        // A process lives through several parts: it is the same where number and start are.
        let mut known: HashMap<(u32, u64), ProcessId> = HashMap::new();
        for log in set.parts() {
            let mut indexes = Vec::new();
            for process in log.processes() {
                let identity = (process.pid(), if process.pid() == 4 { 0 } else { process.start().0 });
                let id = *known.entry(identity).or_insert(processes.all.len() as ProcessId);
                let info = info(process, actors.of(log, process));
                match processes.all.get_mut(id as usize) {
                    // The last record knows how it ended.
                    Some(place) => *place = info,
                    None => processes.all.push(info),
                }
                indexes.push((process.index(), id));
            }
            for process in log.processes() {
                let parent = find(&indexes, process.parent_index());
                if let (Some(id), Some(parent)) = (find(&indexes, process.index()), parent)
                    && let Some(info) = processes.all.get_mut(id as usize)
                {
                    info.parent = Some(parent);
                }
            }
            processes.parts.push(ProcessIndexes::new(indexes));
        }
        processes
    }

    /// The process of an event.
    pub(crate) fn of(&self, event: &Event<'_>) -> ProcessId {
        let part = self.parts.get(usize::from(event.log().part()));
        part.and_then(|part| part.find(event.process_index())).unwrap_or(NOBODY)
    }

    /// What a process is in servicing.
    pub(crate) fn actor(&self, process: ProcessId) -> ActorId {
        self.all.get(process as usize).map_or(self.other, |info| info.actor)
    }

    pub(crate) fn get(&self, process: ProcessId) -> Option<&ProcessInfo> {
        self.all.get(process as usize)
    }

    /// All processes, each once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ProcessId, &ProcessInfo)> {
        self.all.iter().enumerate().map(|(at, info)| (at as ProcessId, info))
    }
}

/// Finds the process of an index, at once where indexes are as small as logs have them.
#[derive(Clone, Debug, Default)]
struct ProcessIndexes {
    /// Ascending.
    sorted: Vec<(u32, ProcessId)>,
    direct: Vec<ProcessId>,
}

impl ProcessIndexes {
    fn new(sorted: Vec<(u32, ProcessId)>) -> Self {
        // Indexes come from the file: a forged one must not make a huge table.
        let most = 4 * sorted.len() + 4_096;
        let mut direct = Vec::new();
        for &(index, process) in sorted.iter().filter(|entry| (entry.0 as usize) < most) {
            direct.resize(index as usize + 1, NOBODY);
            if let Some(last) = direct.last_mut() {
                *last = process;
            }
        }
        Self { sorted, direct }
    }

    fn find(&self, index: u32) -> Option<ProcessId> {
        match self.direct.get(index as usize) {
            Some(&process) => Some(process).filter(|&process| process != NOBODY),
            None => find(&self.sorted, index),
        }
    }
}

fn find(indexes: &[(u32, ProcessId)], index: u32) -> Option<ProcessId> {
    let at = indexes.binary_search_by_key(&index, |entry| entry.0).ok()?;
    indexes.get(at).map(|entry| entry.1)
}

/// A text of a process. Names and paths of Windows are shorter; forged records may all share one of 64 KiB.
fn shown(text: WinStr<'_>) -> String {
    const LONGEST: usize = 4_096;
    let mut text = text.to_string();
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.shrink_to_fit();
    }
    text
}

fn info(process: Process<'_>, actor: ActorId) -> ProcessInfo {
    ProcessInfo {
        name: shown(process.name()),
        pid: process.pid(),
        start: process.start(),
        end: process.end(),
        actor,
        image_path: shown(process.image_path()),
        company: shown(process.company()),
        command_line: shown(process.command_line()),
        parent: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_process_are_cut() {
        assert_eq!(shown(WinStr::Latin1(&[b'a'; 5_000])).len(), 4_096);
        // Never within a character.
        assert_eq!(shown(WinStr::Latin1(&[0xE9; 5_000])).len(), 4_096);
        assert_eq!(shown(WinStr::Latin1(b"svchost.exe")), "svchost.exe");
    }
}
