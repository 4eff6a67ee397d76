//! The event log of the system, as `wevtutil` writes it in XML.

use super::time::parts;
use super::{Encoding, Kind, Occurrence, Outcome, Story, What};
use pml_parser::FileTime;
use std::fmt::Write as _;

pub(super) const KIND: Kind = Kind {
    name: "System.xml",
    encoding: Encoding::Utf8,
    is_told_by: |_| true,
    head: |_, out| out.push_str("<Events>"),
    quiet: Some(quiet),
    lines,
    tail: |_, out| out.push_str("</Events>"),
};

/// An event of a provider, with its data.
fn event(
    story: &Story,
    time: FileTime,
    (provider, number): (&str, u32),
    channel: &str,
    data: &str,
    out: &mut String,
) {
    let ((y, m, d), (h, min, s), ticks) = (parts(time).date, parts(time).clock, parts(time).ticks.0);
    let computer = &story.machine.computer;
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/><EventID>{number}</EventID><Version>1</Version><Level>4</Level><TimeCreated SystemTime='{y:04}-{m:02}-{d:02}T{h:02}:{min:02}:{s:02}.{ticks:07}Z'/><EventRecordID>{}</EventRecordID><Channel>{channel}</Channel><Computer>{computer}</Computer><Security UserID='S-1-5-18'/></System>{data}</Event>",
        time.0 / 10_000_000 % 1_000_000
    );
}

fn quiet(story: &Story, time: FileTime, _: u64, out: &mut String) {
    let data = "<EventData><Data Name='param1'>Windows Modules Installer</Data><Data Name='param2'>stopped</Data></EventData>";
    event(story, time, ("Service Control Manager", 7036), "System", data, out);
}

const CLIENT: &str = "Microsoft-Windows-WindowsUpdateClient";
const SERVICING: &str = "Microsoft-Windows-Servicing";

fn lines(story: &Story, occurrence: &Occurrence<'_>, out: &mut String) {
    let &Occurrence { time, what, update } = occurrence;
    let fields = |code: &str| {
        format!(
            "<EventData>{code}<Data Name='updateTitle'>{}</Data><Data Name='updateGuid'>{{{}}}</Data><Data Name='updateRevisionNumber'>200</Data></EventData>",
            update.title, update.id
        )
    };
    let package = |state: u32, word: &str, code: u32| {
        format!(
            "<UserData><CbsPackageChangeState xmlns='http://manifests.microsoft.com/win/2004/08/windows/setup_provider'><PackageIdentifier>{}</PackageIdentifier><IntendedPackageState>{state}</IntendedPackageState><IntendedPackageStateTextized>{word}</IntendedPackageStateTextized><ErrorCode>{code:#x}</ErrorCode><Client>UpdateAgentLCU</Client></CbsPackageChangeState></UserData>",
            update.kb
        )
    };
    match what {
        What::DownloadBegins => event(story, time, (CLIENT, 44), "System", &fields(""), out),
        What::InstallBegins => event(story, time, (CLIENT, 43), "System", &fields(""), out),
        What::Staged => event(story, time, (SERVICING, 4), "Setup", &package(5112, "Installed", 0), out),
        What::ShutdownBegins => {
            event(story, time, ("EventLog", 6006), "System", "<EventData></EventData>", out)
        }
        What::BootBegins => {
            event(story, time, ("EventLog", 6005), "System", "<EventData></EventData>", out);
        }
        What::StartupEnds => match update.outcome {
            Outcome::RolledBack(code) => {
                event(story, time, (SERVICING, 3), "Setup", &package(5112, "Installed", code), out);
            }
            _ => event(story, time, (SERVICING, 2), "Setup", &package(5112, "Installed", 0), out),
        },
        What::Reported => match update.outcome {
            Outcome::RolledBack(code) => {
                let code = format!("<Data Name='errorCode'>0x{code:08x}</Data>");
                event(story, time, (CLIENT, 20), "System", &fields(&code), out);
            }
            _ => event(story, time, (CLIENT, 19), "System", &fields(""), out),
        },
        What::Found | What::Downloaded => {}
    }
}
