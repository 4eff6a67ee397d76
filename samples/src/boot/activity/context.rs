//! What a run of background activity draws on.

use crate::boot::clock::BOOT;
use crate::boot::options::Repetition;
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
        let hours = self.random.between(1, 9_000);
        match self.paths.repetition() {
            Repetition::Usual => FileTime(self.now.0 - hours * 36_000_000_000),
            // Most files of a system are of a few days.
            Repetition::Real => FileTime(BOOT.0 - hours / 400 * 24 * 36_000_000_000),
        }
    }

    /// A size or a place from `low` up to, but not including, `high`; one of a few where texts repeat as in real logs.
    pub(super) fn size(&mut self, low: u64, high: u64) -> u64 {
        /// How many there are then.
        const FEW: u64 = 12;
        let size = self.random.between(low, high);
        match self.paths.repetition() {
            Repetition::Usual => size,
            Repetition::Real => size - (size - low) % ((high - low).div_ceil(FEW).max(1)),
        }
    }

    /// A new thread id.
    pub(super) fn take_id(&mut self) -> u32 {
        *self.last_id += 4;
        *self.last_id
    }
}
