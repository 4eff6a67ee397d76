//! The time zone of printed dates.

use crate::time::{FileTime, TICKS_PER_SECOND};

/// The offsets of a time zone from UTC, over time. The default is UTC.
///
/// This crate does not know the names of time zones. A program that knows them passes the changes of the
/// offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The time of each change, ascending, and the seconds that are added to UTC from then on.
    changes: Vec<(FileTime, i32)>,
    /// Seconds that are added before the first change.
    before: i32,
}

impl Zone {
    /// A zone that adds `before` seconds to UTC until the first change. Each change is a time and the seconds
    /// that the zone adds from then on; changes may be in any order.
    pub fn new(before: i32, mut changes: Vec<(FileTime, i32)>) -> Self {
        changes.sort_by_key(|change| change.0);
        Self { changes, before }
    }

    /// The local time at a point in time, as if it were UTC. A time whose bit 63 is set is not a date, and
    /// is returned unchanged.
    pub fn local(&self, time: FileTime) -> FileTime {
        let at = self.changes.partition_point(|change| change.0 <= time);
        let seconds = at.checked_sub(1).and_then(|i| self.changes.get(i)).map_or(self.before, |c| c.1);
        if seconds == 0 || time.0 > i64::MAX as u64 {
            return time;
        }
        let ticks = i64::from(seconds) * TICKS_PER_SECOND as i64;
        FileTime(time.0.saturating_add_signed(ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_date() {
        let summer = FileTime(132_000_000_000_000_000);
        let zone = Zone::new(3600, vec![(summer, 7200)]);
        let hour = 3600 * TICKS_PER_SECOND;
        assert_eq!(zone.local(FileTime(summer.0 - 1)).0, summer.0 - 1 + hour);
        assert_eq!(zone.local(summer).0, summer.0 + 2 * hour);
        assert_eq!(zone.local(FileTime(u64::MAX)).0, u64::MAX);
    }
}
