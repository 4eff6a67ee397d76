//! The logs that lie beside a capture, of all kinds, told from one story: the updates of a machine, from the search of
//! the month before to what the client reports after the boot that was captured.
//!
//! A [`Story`] is a list of occurrences. Each kind of log has a grammar that turns an occurrence into its lines; a log
//! of any size has quiet lines before the story.

mod cbs;
mod client;
mod events;
mod installers;
mod reporting;
mod time;
mod tools;

use crate::boot::machine::MachineProfile;
use crate::boot::script::LogLine;
pub(crate) use cbs::{CBS_NAME, QUEUE_NAME, of_boot};
use pml_parser::FileTime;
use std::io::{self, Write};
pub(crate) use time::Zone;
use time::at_seconds;

/// How an update ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is installed after the restart.
    Installed,
    /// The restart undoes it; the HRESULT says why.
    RolledBack(u32),
    /// The captured boot does not end it.
    Pending,
}

/// An update of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// `KB5046613`
    pub(crate) kb: String,
    pub(crate) title: String,
    /// Identity of its package.
    pub(crate) package: String,
    /// Id that the client gives it, without braces.
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
}

/// What happens to an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Found,
    DownloadBegins,
    Downloaded,
    InstallBegins,
    /// Everything that needs no restart is done.
    Staged,
    ShutdownBegins,
    BootBegins,
    /// Servicing has ended at startup.
    StartupEnds,
    /// The client reports the result.
    Reported,
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occurrence<'a> {
    pub(crate) time: FileTime,
    pub(crate) what: What,
    pub(crate) update: &'a Update,
}

/// What the logs of a machine tell.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) machine: MachineProfile,
    pub(crate) is_64_bit: bool,
    pub(crate) zone: Zone,
    /// Begin of the captured boot.
    pub(crate) boot: FileTime,
    /// The update of the month before, and the one of the captured boot where there is one.
    updates: Vec<(FileTime, Update)>,
    /// Lines that the boot itself writes.
    pub(crate) lines: Vec<LogLine>,
}

/// Seconds between the beginning of a boot and the end of servicing in it, where no line says so.
const STARTUP: u64 = 95;
/// When the update's steps happen, in seconds before the boot that completes it.
const COURSE: [(What, u64); 6] = [
    (What::Found, 3_000),
    (What::DownloadBegins, 2_940),
    (What::Downloaded, 2_400),
    (What::InstallBegins, 2_370),
    (What::Staged, 900),
    (What::ShutdownBegins, 60),
];
const MONTH: u64 = 29 * 86_400;

impl Story {
    /// The story of a boot. `outcome` is that of the update which the boot completes, if it completes one.
    pub(crate) fn new(
        machine: MachineProfile,
        is_64_bit: bool,
        zone: Zone,
        boot: FileTime,
        package: String,
        outcome: Option<Outcome>,
        lines: Vec<LogLine>,
    ) -> Self {
        let update = |kb: &str, month: &str, package: String, id: &str, outcome| Update {
            kb: kb.to_owned(),
            title: format!(
                "{month} Cumulative Update for {} for {} ({kb})",
                product(machine.build),
                if is_64_bit { "x64-based Systems" } else { "x86-based Systems" }
            ),
            package,
            id: id.to_owned(),
            outcome,
        };
        let older = package.replace(&format!(".{}.", machine.revision), &format!(".{}.", machine.older));
        let before =
            update("KB5044273", "2024-10", older, "7c1f6a52-3d0b-4e7e-9a55-0d5b7f2c1a10", Outcome::Installed);
        let mut updates = vec![(at_seconds(boot, -(MONTH as i64)), before)];
        if let Some(outcome) = outcome {
            let id = "5e0b9a41-98f2-4c6d-8a3e-6b1d7c2f4e21";
            updates.push((boot, update("KB5046613", "2024-11", package, id, outcome)));
        }
        Self { machine, is_64_bit, zone, boot, updates, lines }
    }

    /// Everything that happens, in order.
    pub(crate) fn occurrences(&self) -> impl Iterator<Item = Occurrence<'_>> {
        self.updates.iter().flat_map(|(boot, update)| {
            let end = match *boot == self.boot {
                true => self.lines.last().map(|line| line.time).max(Some(at_seconds(*boot, STARTUP as i64))),
                false => None,
            };
            let end = end.unwrap_or(at_seconds(*boot, STARTUP as i64));
            let course = COURSE.into_iter().map(|(what, before)| (at_seconds(*boot, -(before as i64)), what));
            let rest = [
                (*boot, What::BootBegins),
                (at_seconds(end, 1), What::StartupEnds),
                (at_seconds(end, 90), What::Reported),
            ];
            // What is pending has not come to its end.
            let count = if update.outcome == Outcome::Pending { 1 } else { rest.len() };
            course.chain(rest.into_iter().take(count)).map(move |(time, what)| Occurrence {
                time,
                what,
                update,
            })
        })
    }

    /// Whether the captured boot undoes an update.
    fn is_rolled_back(&self) -> bool {
        self.updates.iter().any(|(_, update)| matches!(update.outcome, Outcome::RolledBack(_)))
    }

    /// When the story begins.
    fn begin(&self) -> FileTime {
        self.occurrences().next().map_or(self.boot, |first| first.time)
    }
}

/// What builds of Windows are sold as: the last build of each product, and its name.
const PRODUCTS: [(u32, &str); 9] = [
    (7_699, "Windows 7"),
    (9_299, "Windows 8"),
    (9_699, "Windows 8.1"),
    (14_393, "Windows 10 Version 1607"),
    (17_763, "Windows 10 Version 1809"),
    (20_347, "Windows 10 Version 22H2"),
    (20_349, "Microsoft server operating system version 21H2"),
    (22_000, "Windows 11"),
    (22_631, "Windows 11 Version 23H2"),
];

fn product(build: u32) -> &'static str {
    PRODUCTS.iter().find(|(last, _)| build <= *last).map_or("Windows 11 Version 24H2", |found| found.1)
}

/// How the bytes of a log are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Ascii,
    /// UTF-8 with a byte order mark.
    Utf8,
    /// UTF-16LE with a byte order mark.
    Utf16,
}

/// A kind of log.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// File name.
    pub(crate) name: &'static str,
    encoding: Encoding,
    /// Whether the story's machine has such a log.
    pub(crate) is_told_by: fn(&Story) -> bool,
    /// What the file begins with.
    head: fn(&Story, &mut String),
    /// The lines of a quiet moment; `None` where the log has none. The number counts the moments.
    quiet: Option<fn(&Story, FileTime, u64, &mut String)>,
    /// The lines of an occurrence.
    lines: fn(&Story, &Occurrence<'_>, &mut String),
    /// What the file ends with.
    tail: fn(&Story, &mut String),
}

fn nothing(_: &Story, _: &mut String) {}

/// All kinds of logs. samples/README.md lists them.
pub(crate) const KINDS: &[Kind] = &[
    cbs::KIND,
    client::KIND,
    client::OLD_KIND,
    reporting::KIND,
    events::KIND,
    tools::DISM,
    tools::CHECK,
    tools::READINESS,
    installers::DEVICES,
    installers::SETUP,
];

impl Kind {
    /// Writes the log, with quiet lines before the story up to about `size` bytes.
    pub(crate) fn write(&self, story: &Story, size: u64, out: &mut impl Write) -> io::Result<()> {
        let mut text = String::new();
        (self.head)(story, &mut text);
        let mut written = self.encoded(&text, true, out)?;
        let mut told = String::new();
        story.occurrences().for_each(|occurrence| (self.lines)(story, &occurrence, &mut told));
        (self.tail)(story, &mut told);
        if let Some(quiet) = self.quiet {
            /// Seconds from one quiet moment to the next.
            const PAUSE: u64 = 2;
            let width = if self.encoding == Encoding::Utf16 { 2 } else { 1 };
            let wanted = size.saturating_sub(told.len() as u64 * width);
            text.clear();
            quiet(story, story.begin(), 0, &mut text);
            let count = wanted.saturating_sub(written) / (text.len() as u64 * width).max(1);
            let mut moment = 0;
            while written < wanted {
                let before = count.saturating_sub(moment).saturating_add(1) * PAUSE;
                text.clear();
                quiet(story, at_seconds(story.begin(), -(before as i64)), moment, &mut text);
                written += self.encoded(&text, false, out)?;
                moment += 1;
            }
        }
        self.encoded(&told, false, out).map(drop)
    }

    /// Writes a text in the encoding of the log, and returns the number of bytes.
    fn encoded(&self, text: &str, is_first: bool, out: &mut impl Write) -> io::Result<u64> {
        let bytes = match self.encoding {
            Encoding::Ascii => text.as_bytes().to_vec(),
            Encoding::Utf8 => [if is_first { "\u{feff}" } else { "" }, text].concat().into_bytes(),
            Encoding::Utf16 => {
                let mark = is_first.then_some(0xFEFF_u16);
                mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
            }
        };
        out.write_all(&bytes)?;
        Ok(bytes.len() as u64)
    }
}
