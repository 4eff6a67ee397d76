//! The fourth stage: rebuilds the table records that are missing or damaged, out of the events.

use super::process_evidence::ProcessEvidence;
use crate::log::LogView;
use crate::log::index::{Index, Places};
use crate::log::process::{Module, Process};
use crate::write::Tables;

/// What rebuilding came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rebuilt {
    /// Processes whose identity or texts come from the events.
    pub processes: u32,
    /// Processes that events belong to and about which no event says anything.
    pub unknown: u32,
}

/// Completes the tables of the index with what only events say about processes.
pub(super) fn rebuild_tables(file: &[u8], index: &mut Index, evidence: &ProcessEvidence<'_>) -> Rebuilt {
    let log = LogView { file, index };
    // A record without a name, or one that the events contradict, is what damage left of it.
    let is_doubtful = |process: Process<'_>| {
        let index = process.index();
        evidence.contradicts(index, process) || process.name().is_empty() && evidence.identifies(index)
    };
    let missing: Vec<u32> = evidence.named().filter(|&index| log.process_position(index).is_none()).collect();
    let (identified, unknown): (Vec<u32>, Vec<u32>) =
        missing.into_iter().partition(|&index| evidence.identifies(index));
    let doubtful = log.processes().filter(|process| is_doubtful(*process)).count();
    let rebuilt = Rebuilt { processes: (identified.len() + doubtful) as u32, unknown: unknown.len() as u32 };
    if rebuilt.processes == 0 {
        return rebuilt;
    }
    let mut tables = Tables::for_copies_of(log);
    for process in log.processes() {
        if is_doubtful(process) {
            let record = Some(process).filter(|process| !evidence.contradicts(process.index(), *process));
            evidence.add_process(process.index(), record, &mut tables);
        } else {
            let modules: Vec<Module<'_>> = process.modules().collect();
            tables.copy_process(process.index(), process.parent_index(), process, &modules, index.pointer());
        }
    }
    identified.into_iter().for_each(|index| evidence.add_process(index, None, &mut tables));
    let (bytes, places) = replacement(&tables);
    index.replace_tables(bytes, &places);
    rebuilt
}

/// The bytes of tables that take the place of those of the file, and where each is.
pub(super) fn replacement(tables: &Tables) -> (Vec<u8>, Places) {
    let mut bytes = tables.process_table();
    let strings_at = bytes.len() as u64;
    bytes.extend(tables.string_table());
    let icons_at = bytes.len() as u64;
    bytes.extend(tables.icon_table());
    let places = Places { processes: Some(0), strings: Some(strings_at), icons: Some(icons_at), hosts: None };
    (bytes, places)
}
