//! Opens the capture that a search has found.

use super::{BundleError, CaptureFiles, CaptureLocation};
use pml_parser::{LogSet, OpenError, OpenOptions, Opened, Progress};
use std::fmt;
use std::ops::Deref;

/// A capture that is open. What was unpacked for it goes away with this value.
#[derive(Debug)]
pub struct OpenCapture {
    opened: Opened,
    _files: CaptureFiles,
}

impl Deref for OpenCapture {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        &self.opened
    }
}

/// Why the capture at a location cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaptureError {
    /// Its files cannot be made ready.
    Bundle(BundleError),
    /// Its files cannot be opened.
    Open(OpenError),
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bundle(error) => Some(error),
            Self::Open(error) => Some(error),
        }
    }
}

impl CaptureLocation {
    /// Opens the capture. Members of an archive are unpacked to a temporary folder first.
    ///
    /// # Errors
    /// When a member cannot be unpacked, no file can be read, or the caller cancels.
    pub fn open(&self, options: &OpenOptions, progress: &dyn Progress) -> Result<OpenCapture, CaptureError> {
        let files = self.files(progress).map_err(CaptureError::Bundle)?;
        let opened = match files.is_complete() {
            true => LogSet::open_found(files.paths(), options, progress),
            false => LogSet::open_files(files.paths(), options.clone(), progress),
        };
        Ok(OpenCapture { opened: opened.map_err(CaptureError::Open)?, _files: files })
    }
}
