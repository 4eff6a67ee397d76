//! Times as logs write them.

use pml_parser::{FileTime, Ticks};

const SECOND: i64 = 10_000_000;

/// Hours by which the clock of a machine is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(pub(crate) i32);

/// A time so many seconds later; earlier where the number is negative.
pub(crate) fn at_seconds(time: FileTime, seconds: i64) -> FileTime {
    FileTime(time.0.saturating_add_signed(seconds.saturating_mul(SECOND)))
}

/// Year, month, day, hour, minute, second, and ticks within the second.
pub(crate) struct Parts {
    pub(crate) date: (u64, u64, u64),
    pub(crate) clock: (u64, u64, u64),
    pub(crate) ticks: Ticks,
}

impl Zone {
    /// The local time.
    fn local(self, time: FileTime) -> Parts {
        parts(FileTime(time.0.saturating_add_signed(i64::from(self.0) * 3600 * SECOND)))
    }

    /// `2024-11-14 08:20:31`, with other signs between the numbers of the date.
    pub(crate) fn seconds(self, time: FileTime, sign: char) -> String {
        let Parts { date: (y, m, d), clock: (h, min, s), .. } = self.local(time);
        format!("{y:04}{sign}{m:02}{sign}{d:02} {h:02}:{min:02}:{s:02}")
    }

    /// `08:20:31`
    pub(crate) fn clock(self, time: FileTime) -> String {
        let (h, min, s) = self.local(time).clock;
        format!("{h:02}:{min:02}:{s:02}")
    }

    /// `+0800`
    pub(crate) fn offset(self) -> String {
        format!("{}{:02}00", if self.0 < 0 { '-' } else { '+' }, self.0.abs())
    }
}

/// Milliseconds within the second.
pub(crate) fn milliseconds(time: FileTime) -> u64 {
    time.0 / 10_000 % 1000
}

/// `2024-11-14 00:20:31.123`, UTC, with other signs between the numbers of the date.
pub(crate) fn universal(time: FileTime, sign: char) -> String {
    let Parts { date: (y, m, d), clock: (h, min, s), .. } = parts(time);
    format!("{y:04}{sign}{m:02}{sign}{d:02} {h:02}:{min:02}:{s:02}.{:03}", milliseconds(time))
}

/// The parts of a time, UTC.
pub(crate) fn parts(time: FileTime) -> Parts {
    let seconds = time.0 / SECOND as u64;
    // Days are counted from 1 March of year 0, so that a leap day is the last of its year.
    let days = seconds / 86_400 + 584_694;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let of_day = seconds % 86_400;
    Parts {
        date: (year, month, day),
        clock: (of_day / 3600, of_day / 60 % 60, of_day % 60),
        ticks: Ticks(time.0 % SECOND as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(universal(FileTime(0), '/'), "1601/01/01 00:00:00.000");
        // 2024-02-29 23:59:59.5 UTC
        let time = FileTime(116_444_736_000_000_000 + 1_709_251_199 * 10_000_000 + 5_000_000);
        assert_eq!(universal(time, '-'), "2024-02-29 23:59:59.500");
        assert_eq!(Zone(8).seconds(time, '-'), "2024-03-01 07:59:59");
        assert_eq!(Zone(8).clock(at_seconds(time, -3600)), "06:59:59");
        assert_eq!([Zone(-5).offset(), Zone(8).offset()], ["-0500", "+0800"]);
    }
}
