//! Text logs of servicing that belong to a capture: `CBS.log` and `poqexec.log`.

use crate::boot::action::LogText;
use crate::boot::script::LogLine;
use pml_parser::FileTime;
use std::fmt::Write as _;

/// A text log beside the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// File name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Names of the text logs.
pub(crate) const NAMES: [&str; 2] = ["CBS.log", "poqexec.log"];

/// The text logs with these lines. A log without lines is left out. `zone` is the number of hours
/// that the clock of the machine is ahead of UTC.
pub(crate) fn companions(lines: &[LogLine], zone: i32) -> Vec<Companion> {
    let (mut cbs, mut queue) = (String::new(), String::new());
    for (number, line) in lines.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = match &line.text {
            LogText::Cbs(level, source, text) => {
                let text =
                    text.replace("%UTC%", &universal(line.time).replacen(':', " ", 1).replace('/', "-"));
                let _ = write!(cbs, "{}, {level:<22}{source:<7}", local(line.time, zone));
                match source.as_str() {
                    "CSI" => write!(cbs, "{:08x}@{} {text}\r\n", number + 1, universal(line.time)),
                    _ => write!(cbs, "{text}\r\n"),
                }
            }
            LogText::Queue(text) => write!(queue, "{:x}: {text}\r\n", line.queue_start.0),
        };
    }
    let logs = NAMES.into_iter().zip([cbs, queue]);
    let written = logs.filter(|log| !log.1.is_empty());
    written.map(|(name, text)| Companion { name, text }).collect()
}

/// Local time to the second.
fn local(time: FileTime, zone: i32) -> String {
    let shift = i64::from(zone) * 36_000_000_000;
    let (year, month, day, seconds, _) = calendar(time.0.saturating_add_signed(shift));
    format!("{year:04}-{month:02}-{day:02} {}", clock(seconds))
}

/// UTC to the millisecond.
fn universal(time: FileTime) -> String {
    let (year, month, day, seconds, milliseconds) = calendar(time.0);
    format!("{year}/{month}/{day}:{}.{milliseconds:03}", clock(seconds))
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Year, month, day, second of the day and millisecond.
fn calendar(ticks: u64) -> (u64, u64, u64, u64, u64) {
    let seconds = ticks / 10_000_000;
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
    (year, month, day, seconds % 86_400, ticks / 10_000 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(universal(FileTime(0)), "1601/1/1:00:00:00.000");
        // 2024-02-29 23:59:59.5 UTC
        let time = FileTime(116_444_736_000_000_000 + 1_709_251_199 * 10_000_000 + 5_000_000);
        assert_eq!(universal(time), "2024/2/29:23:59:59.500");
        assert_eq!(local(time, 8), "2024-03-01 07:59:59");
    }
}
