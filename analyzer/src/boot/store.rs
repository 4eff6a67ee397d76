//! Components, the files that go from them to their places, and the states of packages.

use super::processes::ProcessId;
use crate::canonical::PathKey;
use pml_parser::{EventId, FileTime};

/// A file that was linked or moved out of the component store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub event: EventId,
    pub place: PathKey,
    /// Key of the component's folder.
    pub folder: u64,
}

/// A file that a process of neither servicing nor the system deleted or moved away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal {
    pub event: EventId,
    pub time: FileTime,
    pub process: ProcessId,
    pub path: PathKey,
}

/// A component that was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenComponent {
    /// What it shares with its other versions.
    pub identity: u64,
    pub version: u128,
    pub event: EventId,
}

/// The state of a package through a capture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackageState {
    /// The highest value that was read or set.
    pub highest: u64,
    /// The last value that was set, and the event.
    pub set: Option<(u64, EventId)>,
    /// The event that set it lower than it was.
    pub lowered: Option<EventId>,
}

impl PackageState {
    /// Notes a value; `is_set` where it was set, not read.
    pub(super) fn push(&mut self, value: u64, is_set: bool, event: EventId) {
        if is_set {
            let is_lower = value < self.highest;
            self.lowered = if is_lower { self.lowered.or(Some(event)) } else { None };
            self.set = Some((value, event));
        }
        self.highest = self.highest.max(value);
    }

    /// Adds what came later.
    pub(super) fn merge(&mut self, later: Self) {
        if let Some((value, event)) = later.set {
            self.push(value, true, event);
            self.lowered = later.lowered.or(self.lowered);
        }
        self.highest = self.highest.max(later.highest);
    }
}
