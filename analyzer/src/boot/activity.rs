//! When an actor was active, and its longest pause.

use pml_parser::{EventId, FileTime};

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
    pub first: Option<(EventId, FileTime)>,
    pub last: Option<(EventId, FileTime)>,
    pub longest_pause: Pause,
}

impl Activity {
    pub(super) fn push(&mut self, event: EventId, time: FileTime) {
        self.pause(event, time);
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
    }
}
