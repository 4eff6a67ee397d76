//! Opens a capture from a path. No other folder of this crate opens files.
//!
//! [`LogSet::open`] finds the other parts of a log in its folder, maps and orders them. It returns the set,
//! the files, the files that were left out with the reasons, and the parts that are missing.

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
    /// Refuse the log.
    #[default]
    Never,
    /// Open every log by [`Log::recover`], which also checks every event of a sound log.
    Always,
    /// Open a log by [`Log::recover`] where [`Log::parse`] refuses it.
    IfNeeded,
}

/// How a capture is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Whether to open only the named files, without looking for other parts in their folders.
    pub named_only: bool,
    /// What to do with a log that [`Log::parse`] refuses.
    pub recover: RecoverMode,
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
    /// named `X.pml`, `X-1.pml`, …, and `path` may name any of them.
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
        let candidates = candidates(paths, options, &mut unsearched)?;
        let mut accepted: Vec<(Candidate, Log<Map>, Part)> = Vec::new();
        let (mut left_out, mut lost_parts) = (Vec::new(), false);
        // The named files come first, so they decide which other files belong to them.
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
                    // The header of a damaged part may be wrong, so the part may belong to the capture.
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
        // Ordering and comparing the parts has read more of them.
        opened.check()?;
        Ok(opened)
    }
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

    /// Whether everything that was read so far could be read. Check this before you use results, because
    /// bytes that could not be read were taken for zeros.
    ///
    /// # Errors
    /// The place that could not be read, of the first such part.
    pub fn check(&self) -> Result<(), Fault> {
        self.parts.iter().try_for_each(Part::check)
    }
}

/// A file that may be a part.
struct Candidate {
    path: PathBuf,
    number: u64,
    /// Whether the caller named the file. Other candidates were found in the folder of a named file.
    named: bool,
}

impl Candidate {
    /// The order of parts: by number, then by time, then by path.
    fn order<'a>(&'a self, log: &Log<Map>) -> (u64, Option<FileTime>, &'a Path) {
        (self.number, log.view().time_span().map(|span| span.0), &self.path)
    }
}

/// The named files and the other parts in their folders, each once.
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
            // Named parts of one capture share a folder and a name, which is searched once.
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
