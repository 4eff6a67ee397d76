//! `ReportingEvents.log`: what the client tells its server.

use super::{Encoding, Kind, Occurrence, Outcome, Story, What, nothing};
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(super) const KIND: Kind = Kind {
    name: "ReportingEvents.log",
    encoding: Encoding::Utf16,
    is_told_by: |_| true,
    head: nothing,
    quiet: Some(quiet),
    lines,
    tail: nothing,
};

const NO_UPDATE: &str = "00000000-0000-0000-0000-000000000000";

/// A line: the event's number and name, the update, its code, and the sentences.
fn line(story: &Story, time: FileTime, number: &str, update: &str, rest: &str, out: &mut String) {
    let at =
        format!("{}:{:03}{}", story.zone.seconds(time, '-'), time.0 / 10_000 % 1000, story.zone.offset());
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "{{{:08X}-6B0F-4C0D-9E1A-8C2D3E4F5061}}\t{at}\t1\t{number}\t101\t{{{}}}\t200\t{rest}\r\n",
        time.0 >> 16 & 0xFFFF_FFFF,
        update.to_uppercase()
    );
}

fn quiet(story: &Story, time: FileTime, _: u64, out: &mut String) {
    let rest = "0\tUpdateOrchestrator\tSuccess\tSoftware Synchronization\tWindows Update Client successfully detected 0 updates.";
    line(story, time, "147 [AGENT_DETECTION_FINISHED]", NO_UPDATE, rest, out);
}

fn lines(story: &Story, occurrence: &Occurrence<'_>, out: &mut String) {
    let &Occurrence { time, what, update } = occurrence;
    let mut say = |number: &str, rest: String| line(story, time, number, &update.id, &rest, out);
    let title = &update.title;
    match what {
        What::Downloaded => say(
            "162 [AGENT_DOWNLOAD_SUCCEEDED]",
            "0\tUpdateOrchestrator\tSuccess\tContent Download\tDownload succeeded.".to_owned(),
        ),
        What::InstallBegins => say(
            "181 [AGENT_INSTALLING_STARTED]",
            format!(
                "0\tUpdateOrchestrator\tSuccess\tContent Install\tInstallation Started: Windows has started installing the following update: {title}"
            ),
        ),
        What::Staged => say(
            "184",
            format!(
                "240005\tUpdateOrchestrator\tSuccess\tContent Install\tInstallation successful and restart required for the following update: {title}"
            ),
        ),
        What::Reported => match update.outcome {
            Outcome::RolledBack(_) => say("182 [AGENT_INSTALLING_FAILED]", result_of(occurrence)),
            _ => say("183 [AGENT_INSTALLING_SUCCEEDED]", result_of(occurrence)),
        },
        What::Found | What::DownloadBegins | What::ShutdownBegins | What::BootBegins | What::StartupEnds => {}
    }
}

/// The code and the sentences of the result.
fn result_of(occurrence: &Occurrence<'_>) -> String {
    let title = &occurrence.update.title;
    match occurrence.update.outcome {
        Outcome::RolledBack(code) => format!(
            "{code:x}\tUpdateOrchestrator\tFailure\tContent Install\tInstallation Failure: Windows failed to install the following update with error 0x{code:08x}: {title}."
        ),
        _ => format!(
            "0\tUpdateOrchestrator\tSuccess\tContent Install\tInstallation Successful: Windows successfully installed the following update: {title}"
        ),
    }
}

/// The result as an old `WindowsUpdate.log` repeats it.
pub(super) fn result(occurrence: &Occurrence<'_>) -> String {
    let number = if matches!(occurrence.update.outcome, Outcome::RolledBack(_)) { 182 } else { 183 };
    let id = occurrence.update.id.to_uppercase();
    let rest = result_of(occurrence).replace("UpdateOrchestrator", "AutomaticUpdates");
    format!("{{9D0A0F0E-0001-4000-8000-0000000000AA}}\t\t1\t{number}\t101\t{{{id}}}\t200\t{rest}")
}
