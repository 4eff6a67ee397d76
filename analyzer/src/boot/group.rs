//! Failures, grouped, and the successes that may resolve them.

use super::processes::ProcessId;
use crate::canonical::{PathKey, key};
use crate::knowledge::ActorId;
use pml_parser::{Event, EventClass, EventId, NtStatus, Operation, Ticks};

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

    /// Whether it sets a value, or moves or links a file: a rollback does that too, to the same
    /// places.
    pub(crate) fn changes_a_place(self) -> bool {
        let [class, _, _, sub] = self.0.to_be_bytes();
        let code = (self.0 >> 8) as u16;
        let operation = Operation { class: EventClass::from_code(class.into()), code, sub };
        let sets = [Operation::REG_SET_VALUE, Operation::REG_SET_INFO_KEY, Operation::REG_SET_KEY_SECURITY];
        sets.contains(&operation) || moves(operation)
    }
}

/// Whether an operation gives a file another name, or one more.
pub(super) fn moves(operation: Operation) -> bool {
    operation.is_rename() || operation.is_link()
}

/// Whether a file is no longer where it was after an operation that succeeds.
pub(super) fn removes(operation: Operation) -> bool {
    let deletes = [Operation::SET_DISPOSITION_INFORMATION_FILE, Operation::SET_DISPOSITION_INFORMATION_EX];
    operation.is_rename() || deletes.contains(&operation)
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
    /// Rights that the last attempt requested.
    pub(super) access: u32,
    /// Whether later successes were looked for.
    pub tracked: bool,
    /// A success that came after the last failure: the first one, or one soon after it.
    pub resolved_by: Option<EventId>,
}

impl Group {
    /// A failure by itself.
    pub(crate) fn of(event: &Event<'_>, process: ProcessId, actor: ActorId) -> Self {
        let operation = event.operation();
        let key = GroupKey {
            process,
            operation: OperationKey::of(operation),
            path: key(event.path()),
            target: event.target_path().map_or(PathKey::NONE, key),
            status: event.status(),
        };
        let (first, last) = (event.id(), event.id());
        let longest = event.duration().unwrap_or_default();
        Self { key, actor, count: 1, first, last, longest, access: 0, tracked: true, resolved_by: None }
    }

    /// The same group, resolved by another success or by none.
    pub(crate) fn with_success(mut self, success: Option<EventId>) -> Self {
        self.resolved_by = success;
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

    /// One of them after an event, the first if possible.
    pub(super) fn after(self, event: EventId) -> Option<EventId> {
        [self.first, self.last].into_iter().find(|&own| own > event)
    }
}

/// Successes of an operation on a path, within a range.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Success {
    pub(super) all: Option<Span>,
    /// Those that requested rights which other processes can deny.
    pub(super) hard: Option<Span>,
    /// The rights that these requested.
    pub(super) access: u32,
}
