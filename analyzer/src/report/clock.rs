//! How a report says times: in one zone, to the second, with the zone.

use pml_parser::{FileTime, Zone};

/// The clock of a report.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: Zone,
    name: String,
}

impl Clock {
    /// A clock in the zone that is given, else in that of the captured computer: minutes that its local time is
    /// ahead of UTC; else in UTC.
    pub(super) fn new(given: Option<&(Zone, String)>, offset: Option<i32>) -> Self {
        match (given, offset) {
            (Some((zone, name)), _) => Self { zone: zone.clone(), name: name.clone() },
            (None, Some(minutes)) if minutes != 0 => {
                let (sign, minutes_away) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
                let name = format!("UTC{sign}{:02}:{:02}", minutes_away / 60, minutes_away % 60);
                Self { zone: Zone::new(minutes * 60, Vec::new()), name }
            }
            _ => Self { zone: Zone::default(), name: "UTC".to_owned() },
        }
    }

    /// The name of the zone.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A time, such as `2024-11-14 08:21:42 UTC+08:00`.
    pub(super) fn say(&self, time: FileTime) -> String {
        let local = self.zone.local(time).to_string();
        let seconds = local.get(..19).unwrap_or(&local).replace('T', " ");
        format!("{seconds} {}", self.name)
    }

    /// The time of day, such as `08:21:42.382`: tables have the zone in their heads.
    pub(super) fn of_day(&self, time: FileTime) -> String {
        let local = self.zone.local(time).to_string();
        local.get(11..23).unwrap_or(&local).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_zone_that_is_known() {
        let time = FileTime::from_unix_nanos(1_731_543_702_382_259_300).unwrap();
        let say = |given: Option<&(Zone, String)>, offset| Clock::new(given, offset).say(time);
        assert_eq!(say(None, None), "2024-11-14 00:21:42 UTC");
        assert_eq!(say(None, Some(480)), "2024-11-14 08:21:42 UTC+08:00");
        assert_eq!(say(None, Some(-210)), "2024-11-13 20:51:42 UTC-03:30");
        let given = (Zone::new(3600, Vec::new()), "Europe/Berlin".to_owned());
        assert_eq!(say(Some(&given), Some(480)), "2024-11-14 01:21:42 Europe/Berlin");
        assert_eq!(Clock::new(Some(&given), None).of_day(time), "01:21:42.382");
        assert_eq!(Clock::new(None, Some(480)).of_day(time), "08:21:42.382");
    }
}
