//! Times of text logs: ticks of 100 ns on a clock that is UTC, local, or local with a known offset.

use std::fmt;

/// Ticks of 100 ns in one second.
pub(crate) const SECOND: i64 = 10_000_000;

/// Ticks of 100 ns in one minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;

/// What the clock of a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// UTC.
    Utc,
    /// The clock of the machine that wrote the line; its distance from UTC is not in the line.
    Local,
}

/// A point in time as a log gives it: ticks of 100 ns since 1601-01-01 00:00 on its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogTime {
    /// Ticks of 100 ns since 1601-01-01 00:00.
    pub ticks: i64,
    /// The clock that the ticks are of.
    pub clock: Clock,
}

impl LogTime {
    /// A time on the local clock.
    pub fn local(ticks: i64) -> Self {
        Self { ticks, clock: Clock::Local }
    }

    /// A time in UTC.
    pub fn utc(ticks: i64) -> Self {
        Self { ticks, clock: Clock::Utc }
    }

    /// Reads `2024-08-01T03:02:03.1234567Z`, or the same with a blank and without `Z` where the clock is
    /// local.
    pub fn parse(text: &str) -> Option<Self> {
        let ticks = date_time(text)?;
        Some(if text.ends_with('Z') { Self::utc(ticks) } else { Self::local(ticks) })
    }

    /// The ticks in UTC, where a local clock is `offset` minutes ahead of UTC.
    pub fn in_utc(self, offset: Option<i32>) -> Option<i64> {
        match self.clock {
            Clock::Utc => Some(self.ticks),
            Clock::Local => Some(self.ticks - i64::from(offset?) * MINUTE),
        }
    }
}

/// `2024-08-01 11:02:50.123`, with `Z` where the clock is UTC; milliseconds only where there are any.
impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = civil(self.ticks);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        let milliseconds = self.ticks.rem_euclid(SECOND) / 10_000;
        if milliseconds != 0 {
            write!(f, ".{milliseconds:03}")?;
        }
        if self.clock == Clock::Utc { f.write_str("Z") } else { Ok(()) }
    }
}

/// Days from 1601-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day ends its year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 584_694
}

/// Ticks of a civil time; nothing for what is no date.
pub(crate) fn ticks(date: [u32; 3], time: [u32; 3], fraction: i64) -> Option<i64> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let fits = (1601..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    fits.then(|| (days(year.into(), month.into(), day.into()) * 86_400 + seconds) * SECOND + fraction)
}

/// Year, month, day, hour, minute, second.
pub(crate) fn civil(ticks: i64) -> [i64; 6] {
    let seconds = ticks.div_euclid(SECOND);
    let (day, in_day) = (seconds.div_euclid(86_400) + 584_694, seconds.rem_euclid(86_400));
    let (era, in_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * in_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let day = in_year - (153 * march + 2) / 5 + 1;
    [year, month, day, in_day / 3_600, in_day / 60 % 60, in_day % 60]
}

/// A number of exactly `N` digits at a place.
fn digits<const N: usize>(text: &[u8], at: usize) -> Option<u32> {
    let bytes: &[u8; N] = text.get(at..)?.first_chunk()?;
    bytes.iter().try_fold(0u32, |all, b| {
        let digit = b.wrapping_sub(b'0');
        (digit < 10).then(|| all * 10 + u32::from(digit))
    })
}

/// `YYYY-MM-DD` or `YYYY/MM/DD`.
pub(crate) fn date(text: &[u8]) -> Option<[u32; 3]> {
    let sign = *text.get(4)?;
    let fits = matches!(sign, b'-' | b'/') && *text.get(7)? == sign;
    fits.then(|| Some([digits::<4>(text, 0)?, digits::<2>(text, 5)?, digits::<2>(text, 8)?]))?
}

/// `HH:MM:SS`.
pub(crate) fn time_of_day(text: &[u8]) -> Option<[u32; 3]> {
    let fits = *text.get(2)? == b':' && *text.get(5)? == b':';
    fits.then(|| Some([digits::<2>(text, 0)?, digits::<2>(text, 3)?, digits::<2>(text, 6)?]))?
}

/// Ticks of a decimal fraction of a second, of which at most seven digits count, and its length.
pub(crate) fn fraction(text: &[u8]) -> (i64, usize) {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let digit = |at: usize| text.get(at).filter(|b| b.is_ascii_digit()).map_or(0, |b| i64::from(b - b'0'));
    let end = length.min(7);
    ((0..7).fold(0, |all, at| all * 10 + if at < end { digit(at) } else { 0 }), length)
}

/// `2024-08-01T03:02:03.1234567Z` or the same with a blank: date, time of day, and a fraction if any.
pub(crate) fn date_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let date = date(bytes)?;
    let time = time_of_day(bytes.get(11..)?)?;
    let part = match bytes.get(19) {
        Some(b'.' | b':' | b',') => fraction(bytes.get(20..)?).0,
        _ => 0,
    };
    ticks(date, time, part)
}

/// `2024/8/1:03:02:56.604`, the stamps of CSI messages, and how long the stamp is.
pub(crate) fn csi_stamp(text: &[u8]) -> Option<(i64, usize)> {
    let mut at = 0;
    let mut number = |end: &[u8]| -> Option<u32> {
        let rest = text.get(at..)?;
        let length = rest.iter().take(5).take_while(|b| b.is_ascii_digit()).count();
        let value = rest.get(..length)?.iter().fold(0, |all, b| all * 10 + u32::from(b - b'0'));
        let fits = length > 0 && (end.is_empty() || end.contains(rest.get(length)?));
        at += length + usize::from(!end.is_empty());
        fits.then_some(value)
    };
    let date = [number(b"/")?, number(b"/")?, number(b":")?];
    let time = [number(b":")?, number(b":")?, number(b".")?];
    let (part, length) = fraction(text.get(at..)?);
    Some((ticks(date, time, part)?, at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        assert_eq!(ticks([1601, 1, 1], [0, 0, 0], 0), Some(0));
        assert_eq!(ticks([1970, 1, 1], [0, 0, 0], 0), Some(116_444_736_000_000_000));
        for (year, month, day) in [(2000, 2, 29), (2023, 12, 31), (2024, 2, 29), (1601, 3, 1)] {
            let ticks = ticks([year, month, day], [23, 59, 58], 5).unwrap_or(0);
            assert_eq!(civil(ticks), [year.into(), month.into(), day.into(), 23, 59, 58]);
        }
        assert_eq!(ticks([2023, 13, 1], [0, 0, 0], 0), None);
        assert_eq!(ticks([1600, 1, 1], [0, 0, 0], 0), None);
    }

    #[test]
    fn times_are_read_and_written() {
        let time = date_time("2024-08-01T03:02:03.1234567Z").unwrap_or(0);
        assert_eq!(LogTime::utc(time).to_string(), "2024-08-01 03:02:03.123Z");
        assert_eq!(date_time("2024-08-01 03:02"), None);
        assert_eq!(date_time("2024-8-01 03:02:00"), None);
        let stamp = csi_stamp(b"2024/8/1:03:02:56.604 (F) x");
        assert_eq!(
            stamp.map(|(ticks, _)| LogTime::utc(ticks).to_string()).as_deref(),
            Some("2024-08-01 03:02:56.604Z")
        );
        assert_eq!(stamp.map(|stamp| stamp.1), Some(21));
        assert_eq!(csi_stamp(b"2024/8"), None);
        assert_eq!(LogTime::local(time).in_utc(Some(480)), Some(time - 480 * MINUTE));
        assert_eq!(LogTime::local(time).in_utc(None), None);
    }
}
