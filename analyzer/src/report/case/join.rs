//! Joins the findings of text logs with those of the boot logs of the same case.

use super::build::Builder;
use super::model::{CaptureJoin, CaseReport, JoinReport, JoinedWith};
use crate::logs::case::At;
use crate::logs::{Item, LogTime};
use pml_parser::FileTime;

/// A boot log begins that close to the start that CBS.log names, in ticks of 100 ns.
const SAME_BOOT: i64 = 3 * 10_000_000;

/// Confidence of a cause that a log and a boot log show.
const JOINED: f64 = 0.97;

/// Confidence of damage that events and operations show.
const DISK: f64 = 0.99;

/// The signature of damage of the disk or the file system.
const DISK_SIGNATURE: &str = "TX-DISK-EVENTS";

impl Builder<'_> {
    /// Marks the starts that boot logs are of, and joins findings by path.
    pub(super) fn join(&self, report: &mut CaseReport) {
        let captures = std::mem::take(&mut report.captures);
        for capture in &captures {
            let mut same = false;
            if let Some(begin) = ticks(&capture.capture.first) {
                for (boot, entry) in self.case.boots.iter().zip(&mut report.boots) {
                    if boot.at.is_some_and(|at| at.is_utc && (at.ticks - begin).abs() <= SAME_BOOT) {
                        (entry.captured, same) = (true, true);
                    }
                }
            }
            let has_placed = self.case.boots.iter().any(|boot| boot.at.is_some_and(|at: At| at.is_utc));
            if has_placed && !same {
                // What failed in one boot says nothing of another.
                report.limits.push(self.label("other_boots"));
                continue;
            }
            let name = &capture.input.name;
            for finding in &mut report.findings {
                for shown in &capture.findings {
                    let path = shown.path.to_lowercase();
                    let by_path = finding.items.iter().filter_map(key).any(|key| path.contains(&key));
                    let join = |by| JoinReport {
                        file: name.clone(),
                        line: None,
                        event_id: shown.event_id,
                        by: JoinedWith::Capture(by),
                    };
                    if by_path && finding.id != DISK_SIGNATURE {
                        finding.joined.push(join(CaptureJoin::Path));
                        finding.confidence = finding.confidence.max(JOINED);
                    }
                    let is_damage =
                        capture.disk.answer == "damaged" && capture.disk.finding == Some(shown.rank);
                    if finding.id == DISK_SIGNATURE && is_damage {
                        finding.joined.push(join(CaptureJoin::Disk));
                        finding.confidence = finding.confidence.max(DISK);
                    }
                }
            }
        }
        report.findings.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        for (at, finding) in report.findings.iter_mut().enumerate() {
            finding.rank = at + 1;
        }
        report.captures = captures;
    }
}

/// Ticks of a time as reports on boot logs print it.
fn ticks(text: &str) -> Option<i64> {
    LogTime::parse(text)
        .map(|time| time.ticks)
        .filter(|&ticks| FileTime(ticks.cast_unsigned()).civil().is_some())
}

/// The part of a path that an item names.
fn key(item: &Item) -> Option<String> {
    match item {
        Item::File(name) if name.get(1..2) == Some(":") => Some(name.get(2..)?.to_lowercase()),
        Item::File(name) | Item::Component(name) if !name.contains(", version ") => Some(name.to_lowercase()),
        _ => None,
    }
}
