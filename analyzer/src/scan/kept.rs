//! What a scan keeps: failures and successes, components and links, packages, activity.

use crate::canonical::PathKey;
use crate::knowledge::ActorId;
use crate::processes::ProcessId;
use pml_parser::{EventClass, EventId, FileTime, NtStatus, Operation, Ticks};

/// Rights that decide whether a file could be opened: data, execution, deletion, ownership.
pub(super) const HARD_RIGHTS: u32 = 0x0000_0001 | 0x2 | 0x4 | 0x20 | 0x1_0000 | 0x4_0000 | 0x8_0000;

/// An operation as a number: class, code and sub-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OperationKey(pub u32);

impl OperationKey {
    pub(crate) fn of(operation: Operation) -> Self {
        Self(
            u32::from(operation.class.code()) << 24
                | u32::from(operation.code) << 8
                | u32::from(operation.sub),
        )
    }

    /// Whether it sets a value, or moves or links a file: what a rollback does as well, to the same
    /// places.
    pub(crate) fn changes_a_place(self) -> bool {
        let [class, _, _, sub] = self.0.to_be_bytes();
        let code = (self.0 >> 8) as u16;
        let operation = Operation { class: EventClass::from_code(class.into()), code, sub };
        let name = operation.name();
        ["RegSet", "SetRename", "SetLink"].iter().any(|start| name.starts_with(start))
    }
}

/// What a failure is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub process: ProcessId,
    pub operation: OperationKey,
    pub path: PathKey,
    pub target: PathKey,
    pub status: NtStatus,
}

/// The same failure, once or many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub key: GroupKey,
    pub actor: ActorId,
    pub count: u64,
    pub first: EventId,
    pub last: EventId,
    pub longest: Ticks,
    /// Rights that the last attempt asked for.
    pub(super) access: u32,
    /// Whether later successes were looked for.
    pub tracked: bool,
    /// A success that came after the last failure: the first one, or one soon after it.
    pub later: Option<EventId>,
}

impl Group {
    /// The same group with another success that came later.
    pub(crate) fn with_later(mut self, later: Option<EventId>) -> Self {
        self.later = later;
        self
    }
}

/// What a success is known by: failures are grouped more finely.
pub(super) type SuccessKey = (OperationKey, PathKey, PathKey);

/// The first and the last of some events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: EventId,
    pub(super) last: EventId,
}

impl Span {
    pub(super) fn push(span: &mut Option<Self>, event: EventId) {
        match span {
            Some(span) => span.last = event,
            None => *span = Some(Self { first: event, last: event }),
        }
    }

    /// One of them behind an event, the first if possible.
    pub(super) fn behind(self, event: EventId) -> Option<EventId> {
        [self.first, self.last].into_iter().find(|&own| own > event)
    }
}

/// Successes of an operation on a path, within a range.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Success {
    pub(super) all: Option<Span>,
    /// Those that asked for rights which others can stand in the way of.
    pub(super) hard: Option<Span>,
    /// The rights that these asked for.
    pub(super) access: u32,
}

/// A file that was linked or moved out of the component store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub event: EventId,
    pub place: PathKey,
    /// Key of the component's folder.
    pub folder: u64,
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

/// Two events with nothing of the same actor between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pause {
    pub ticks: u64,
    pub before: EventId,
    pub after: EventId,
}

/// When an actor did something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Activity {
    pub events: u64,
    pub first: Option<(EventId, FileTime)>,
    pub last: Option<(EventId, FileTime)>,
    pub longest_pause: Pause,
}

impl Activity {
    pub(super) fn push(&mut self, event: EventId, time: FileTime) {
        self.pause(event, time);
        self.events += 1;
        self.first = self.first.or(Some((event, time)));
        self.last = Some((event, time));
    }

    pub(super) fn pause(&mut self, event: EventId, time: FileTime) {
        if let Some((before, last)) = self.last {
            let ticks = time.0.saturating_sub(last.0);
            if ticks > self.longest_pause.ticks {
                self.longest_pause = Pause { ticks, before, after: event };
            }
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
        if let Some((event, time)) = later.first {
            self.pause(event, time);
            self.first = self.first.or(later.first);
            self.last = later.last;
        }
        if later.longest_pause.ticks > self.longest_pause.ticks {
            self.longest_pause = later.longest_pause;
        }
        self.events += later.events;
    }
}
