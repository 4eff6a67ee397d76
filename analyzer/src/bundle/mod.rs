//! Finds captures, and the text logs beside them, where people put them: named files, folders, zip and 7z files of a
//! collector, and archives inside these. Files may also be packed one by one, with gzip or Zstandard.
//!
//! Finding says which files belong together and what was skipped; [`CaptureLocation::files`] makes a capture's
//! files ready to be opened. A name or a length in an archive is never trusted.

pub mod advice;
mod archive;
mod container;
mod error;
mod folder;
mod foreign;
mod glob;
mod ids;
mod log;
mod names;
mod open;
mod packed;
mod search;
mod seven_zip;

pub use error::BundleError;
pub use foreign::kind_of;
pub use glob::{is_pattern, matching};
pub use ids::{capture_ids, short_hash};
pub use log::LogLocation;
pub use open::{CaptureError, OpenCapture};
pub use search::{Found, FoundCaptures, FoundCase, Skipped, Unsearched};

use archive::Archive;
use pml_parser::{Progress, parts};
use search::Search;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Where a capture is.
#[derive(Debug)]
pub struct CaptureLocation {
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file of the capture that was named: others may lie beside it.
    Named(PathBuf),
    /// All files of the capture.
    Found(Vec<PathBuf>),
    /// The same; some of them are packed.
    Packed(Vec<PathBuf>),
    /// Members of an archive: their numbers and names.
    Archived { archive: Arc<Archive>, members: Vec<(usize, String)> },
}

/// The files of a capture. What was unpacked goes away with this value.
#[derive(Debug)]
pub struct CaptureFiles {
    paths: Vec<PathBuf>,
    is_complete: bool,
    _folder: Option<TempDir>,
}

impl CaptureFiles {
    /// The files, for a capture to be opened from.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Whether these are all files of the capture, so that no other folder needs to be searched.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// Finds the captures and text logs of all inputs. Named files that are parts of one set are one capture, unless
/// `alone` makes each file one; text logs that are named make one case with the captures named beside them. An
/// input that cannot be searched is a case with an error.
///
/// # Errors
/// When the caller cancels.
pub fn find(inputs: &[PathBuf], alone: bool, progress: &dyn Progress) -> Result<Found, BundleError> {
    let mut found = Found::default();
    let mut named = Named { alone, ..Named::default() };
    for input in inputs {
        match find_one(input, &mut named, &mut found, progress) {
            Err(BundleError::Cancelled) => return Err(BundleError::Cancelled),
            Err(error) => found.cases.push(FoundCase::failed(input.display().to_string(), error)),
            Ok(()) => {}
        }
    }
    named.finish(&mut found);
    Ok(found)
}

fn find_one(
    input: &Path,
    named: &mut Named,
    found: &mut Found,
    progress: &dyn Progress,
) -> Result<(), BundleError> {
    let metadata = fs::metadata(input).map_err(|error| io_error(input, error))?;
    let mut search = Search::new(progress);
    if metadata.is_dir() {
        folder::find(input, &mut search)?;
    } else if metadata.is_file() && archive::is_archive(input)? {
        archive::find(input, &mut search)?;
    } else if metadata.is_file() && log::is_text_log(input)? {
        let log = LogLocation::file(input.to_owned(), input.display().to_string());
        named.logs.push((found.cases.len(), log));
        return Ok(());
    } else if metadata.is_file() && packed::is_packed(input)? {
        named.packed.push((found.cases.len(), input.to_owned()));
        return Ok(());
    } else {
        named.files.push((found.cases.len(), input.to_owned()));
        return Ok(());
    }
    search.finish(input, found)
}

/// Whether a name is that of a log, or of one inside an archive: `case.zip:folder/Bootlog.pml`. Packed ones count.
pub fn is_log_name(name: &str) -> bool {
    let last = Path::new(names::file_name(name));
    names::is_log(last) || packed::is_packed_log(last)
}

/// Finds the capture that an argument names inside an archive: `case.zip:folder/Bootlog.pml`, or `case.zip` where
/// one capture is in it. Nothing where the argument names no archive.
///
/// # Errors
/// When the archive cannot be read, or holds no such capture, or several.
pub fn find_capture(
    argument: &Path,
    progress: &dyn Progress,
) -> Result<Option<CaptureLocation>, BundleError> {
    let (path, member) = match argument.to_str().filter(|_| !argument.exists()).and_then(names::split_member)
    {
        Some((path, member)) => (PathBuf::from(path), Some(member.replace('\\', "/"))),
        None => (argument.to_owned(), None),
    };
    if !path.is_file() || !archive::is_archive(&path)? {
        return Ok(None);
    }
    let mut search = Search::new(progress);
    archive::find(&path, &mut search)?;
    let mut captures = search.into_captures();
    if let Some(member) = &member {
        captures.retain(|capture| capture.has_member(member));
    }
    match captures.len() {
        1 => Ok(captures.pop()),
        0 => Err(BundleError::NoCapture { path, member }),
        _ => Err(BundleError::SeveralCaptures {
            path,
            names: captures.into_iter().map(|capture| capture.name).collect(),
        }),
    }
}

/// Makes the named files ready to be opened as one capture, if one of them is packed. A single one brings the packed parts
/// beside it, unless it is to be read `alone`.
///
/// # Errors
/// When a packed file cannot be unpacked or grows beyond measure, and when the caller cancels.
pub fn unpack_named(
    paths: &[PathBuf],
    alone: bool,
    progress: &dyn Progress,
) -> Result<Option<CaptureFiles>, BundleError> {
    let mut is_any = false;
    for path in paths.iter().filter(|path| path.is_file()) {
        is_any |= packed::is_packed(path)?;
    }
    match paths {
        _ if !is_any => Ok(None),
        [only] if !alone => packed::unpack(&packed::packed_beside(only), progress).map(Some),
        _ => packed::unpack(paths, progress).map(Some),
    }
}

/// Files that the inputs name themselves, each with its place among the cases.
#[derive(Default)]
struct Named {
    /// Whether each file is a capture of its own.
    alone: bool,
    files: Vec<(usize, PathBuf)>,
    /// Files that are packed one by one.
    packed: Vec<(usize, PathBuf)>,
    logs: Vec<(usize, LogLocation)>,
}

impl Named {
    /// The captures of the files, each with its place. Several files may be parts of one; the names and contents of those
    /// beside them are looked at once for all.
    fn captures(&mut self) -> Vec<(usize, CaptureLocation)> {
        let files = std::mem::take(&mut self.files);
        let packed = self.packed_captures();
        let captures = self.plain_captures(files);
        captures.into_iter().chain(packed).collect()
    }

    /// The captures of packed files: those of one set are one.
    fn packed_captures(&mut self) -> Vec<(usize, CaptureLocation)> {
        let mut sets: Vec<(PathBuf, usize, Vec<PathBuf>)> = Vec::new();
        for (at, path) in std::mem::take(&mut self.packed) {
            let set = packed::set_of_packed(&path);
            match sets.iter_mut().find(|known| known.0 == set && !self.alone) {
                Some((.., paths)) => paths.push(path),
                None => sets.push((set, at, vec![path])),
            }
        }
        let capture = |(_, at, paths): (PathBuf, usize, Vec<PathBuf>)| {
            let name = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
            (at, CaptureLocation { name, place: Place::Packed(self.with_those_beside(paths)) })
        };
        sets.into_iter().map(capture).collect()
    }

    /// Packed files, and where one alone is named, those beside it.
    fn with_those_beside(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        match paths.as_slice() {
            [only] if !self.alone => packed::packed_beside(only),
            _ => paths,
        }
    }

    /// The captures of files that are not packed.
    fn plain_captures(&self, files: Vec<(usize, PathBuf)>) -> Vec<(usize, CaptureLocation)> {
        let location = |path: &Path, place| CaptureLocation { name: path.display().to_string(), place };
        if self.alone || files.len() == 1 {
            let named = |(at, path): (usize, PathBuf)| (at, location(&path, Place::Named(path.clone())));
            return files.into_iter().map(named).collect();
        }
        let mut captures = parts::captures_of(files.iter().map(|file| file.1.clone()).collect());
        let mut found = Vec::new();
        for (at, path) in &files {
            let is_part = |capture: &Vec<PathBuf>| capture.contains(path);
            if let Some(number) = captures.iter().position(is_part) {
                found.push((*at, location(path, Place::Found(captures.remove(number)))));
            }
        }
        found
    }

    /// Makes cases of the files: one of all where text logs are among them, else one for each capture.
    fn finish(mut self, found: &mut Found) {
        let captures = self.captures();
        let mut cases: Vec<(usize, FoundCase)> = Vec::new();
        if let Some((at, log)) = self.logs.first() {
            let mut case = FoundCase::new(log.name().to_owned());
            let at = captures.first().map_or(*at, |capture| capture.0.min(*at));
            case.captures.extend(captures.into_iter().map(|capture| capture.1));
            case.logs.extend(self.logs.into_iter().map(|log| log.1));
            cases.push((at, case));
        } else {
            cases.extend(captures.into_iter().map(|(at, capture)| {
                let mut case = FoundCase::new(capture.name.clone());
                case.captures.push(capture);
                (at, case)
            }));
        }
        for (at, case) in cases.into_iter().rev() {
            found.cases.insert(at.min(found.cases.len()), case);
        }
    }
}

impl CaptureLocation {
    /// What to call the capture.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to name its first file on a command line.
    pub fn argument(&self) -> String {
        match &self.place {
            Place::Named(path) => path.display().to_string(),
            Place::Found(paths) | Place::Packed(paths) => {
                paths.first().map(|path| path.display().to_string()).unwrap_or_default()
            }
            Place::Archived { members, .. } => {
                members.first().map(|member| names::file_name(&member.1).to_owned()).unwrap_or_default()
            }
        }
    }

    /// Name and size in bytes of its first file: copies of one capture agree in both.
    pub fn first_file(&self) -> (String, u64) {
        let size = match &self.place {
            Place::Named(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Place::Found(paths) | Place::Packed(paths) => {
                paths.first().and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.len())
            }
            Place::Archived { archive, members } => {
                members.first().map_or(0, |member| archive.size_of(member.0))
            }
        };
        (names::file_name(&self.argument()).to_lowercase(), size)
    }

    /// Bytes of the files that were found. Parts beside a file that was named alone are not among them.
    pub fn size(&self) -> u64 {
        let of_file = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        match &self.place {
            Place::Named(path) => of_file(path),
            Place::Found(paths) | Place::Packed(paths) => paths.iter().map(of_file).sum(),
            Place::Archived { archive, members } => {
                members.iter().map(|member| archive.size_of(member.0)).sum()
            }
        }
    }

    /// Whether a member of an archive is one of its parts.
    fn has_member(&self, name: &str) -> bool {
        match &self.place {
            Place::Named(_) | Place::Found(_) | Place::Packed(_) => false,
            Place::Archived { archive, members } => {
                members.iter().any(|member| archive.is_named(&member.1, name))
            }
        }
    }

    /// Whether its files have to be unpacked before they can be read.
    pub fn is_packed(&self) -> bool {
        matches!(self.place, Place::Packed(_) | Place::Archived { .. })
    }

    /// Makes its files ready: members of an archive are unpacked to a temporary folder.
    ///
    /// # Errors
    /// When a member cannot be unpacked, is no log or grows beyond measure; and when the caller cancels.
    pub fn files(&self, progress: &dyn Progress) -> Result<CaptureFiles, BundleError> {
        match &self.place {
            Place::Named(path) => {
                Ok(CaptureFiles { paths: vec![path.clone()], is_complete: false, _folder: None })
            }
            Place::Found(paths) => {
                Ok(CaptureFiles { paths: paths.clone(), is_complete: true, _folder: None })
            }
            Place::Packed(paths) => packed::unpack(paths, progress),
            Place::Archived { archive, members } => {
                let folder = tempfile::Builder::new().prefix("pml-").tempdir();
                let folder = folder.map_err(BundleError::TemporaryFolder)?;
                let paths = archive.unpack(members, folder.path(), progress)?;
                Ok(CaptureFiles { paths, is_complete: true, _folder: Some(folder) })
            }
        }
    }
}

fn io_error(path: &Path, error: io::Error) -> BundleError {
    BundleError::Io { path: path.to_owned(), error }
}
