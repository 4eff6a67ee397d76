//! Makes small logs from larger logs.

use pml_parser::write::LogWriter;
use pml_parser::{Event, LogView};
use std::collections::BTreeSet;
use std::io::Cursor;

/// The chosen events of a log with their processes, each process with at most `modules` of its modules.
pub fn log(of: LogView<'_>, modules: usize, mut is_chosen: impl FnMut(&Event<'_>) -> bool) -> Vec<u8> {
    let memory = "writing to memory does not fail";
    let mut log = LogWriter::like(Cursor::new(Vec::new()), of).expect(memory);
    let mut indexes = BTreeSet::new();
    for event in of.events(0..of.event_count()).flatten().filter(|event| is_chosen(event)) {
        indexes.insert(event.process_index());
        log.copy_event(&event, |index| index).expect(memory);
    }
    for process in of.processes().filter(|process| indexes.contains(&process.index())) {
        let modules: Vec<_> = process.modules().take(modules).collect();
        log.copy_process(process.index(), process.parent_index(), process, &modules);
    }
    log.finish().expect(memory).into_inner()
}
