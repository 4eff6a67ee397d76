//! What a process did last before it ended: what it read, and whether a value of its environment leads to a drive
//! that is not there.

use crate::boot::EventContext;
use pml_parser::{Event, EventId, Operation, TextOptions};

/// Events before the end of a process that are read, at most.
const MOST_BEFORE: u64 = 50_000;
/// Events around the end of a process in which a drive is looked for, at most.
const MOST_AROUND: u64 = 200_000;
/// Reads that are kept.
const MOST_STEPS: usize = 4;

/// The events of the process of an event before that event, the latest first, as far as they are read; those of its
/// thread where the event does not end the process.
fn before<'a, B: AsRef<[u8]>>(
    context: &'a EventContext<'_, B>,
    end: EventId,
) -> impl Iterator<Item = Event<'a>> + 'a {
    let last = context.event(end);
    let process = last.map(|event| context.processes.of(&event));
    let thread = last.filter(|event| event.operation() != Operation::PROCESS_EXIT).map(|event| event.tid());
    let ids = (end.saturating_sub(MOST_BEFORE)..end).rev();
    let events = ids.filter_map(|id| context.event(id));
    events.filter(move |event| {
        thread.is_none_or(|thread| event.tid() == thread) && process == Some(context.processes.of(event))
    })
}

fn text(event: &Event<'_>) -> String {
    let mut path = String::new();
    event.push_path(&TextOptions::default(), &mut path);
    path
}

/// The last files and values that the process read before it ended, in the order of events.
pub(super) fn last_steps<B: AsRef<[u8]>>(context: &EventContext<'_, B>, end: EventId) -> Vec<EventId> {
    let reads = [Operation::REG_QUERY_VALUE, Operation::READ_FILE, Operation::CREATE_FILE];
    let mut seen: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for event in before(context, end).filter(|event| reads.contains(&event.operation())) {
        let path = text(&event).to_lowercase();
        // Libraries are loaded by every process, and logs are where it writes about what it does.
        if path.ends_with(".dll") || path.ends_with(".log") || seen.contains(&path) {
            continue;
        }
        seen.push(path);
        steps.push(event.id());
        if steps.len() == MOST_STEPS {
            break;
        }
    }
    steps.reverse();
    steps
}

/// The event that read a value of the environment which leads to a drive on which nothing was opened.
pub(super) fn missing_drive<B: AsRef<[u8]>>(context: &EventContext<'_, B>, end: EventId) -> Option<EventId> {
    let mut tried: Vec<char> = Vec::new();
    for event in before(context, end) {
        let is_read = event.operation() == Operation::REG_QUERY_VALUE && !event.status().is_error();
        if !is_read || !text(&event).to_lowercase().contains(ENVIRONMENT) {
            continue;
        }
        let mut data = String::new();
        event.push_registry_data(&mut data);
        let Some(drive) = drive_of(&data).filter(|drive| !tried.contains(drive)) else { continue };
        tried.push(drive);
        if !is_seen(context, drive, end) {
            return Some(event.id());
        }
    }
    None
}

/// The key of the environment of a user or of the system.
const ENVIRONMENT: &str = r"\environment\";

/// The letter of the drive that a path begins with.
pub(super) fn drive_of(path: &str) -> Option<char> {
    let mut characters = path.chars();
    let letter = characters.next().filter(char::is_ascii_alphabetic)?;
    (characters.next() == Some(':')).then_some(letter.to_ascii_uppercase())
}

/// Whether something on a drive was opened, a while before an event or after it.
pub(super) fn is_seen<B: AsRef<[u8]>>(context: &EventContext<'_, B>, drive: char, end: EventId) -> bool {
    if drive_of(&context.system_root()) == Some(drive) {
        return true;
    }
    let last = end.saturating_add(MOST_AROUND).min(context.set.event_count());
    (end.saturating_sub(MOST_AROUND)..last).filter_map(|id| context.event(id)).any(|event| {
        event.operation() == Operation::CREATE_FILE
            && !event.status().is_error()
            && drive_of(&event.path().to_str()) == Some(drive)
    })
}
