//! The clock of the simulation: the time of the next event, and the duration of an operation.

use super::call::Call;
use super::progress::{Ppm, Stretch};
use crate::random::Random;
use pml_parser::{EventClass, FileTime, Operation, Ticks};

/// The time at which all captures begin: 2024-11-14, just after the reboot.
pub(crate) const BOOT: FileTime = FileTime(133_760_172_931_234_567);

/// Ticks of the shortest boot: 95 seconds.
const SHORTEST: u64 = 950_000_000;

/// The current time. It never runs backwards.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) now: FileTime,
    /// Mean distance between events in ticks.
    pace: u64,
    /// The mean distance outside of stretches.
    usual_pace: u64,
    events: u64,
}

/// Mean distance between events in a burst, in ticks. Long gaps separate the bursts.
const BURST: u64 = 110;

impl Clock {
    /// A clock for a log of about `events` events: 95 seconds, and 20 µs for each event.
    pub(crate) fn new(events: u64) -> Self {
        let events = events.max(1);
        let pace = ((SHORTEST + events * 200) / events).max(2);
        Self { now: BOOT, pace, usual_pace: pace, events }
    }

    /// Sets the pace for this point of the log.
    pub(crate) fn set_pace(&mut self, stretches: &[Stretch], progress: Ppm) {
        let stretch = stretches.iter().find(|stretch| stretch.contains(progress));
        self.pace = stretch.map_or(self.usual_pace, |stretch| {
            let events = u64::from(stretch.to - stretch.from) * self.events / 1_000_000;
            (stretch.lasts.0 / events.max(1)).max(2)
        });
    }

    /// Advances to the time of the next event, at least to `earliest`.
    pub(crate) fn advance(&mut self, random: &mut Random, earliest: FileTime) -> FileTime {
        let step = if self.pace < 4 * BURST {
            random.below(2 * self.pace)
        } else if random.below(16) == 0 {
            random.below(32 * (self.pace - BURST))
        } else {
            random.below(2 * BURST)
        };
        self.now = FileTime(self.now.0 + 1 + step).max(earliest);
        self.now
    }
}

/// The operations that set file information, all of which take about as long as an open.
const SETS_INFORMATION: [Operation; 6] = [
    Operation::SET_BASIC_INFORMATION_FILE,
    Operation::SET_END_OF_FILE_INFORMATION_FILE,
    Operation::SET_DISPOSITION_INFORMATION_FILE,
    Operation::SET_DISPOSITION_INFORMATION_EX,
    Operation::SET_RENAME_INFORMATION_FILE,
    Operation::SET_LINK_INFORMATION_FILE,
];

/// The duration of an operation that has no fixed one.
pub(crate) fn duration(random: &mut Random, call: &Call) -> Ticks {
    if call.status.is_pending() {
        return Ticks(0);
    }
    let (low, high) = match (call.operation.class, call.operation) {
        (EventClass::Registry, _) => (6, 70),
        (_, Operation::CREATE_FILE) => (90, 900),
        (_, operation) if SETS_INFORMATION.contains(&operation) => (90, 900),
        (_, Operation::READ_FILE | Operation::WRITE_FILE) => (25, 500),
        (EventClass::FileSystem, _) => (12, 160),
        // Process Monitor records no duration for the other classes.
        _ => return Ticks(0),
    };
    let usual = random.between(low, high);
    Ticks(if random.chance(6) { usual * random.between(10, 120) } else { usual })
}
