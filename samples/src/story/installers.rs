//! Logs of installers: `setupapi.dev.log` for devices, and Panther's `setupact.log` for upgrades.

use super::time::at_seconds;
use super::{Encoding, Kind, Occurrence, Story, What, nothing};
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(super) const DEVICES: Kind = Kind {
    name: "setupapi.dev.log",
    encoding: Encoding::Ascii,
    is_told_by: |_| true,
    head: |story, out| {
        let _ = write!(
            out,
            "[Device Install Log]\r\n     OS Version = 10.0.{}\r\n[BeginLog]\r\n\r\n",
            story.machine.reported_build
        );
    },
    quiet: Some(|story, time, _, out| {
        section(
            story,
            time,
            "Device Install (Hardware initiated) - USB\\VID_046D&PID_C31C\\5&2A1B3C4D&0&1",
            out,
        )
    }),
    lines: |story, occurrence, out| match occurrence.what {
        What::BootBegins => {
            let time = story.zone.seconds(occurrence.time, '/');
            let _ = write!(out, "[Boot Session: {time}.500]\r\n\r\n");
        }
        What::Staged => section(story, occurrence.time, "Stage Driver Updates", out),
        _ => {}
    },
    tail: nothing,
};

/// A section that ends well.
fn section(story: &Story, time: FileTime, title: &str, out: &mut String) {
    let (begin, clock) = (story.zone.seconds(time, '/'), story.zone.clock(time));
    // Writing to a string does not fail.
    let _ = write!(
        out,
        ">>>  [{title}]\r\n>>>  Section start {begin}.100\r\n     dvi: {{Select Best Driver}} {clock}.120\r\n     dvi:      Class GUID of device remains: {{4d36e96b-e325-11ce-bfc1-08002be10318}}.\r\n     dvi: {{Select Best Driver - exit(0x00000000)}} {clock}.160\r\n<<<  Section end {begin}.200\r\n<<<  [Exit status: SUCCESS]\r\n\r\n"
    );
}

pub(super) const SETUP: Kind = Kind {
    name: "setupact.log",
    encoding: Encoding::Utf8,
    is_told_by: |story| story.machine.build >= 10_240,
    head: nothing,
    quiet: Some(|story, time, _, out| {
        line(story, time, ("MIG", "Gather started for migration unit: <System>\\Device"), out);
    }),
    lines: upgrade,
    tail: nothing,
};

fn line(story: &Story, time: FileTime, (source, text): (&str, &str), out: &mut String) {
    let _ = write!(out, "{}, {:<22}{source:<7}{text}\r\n", story.zone.seconds(time, '-'), "Info");
}

/// The upgrade to the Windows that runs, which went well a quarter of a year before the first update of the story.
fn upgrade(story: &Story, occurrence: &Occurrence<'_>, out: &mut String) {
    let is_first = story.occurrences().next().is_some_and(|first| first.time == occurrence.time);
    if !is_first {
        return;
    }
    let version = format!("Setup build version is: 10.0.{}.1", story.machine.build);
    let steps: [(i64, &str, &str); 5] = [
        (0, "MOUPG", "CSetupHost::Initialize(354): Result = 0x0"),
        (1, "MOUPG", &version),
        (1_900, "SP", "Executing operation: Install drivers"),
        (2_400, "SP", "Operation completed successfully: Install drivers"),
        (3_600, "MOUPG", "CSetupHost::Execute(404): Result = 0x0"),
    ];
    for (seconds, source, text) in steps {
        line(story, at_seconds(occurrence.time, seconds - 91 * 86_400), (source, text), out);
    }
}
