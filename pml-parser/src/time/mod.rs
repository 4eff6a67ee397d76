//! Points in time and durations as Windows counts them: 100 ns ticks.

pub(crate) mod zone;

/// 100 ns ticks from 1601-01-01 to 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// Ticks in one second.
pub const TICKS_PER_SECOND: u64 = 10_000_000;

/// Ticks since 1601 of times that a capture can have: 1980, where a clock without battery begins, to 2200.
pub(crate) const OF_CAPTURES: std::ops::Range<u64> = 119_600_064_000_000_000..189_021_312_000_000_000;

/// A point in time: 100 ns ticks since 1601-01-01 00:00 UTC (a Windows `FILETIME`).
///
/// A file can hold any 64-bit value. Each conversion says which values it can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub u64);

/// A civil date and time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Proleptic Gregorian year, 1601 to 30828.
    pub year: u32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// 100 ns ticks within the second, 0 to 9,999,999.
    pub ticks: u32,
}

impl FileTime {
    /// Nanoseconds since 1970-01-01 UTC, or `None` outside the years 1677 to 2262, the range of 64-bit
    /// nanoseconds.
    pub fn unix_nanos(self) -> Option<i64> {
        i64::try_from(self.0).ok()?.checked_sub(UNIX_EPOCH_TICKS)?.checked_mul(100)
    }

    /// The point in time `nanos` nanoseconds after 1970-01-01 UTC, rounded down to a tick. `None` would be a
    /// time before 1601, which an `i64` of nanoseconds cannot express.
    pub fn from_unix_nanos(nanos: i64) -> Option<Self> {
        u64::try_from(nanos.div_euclid(100).checked_add(UNIX_EPOCH_TICKS)?).ok().map(Self)
    }

    /// Date and time of day in UTC, or `None` when bit 63 is set: Windows does not accept such a value as a
    /// date.
    pub fn civil(self) -> Option<Civil> {
        if self.0 > i64::MAX as u64 {
            return None;
        }
        let seconds = self.0 / TICKS_PER_SECOND;
        let (days, in_day) = (seconds / 86_400, seconds % 86_400);
        // 584,694 days from 0000-03-01 to 1601-01-01. A year that begins in March ends with its leap day.
        let day = days + 584_694;
        let era = day / 146_097;
        let in_era = day % 146_097;
        let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * in_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Some(Civil {
            year: (year_of_era + era * 400 + u64::from(month <= 2)) as u32,
            month: month as u8,
            day: (in_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (in_day / 3_600) as u8,
            minute: (in_day / 60 % 60) as u8,
            second: (in_day % 60) as u8,
            ticks: (self.0 % TICKS_PER_SECOND) as u32,
        })
    }
}

/// ISO 8601 in UTC with all seven decimals, `2020-07-11T07:24:44.1234567Z`; a value that is not a date is
/// written as its number.
impl std::fmt::Display for FileTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.civil() {
            Some(c) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
                c.year, c.month, c.day, c.hour, c.minute, c.second, c.ticks
            ),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A length of time in 100 ns ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Nanoseconds, or `None` where they do not fit 63 bits (292 years).
    pub fn nanos(self) -> Option<i64> {
        i64::try_from(self.0).ok()?.checked_mul(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_at_the_edges() {
        let text = |t: u64| FileTime(t).to_string();
        assert_eq!(text(0), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(text(133_485_408_450_001_234), "2024-01-01T00:00:45.0001234Z");
        assert_eq!(text(132_329_664_000_000_000 + 1), "2020-05-03T08:00:00.0000001Z");
        assert_eq!(text(i64::MAX as u64), "30828-09-14T02:48:05.4775807Z");
        assert_eq!(text(u64::MAX), "18446744073709551615");
        // 29 February of a leap year and of a century that is one.
        assert_eq!(text(125_962_560_000_000_000), "2000-02-29T00:00:00.0000000Z");
    }

    #[test]
    fn unix_nanos_keep_every_tick() {
        let t = FileTime(132_329_664_001_234_567);
        assert_eq!(FileTime::from_unix_nanos(t.unix_nanos().unwrap()), Some(t));
        assert_eq!(FileTime(0).unix_nanos(), None, "1601 is out of range");
        assert_eq!(FileTime(u64::MAX).unix_nanos(), None);
    }
}
