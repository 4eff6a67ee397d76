//! Why a capture cannot be opened from its files.

use crate::error::Error;
use crate::log::kinship::Mismatch;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a capture could not be opened from its files.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// No file was named.
    NoFile,
    /// The system refused to find, open or map the file.
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The path is a directory.
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The path is a pipe or a device. A log must be a file, because it is mapped.
    NotRegular {
        /// The pipe or device.
        path: PathBuf,
    },
    /// The file has no bytes.
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The log cannot be read, or its recovery failed.
    Log {
        /// The file.
        path: PathBuf,
        /// The error in the log, with its offset.
        error: Error,
    },
    /// Two named files belong to different captures.
    NotOneCapture {
        /// One of the files.
        path: PathBuf,
        /// The other file.
        other: PathBuf,
        /// Why they are not parts of one capture.
        reason: Mismatch,
    },
    /// A page of the file could not be read, or the file became shorter, while the log was read.
    Fault(Fault),
    /// The caller cancelled.
    Cancelled,
}

/// A place of a mapped file that could not be read. The map has zeros there, or ends where the file was cut
/// short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Byte offset of the place in the file.
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
