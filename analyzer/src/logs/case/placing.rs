//! Where the times of each file of a case lie on UTC, and what proves it.

use crate::logs::LogFile;
use crate::logs::detect::Kind;
use crate::logs::event::LogEvent;
use crate::logs::time::{Clock, LogTime};
use serde::Serialize;

/// What places the times of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlacedBy {
    /// The file writes UTC.
    Utc,
    /// The file itself proves the offset, two kinds of anchors agreeing.
    Proved,
    /// The file itself shows the offset by one kind of anchor.
    Shown,
    /// The offset that another log of the case proves for the same time.
    OtherLog,
    /// The zone of the registry.
    Registry,
    /// The zone of systeminfo.
    SystemInfo,
    /// Nothing: its times are local, and stay so.
    Nothing,
}

/// Where the times of a file lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placing {
    /// What places them.
    pub by: PlacedBy,
    /// The file that the offset is taken from, by its position, where it is another one.
    pub from: Option<usize>,
    /// Minutes that local times are ahead of UTC; of a file in which that changes, the first.
    pub offset: Option<i32>,
}

/// A time of a case: UTC where its file is placed, local where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct At {
    /// Ticks of 100 ns since 1601.
    pub ticks: i64,
    /// Whether the ticks are UTC.
    pub is_utc: bool,
}

impl At {
    /// How far two times are apart, in ticks; nothing where one is UTC and the other is not.
    pub(crate) fn distance(self, other: Self) -> Option<i64> {
        (self.is_utc == other.is_utc).then(|| (self.ticks - other.ticks).abs())
    }

    /// The time as a log would write it.
    pub fn to_time(self) -> LogTime {
        LogTime { ticks: self.ticks, clock: if self.is_utc { Clock::Utc } else { Clock::Local } }
    }
}

/// Places the files of a case.
pub(crate) fn place(files: &[LogFile]) -> Vec<Placing> {
    let zone_of = |kind: Kind| {
        let known = files.iter().enumerate().filter(move |(_, file)| file.kind == kind);
        known.filter_map(|(at, file)| Some((at, file.machine.offset?))).next()
    };
    let (registry, info) = (zone_of(Kind::Registry), zone_of(Kind::SystemInfo));
    let nothing = Placing { by: PlacedBy::Nothing, from: None, offset: None };
    files
        .iter()
        .map(|file| {
            if matches!(file.kind, Kind::Evtx | Kind::EventXml | Kind::Poqexec | Kind::ReportingEvents) {
                return Placing { by: PlacedBy::Utc, from: None, offset: None };
            }
            if let Some(piece) = file.offsets.pieces.first() {
                let by = if file.offsets.is_agreed() { PlacedBy::Proved } else { PlacedBy::Shown };
                return Placing { by, from: None, offset: Some(piece.minutes) };
            }
            let Some((first, _)) = file.reading.span else { return nothing.clone() };
            let proving = files.iter().enumerate().filter_map(|(at, other)| {
                let nearest = other.offsets.nearest(first.ticks)?;
                Some((nearest.0, at, nearest.1))
            });
            if let Some((_, at, minutes)) = proving.min() {
                return Placing { by: PlacedBy::OtherLog, from: Some(at), offset: Some(minutes) };
            }
            let by_zone = registry
                .map(|zone| (zone, PlacedBy::Registry))
                .or(info.map(|zone| (zone, PlacedBy::SystemInfo)));
            match by_zone {
                Some(((at, minutes), by)) => Placing { by, from: Some(at), offset: Some(minutes) },
                None => nothing.clone(),
            }
        })
        .collect()
}

/// The time of an event.
pub(crate) fn at(event: &LogEvent, file: usize, files: &[LogFile], placings: &[Placing]) -> Option<At> {
    time_at(event.time?, event.line, file, files, placings)
}

/// The time of a line of a file.
pub(crate) fn time_at(
    time: LogTime,
    line: u32,
    file: usize,
    files: &[LogFile],
    placings: &[Placing],
) -> Option<At> {
    if time.clock == Clock::Utc {
        return Some(At { ticks: time.ticks, is_utc: true });
    }
    let placing = placings.get(file)?;
    let offset = match (placing.by, placing.from) {
        (PlacedBy::OtherLog, Some(from)) => {
            files.get(from)?.offsets.nearest(time.ticks).map(|nearest| nearest.1)
        }
        (PlacedBy::Proved | PlacedBy::Shown, _) => files.get(file)?.offsets.at_line(line),
        _ => placing.offset,
    };
    Some(match time.in_utc(offset) {
        Some(ticks) => At { ticks, is_utc: true },
        None => At { ticks: time.ticks, is_utc: false },
    })
}
