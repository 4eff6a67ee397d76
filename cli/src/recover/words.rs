//! The result of recovery, in words.

use crate::status::counted;
use indicatif::HumanCount;
use pml_parser::{ErrorKind, Recovery};

/// One sentence: what is wrong with the capture, and what can be recovered.
pub(crate) fn sentence(recovery: &Recovery) -> String {
    let cause = match recovery.cause.map(|error| error.kind()) {
        None if recovery.is_whole() => "nothing is wrong with it",
        None => "events or processes are damaged",
        Some(_) if recovery.is_cut => "the file is cut short",
        Some(ErrorKind::NotClosed) => "the capture was never closed",
        Some(ErrorKind::NotPml | ErrorKind::BadBitness(_)) => "the header is damaged",
        Some(ErrorKind::Truncated { .. }) => "the file is cut short, or its tables are damaged",
        Some(ErrorKind::InconsistentOffsets) => "the table that leads to the events is damaged",
        Some(_) => "tables are damaged",
    };
    format!("{cause}: {}", amounts(recovery))
}

/// The numbers of events kept, doubtful and lost, and of processes rebuilt and unknown.
pub(crate) fn amounts(recovery: &Recovery) -> String {
    let mut text = format!("{} kept", counted(recovery.kept, "event", "events"));
    if recovery.doubtful > 0 {
        text += &format!(" ({} doubtful)", HumanCount(recovery.doubtful));
    }
    text += &match (recovery.lost, recovery.lost_is_exact) {
        (0, true) => ", none lost".to_owned(),
        (0, false) => ", none known to be lost".to_owned(),
        (lost, true) => format!(", {} lost", HumanCount(lost)),
        (lost, false) => format!(", at least {} lost", HumanCount(lost)),
    };
    let made = u64::from(recovery.processes_rebuilt);
    if made > 0 {
        text += &format!("; {} made out of events", counted(made, "process", "processes"));
    }
    let matched = u64::from(recovery.processes_matched);
    if matched > 0 {
        text += &format!("; {} named after the part beside it", counted(matched, "process", "processes"));
        let weak = [
            (recovery.processes_matched_once, "by one thread alone"),
            (recovery.processes_matched_by_modules, "by modules alone"),
        ];
        let weak = weak.iter().filter(|(count, _)| *count > 0);
        let weak: Vec<String> =
            weak.map(|(count, by)| format!("{} {by}", HumanCount((*count).into()))).collect();
        if !weak.is_empty() {
            text += &format!(" ({})", weak.join(", "));
        }
    }
    let unknown = u64::from(recovery.processes_unknown);
    if unknown > 0 {
        text += &format!("; {} unknown", counted(unknown, "process", "processes"));
    }
    text
}
