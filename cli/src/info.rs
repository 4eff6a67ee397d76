//! `pml info`.

use crate::args::{InfoArgs, InfoFormat};
use crate::failure::Failure;
use crate::input;
use crate::recover::words;
use crate::status::{Done, counted, plain, stdout_done};
use indicatif::{HumanBytes, HumanCount};
use pml_analyzer::{Actors, Knowledge};
use pml_parser::{FileTime, LogView, Opened, RecoverMode, Recovery};
use serde::Serialize;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// The kind of Windows where the log holds none.
const UNKNOWN: &str = "unknown";

/// The printed facts: the structure of the JSON output.
#[derive(Serialize)]
struct Info {
    /// `pml`, or `pmb` for a raw boot log.
    kind: &'static str,
    /// Whether computer, Windows and drive letters are those of the machine that converted a boot log.
    is_of_converter: bool,
    /// Drive letters of a raw boot log, and their volumes.
    drives: Vec<Drive>,
    computer: String,
    system_root: String,
    os_version: String,
    build: u32,
    service_pack: String,
    product_type: &'static str,
    bits: u8,
    processors: u32,
    memory_bytes: u64,
    bytes: u64,
    events: u64,
    first: Option<String>,
    last: Option<String>,
    duration_seconds: Option<f64>,
    parts: Vec<Part>,
    servicing_processes: Vec<ServicingProcess>,
    /// The first damaged table entries, in words; empty when the tables are whole.
    damage: Vec<String>,
    damage_count: u64,
    /// What can be recovered of a capture that does not open; null for a capture that opens.
    recovery: Option<RecoveryInfo>,
}

#[derive(Serialize)]
struct RecoveryInfo {
    /// What is wrong and what can be recovered, in words.
    sentence: String,
    events_kept: u64,
    events_doubtful: u64,
    events_lost: u64,
    /// Whether `events_lost` is exact, rather than the least number.
    lost_is_exact: bool,
    processes_rebuilt: u32,
    processes_unknown: u32,
}

impl RecoveryInfo {
    fn new(recovery: &Recovery) -> Self {
        Self {
            sentence: words::sentence(recovery),
            events_kept: recovery.kept,
            events_doubtful: recovery.doubtful,
            events_lost: recovery.lost,
            lost_is_exact: recovery.lost_is_exact,
            processes_rebuilt: recovery.processes_rebuilt,
            processes_unknown: recovery.processes_unknown,
        }
    }
}

#[derive(Serialize)]
struct Drive {
    letter: char,
    device: String,
}

#[derive(Serialize)]
struct Part {
    file: String,
    bytes: u64,
    events: u64,
    first: Option<String>,
    last: Option<String>,
    processes: u32,
    modules: u64,
    strings: u32,
    icons: u32,
    hosts: u32,
    ports: u32,
}

#[derive(Serialize)]
struct ServicingProcess {
    part: u16,
    name: String,
    pid: u32,
}

/// Runs the command.
pub(crate) fn run(args: &InfoArgs) -> Result<Done, Failure> {
    let capture = input::open(&args.log, RecoverMode::IfNeeded)?;
    let actors = Knowledge::embedded_actors().map_err(crate::knowledge::failure)?;
    let info = Info::new(&capture, &actors);
    capture.check()?;
    let text = match args.format {
        InfoFormat::Text => info.text(),
        InfoFormat::Json => {
            let json = serde_json::to_string_pretty(&info);
            json.map_err(|e| Failure::new(e.to_string()))? + "\n"
        }
    };
    stdout_done(io::stdout().write_all(text.as_bytes()))?;
    let lost = capture.lost_parts || info.damage_count > 0 || info.recovery.is_some();
    Ok(if lost { Done::WithLosses } else { Done::Whole })
}

impl Info {
    fn new(capture: &Opened, actors: &Actors) -> Self {
        let set = &capture.set;
        let log = set.part(0);
        let (major, minor, build) = log.map_or((0, 0, 0), LogView::os_version);
        let span = set.time_span();
        let damage = set.table_damage();
        let names = capture.names();
        let name = |part: u16| names.get(usize::from(part)).cloned().unwrap_or_default();
        let is_raw = log.is_some_and(LogView::is_raw_boot);
        let drives = log.and_then(LogView::facts).map(|facts| facts.drives.as_slice()).unwrap_or_default();
        Self {
            kind: if is_raw { "pmb" } else { "pml" },
            is_of_converter: !is_raw && log.is_some_and(is_boot_log),
            drives: drives
                .iter()
                .map(|(letter, volume)| Drive { letter: *letter, device: format!(r"\Device\{volume}") })
                .collect(),
            computer: log.map(|l| l.computer().to_string()).unwrap_or_default(),
            system_root: log.map(|l| l.system_root().to_string()).unwrap_or_default(),
            os_version: format!("{major}.{minor}"),
            build,
            service_pack: log.map(|l| l.service_pack().to_string()).unwrap_or_default(),
            product_type: match log.map_or(0, LogView::product_type) {
                1 => "workstation",
                2 => "domain controller",
                3 => "server",
                _ => UNKNOWN,
            },
            bits: if log.is_some_and(LogView::is_64_bit) { 64 } else { 32 },
            processors: log.map_or(0, LogView::processors),
            memory_bytes: log.map_or(0, LogView::memory),
            bytes: set.size(),
            events: set.event_count(),
            first: span.map(|span| span.0.to_string()),
            last: span.map(|span| span.1.to_string()),
            duration_seconds: span.map(|span| seconds(span.0, span.1)),
            parts: set.parts().zip(&names).map(|(log, name)| Part::new(log, name)).collect(),
            servicing_processes: set.parts().flat_map(|log| servicing_processes(log, actors)).collect(),
            damage: damage.first.iter().map(|e| format!("{}: {e}", name(e.part()))).collect(),
            damage_count: damage.count,
            recovery: set.recovery().as_ref().map(RecoveryInfo::new),
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |title: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{title:<12}{text}");
        };
        if self.kind == "pmb" {
            line("Kind", "raw boot log (Procmon.pmb); what follows is what the log itself says".to_owned());
        }
        let of_log = |text: String| if text.is_empty() { "not in the log".to_owned() } else { text };
        line("Computer", of_log(plain(&self.computer)));
        let windows = match (self.os_version.as_str(), self.build) {
            ("0.0", 0) => "version not in the log".to_owned(),
            ("0.0", build) => format!("build {build}"),
            (version, 0) => version.to_owned(),
            (version, build) => format!("{version} build {build}"),
        };
        let kind =
            if self.product_type == UNKNOWN { String::new() } else { format!(" {}", self.product_type) };
        let service_pack = match self.service_pack.as_str() {
            "" => String::new(),
            service_pack => format!(", {}", plain(service_pack)),
        };
        line("Windows", format!("{windows}, {}-bit{kind}{service_pack}", self.bits));
        match (self.processors, self.memory_bytes) {
            (0, 0) => {}
            (processors, 0) => line("Hardware", format!("{processors} processors")),
            (processors, memory) => {
                line("Hardware", format!("{processors} processors, {}", HumanBytes(memory)));
            }
        }
        if self.is_of_converter {
            line("", "of the machine on which Process Monitor converted this boot log".to_owned());
        }
        for (number, drive) in self.drives.iter().enumerate() {
            line(
                if number == 0 { "Drives" } else { "" },
                format!("{}: is {}", drive.letter, plain(&drive.device)),
            );
        }
        line("Events", format!("{} in {}", HumanCount(self.events), HumanBytes(self.bytes)));
        if let (Some(first), Some(last), Some(seconds)) = (&self.first, &self.last, self.duration_seconds) {
            line("From", first.clone());
            line("To", format!("{last} ({seconds:.1} s)"));
        }
        for part in &self.parts {
            line(
                "Part",
                format!(
                    "{}: {} events, {}, {} processes, {} modules, {} strings",
                    plain(&part.file),
                    HumanCount(part.events),
                    HumanBytes(part.bytes),
                    HumanCount(part.processes.into()),
                    HumanCount(part.modules),
                    HumanCount(part.strings.into())
                ),
            );
        }
        const NAMED: usize = 20;
        // A process that occurs in several parts is named once.
        let mut known = HashSet::new();
        let new = self.servicing_processes.iter().filter(|p| known.insert((&p.name, p.pid)));
        let mut servicing: Vec<String> =
            new.take(NAMED).map(|p| format!("{} ({})", plain(&p.name), p.pid)).collect();
        if servicing.is_empty() {
            servicing.push("no process of the servicing stack".to_owned());
        }
        line("Servicing", servicing.join(", "));
        if let Some(recovery) = &self.recovery {
            line("State", recovery.sentence.clone());
            line(
                "",
                "`pml recover` saves that as a log; --recover converts, slices or triages it".to_owned(),
            );
        }
        if self.damage_count == 0 {
            line("Damage", "none in the tables (events are checked by `pml convert`)".to_owned());
        } else {
            let what = match self.recovery {
                None => counted(self.damage_count, "table entry", "table entries") + " cannot be read",
                Some(_) => counted(self.damage_count, "place", "places"),
            };
            line("Damage", what);
            for damage in self.damage.iter().take(10) {
                line("", plain(damage));
            }
        }
        out
    }
}

/// Whether a log begins with the start of Windows. The capture driver writes such a log by itself; Process Monitor
/// converts it later, on the same machine or on another one, and takes computer, Windows and drives from there.
fn is_boot_log(log: LogView<'_>) -> bool {
    let Some((first, _)) = log.time_span() else { return false };
    let mut processes = log.processes();
    processes
        .any(|p| p.name().eq_ignore_ascii_case(SESSION_MANAGER) && p.start() >= first && p.session() <= 0)
}

/// The first program of Windows.
const SESSION_MANAGER: &str = "smss.exe";

fn seconds(from: FileTime, to: FileTime) -> f64 {
    to.0.wrapping_sub(from.0) as i64 as f64 / pml_parser::TICKS_PER_SECOND as f64
}

impl Part {
    fn new(log: LogView<'_>, file: &str) -> Self {
        let tables = log.tables();
        let span = log.time_span();
        Self {
            file: file.to_owned(),
            bytes: log.size(),
            events: tables.events.into(),
            first: span.map(|span| span.0.to_string()),
            last: span.map(|span| span.1.to_string()),
            processes: tables.processes,
            modules: log.processes().map(|process| process.modules().len() as u64).sum(),
            strings: tables.strings,
            icons: tables.icons,
            hosts: tables.hosts,
            ports: tables.ports,
        }
    }
}

fn servicing_processes<'a>(
    log: LogView<'a>,
    actors: &'a Actors,
) -> impl Iterator<Item = ServicingProcess> + 'a {
    let servicing = move |process: &pml_parser::Process<'_>| actors.is_servicing(log, *process);
    log.processes().filter(servicing).map(move |process| ServicingProcess {
        part: log.part(),
        name: process.name().to_string(),
        pid: process.pid(),
    })
}
