//! The time of the next event, and how long an operation takes.

use super::call::Call;
use super::cast::Ppm;
use super::play::Stretch;
use crate::random::Random;
use pml_parser::{EventClass, FileTime, Ticks};

/// When all captures begin: 2024-11-14, just after the reboot.
pub(crate) const BOOT: FileTime = FileTime(133_760_172_931_234_567);

/// Ticks of the shortest boot: 95 seconds.
const SHORTEST: u64 = 950_000_000;

/// Runs forward, never back.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) now: FileTime,
    /// Mean distance of events in ticks.
    pace: u64,
    /// The same where nothing stretches the time.
    usual: u64,
    events: u64,
}

/// Mean distance in the bursts between which the long gaps lie.
const BURST: u64 = 110;

impl Clock {
    /// For a log of about so many events: 95 seconds and 20 µs for each of them.
    pub(crate) fn new(events: u64) -> Self {
        let events = events.max(1);
        let pace = ((SHORTEST + events * 200) / events).max(2);
        Self { now: BOOT, pace, usual: pace, events }
    }

    /// Goes at the pace of this point of the log.
    pub(crate) fn set_pace(&mut self, stretches: &[Stretch], progress: Ppm) {
        let stretch = stretches.iter().find(|stretch| (stretch.from..stretch.to).contains(&progress));
        self.pace = stretch.map_or(self.usual, |stretch| {
            let events = u64::from(stretch.to - stretch.from) * self.events / 1_000_000;
            (stretch.lasts.0 / events.max(1)).max(2)
        });
    }

    /// Moves on to the time of the next event, at least to `earliest`.
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

/// How long an operation takes that nobody has said anything about.
pub(crate) fn duration(random: &mut Random, call: &Call) -> Ticks {
    if call.status.is_pending() {
        return Ticks(0);
    }
    let (low, high) = match (call.class, call.code) {
        (EventClass::Registry, _) => (6, 70),
        (EventClass::FileSystem, 20 | 26) => (90, 900),
        (EventClass::FileSystem, 23 | 24) => (25, 500),
        (EventClass::FileSystem, _) => (12, 160),
        // Process Monitor notes no duration of these.
        _ => return Ticks(0),
    };
    let usual = random.between(low, high);
    Ticks(if random.chance(6) { usual * random.between(10, 120) } else { usual })
}
