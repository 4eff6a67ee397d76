//! Files that are looked for because a value of the registry names them: a library that is looked for in one folder after
//! the other may be missing in most of them, one that is registered may not. The same holds for a folder that a value
//! names on a drive that is not there.

use super::ending::{drive_of, is_seen};
use crate::boot::EventContext;
use pml_parser::{Event, EventId, Operation, TextOptions};

/// Events before a failure that are read, at most, and those of its thread among them.
const MOST_BEFORE: u64 = 2_000;
const MOST_OWN: usize = 24;
/// Shorter names are part of other words.
const LEAST_NAME: usize = 5;

/// The event in which the thread of an event read a value of the registry that names the file of the event, or a folder
/// above it on a drive on which nothing was opened.
pub(super) fn value_read<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failure: &Event<'_>,
) -> Option<EventId> {
    if failure.operation() != Operation::CREATE_FILE {
        return None;
    }
    let mut path = String::new();
    failure.push_path(&TextOptions::default(), &mut path);
    let path = path.to_lowercase();
    let name = path.rsplit('\\').next().filter(|name| name.len() >= LEAST_NAME && name.contains('.'));
    let drive = drive_of(&path).filter(|&drive| drive_of(&context.system_root()) != Some(drive));
    if name.is_none() && drive.is_none() {
        return None;
    }
    let process = context.processes.of(failure);
    let mut own = 0;
    for step in 1..=MOST_BEFORE {
        let event = context.event(failure.id().checked_sub(step)?)?;
        if event.tid() != failure.tid() || context.processes.of(&event) != process {
            continue;
        }
        own += 1;
        if own > MOST_OWN {
            return None;
        }
        if event.operation() != Operation::REG_QUERY_VALUE || event.status().is_error() {
            continue;
        }
        let mut data = String::new();
        event.push_registry_data(&mut data);
        let data = data.to_lowercase();
        let leads_there = || {
            let folder = data.trim_end_matches('\\');
            folder.len() >= LEAST_NAME && path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('\\'))
        };
        let is_gone = |drive| leads_there() && !is_seen(context, drive, failure.id());
        if name.is_some_and(|name| data.contains(name)) || drive.is_some_and(is_gone) {
            return Some(event.id());
        }
    }
    None
}
