//! What a run of background activity draws on.

use crate::boot::paths::Paths;
use crate::random::Random;
use pml_parser::FileTime;

/// What a run of background activity draws on.
#[derive(Debug)]
pub(crate) struct ActivityContext<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) paths: &'a Paths,
    /// Pointer size of the log.
    pub(crate) pointer: usize,
    pub(crate) now: FileTime,
    /// The last thread or process id that was given out.
    pub(crate) last_id: &'a mut u32,
    /// Length of the servicing log, to which runs append.
    pub(crate) log_end: &'a mut u64,
}

impl ActivityContext<'_> {
    /// A time well before the boot.
    pub(super) fn earlier(&mut self) -> FileTime {
        FileTime(self.now.0 - self.random.between(1, 9_000) * 36_000_000_000)
    }

    /// A new thread id.
    pub(super) fn take_id(&mut self) -> u32 {
        *self.last_id += 4;
        *self.last_id
    }
}
