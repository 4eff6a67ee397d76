//! Files: a capture from a path. This folder alone opens files in this crate.
//!
//! [`LogSet::open`] finds the other parts beside a log, maps and orders them, and returns what it found
//! as data: the set, the files, what was left out and why, which parts are missing.

mod error;
mod map;
pub mod parts;

pub use error::{Fault, OpenError};
pub use map::{Map, any_fault, map};

use crate::log::Log;
use crate::log::set::{LogSet, Mismatch, mismatch};
use crate::progress::{NoProgress, Progress};
use crate::time::FileTime;
use parts::{folder_of, gaps, part_name, part_number_of, parts_beside};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What to do with a log that [`Log::parse`] refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoverMode {
    /// Refuse it too.
    #[default]
    Never,
    /// Read what is left of it, and check every event of all other logs.
    Always,
    /// Read what is left of it.
    IfNeeded,
}

/// How a capture is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Whether the named files are all there is, rather than parts whose other parts lie beside them.
    pub named_only: bool,
    /// What to do with a log that does not open.
    pub recover: RecoverMode,
}

/// A file that is a part of an opened capture.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// The map of the log, which knows whether it could be read.
    map: Map,
    /// What distinguishes the file from others, whatever their names.
    identity: Option<(u64, u64)>,
}

/// A file whose name makes it a part, and that is not in the set.
#[derive(Debug)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a file is not in the set.
#[derive(Debug)]
pub enum LeftOutReason {
    /// It cannot be read: the capture has lost a part.
    Unreadable(OpenError),
    /// It is of another capture.
    Mismatch(Mismatch),
}

/// A capture that was opened from its files.
#[derive(Debug)]
pub struct Opened {
    /// The parts, in order.
    pub set: LogSet<Map>,
    /// Files whose names make them parts, and that are not in the set.
    pub left_out: Vec<LeftOut>,
    /// File names of parts that are missing: first and last name of each gap in the numbers.
    pub missing: Vec<(String, String)>,
    /// A folder in which other parts could not be looked for, and why.
    pub unsearched: Vec<(PathBuf, io::Error)>,
    /// Whether a part was left out that may belong to the capture.
    pub lost_parts: bool,
    parts: Vec<Part>,
}

impl LogSet<Map> {
    /// Opens the capture that a log belongs to: the log itself, and the parts beside it (`X.pml`,
    /// `X-1.pml`, …, from any of them).
    ///
    /// ```no_run
    /// let opened = pml_parser::LogSet::open("Bootlog.pml")?;
    /// println!("{} events in {} parts", opened.set.event_count(), opened.set.parts().count());
    /// # Ok::<(), pml_parser::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// When the log cannot be read. Other parts that cannot be read are in [`Opened::left_out`].
    pub fn open(path: impl AsRef<Path>) -> Result<Opened, OpenError> {
        Self::open_files(&[path.as_ref()], OpenOptions::default(), &NoProgress)
    }

    /// Opens the capture that several files make.
    ///
    /// # Errors
    /// When a named file cannot be read or is of another capture than the others, or the caller cancels.
    pub fn open_files<P: AsRef<Path>>(
        paths: &[P],
        options: OpenOptions,
        progress: &dyn Progress,
    ) -> Result<Opened, OpenError> {
        let mut unsearched = Vec::new();
        let candidates = candidates(paths, options, &mut unsearched)?;
        let mut accepted: Vec<(Candidate, Log<Map>, Part)> = Vec::new();
        let (mut left_out, mut lost_parts) = (Vec::new(), false);
        // The named files come first, so that they decide what belongs to them.
        let (named, found): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| candidate.named);
        for candidate in named.into_iter().chain(found) {
            if progress.is_cancelled() {
                return Err(OpenError::Cancelled);
            }
            let (log, part) = match read(&candidate.path, options.recover, progress) {
                Ok(read) => read,
                Err(error) if candidate.named => return Err(error),
                Err(OpenError::Cancelled) => return Err(OpenError::Cancelled),
                Err(error) => {
                    left_out.push(LeftOut { path: candidate.path, reason: LeftOutReason::Unreadable(error) });
                    lost_parts = true;
                    continue;
                }
            };
            let reason = accepted.iter().find_map(|(other, other_log, _)| {
                let (a, b) = (other_log.view(), log.view());
                let is_first = other.order(other_log) <= candidate.order(&log);
                let reason = if is_first { mismatch(a, b) } else { mismatch(b, a) };
                reason.map(|reason| (other.path.clone(), reason))
            });
            match reason {
                None => accepted.push((candidate, log, part)),
                Some((other, reason)) if candidate.named => {
                    return Err(OpenError::NotOneCapture { path: candidate.path, other, reason });
                }
                Some((_, reason)) => {
                    left_out.push(LeftOut { path: candidate.path, reason: LeftOutReason::Mismatch(reason) });
                    // A damaged part may belong here whatever its header says.
                    lost_parts |= options.recover != RecoverMode::Never;
                }
            }
        }
        accepted.sort_by(|(a, log_a, _), (b, log_b, _)| a.order(log_a).cmp(&b.order(log_b)));
        let missing = match accepted.first() {
            Some((first, ..)) if !options.named_only => {
                let numbers: Vec<u64> = accepted.iter().map(|(candidate, ..)| candidate.number).collect();
                let name = |number| part_name(&first.path, number);
                gaps(&numbers).into_iter().map(|gap| (name(*gap.start()), name(*gap.end()))).collect()
            }
            _ => Vec::new(),
        };
        let (mut parts, mut logs) = (Vec::new(), Vec::new());
        for (_, log, part) in accepted {
            logs.push(log);
            parts.push(part);
        }
        let opened = Opened { set: LogSet::new(logs), left_out, missing, unsearched, lost_parts, parts };
        // The parts have been compared with one another.
        opened.check()?;
        Ok(opened)
    }
}

impl Opened {
    /// Files of the parts, in order.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.parts.iter().map(|part| part.path.as_path())
    }

    /// File names of the parts, in order.
    pub fn names(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.paths().map(name).collect()
    }

    /// Whether everything that was read so far could be read. Ask before results count: what could not be
    /// read has been taken for zeros.
    ///
    /// # Errors
    /// The first place that could not be read.
    pub fn check(&self) -> Result<(), Fault> {
        self.parts.iter().try_for_each(Part::check)
    }
}

/// A file that may be a part.
struct Candidate {
    path: PathBuf,
    number: u64,
    /// Whether the caller named it, rather than it lying beside one that was named.
    named: bool,
}

impl Candidate {
    /// What parts are ordered by: their numbers, and where names say nothing, their times.
    fn order<'a>(&'a self, log: &Log<Map>) -> (u64, Option<FileTime>, &'a Path) {
        (self.number, log.view().time_span().map(|span| span.0), &self.path)
    }
}

/// The named files and the parts beside them, each once.
fn candidates<P: AsRef<Path>>(
    paths: &[P],
    options: OpenOptions,
    unsearched: &mut Vec<(PathBuf, io::Error)>,
) -> Result<Vec<Candidate>, OpenError> {
    if paths.is_empty() {
        return Err(OpenError::NoFile);
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    let mut add = |path: PathBuf, named| {
        // The same file may be named twice, or through a link.
        if known.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
            let number = part_number_of(&path);
            candidates.push(Candidate { path, number, named });
        }
    };
    for path in paths {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(OpenError::NotRegular { path: path.to_owned() });
        }
        add(path.to_owned(), true);
    }
    if !options.named_only {
        let mut searched = HashSet::new();
        for path in paths {
            let path = path.as_ref();
            // Parts of one capture that are named one by one share a folder and a name.
            if searched.insert((folder_of(path).to_owned(), parts::capture_name(path))) {
                match parts_beside(path) {
                    Ok(parts) => parts.into_iter().for_each(|part| add(part, false)),
                    Err(error) => unsearched.push((folder_of(path).to_owned(), error)),
                }
            }
        }
    }
    Ok(candidates)
}

/// Maps and opens one file.
fn read(path: &Path, recover: RecoverMode, progress: &dyn Progress) -> Result<(Log<Map>, Part), OpenError> {
    let path_buf = || path.to_owned();
    let io = |error: io::Error| OpenError::Io { path: path_buf(), error };
    if fs::metadata(path).map_err(io)?.len() == 0 {
        return Err(OpenError::Empty { path: path_buf() });
    }
    let map = map(path).map_err(io)?;
    let part = Part { path: path_buf(), map: map.clone(), identity: identity(path) };
    let recovers = match recover {
        RecoverMode::Never => false,
        RecoverMode::Always => true,
        RecoverMode::IfNeeded => Log::parse(map.clone()).is_err(),
    };
    let log = if recovers {
        progress.begin(map.len() as u64);
        Log::recover_watched(map, progress)
    } else {
        Log::parse(map)
    };
    // Zeros in the place of what cannot be read look like damage.
    part.check()?;
    let log = log.map_err(|error| match error.kind() {
        crate::error::ErrorKind::Cancelled => OpenError::Cancelled,
        _ => OpenError::Log { path: path_buf(), error },
    })?;
    Ok((log, part))
}

impl Part {
    /// Whether all that was read could be read.
    fn check(&self) -> Result<(), Fault> {
        let fault = |offset| Err(Fault { path: self.path.clone(), offset });
        if let Some(offset) = self.map.fault() {
            return fault(offset);
        }
        // Of a page whose end is cut off, that end reads as zeros, and nothing fails. A file that has
        // taken the place of this one is another matter.
        let length = fs::metadata(&self.path).map_or(u64::MAX, |metadata| metadata.len());
        if self.identity.is_some() && self.identity == identity(&self.path) && length < self.map.len() as u64
        {
            return fault(length);
        }
        Ok(())
    }
}

/// What distinguishes files, whatever their names; `None` where a mapped file cannot be cut short.
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
