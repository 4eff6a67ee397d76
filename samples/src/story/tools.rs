//! Logs of the tools that check a Windows: DISM, System File Checker, and the update readiness tool of old Windows.

use super::{Encoding, Kind, Occurrence, Story, What, nothing};
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(super) const DISM: Kind = Kind {
    name: "dism.log",
    encoding: Encoding::Utf8,
    is_told_by: |_| true,
    head: nothing,
    quiet: Some(|story, time, _, out| asks(story, time, "dism  /online /get-packages", out)),
    lines: |story, occurrence, out| {
        // Somebody checks the store before the update.
        if occurrence.what == What::Found {
            asks(story, occurrence.time, "dism  /online /cleanup-image /checkhealth", out);
        }
    },
    tail: nothing,
};

/// A session that ends well.
fn asks(story: &Story, time: FileTime, command: &str, out: &mut String) {
    let at = story.zone.seconds(time, '-');
    let mut info = |text: &str| {
        // Writing to a string does not fail.
        let _ = write!(out, "{at}, {:<22}{:<7}{text}\r\n", "Info", "DISM");
    };
    let (build, revision) = (story.machine.build, story.machine.older);
    info("DISM.EXE: <----- Starting Dism.exe session ----->");
    info(&format!(
        "DISM.EXE: Host machine information: OS Version=10.0.{build}, Running architecture={}, Number of processors=4",
        if story.is_64_bit { "amd64" } else { "x86" }
    ));
    info(&format!("DISM.EXE: Executing command line: {command}"));
    info(&format!(
        "DISM Provider Store: PID=7012 TID=8808 Target image information: OS Version=10.0.{build}.{revision}, Image architecture={} - CDISMProviderStore::GetProvider",
        if story.is_64_bit { "amd64" } else { "x86" }
    ));
    info("DISM.EXE: Image session has been closed. Reboot required=no.");
    info("DISM.EXE: <----- Ending Dism.exe session ----->");
}

pub(super) const CHECK: Kind = Kind {
    name: "sfc.txt",
    encoding: Encoding::Utf16,
    // Where an update is undone, what the checker finds depends on the cause.
    is_told_by: |story| !story.is_rolled_back(),
    head: |_, out| {
        out.push_str("\r\nBeginning system scan.  This process will take some time to complete.\r\n\r\nBeginning verification phase of system scan.\r\nVerification 100% complete.\r\n\r\nWindows Resource Protection did not find any integrity violations.\r\n");
    },
    quiet: None,
    lines: no_lines,
    tail: nothing,
};

pub(super) const READINESS: Kind = Kind {
    name: "CheckSUR.log",
    encoding: Encoding::Ascii,
    is_told_by: |story| story.machine.build < 9_200,
    head: |story, out| {
        let at = story.zone.seconds(story.boot, '-');
        let _ = write!(
            out,
            "\r\n=================================\r\nChecking System Update Readiness.\r\nBinary Version 6.1.7601.22471\r\nPackage Version 26.0\r\n{}\r\n\r\nChecking Windows Servicing Packages\r\n\r\nChecking Package Manifests and Catalogs\r\n\r\nChecking Package Watchlist\r\n\r\nChecking Component Watchlist\r\n\r\nChecking Packages\r\n\r\nChecking Component Store\r\n\r\nSummary:\r\nSeconds executed: 412\r\n No errors detected\r\n",
            at.get(..16).unwrap_or(&at)
        );
    },
    quiet: None,
    lines: no_lines,
    tail: nothing,
};

fn no_lines(_: &Story, _: &Occurrence<'_>, _: &mut String) {}
