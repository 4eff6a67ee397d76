//! How far the local clock of a log is from UTC, by what the log itself proves.

use super::event::{Anchor, AnchorKind, LogEvent, What};
use super::time::{MINUTE, SECOND};
use serde::Serialize;

/// How far a local clock is ahead of UTC from some line on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offset {
    /// The first line for which it holds.
    pub from_line: u32,
    /// Minutes.
    pub minutes: i32,
    /// The kinds of anchors that prove it.
    pub proved_by: Vec<AnchorKind>,
    /// How many anchors.
    pub anchors: u32,
    /// The first and the last local time that it was proved for, in ticks.
    #[serde(skip)]
    pub span: (i64, i64),
}

/// The offsets of one file, in order of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offsets {
    /// Each offset, from the line on from which it holds.
    pub pieces: Vec<Offset>,
    /// Anchors that fit no zone: the clock was stepped, or is wrong.
    pub misfits: u32,
}

/// Quarters of an hour that anchors give, their kinds, their count, the span of their local times.
type Value = (i64, Vec<AnchorKind>, u32, (i64, i64));

/// Zones lie at quarters of an hour.
const QUARTER: i64 = 15 * MINUTE;

/// A line may be written that long after the moment that its anchor gives.
const LATE: i64 = 90 * SECOND;

impl Offsets {
    /// Groups anchors by runs of the servicing stack, and takes of each run the value that two kinds
    /// agree on; that of one kind where there is but one. Runs without agreement prove nothing.
    pub(crate) fn new(anchors: &[Anchor], events: &[LogEvent]) -> Self {
        let mut offsets = Self::default();
        let mut anchors = anchors.to_vec();
        anchors.sort_by_key(|anchor| anchor.line);
        let mut runs =
            events.iter().filter(|event| event.what == What::Run).map(|event| event.line).peekable();
        let mut run: Vec<Anchor> = Vec::new();
        let mut begin = 0;
        for anchor in anchors {
            let mut next = None;
            while let Some(line) = runs.next_if(|&line| line <= anchor.line) {
                next = Some(line);
            }
            if let Some(line) = next {
                offsets.add_run(begin, &run);
                run.clear();
                begin = line;
            }
            run.push(anchor);
        }
        offsets.add_run(begin, &run);
        offsets
    }

    fn add_run(&mut self, from_line: u32, anchors: &[Anchor]) {
        let mut found: Vec<Value> = Vec::new();
        for anchor in anchors {
            let distance = anchor.local - anchor.utc;
            let quarters = (distance + QUARTER / 2).div_euclid(QUARTER);
            let rest = distance - quarters * QUARTER;
            if !(-2 * SECOND..LATE).contains(&rest) || quarters.abs() > 60 {
                self.misfits += 1;
                continue;
            }
            match found.iter_mut().find(|value| value.0 == quarters) {
                Some((_, kinds, count, span)) => {
                    if !kinds.contains(&anchor.kind) {
                        kinds.push(anchor.kind);
                    }
                    *count += 1;
                    *span = (span.0.min(anchor.local), span.1.max(anchor.local));
                }
                None => found.push((quarters, vec![anchor.kind], 1, (anchor.local, anchor.local))),
            }
        }
        found.sort_by_key(|value| std::cmp::Reverse((value.1.len(), value.2)));
        let agreed = match found.as_slice() {
            [only] => only,
            [best, second, ..] if best.1.len() > second.1.len() => best,
            _ => return,
        };
        let (quarters, kinds, count, span) = agreed.clone();
        let minutes = i32::try_from(quarters * 15).unwrap_or_default();
        match self.pieces.last_mut() {
            Some(last) if last.minutes == minutes => {
                last.anchors += count;
                for kind in kinds {
                    if !last.proved_by.contains(&kind) {
                        last.proved_by.push(kind);
                    }
                }
                last.span = (last.span.0.min(span.0), last.span.1.max(span.1));
            }
            _ => self.pieces.push(Offset { from_line, minutes, proved_by: kinds, anchors: count, span }),
        }
    }

    /// The offset at a line: that of its run, or of the nearest run before or after it.
    pub(crate) fn at_line(&self, line: u32) -> Option<i32> {
        let before = self.pieces.iter().rev().find(|piece| piece.from_line <= line);
        before.or(self.pieces.first()).map(|piece| piece.minutes)
    }

    /// The offset that is proved nearest to a local time, and how far that is, in ticks.
    pub(crate) fn nearest(&self, local: i64) -> Option<(i64, i32)> {
        let distance = |piece: &Offset| (piece.span.0 - local).max(local - piece.span.1).max(0);
        self.pieces.iter().map(|piece| (distance(piece), piece.minutes)).min()
    }

    /// Whether two kinds of anchors agree wherever there is an offset.
    pub fn is_agreed(&self) -> bool {
        !self.pieces.is_empty() && self.pieces.iter().all(|piece| piece.proved_by.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::time::LogTime;

    fn run(line: u32) -> LogEvent {
        LogEvent { line, time: None, what: What::Run, quote: String::new() }
    }

    fn anchor(kind: AnchorKind, line: u32, utc_minutes: i64, offset_minutes: i64, late: i64) -> Anchor {
        let utc = 130_000_000_000_000_000 + utc_minutes * MINUTE;
        Anchor { kind, line, local: utc + offset_minutes * MINUTE + late, utc }
    }

    fn minutes(offsets: &Offsets) -> Vec<(u32, i32)> {
        offsets.pieces.iter().map(|piece| (piece.from_line, piece.minutes)).collect()
    }

    #[test]
    fn two_kinds_of_anchors_agree() {
        use AnchorKind::{Session, Stamp, Universal};
        let anchors = [
            anchor(Universal, 2, 0, 480, 0),
            anchor(Session, 5, 1, 480, SECOND / 2),
            anchor(Stamp, 9, 3, 480, -SECOND / 2),
        ];
        let offsets = Offsets::new(&anchors, &[run(1)]);
        assert_eq!(minutes(&offsets), [(1, 480)]);
        assert!(offsets.is_agreed());
        assert_eq!(offsets.at_line(1000), Some(480));
    }

    #[test]
    fn offsets_change_inside_a_file() {
        use AnchorKind::{Session, Stamp};
        let anchors = [
            anchor(Session, 2, 0, -480, 0),
            anchor(Stamp, 3, 0, -480, 0),
            anchor(Session, 12, 100, 210, 0),
            anchor(Stamp, 13, 100, 210, 0),
        ];
        let offsets = Offsets::new(&anchors, &[run(1), run(11)]);
        assert_eq!(minutes(&offsets), [(1, -480), (11, 210)]);
        assert_eq!((offsets.at_line(5), offsets.at_line(11)), (Some(-480), Some(210)));
        let late = LogTime::local(anchors[3].local).ticks;
        assert_eq!(offsets.nearest(late), Some((0, 210)));
    }

    #[test]
    fn a_stepped_clock_proves_nothing() {
        use AnchorKind::{Session, Stamp};
        // Identifiers that are 52 minutes off.
        let anchors = [anchor(Session, 2, 0, 480 + 52, 0), anchor(Stamp, 3, 0, 480, 0)];
        let offsets = Offsets::new(&anchors, &[run(1)]);
        assert_eq!((minutes(&offsets), offsets.misfits), (vec![(1, 480)], 1));
        // Two kinds that differ by a whole zone.
        let anchors = [anchor(Session, 2, 0, 540, 0), anchor(Stamp, 3, 0, 480, 0)];
        assert_eq!(minutes(&Offsets::new(&anchors, &[run(1)])), []);
        assert_eq!(Offsets::default().at_line(3), None);
    }
}
