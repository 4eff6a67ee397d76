//! `WindowsUpdate.log`, in both of its forms: the client's own file up to Windows 8.1, and the decoded trace since Windows 10.

use super::{Encoding, Kind, Occurrence, Outcome, Story, What, nothing};
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(super) const KIND: Kind = Kind {
    name: "WindowsUpdate.log",
    encoding: Encoding::Utf8,
    is_told_by: |story| story.machine.build >= FIRST_TRACED,
    head: nothing,
    quiet: Some(|story, time, _, out| {
        detection(&mut |component, text| traced(story, time, component, text, out))
    }),
    lines: |story, occurrence, out| {
        update(occurrence, &mut |component, text| traced(story, occurrence.time, component, text, out));
    },
    tail: nothing,
};

pub(super) const OLD_KIND: Kind = Kind {
    name: "WindowsUpdate.log",
    encoding: Encoding::Ascii,
    is_told_by: |story| story.machine.build < FIRST_TRACED,
    head: |story, out| {
        let begin = story.occurrences().next().map_or(story.boot, |first| first.time);
        let text = format!(
            "===========  Logging initialized (build: 7.9.9600.20000, tz: {})  ===========",
            story.zone.offset()
        );
        tabbed(story, begin, "Misc", &text, out);
    },
    quiet: Some(|story, time, _, out| {
        detection(&mut |component, text| tabbed(story, time, component, text, out))
    }),
    lines: |story, occurrence, out| {
        old_update(occurrence, &mut |component, text| tabbed(story, occurrence.time, component, text, out));
    },
    tail: nothing,
};

/// The first build whose client writes a trace.
const FIRST_TRACED: u32 = 10_240;

type Writer<'a> = &'a mut dyn FnMut(&str, &str);

fn traced(story: &Story, time: FileTime, component: &str, text: &str, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "{}.{:07} {:<5} {:<5} {component:<15} {text}\r\n",
        story.zone.seconds(time, '/'),
        time.0 % 10_000_000,
        2816,
        7044
    );
}

fn tabbed(story: &Story, time: FileTime, component: &str, text: &str, out: &mut String) {
    let at = story.zone.seconds(time, '-').replace(' ', "\t");
    let _ =
        write!(out, "{at}:{:03}\t {}\t{:x}\t{component}\t{text}\r\n", time.0 / 10_000 % 1000, 988, 0x1a4c);
}

/// A search that finds nothing.
fn detection(write: Writer<'_>) {
    write("Agent", "* START * Finding updates CallerId = UpdateOrchestrator  Id = 7");
    write("Agent", "Online = Yes; Interactive = No; AllowCachedResults = No");
    write(
        "Agent",
        "Found 0 updates and 75 categories in search; evaluated appl. rules of 1120 out of 1840 deployed entities",
    );
    write("Agent", "* END * Finding updates CallerId = UpdateOrchestrator, Id = 7, Exit code = 0x00000000");
}

fn update(occurrence: &Occurrence<'_>, write: Writer<'_>) {
    let update = occurrence.update;
    let (title, id) =
        (format!("  Title = {}", update.title), format!("idUpdate={{{}}}.200", update.id.to_uppercase()));
    match occurrence.what {
        What::Found => {
            write("Agent", "* START * Finding updates CallerId = UpdateOrchestrator  Id = 8");
            write("Agent", &format!("Added update {}.200 to search result", update.id.to_uppercase()));
            write(
                "Agent",
                "* END * Finding updates CallerId = UpdateOrchestrator, Id = 8, Exit code = 0x00000000",
            );
        }
        What::DownloadBegins => {
            write("Agent", "* START * Downloading updates CallerId = UpdateOrchestrator");
            write("Agent", &title);
        }
        What::Downloaded => {
            write(
                "Agent",
                "* END * Downloading updates CallerId = UpdateOrchestrator, Exit code = 0x00000000",
            );
            write(
                "ComApi",
                "Download call complete (succeeded = 1, succeeded with errors = 0, failed = 0, cancelled = 0, unaccounted = 0)",
            );
        }
        What::InstallBegins => {
            write("Agent", "* START * Installing updates CallerId = UpdateOrchestrator");
            write("Agent", &title);
            write("Handler", "CBS called Progress with state=2, ticks=110, total=1000");
        }
        What::Staged => {
            write(
                "Handler",
                "Completed install of CBS update with type=0, requiresReboot=1, installerError=0, hr=0x0",
            );
            write("Agent", &format!("LogHistory called. {id}, resultMapped=80242014, resultUnMapped=0"));
            write(
                "Agent",
                "* END * Installing updates CallerId = UpdateOrchestrator, Exit code = 0x00000000",
            );
        }
        What::Reported => {
            let code = match update.outcome {
                Outcome::RolledBack(code) => format!("{code:08X}"),
                _ => "0".to_owned(),
            };
            write("Agent", &format!("LogHistory called. {id}, resultMapped={code}, resultUnMapped={code}"));
        }
        What::ShutdownBegins | What::BootBegins | What::StartupEnds => {}
    }
}

fn old_update(occurrence: &Occurrence<'_>, write: Writer<'_>) {
    let update = occurrence.update;
    let (title, id) = (
        format!("  * Title = {}", update.title),
        format!("  * UpdateId = {{{}}}.200", update.id.to_uppercase()),
    );
    match occurrence.what {
        What::Found => {
            write("Agent", "** START **  Agent: Finding updates [CallerId = AutomaticUpdates]");
            write(
                "Agent",
                "  * Found 1 updates and 75 categories in search; evaluated appl. rules of 1120 out of 1840 deployed entities",
            );
            write("Agent", "** END **  Agent: Finding updates [CallerId = AutomaticUpdates]");
        }
        What::DownloadBegins => {
            write("DnldMgr", "** START **  DnldMgr: Downloading updates [CallerId = AutomaticUpdates]");
            write("DnldMgr", &title);
            write("DnldMgr", &id);
        }
        What::Downloaded => {
            write("DnldMgr", "** END **  DnldMgr: Downloading updates [CallerId = AutomaticUpdates]")
        }
        What::InstallBegins => {
            write("Agent", "** START **  Agent: Installing updates [CallerId = AutomaticUpdates]");
            write("Agent", &title);
            write("Agent", &id);
            write("Handler", ":: START ::  Handler: CBS Install");
        }
        What::Staged => {
            write(
                "Handler",
                "Completed install of CBS update with type=0, requiresReboot=1, installerError=0, hr=0x0",
            );
            write("Handler", ":: END ::  Handler: CBS Install");
            write("Agent", "** END **  Agent: Installing updates [CallerId = AutomaticUpdates]");
        }
        What::Reported => {
            let event = super::reporting::result(occurrence);
            write("Report", &format!("REPORT EVENT: {event}"));
        }
        What::ShutdownBegins | What::BootBegins | What::StartupEnds => {}
    }
}
