//! Finds captures, and the text logs beside them, where people put them: named files, folders, zip files of a
//! collector, and zip files inside these.
//!
//! Finding says which files belong together and what was skipped; [`CaptureLocation::files`] makes a capture's
//! files ready to be opened. A name or a length in a zip file is never trusted.

mod archive;
mod error;
mod folder;
mod log;
mod names;
mod search;

pub use error::BundleError;
pub use log::LogLocation;
pub use search::{Found, FoundCase, Skipped};

use archive::Archive;
use pml_parser::Progress;
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
    /// Files of the capture: those that were named, or the first of those in a folder.
    Files(Vec<PathBuf>),
    /// Members of a zip file: their numbers and names.
    Zip { archive: Arc<Archive>, members: Vec<(usize, String)> },
}

/// The files of a capture. What was unpacked goes away with this value.
#[derive(Debug)]
pub struct CaptureFiles {
    paths: Vec<PathBuf>,
    _folder: Option<TempDir>,
}

impl CaptureFiles {
    /// The files, for a capture to be opened from.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
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
    } else if metadata.is_file() && archive::is_zip(input)? {
        archive::find(input, &mut search)?;
    } else if metadata.is_file() && log::is_text_log(input)? {
        let log = LogLocation::file(input.to_owned(), input.display().to_string());
        named.logs.push((found.cases.len(), log));
        return Ok(());
    } else {
        named.add(input, found.cases.len());
        return Ok(());
    }
    search.finish(input, found)
}

/// Finds the capture that an argument names inside a zip file: `case.zip:folder/Bootlog.pml`, or `case.zip` where
/// one capture is in it. Nothing where the argument names no zip file.
///
/// # Errors
/// When the zip file cannot be read, or holds no such capture, or several.
pub fn find_capture(
    argument: &Path,
    progress: &dyn Progress,
) -> Result<Option<CaptureLocation>, BundleError> {
    let (path, member) = match argument.to_str().filter(|_| !argument.exists()).and_then(names::split_member)
    {
        Some((path, member)) => (PathBuf::from(path), Some(member.replace('\\', "/"))),
        None => (argument.to_owned(), None),
    };
    if !path.is_file() || !archive::is_zip(&path)? {
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

/// Files that the inputs name themselves, each with its place among the cases.
#[derive(Default)]
struct Named {
    /// Whether each file is a capture of its own.
    alone: bool,
    /// Sets of captures, each with its files.
    captures: Vec<(usize, PathBuf, CaptureLocation)>,
    logs: Vec<(usize, LogLocation)>,
}

impl Named {
    /// Adds a file: to the capture of its set, where an earlier input names a part of that.
    fn add(&mut self, input: &Path, at: usize) {
        let set = names::set_of(input);
        let known = self.captures.iter_mut().find(|known| known.1 == set);
        if let Some((_, _, CaptureLocation { place: Place::Files(paths), .. })) =
            known.filter(|_| !self.alone)
        {
            paths.push(input.to_owned());
            return;
        }
        let place = Place::Files(vec![input.to_owned()]);
        self.captures.push((at, set, CaptureLocation { name: input.display().to_string(), place }));
    }

    /// Makes cases of the files: one of all where text logs are among them, else one for each capture.
    fn finish(self, found: &mut Found) {
        let mut cases: Vec<(usize, FoundCase)> = Vec::new();
        if let Some((at, log)) = self.logs.first() {
            let mut case = FoundCase::new(log.name().to_owned());
            let at = self.captures.first().map_or(*at, |capture| capture.0.min(*at));
            case.captures.extend(self.captures.into_iter().map(|capture| capture.2));
            case.logs.extend(self.logs.into_iter().map(|log| log.1));
            cases.push((at, case));
        } else {
            cases.extend(self.captures.into_iter().map(|(at, _, capture)| {
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
            Place::Files(paths) => paths.first().map(|path| path.display().to_string()).unwrap_or_default(),
            Place::Zip { members, .. } => {
                members.first().map(|member| names::file_name(&member.1).to_owned()).unwrap_or_default()
            }
        }
    }

    /// Name and size in bytes of its first file: copies of one capture agree in both.
    pub fn first_file(&self) -> (String, u64) {
        let size = match &self.place {
            Place::Files(paths) => {
                paths.first().and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.len())
            }
            Place::Zip { archive, members } => members.first().map_or(0, |member| archive.size_of(member.0)),
        };
        (names::file_name(&self.argument()).to_lowercase(), size)
    }

    /// Whether a member of a zip file is one of its parts.
    fn has_member(&self, name: &str) -> bool {
        match &self.place {
            Place::Files(_) => false,
            Place::Zip { archive, members } => members.iter().any(|member| archive.is_named(&member.1, name)),
        }
    }

    /// Makes its files ready: members of a zip file are unpacked to a temporary folder.
    ///
    /// # Errors
    /// When a member cannot be unpacked, is no log or grows beyond measure; and when the caller cancels.
    pub fn files(&self, progress: &dyn Progress) -> Result<CaptureFiles, BundleError> {
        match &self.place {
            Place::Files(paths) => Ok(CaptureFiles { paths: paths.clone(), _folder: None }),
            Place::Zip { archive, members } => {
                let folder = tempfile::Builder::new().prefix("pml-").tempdir();
                let folder = folder.map_err(BundleError::TemporaryFolder)?;
                let paths = archive.unpack(members, folder.path(), progress)?;
                Ok(CaptureFiles { paths, _folder: Some(folder) })
            }
        }
    }
}

fn io_error(path: &Path, error: io::Error) -> BundleError {
    BundleError::Io { path: path.to_owned(), error }
}
