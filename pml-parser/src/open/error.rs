//! Why a capture cannot be opened from its files.

use crate::error::Error;
use crate::log::set::Mismatch;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a file gives no part of a capture.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// No file was named.
    NoFile,
    /// The system refused to find, open or map the file.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is a directory.
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// It is a pipe or a device: a log is read in place.
    NotRegular {
        /// The pipe or device.
        path: PathBuf,
    },
    /// It has no bytes.
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The log does not open.
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong with the log, and where.
        error: Error,
    },
    /// Two files that were both named are of different captures.
    NotOneCapture {
        /// The file that was compared.
        path: PathBuf,
        /// The file that `path` does not belong to.
        other: PathBuf,
        /// Why.
        reason: Mismatch,
    },
    /// A page of the file could not be read, or the file became shorter, while the log was read.
    Fault(Fault),
    /// The caller cancelled.
    Cancelled,
}

/// A place of a file that could not be read while the log was read: what was read there is zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Byte offset of the place.
    pub offset: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: could not be read at {:#x}: the file was cut short, or the disk or the share failed, while it was read",
            self.path.display(),
            self.offset
        )
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("no log was named"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Directory { path } => write!(f, "{}: is a directory", path.display()),
            Self::NotRegular { path } => write!(f, "{}: is not a regular file", path.display()),
            Self::Empty { path } => write!(f, "{}: is empty", path.display()),
            Self::Log { path, error } => write!(f, "{}: {error}", path.display()),
            Self::NotOneCapture { path, other, reason } => {
                let (path, other) = (path.display(), other.display());
                write!(f, "{path} is not a part of the same capture as {other}: {reason}")
            }
            Self::Fault(fault) => fault.fmt(f),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Log { error, .. } => Some(error),
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}
