//! Time zones by name: turns an entry of the zone database into a list of offsets.

use crate::failure::Failure;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pml_parser::{FileTime, Zone};

/// The zone with this name, with every change of its offset from 1970, or from the beginning of `span` if that is
/// earlier, to the end of `span`.
pub(crate) fn zone(name: Option<&str>, span: Option<(FileTime, FileTime)>) -> Result<Zone, Failure> {
    let zone = match name {
        None | Some("UTC") => return Ok(Zone::default()),
        Some("local") => TimeZone::try_system()
            .map_err(|e| Failure::new(format!("the zone of this machine is not known: {e}")))?,
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::new(format!("there is no time zone {name}"))
                .hint("use a name such as Europe/Berlin or Asia/Shanghai, or local")
        })?,
    };
    let stamp = |time: FileTime| time.unix_nanos().and_then(|n| Timestamp::from_nanosecond(n.into()).ok());
    let begin = span.and_then(|span| stamp(span.0)).unwrap_or(Timestamp::UNIX_EPOCH);
    // Dates inside details may be decades older than the log itself.
    let start = begin.min(Timestamp::UNIX_EPOCH);
    let end = span.and_then(|span| stamp(span.1)).unwrap_or(begin);
    let offset = |at: Timestamp| zone.to_offset(at).seconds();
    let changes = zone
        .following(start)
        .take_while(|change| change.timestamp() <= end)
        .filter_map(|change| {
            let at = i64::try_from(change.timestamp().as_nanosecond()).ok()?;
            Some((FileTime::from_unix_nanos(at)?, change.offset().seconds()))
        })
        .collect();
    Ok(Zone::new(offset(start), changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_date() {
        let at = |seconds: i64| FileTime::from_unix_nanos(seconds * 1_000_000_000).unwrap();
        let hours = |zone: &Zone, seconds| (zone.local(at(seconds)).0 - at(seconds).0) / 36_000_000_000;
        let (winter, summer) = (1_578_000_000, 1_594_000_000);
        let berlin = zone(Some("Europe/Berlin"), Some((at(winter), at(summer)))).unwrap();
        assert_eq!((hours(&berlin, winter), hours(&berlin, summer)), (1, 2));
        // The details of a log of 2020 hold a file date from 1985.
        assert_eq!(hours(&berlin, 489_000_000), 2);
        assert!(zone(Some("Mars/Olympus"), None).is_err());
        assert_eq!(zone(None, None).unwrap(), Zone::default());
    }
}
