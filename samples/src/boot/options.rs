//! The options that every generated log has.

use super::machine::MachineProfile;
use pml_parser::write::Machine;

/// How long a log becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// This number of events, all parts together.
    Events(u64),
    /// As many events as make up about this number of bytes, all parts together.
    Bytes(u64),
}

/// The bitness of the captured Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// 32-bit Windows: pointers and stack frames of four bytes.
    B32,
    /// 64-bit Windows.
    B64,
}

/// How often stacks and texts repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repetition {
    /// Stacks repeat more often than in real logs, and paths and details less often: which is harder for what writes texts.
    #[default]
    Usual,
    /// As in real logs: of 65,536 events that follow one another, 15 to 35 % have a stack of their own, and 3 to 10 % a path
    /// or a detail.
    Real,
}

/// What is generated. The same options give the same bytes on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long the log becomes. A scenario needs about 4,000 events to complete.
    pub amount: Amount,
    /// Number of files.
    pub parts: u32,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Bitness of the machine.
    pub bits: Bits,
    /// Mean number of stack frames of an event.
    pub frames: u16,
    /// How often stacks and texts repeat.
    pub repetition: Repetition,
    /// Whether existing files are replaced.
    pub overwrite: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            amount: Amount::Events(100_000),
            parts: 1,
            seed: 1,
            bits: Bits::B64,
            frames: 34,
            repetition: Repetition::Usual,
            overwrite: false,
        }
    }
}

/// Bytes of an average event, from which the number of events is estimated.
const AVERAGE_EVENT: u64 = 430;

impl Options {
    /// The machine as the log describes it.
    pub(super) fn machine(&self, profile: &MachineProfile) -> Machine {
        let windows = format!(r"{}:\Windows", profile.drive);
        Machine {
            is_64_bit: self.bits == Bits::B64,
            os_version: (10, 0, profile.reported_build),
            system_root: windows,
            ..Machine::windows_10(&profile.computer)
        }
    }

    /// The number of events, estimated where a number of bytes is asked for.
    pub(super) fn events(&self) -> u64 {
        match self.amount {
            Amount::Events(events) => events,
            Amount::Bytes(bytes) => bytes / AVERAGE_EVENT,
        }
    }
}
