//! Text logs and event logs beside captures.

use super::archive::Archive;
use super::packed::{is_packed, open_unpacked, unpacked};
use super::{BundleError, io_error};
use crate::logs::{Kind, LogFile, Record, Signatures, detect};
use pml_parser::{is_raw_boot, map};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a file is that may be a text log or an event log.
#[derive(Debug)]
pub struct LogLocation {
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    /// A member of an archive, by its number.
    Member(Arc<Archive>, usize),
}

impl LogLocation {
    pub(super) fn file(path: PathBuf, name: String) -> Self {
        Self { name, place: Place::File(path) }
    }

    pub(super) fn member(archive: Arc<Archive>, number: usize, name: String) -> Self {
        Self { name, place: Place::Member(archive, number) }
    }

    /// Calls it by another name.
    pub(super) fn rename(&mut self, name: String) {
        self.name = name;
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size in bytes, where the file can be looked at.
    pub fn size(&self) -> Option<u64> {
        match &self.place {
            Place::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
            Place::Member(archive, number) => Some(archive.size_of(*number)),
        }
    }

    /// Whether the file is empty. A file that cannot be looked at is not.
    pub fn is_empty(&self) -> bool {
        self.size() == Some(0)
    }

    /// Hands over all records of the file, with the name and the kind of the log.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn visit(&self, visit: &mut dyn FnMut(&str, Kind, &Record<'_>)) -> Result<(), BundleError> {
        match &self.place {
            Place::Member(archive, number) => archive
                .read(*number, &self.name, |mut stream| LogFile::visit_stream(&self.name, &mut stream, visit))
                .map(drop),
            Place::File(path) => {
                let mut file = open_unpacked(path).map_err(|error| io_error(path, error))?;
                LogFile::visit_stream(&self.name, &mut file, visit);
                Ok(())
            }
        }
    }

    /// Reads the file: nothing where its content is no log, several where it is a cabinet.
    ///
    /// # Errors
    /// When the file, or the member of an archive, cannot be opened.
    pub fn read(&self, signatures: &Signatures) -> Result<Vec<LogFile>, BundleError> {
        match &self.place {
            Place::Member(archive, number) => archive.read_log(*number, &self.name, signatures),
            Place::File(path) => {
                let metadata = path.metadata().map_err(|error| io_error(path, error))?;
                if metadata.len() == 0 {
                    return Ok(Vec::new());
                }
                if is_packed(path)? {
                    let mut stream = open_unpacked(path).map_err(|error| io_error(path, error))?;
                    let mut files = LogFile::read_stream(&self.name, &mut stream, signatures);
                    if let Some(file) = files.first_mut().filter(|_| stream.limit() == 0) {
                        file.reading.damage.unreadable.push(0);
                    }
                    return Ok(files);
                }
                let map = map(path).map_err(|error| io_error(path, error))?;
                let mut files = LogFile::read(&self.name, &map, signatures);
                if let Some(file) = files.first_mut().filter(|_| map.fault().is_some()) {
                    file.reading.damage.unreadable.push(0);
                }
                Ok(files)
            }
        }
    }
}

/// Whether a named file is a text log or an event log, from its first bytes. A capture is neither.
pub(super) fn is_text_log(path: &Path) -> Result<bool, BundleError> {
    const HEAD: u64 = 64 << 10;
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let read = unpacked(file).and_then(|stream| stream.take(HEAD).read_to_end(&mut head));
    if let Err(error) = read {
        // What cannot be unpacked is no text log; opening it as a log says why.
        return if is_packed(path)? { Ok(false) } else { Err(io_error(path, error)) };
    }
    Ok(!head.starts_with(b"PML_") && !is_raw_boot(&head) && detect(&head).is_some())
}
