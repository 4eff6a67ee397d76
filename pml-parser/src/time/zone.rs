//! The time zone that printed dates are in.

use crate::time::{FileTime, TICKS_PER_SECOND};

/// Offsets from UTC over time. The default is UTC.
///
/// This crate knows no zone names; a program that does lists the changes of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// From this time on, this many seconds are added. Ascending.
    changes: Vec<(FileTime, i32)>,
    /// Seconds added before the first change.
    before: i32,
}

impl Zone {
    /// A zone with `before` seconds added to UTC until the first change, and from each change on
    /// the seconds beside it.
    pub fn new(before: i32, mut changes: Vec<(FileTime, i32)>) -> Self {
        changes.sort_by_key(|change| change.0);
        Self { changes, before }
    }

    /// The zone's clock at a point in time, as if it were UTC. A time whose bit 63 is set, which
    /// is no date, stays as it is.
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
