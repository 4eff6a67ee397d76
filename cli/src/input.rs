//! From the files a user names to the parts of a capture.

use crate::args::{LogArgs, RecoveryArgs};
use crate::failure::Failure;
use crate::status::{Progress, go_on, warn};
use pml_parser::export::CaptureFacts;
use pml_parser::{ErrorKind, FileTime, Log, LogSet, Map, mismatch, part_number};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// An opened capture.
pub(crate) struct Capture {
    pub set: LogSet<Map>,
    /// What the parts were read from, in order.
    sources: Vec<Source>,
    /// Files of the parts, in order.
    pub paths: Vec<PathBuf>,
    /// Whether a part was there that could not be read.
    pub lost_parts: bool,
}

impl Capture {
    /// What a dataset says of it beside the log's own facts.
    pub(crate) fn facts(&self) -> CaptureFacts {
        let tool_version = concat!("pml ", env!("CARGO_PKG_VERSION")).to_owned();
        CaptureFacts { tool_version, part_names: self.names() }
    }

    /// Whether everything that was read could be read. Asked before an output gets its name or a report is
    /// printed: what could not be read has been taken for zeros.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.paths.iter().zip(&self.sources).try_for_each(|(path, source)| source.check(path))
    }

    /// File names of the parts.
    pub(crate) fn names(&self) -> Vec<String> {
        self.paths.iter().map(|path| file_name(path)).collect()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A file that may be a part.
struct Candidate {
    path: PathBuf,
    number: u64,
    /// Whether the user named it, rather than it being found beside one that was named.
    named: bool,
}

/// What to do with a log that does not open as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Refuse it.
    AsItIs,
    /// Read what is left of every log.
    Recovering,
    /// Read what is left of this one.
    RecoveringIfNeeded,
}

impl From<&RecoveryArgs> for Reading {
    fn from(args: &RecoveryArgs) -> Self {
        if args.recover { Self::Recovering } else { Self::AsItIs }
    }
}

/// Opens the capture that the arguments name.
pub(crate) fn open(args: &LogArgs, reading: Reading) -> Result<Capture, Failure> {
    let candidates = candidates(args)?;
    let mut accepted: Vec<(Candidate, Log<Map>, Source)> = Vec::new();
    let mut lost_parts = false;
    // What was named comes first, so that it decides what belongs to it.
    let (named, found): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| candidate.named);
    for candidate in named.into_iter().chain(found) {
        go_on()?;
        let (log, source) = match read(&candidate.path, reading) {
            Ok(read) => read,
            Err(failure) if candidate.named => return Err(failure),
            Err(failure) => {
                warn(&format!("a part of the capture cannot be read and is left out: {failure}"));
                lost_parts = true;
                continue;
            }
        };
        let reason = accepted.iter().find_map(|(other, other_log, _)| {
            let (a, b) = (other_log.view(), log.view());
            let first = order(other, other_log) <= order(&candidate, &log);
            let reason = if first { mismatch(a, b) } else { mismatch(b, a) };
            reason.map(|reason| (other.path.clone(), reason))
        });
        match reason {
            None => accepted.push((candidate, log, source)),
            Some((other, reason)) if candidate.named => {
                let (a, b) = (candidate.path.display(), other.display());
                return Err(Failure::new(format!("{a} is not a part of the same capture as {b}: {reason}"))
                    .hint("convert them one by one, with --no-set if their names look like parts"));
            }
            Some((_, reason)) => {
                warn(&format!("{} is left out: {reason}", candidate.path.display()));
                // What is damaged may belong here whatever it says of itself.
                lost_parts |= reading != Reading::AsItIs;
            }
        }
    }
    accepted.sort_by(|(a, log_a, _), (b, log_b, _)| order(a, log_a).cmp(&order(b, log_b)));
    if !args.no_set {
        let numbers: Vec<u64> = accepted.iter().map(|(candidate, ..)| candidate.number).collect();
        if let Some((first, ..)) = accepted.first() {
            name_missing(&first.path, &numbers);
        }
    }
    let (mut paths, mut logs, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    for (candidate, log, source) in accepted {
        paths.push(candidate.path);
        logs.push(log);
        sources.push(source);
    }
    let capture = Capture { set: LogSet::new(logs), sources, paths, lost_parts };
    // The parts have been compared with one another.
    capture.check()?;
    Ok(capture)
}

/// What parts are ordered by: their numbers, and where names say nothing, their times.
fn order<'a>(candidate: &'a Candidate, log: &Log<Map>) -> (u64, Option<FileTime>, &'a Path) {
    (candidate.number, log.view().time_span().map(|span| span.0), &candidate.path)
}

/// The named files, and unless told otherwise the other parts beside them, each once.
fn candidates(args: &LogArgs) -> Result<Vec<Candidate>, Failure> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    let mut add = |path: PathBuf, named| {
        // The same file may be named twice, or through a link.
        if known.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
            let number = number_of(&path);
            candidates.push(Candidate { path, number, named });
        }
    };
    for path in &args.logs {
        let metadata = fs::metadata(path).map_err(|e| Failure::of_io(path, &e))?;
        if metadata.is_dir() {
            return Err(Failure::new(format!("{}: is a directory", path.display()))
                .hint("name one of the logs in it"));
        }
        if !metadata.is_file() {
            return Err(Failure::new(format!("{}: is not a regular file", path.display()))
                .hint("a log is read in place; save it to a file first"));
        }
        add(path.clone(), true);
    }
    if !args.no_set {
        let mut looked = HashSet::new();
        for path in &args.logs {
            // Parts of one set that are named one by one share a folder and a base name.
            if looked.insert((folder(path).to_owned(), base_of(path))) {
                parts_beside(path).into_iter().for_each(|part| add(part, false));
            }
        }
    }
    Ok(candidates)
}

/// Whether two paths lead to one file that exists.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// The folder a file lies in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Name of the set that a file's name makes it a part of. Windows does not mind case.
pub(crate) fn base_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    part_number(&stem).0.to_lowercase()
}

pub(crate) fn number_of(path: &Path) -> u64 {
    path.file_stem().map_or(0, |stem| part_number(&stem.to_string_lossy()).1)
}

/// The files beside a log, other than itself, whose names make them parts of the same set.
pub(crate) fn other_parts(path: &Path) -> Vec<PathBuf> {
    parts_beside(path).into_iter().filter(|part| part != path && !same_file(part, path)).collect()
}

/// The files beside a log whose names make them parts of the same set, ascending by number.
fn parts_beside(path: &Path) -> Vec<PathBuf> {
    let Some(extension) = path.extension() else { return Vec::new() };
    let entries = match fs::read_dir(folder(path)) {
        Ok(entries) => entries,
        Err(e) => {
            let folder = folder(path).display();
            warn(&format!("other parts could not be looked for: {folder}: {e}"));
            return Vec::new();
        }
    };
    let base = base_of(path);
    let mut parts: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let file = PathBuf::from(entry.file_name());
            let is_log = file.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
            is_log && base_of(&file) == base && entry.path().is_file()
        })
        // The name as the user wrote it: `Bootlog.pml`, not `./Bootlog.pml`.
        .map(|entry| path.with_file_name(entry.file_name()))
        .collect();
    parts.sort_by_key(|part| number_of(part));
    parts
}

/// Warns of parts whose numbers are left out between those that are there.
fn name_missing(first: &Path, numbers: &[u64]) {
    let base = first.file_stem().map(|stem| part_number(&stem.to_string_lossy()).0.to_owned());
    let extension = first.extension().unwrap_or_default().to_string_lossy().into_owned();
    let base = base.unwrap_or_default();
    let name = |number: u64| match number {
        0 => format!("{base}.{extension}"),
        number => format!("{base}-{number}.{extension}"),
    };
    // Names such as log-2021 have numbers too, but are no parts of anything.
    const LIKELY: u64 = 100;
    match numbers.first() {
        Some(1) => warn(&format!("{} is missing: its events are not in the output", name(0))),
        Some(&first) if (2..LIKELY).contains(&first) => warn(&format!(
            "{} to {} are missing: their events are not in the output",
            name(0),
            name(first - 1)
        )),
        _ => {}
    }
    for pair in numbers.windows(2) {
        let &[before, after] = pair else { continue };
        match after.saturating_sub(before) {
            0 | 1 => {}
            2 => warn(&format!("{} is missing: its events are not in the output", name(before + 1))),
            _ => warn(&format!(
                "{} to {} are missing: their events are not in the output",
                name(before + 1),
                name(after - 1)
            )),
        }
    }
}

/// Maps and opens one file.
fn read(path: &Path, reading: Reading) -> Result<(Log<Map>, Source), Failure> {
    let io = |e: std::io::Error| Failure::of_io(path, &e);
    if fs::metadata(path).map_err(io)?.len() == 0 {
        return Err(Failure::new(format!("{}: is empty", path.display()))
            .hint("the capture or the copy failed; copy the file again"));
    }
    let map = pml_parser::map(path).map_err(io)?;
    let source = Source { file: identity(path), map: map.clone() };
    let recovers = match reading {
        Reading::AsItIs => false,
        Reading::Recovering => true,
        Reading::RecoveringIfNeeded => Log::parse(map.clone()).is_err(),
    };
    let log = if recovers { recover(map) } else { Log::parse(map) };
    // Zeros in the place of what cannot be read look like damage.
    source.check(path)?;
    let log = log.map_err(|error| match error.kind() {
        ErrorKind::Cancelled => Failure::stopped(),
        _ => Failure::of_log(path, error),
    });
    Ok((log?, source))
}

/// Reads what is left of a log: every event header, which takes a while.
fn recover(map: Map) -> pml_parser::Result<Log<Map>> {
    let progress = Progress::new(map.len() as u64, false);
    let log = Log::recover_watched(map, &progress);
    progress.clear();
    log
}

/// What a part is read from.
struct Source {
    /// The same map as that of the log, to be asked whether it could be read.
    map: Map,
    /// Which file it is.
    file: Option<(u64, u64)>,
}

impl Source {
    /// Whether all that was read could be read.
    fn check(&self, path: &Path) -> Result<(), Failure> {
        if let Some(offset) = self.map.fault() {
            return Err(Failure::of_fault(path, offset));
        }
        // Of a page whose end is cut off, that end reads as zeros, and nothing fails. A file that has
        // taken the place of this one is another matter.
        let length = fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
        if self.file.is_some() && self.file == identity(path) && length < self.map.len() as u64 {
            return Err(Failure::of_fault(path, length));
        }
        Ok(())
    }
}

/// What tells files apart, whatever they are called; `None` where nobody can cut short a file that is
/// mapped.
fn identity(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    return {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
    };
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
