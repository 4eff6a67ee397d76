//! One operation as the log will show it, without its process, thread, time and stack.

use super::machine::MachineProfile;
use pml_parser::{NtStatus, Operation, Ticks};

/// Statuses that are frequent in boot logs.
pub(crate) mod status {
    use pml_parser::NtStatus;

    pub(crate) const BUFFER_OVERFLOW: NtStatus = NtStatus(0x8000_0005);
    pub(crate) const NO_MORE_FILES: NtStatus = NtStatus(0x8000_0006);
    pub(crate) const NO_MORE_ENTRIES: NtStatus = NtStatus(0x8000_001A);
    pub(crate) const REPARSE: NtStatus = NtStatus(0x104);
    pub(crate) const NO_SUCH_FILE: NtStatus = NtStatus(0xC000_000F);
    pub(crate) const INVALID_DEVICE_REQUEST: NtStatus = NtStatus(0xC000_0010);
    pub(crate) const END_OF_FILE: NtStatus = NtStatus(0xC000_0011);
    pub(crate) const ACCESS_DENIED: NtStatus = NtStatus(0xC000_0022);
    pub(crate) const BUFFER_TOO_SMALL: NtStatus = NtStatus(0xC000_0023);
    pub(crate) const NAME_NOT_FOUND: NtStatus = NtStatus(0xC000_0034);
    pub(crate) const PATH_NOT_FOUND: NtStatus = NtStatus(0xC000_003A);
    pub(crate) const SHARING_VIOLATION: NtStatus = NtStatus(0xC000_0043);
    pub(crate) const FILE_LOCKED_WITH_ONLY_READERS: NtStatus = NtStatus(0x12A);
    pub(crate) const NOT_REPARSE_POINT: NtStatus = NtStatus(0xC000_0275);
    pub(crate) const FAST_IO_DISALLOWED: NtStatus = NtStatus(0xC01C_0004);
}

/// An operation without its process, thread, time and stack.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) details: Vec<u8>,
    pub(crate) extra: Option<Vec<u8>>,
    pub(crate) status: NtStatus,
    /// Duration, where the script fixes it.
    pub(crate) duration: Option<Ticks>,
}

impl Call {
    pub(crate) fn new(operation: Operation, details: Vec<u8>) -> Self {
        Self { operation, details, extra: None, status: NtStatus::SUCCESS, duration: None }
    }

    /// The same operation with this extra blob: the output of the operation.
    pub(crate) fn returning(mut self, extra: Vec<u8>) -> Self {
        self.extra = Some(extra);
        self
    }

    /// The same operation with another status. A status other than success has no output.
    pub(crate) fn ending(mut self, status: NtStatus) -> Self {
        if status != NtStatus::SUCCESS {
            self.extra = None;
        }
        self.status = status;
        self
    }

    /// The same operation with this duration.
    pub(crate) fn lasting(mut self, duration: Ticks) -> Self {
        self.duration = Some(duration);
        self
    }

    /// The same operation with its paths on the drive of the machine, or `None` where they are on
    /// that drive already.
    pub(crate) fn relocated(&self, machine: &MachineProfile) -> Option<Self> {
        if machine.drive == 'C' {
            return None;
        }
        let mut call = self.clone();
        machine.relocate_encoded(&mut call.details);
        if let Some(extra) = &mut call.extra {
            machine.relocate_encoded(extra);
        }
        Some(call)
    }

    /// A number for the kind of operation: the code of its class, and its number in the class.
    pub(crate) fn kind(&self) -> u32 {
        u32::from(self.operation.class.code()) << 8 | u32::from(self.operation.code)
    }
}
