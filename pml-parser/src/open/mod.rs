//! Opens a capture from a path. No other folder of this crate opens files.
//!
//! [`LogSet::open`] finds the other parts of a log in its folder, maps and orders them. It returns the set,
//! the files, the files that were left out with the reasons, and the parts that are missing.

mod error;
mod map;
mod members;
pub mod parts;

pub use error::{Fault, OpenError};
pub use map::{Map, any_fault, map};

use crate::error::Damage;
use crate::log::Log;
use crate::log::kinship::{Identity, Mismatch};
use crate::log::set::LogSet;
use crate::progress::{NoProgress, Progress};
use crate::raw::header::MAGIC;
use crate::raw_boot::{Drives, is_raw_boot};
use members::Member;
use parts::{Numbering, Proposal, folder_of, logs_beside, proposal};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What to do with a log that [`Log::parse`] refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoverMode {
    /// Refuse the log.
    #[default]
    Never,
    /// Open every log by [`Log::recover`], which also checks every event of a sound log.
    Always,
    /// Open a log by [`Log::recover`] where [`Log::parse`] refuses it.
    IfNeeded,
}

/// How a capture is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Whether to open only the named files, without looking for other parts in their folders.
    pub named_only: bool,
    /// What to do with a log that [`Log::parse`] refuses.
    pub recover: RecoverMode,
    /// Drive letters of a raw boot log that are known from elsewhere.
    pub drives: Drives,
    /// Whether to read the files into memory instead of mapping them. A map needs a handler of SIGBUS (on Windows of
    /// exceptions) for the whole process, which may not suit a process that belongs to another program; reading
    /// takes as much memory as the files have bytes.
    pub in_memory: bool,
}

/// A file that is a part of an opened capture.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// The map of the log, which records whether it could be read.
    map: Map,
    /// What distinguishes the file from one that replaces it.
    identity: Option<(u64, u64)>,
}

/// A file that is not in the set although its name is the name of a part.
#[derive(Debug)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why the file is not in the set.
    pub reason: LeftOutReason,
}

/// Why a file is not in the set.
#[derive(Debug)]
pub enum LeftOutReason {
    /// The file cannot be read, so a part of the capture is lost.
    Unreadable(OpenError),
    /// The file belongs to another capture.
    Mismatch(Mismatch),
}

/// A capture that was opened from its files.
#[derive(Debug)]
pub struct Opened {
    /// The parts, in order.
    pub set: LogSet<Map>,
    /// Files that are not in the set although their names are names of parts.
    pub left_out: Vec<LeftOut>,
    /// Files that are in the set because of their contents, although their names are not the names of parts.
    pub joined: Vec<PathBuf>,
    /// File names of missing parts: the first and the last name of each gap in the numbers.
    pub missing: Vec<(String, String)>,
    /// Folders that could not be searched for other parts, and the errors.
    pub unsearched: Vec<(PathBuf, io::Error)>,
    /// Whether a file was left out that may be a part of the capture: it cannot be read, or recovery is on
    /// and its header may be damaged.
    pub lost_parts: bool,
    parts: Vec<Part>,
}

impl LogSet<Map> {
    /// Opens the capture to which a log belongs: the log, and the other parts in its folder. The parts are
    /// named `X.pml`, `X-1.pml`, …, or their names differ in numbers and words of copies and their contents show that
    /// one continues the other; `path` may name any of them.
    ///
    /// ```no_run
    /// let opened = pml_parser::LogSet::open("Bootlog.pml")?;
    /// println!("{} events in {} parts", opened.set.event_count(), opened.set.parts().count());
    /// # Ok::<(), pml_parser::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// When the named log cannot be read. [`Opened::left_out`] has other parts that cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Opened, OpenError> {
        Self::open_files(&[path.as_ref()], OpenOptions::default(), &NoProgress)
    }

    /// Opens a capture from several files, and from the other parts in their folders unless
    /// [`OpenOptions::named_only`] is set.
    ///
    /// # Errors
    /// When a named file cannot be read, two named files belong to different captures, or the caller cancels.
    pub fn open_files<P: AsRef<Path>>(
        paths: &[P],
        options: OpenOptions,
        progress: &dyn Progress,
    ) -> Result<Opened, OpenError> {
        let mut unsearched = Vec::new();
        let candidates = candidates(paths, &options, &mut unsearched)?;
        let opened = open_candidates(candidates, &options, !options.named_only, progress)?;
        Ok(Opened { unsearched, ..opened })
    }

    /// Opens a capture from all of its files, as [`parts::captures`] finds them. A file that cannot be read, or does
    /// not fit the others, is left out.
    ///
    /// # Errors
    /// When none of the files can be read, or the caller cancels.
    pub fn open_found<P: AsRef<Path>>(
        paths: &[P],
        options: &OpenOptions,
        progress: &dyn Progress,
    ) -> Result<Opened, OpenError> {
        let candidate = |path: &P| Candidate { path: path.as_ref().to_owned(), origin: Origin::Given };
        let opened = open_candidates(paths.iter().map(candidate).collect(), options, true, progress)?;
        let Opened { mut left_out, set, .. } = opened;
        if set.parts().len() > 0 {
            return Ok(Opened { left_out, set, ..opened });
        }
        match left_out.pop().map(|left_out| left_out.reason) {
            Some(LeftOutReason::Unreadable(error)) => Err(error),
            _ => Err(OpenError::NoFile),
        }
    }
}

/// A log that belongs to the capture.
struct Accepted {
    candidate: Candidate,
    log: Log<Map>,
    part: Part,
    identity: Identity,
}

impl Accepted {
    fn member(&self) -> Member<'_> {
        Member { path: &self.candidate.path, identity: &self.identity }
    }

    /// The first of these logs that cannot be of the same capture, and why.
    fn mismatch<'a>(&self, others: &'a [Self]) -> Option<(&'a Self, Mismatch)> {
        others.iter().find_map(|other| Some((other, self.member().mismatch(other.member())?)))
    }
}

/// Opens candidates, and decides which of them are parts of one capture; `says_missing` says whether numbers that are
/// left out are missing parts.
fn open_candidates(
    candidates: Vec<Candidate>,
    options: &OpenOptions,
    says_missing: bool,
    progress: &dyn Progress,
) -> Result<Opened, OpenError> {
    let recover = options.recover;
    let (mut accepted, mut waiting): (Vec<Accepted>, Vec<Accepted>) = Default::default();
    let (mut left_out, mut lost_parts) = (Vec::new(), false);
    for candidate in candidates {
        if progress.is_cancelled() {
            return Err(OpenError::Cancelled);
        }
        // A file that only may be a part is not worth a recovery, unless nothing else opens it.
        let is_sure = candidate.origin <= Origin::Part;
        let mode = match recover {
            RecoverMode::Always if !is_sure => RecoverMode::IfNeeded,
            mode => mode,
        };
        let is_named = candidate.origin == Origin::Named;
        // A raw boot log has one file, whatever files beside it are called.
        if !is_named && accepted.iter().any(|other| other.log.view().is_raw_boot()) {
            continue;
        }
        let new = match read(&candidate.path, options, mode, progress) {
            Ok((log, part)) => Accepted { identity: Identity::of(log.view()), candidate, log, part },
            Err(error) if is_named => return Err(error),
            Err(OpenError::Cancelled) => return Err(OpenError::Cancelled),
            Err(error) => {
                if candidate.origin.is_said() {
                    let reason = LeftOutReason::Unreadable(error);
                    left_out.push(LeftOut { path: candidate.path, reason });
                    lost_parts |= is_sure;
                }
                continue;
            }
        };
        match new.mismatch(&accepted) {
            None if is_sure => accepted.push(new),
            None => waiting.push(new),
            Some((other, reason)) if is_named => {
                let (path, other) = (new.candidate.path, other.candidate.path.clone());
                return Err(OpenError::NotOneCapture { path, other, reason });
            }
            Some((_, reason)) => {
                if new.candidate.origin.is_said() {
                    left_out
                        .push(LeftOut { path: new.candidate.path, reason: LeftOutReason::Mismatch(reason) });
                }
                // The header of a damaged part may be wrong, so the part may belong to the capture.
                lost_parts |= is_sure && recover != RecoverMode::Never;
            }
        }
    }
    // Each part that is found may lead to the next one.
    let mut joined = Vec::new();
    let continues = |new: &Accepted, accepted: &[Accepted]| {
        accepted.iter().any(|other| new.member().continues(other.member()))
            && new.mismatch(accepted).is_none()
    };
    while let Some(at) = waiting.iter().position(|new| continues(new, &accepted)) {
        let mut new = waiting.remove(at);
        joined.push(new.candidate.path.clone());
        if recover == RecoverMode::Always {
            (new.log, new.part) = read(&new.candidate.path, options, recover, progress)?;
        }
        accepted.push(new);
    }
    for other in waiting.into_iter().filter(|other| other.candidate.origin.is_said()) {
        let reason = other.mismatch(&accepted).map_or(Mismatch::Unproven, |(_, reason)| reason);
        left_out.push(LeftOut { path: other.candidate.path, reason: LeftOutReason::Mismatch(reason) });
    }
    let numbering = Numbering::of(accepted.iter().map(|part| &*part.candidate.path));
    let is_raw = accepted.iter().any(|part| part.log.view().is_raw_boot());
    let missing = match numbering.filter(|numbering| numbering.is_likely) {
        Some(mut numbering) => {
            let mut numbered: Vec<_> = numbering.numbers.drain(..).zip(accepted).collect();
            numbered.sort_by(|(a, log_a), (b, log_b)| (a, log_a.order()).cmp(&(b, log_b.order())));
            (numbering.numbers, accepted) = numbered.into_iter().unzip();
            let begins = accepted.first().is_some_and(|first| first.identity.begins_a_boot());
            if says_missing && !is_raw { numbering.missing(begins) } else { Vec::new() }
        }
        None => {
            accepted.sort_by(|a, b| a.order().cmp(&b.order()));
            Vec::new()
        }
    };
    let (mut parts, mut logs) = (Vec::new(), Vec::new());
    for Accepted { log, part, .. } in accepted {
        logs.push(log);
        parts.push(part);
    }
    let mut set = LogSet::new(logs);
    set.read_ahead_by(Map::will_need);
    if recover != RecoverMode::Never {
        set.name_by_neighbours(progress).map_err(|_| OpenError::Cancelled)?;
    }
    let opened = Opened { set, left_out, joined, missing, unsearched: Vec::new(), lost_parts, parts };
    // Ordering and comparing the parts has read more of them.
    opened.check()?;
    Ok(opened)
}

impl Opened {
    /// Paths of the parts, in order.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.parts.iter().map(|part| part.path.as_path())
    }

    /// File names of the parts, in order.
    pub fn names(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.paths().map(name).collect()
    }

    /// Whether something of the capture is lost: a part, entries of its tables, what recovery could not restore, or events,
    /// whose damage is given.
    pub fn has_losses(&self, events: &Damage) -> bool {
        let is_recovered = self.set.recovery().is_some_and(|recovery| !recovery.is_whole());
        self.lost_parts || is_recovered || !self.set.table_damage().is_empty() || !events.is_empty()
    }

    /// Whether everything that was read so far could be read. Check this before you use results, because
    /// bytes that could not be read were taken for zeros.
    ///
    /// # Errors
    /// The place that could not be read, of the first such part.
    pub fn check(&self) -> Result<(), Fault> {
        self.parts.iter().try_for_each(Part::check)
    }
}

/// Why a file may be a part. The order is that in which candidates are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// The caller named the file.
    Named,
    /// The search for captures has decided that it is one.
    Given,
    /// Its name is that of a part.
    Part,
    /// Its name differs in a number: its contents must prove it.
    Numbered,
    /// Its name has the same words: its contents must prove it.
    Similar,
}

impl Origin {
    /// Whether a file that is left out is worth a word.
    fn is_said(self) -> bool {
        self != Self::Similar
    }
}

/// A file that may be a part.
struct Candidate {
    path: PathBuf,
    origin: Origin,
}

impl Accepted {
    /// The order of parts without numbers.
    fn order(&self) -> (Option<crate::time::FileTime>, &Path) {
        (self.identity.begin(), &self.candidate.path)
    }
}

/// The named files, and then the other files in their folders that may be parts, each once.
fn candidates<P: AsRef<Path>>(
    paths: &[P],
    options: &OpenOptions,
    unsearched: &mut Vec<(PathBuf, io::Error)>,
) -> Result<Vec<Candidate>, OpenError> {
    if paths.is_empty() {
        return Err(OpenError::NoFile);
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    // The same file may be named twice, or through a link.
    let mut is_new = |path: &Path| known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    for path in paths {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(OpenError::NotRegular { path: path.to_owned() });
        }
        if is_new(path) {
            candidates.push(Candidate { path: path.to_owned(), origin: Origin::Named });
        }
    }
    if options.named_only {
        return Ok(candidates);
    }
    let mut searched = HashSet::new();
    // Of two copies of a part, the one with the shorter name counts.
    let mut found: Vec<(Origin, u64, usize, PathBuf)> = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if !searched.insert(folder_of(path).to_owned()) {
            continue;
        }
        let logs = match logs_beside(path) {
            Ok(logs) => logs,
            Err(error) => {
                unsearched.push((folder_of(path).to_owned(), error));
                continue;
            }
        };
        let named = || paths.iter().map(AsRef::as_ref).filter(|named| folder_of(named) == folder_of(path));
        for log in logs {
            let origin = match named().map(|named| proposal(named, &log)).min() {
                Some(Proposal::Parts) => Origin::Part,
                Some(Proposal::Numbers) => Origin::Numbered,
                Some(Proposal::Words) => Origin::Similar,
                Some(Proposal::Nothing) | None => continue,
            };
            if is_new(&log) {
                found.push((origin, parts::part_number_of(&log), log.as_os_str().len(), log));
            }
        }
    }
    found.sort();
    candidates.extend(found.into_iter().map(|(origin, _, _, path)| Candidate { path, origin }));
    Ok(candidates)
}

/// Maps or reads one file, and opens it.
fn read(
    path: &Path,
    options: &OpenOptions,
    recover: RecoverMode,
    progress: &dyn Progress,
) -> Result<(Log<Map>, Part), OpenError> {
    let path_buf = || path.to_owned();
    let io = |error: io::Error| OpenError::Io { path: path_buf(), error };
    if fs::metadata(path).map_err(io)?.len() == 0 {
        return Err(OpenError::Empty { path: path_buf() });
    }
    let map = if options.in_memory { map::read(path) } else { map(path) }.map_err(io)?;
    let part = Part { path: path_buf(), map: map.clone(), identity: identity(path) };
    let is_raw = !map.as_ref().starts_with(&MAGIC) && is_raw_boot(map.as_ref());
    let recovers = match recover {
        RecoverMode::Never => false,
        RecoverMode::Always => true,
        RecoverMode::IfNeeded => Log::parse(map.clone()).is_err(),
    };
    let log = if is_raw {
        Log::read_raw_boot(map, &options.drives, progress)
    } else if recovers {
        progress.begin(map.len() as u64);
        Log::recover_watched(map, progress)
    } else {
        Log::parse(map)
    };
    // Zeros in place of unreadable bytes would look like damage.
    part.check()?;
    let log = log.map_err(|error| match error.kind() {
        crate::error::ErrorKind::Cancelled => OpenError::Cancelled,
        _ => OpenError::Log { path: path_buf(), error },
    })?;
    Ok((log, part))
}

impl Part {
    /// Whether everything that was read so far could be read.
    fn check(&self) -> Result<(), Fault> {
        let fault = |offset| Err(Fault { path: self.path.clone(), offset });
        if let Some(offset) = self.map.fault() {
            return fault(offset);
        }
        if !self.map.is_mapped() {
            return Ok(());
        }
        // Where a file is cut in the middle of a page, the end of the page reads as zeros without a fault.
        // The identity rules out another file that has replaced this one.
        let length = fs::metadata(&self.path).map_or(u64::MAX, |metadata| metadata.len());
        if self.identity.is_some() && self.identity == identity(&self.path) && length < self.map.len() as u64
        {
            return fault(length);
        }
        Ok(())
    }
}

/// What distinguishes a file from another one that takes its name: device and inode, or on Windows the time of its
/// creation. `None` where nothing does.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    return {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.dev(), metadata.ino()))
    };
    #[cfg(windows)]
    return {
        use std::os::windows::fs::MetadataExt;
        Some((metadata.creation_time(), 0))
    };
    #[cfg(not(any(unix, windows)))]
    {
        let _ = metadata;
        None
    }
}
