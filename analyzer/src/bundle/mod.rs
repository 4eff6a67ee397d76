//! Finds captures where people put them: named files, folders, zip files of a collector.
//!
//! Finding says where the captures are and what was skipped; [`CaptureLocation::files`] makes a capture's
//! files ready to be opened. A name or a length in a zip file is never trusted.

mod archive;
mod error;
mod folder;
mod names;

pub use error::BundleError;

use archive::Archive;
use pml_parser::Progress;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Entries of a folder tree or a zip file that are searched, at most.
const MOST_ENTRIES: usize = 1_000_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The captures, in the order in which the inputs name them.
    pub captures: Vec<CaptureLocation>,
    /// What was not searched, or not taken.
    pub skipped: Vec<Skipped>,
}

/// What was not searched, or not taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped {
    /// A folder below an input that cannot be read.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Members of a zip file that share their name with a later one: the last one counts.
    SameNames {
        /// The zip file.
        path: PathBuf,
    },
}

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

/// Finds the captures of all inputs. Named files that are parts of one set are one capture, unless
/// `alone` makes each file one.
///
/// # Errors
/// When an input cannot be read, holds no log, or too many files; and when the caller cancels.
pub fn find(inputs: &[PathBuf], alone: bool, progress: &dyn Progress) -> Result<Found, BundleError> {
    let mut found = Found::default();
    // The named sets, each with the position of its capture.
    let mut named: Vec<(PathBuf, usize)> = Vec::new();
    for input in inputs {
        let metadata = fs::metadata(input).map_err(|error| io_error(input, error))?;
        if metadata.is_dir() {
            folder::find(input, progress, &mut found)?;
        } else if metadata.is_file() && archive::is_zip(input)? {
            archive::find(input, &mut found)?;
        } else {
            found.add_file(input, alone, &mut named);
        }
    }
    Ok(found)
}

impl Found {
    /// Adds a named file: to the capture of its set, where an earlier input names a part of that.
    fn add_file(&mut self, input: &Path, alone: bool, named: &mut Vec<(PathBuf, usize)>) {
        let set = names::set_of(input);
        let known = named.iter().find(|known| known.0 == set && !alone);
        if let Some(capture) = known.and_then(|&(_, at)| self.captures.get_mut(at))
            && let Place::Files(paths) = &mut capture.place
        {
            paths.push(input.to_owned());
            return;
        }
        named.push((set, self.captures.len()));
        let place = Place::Files(vec![input.to_owned()]);
        self.captures.push(CaptureLocation { name: input.display().to_string(), place });
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
