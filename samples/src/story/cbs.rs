//! `CBS.log` and `poqexec.log`: what servicing itself writes.

use super::time::{Zone, at_seconds};
use super::time::{milliseconds, parts, universal};
use super::{Encoding, Kind, Occurrence, Outcome, Story, What, nothing};
use crate::boot::action::LogText;
use crate::boot::script::LogLine;
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(crate) const CBS_NAME: &str = "CBS.log";
pub(crate) const QUEUE_NAME: &str = "poqexec.log";

pub(super) const KIND: Kind = Kind {
    name: CBS_NAME,
    encoding: Encoding::Utf8,
    is_told_by: |_| true,
    head: nothing,
    quiet: Some(quiet),
    lines,
    tail: nothing,
};

/// The lines that a boot writes, in `CBS.log` and in `poqexec.log`.
pub(crate) fn of_boot(lines: &[LogLine], zone: Zone) -> [(&'static str, String); 2] {
    let (mut cbs, mut queue) = (String::new(), String::new());
    for (number, line) in lines.iter().enumerate() {
        match &line.text {
            LogText::Cbs(level, source, text) => {
                let text = text.replace("%UTC%", &universal(line.time, '-'));
                let message = match source.as_str() {
                    "CSI" => format!("{:08x}@{} {text}", number + 1, stamp(line.time)),
                    _ => text,
                };
                record(&mut cbs, zone, line.time, (level, source), &message);
            }
            // Writing to a string does not fail.
            LogText::Queue(text) => _ = write!(queue, "{:x}: {text}\r\n", line.queue_start.0),
        }
    }
    [(CBS_NAME, cbs), (QUEUE_NAME, queue)]
}

/// A record with its level and source.
fn record(out: &mut String, zone: Zone, time: FileTime, (level, source): (&str, &str), message: &str) {
    let _ = write!(out, "{}, {level:<22}{source:<7}{message}\r\n", zone.seconds(time, '-'));
}

/// UTC as the component store writes it: `2024/11/14:00:22:01.500`.
fn stamp(time: FileTime) -> String {
    let ((year, month, day), (h, m, s)) = (parts(time).date, parts(time).clock);
    format!("{year:04}/{month}/{day}:{h:02}:{m:02}:{s:02}.{:03}", milliseconds(time))
}

/// A session is named by its time.
fn session(time: FileTime) -> String {
    format!("{}_{}", time.0 >> 32, time.0 & 0xFFFF_FFFF)
}

/// A program asks what is installed.
fn quiet(story: &Story, time: FileTime, moment: u64, out: &mut String) {
    let mut info = |source: &str, message: &str| record(out, story.zone, time, ("Info", source), message);
    let id = session(time);
    info(
        "CBS",
        &format!(
            "Session: {id} initialized by client WinMgmt, external staging directory: (null), external registry directory: (null)"
        ),
    );
    info(
        "CBS",
        "Appl: detect Parent, Package: Microsoft-Windows-Client-Features-Package~31bf3856ad364e35~amd64~~0.0.0.0, disposition state from detectParent: Installed",
    );
    info(
        "CSI",
        &format!(
            "{:08x}@{} Performing 1 operations as follows:\n  (0)  LockComponentPath: flags: 0 comp: {{l:16 b:00000000000000000000000000000000}}",
            moment & 0xFFFF_FFFF,
            stamp(time)
        ),
    );
    info("CBS", &format!("Session: {id} finalized. Reboot required: no [HRESULT = 0x00000000 - S_OK]"));
}

fn lines(story: &Story, occurrence: &Occurrence<'_>, out: &mut String) {
    let &Occurrence { time, what, update } = occurrence;
    let zone = story.zone;
    let is_captured = time >= story.boot;
    let mut info = |message: &str| record(out, zone, time, ("Info", "CBS"), message);
    let starts = |info: &mut dyn FnMut(&str), booted: FileTime| {
        info("TI: --- Initializing Trusted Installer ---");
        info(&format!("TI: Last boot time: {}.{:03}", zone.seconds(booted, '-'), milliseconds(booted)));
        info("Starting TrustedInstaller initialization.");
        info("Starting TiWorker initialization.");
        let (build, revision) = (story.machine.build, story.machine.older);
        info(&format!(
            r"Loaded Servicing Stack v10.0.{build}.{revision} with Core: C:\Windows\winsxs\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.{build}.{revision}_none_7e0f8a1d7c9d8d6b\cbscore.dll"
        ));
        info("Ending TiWorker initialization.");
    };
    let begun = at_seconds(time, -(STAGING as i64));
    let (package, kb) = (&update.package, &update.kb);
    match what {
        What::InstallBegins => {
            starts(&mut info, at_seconds(time, -86_400));
            let id = session(time);
            info(&format!(
                "Session: {id} initialized by client UpdateAgentLCU, external staging directory: (null), external registry directory: (null)"
            ));
            info(&format!(
                "Exec: Processing started.  Client: UpdateAgentLCU, Session: {id}, Package: {package}, Identifier: {kb}"
            ));
            info("Perf: Entering stage: Planning");
            info(&format!(
                "Plan: Package: {package}, current: Absent, pending: Default, start: Absent, applicable: Installed, targeted: Installed, limit: Installed"
            ));
            info("Perf: Entering stage: Staging");
        }
        What::Staged => {
            let id = session(begun);
            info(&format!(
                "Exec: Processing complete.  Session: {id}, Package: {package}, Identifier: {kb} [HRESULT = 0x80070bc2 - ERROR_SUCCESS_REBOOT_REQUIRED]"
            ));
            info(&format!("Session: {id} finalized. Reboot required: yes [HRESULT = 0x00000000 - S_OK]"));
        }
        What::ShutdownBegins => {
            info("Shtd: Begin shutdown processing");
            info("Setting ExecuteState key to: CbsExecuteStateStageDrivers");
            info("Shtd: Shutdown processing complete. [HRESULT = 0x00000000 - S_OK]");
        }
        What::BootBegins => {
            starts(&mut info, time);
            info("Startup: Waiting for SC autostart event");
            // The boot that was captured writes the other lines.
            if is_captured {
                story_of_boot(story, out);
            }
        }
        What::StartupEnds => {
            let code = match update.outcome {
                Outcome::RolledBack(code) => code,
                _ => 0,
            };
            let (now, status) = match code {
                0 => ("Installed", "0x0".to_owned()),
                _ => ("Staged", format!("{code:#x}")),
            };
            info(&format!(
                "Reporting package change for package: {package}, initial: Staged, requested: Installed, current: {now}, pending: Default, start: Staged, applicable: Installed, target: Installed, limit: Installed, status: {status}"
            ));
            match code {
                0 => {
                    info("Setting ExecuteState key to: ExecuteStateNone");
                    info("Startup: Processing complete. [HRESULT = 0x00000000 - S_OK]");
                }
                _ => {
                    info(&format!(
                        "WER: Generating failure report for package: {package}, status: {status}, failure source: Execute, start state: Staged, target state: Installed, client id: UpdateAgentLCU"
                    ));
                    info(&format!("Startup: Processing complete. [HRESULT = 0x{code:08x}]"));
                }
            }
        }
        What::Found | What::DownloadBegins | What::Downloaded | What::Reported => {}
    }
}

/// Seconds from the beginning of an installation to the end of what needs no restart; see `COURSE`.
const STAGING: u64 = 2_370 - 900;

/// The lines of the captured boot.
fn story_of_boot(story: &Story, out: &mut String) {
    let [(_, cbs), _] = of_boot(&story.lines, story.zone);
    out.push_str(&cbs);
}
