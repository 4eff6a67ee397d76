//! Why captures cannot be found or unpacked.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the captures of an input cannot be found, or one of them cannot be unpacked.
#[derive(Debug)]
#[non_exhaustive]
pub enum BundleError {
    /// The system refused something.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// No log is in a folder or archive.
    NoLogs {
        /// The folder or archive.
        path: PathBuf,
    },
    /// A folder holds too many files to be searched.
    FolderTooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// A zip or 7z file holds too many files to be searched.
    ZipTooLarge {
        /// The archive.
        path: PathBuf,
    },
    /// A zip or 7z file cannot be read.
    Zip {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The members of a zip or 7z file share their bytes, so that each would be unpacked many times.
    Overlapping {
        /// The archive.
        path: PathBuf,
    },
    /// Archives lie in each other too deep, there are too many of them, or they grow too large.
    Nested {
        /// The archive, with those that it is in.
        path: PathBuf,
    },
    /// A zip or 7z file holds no capture of this name, or none at all.
    NoCapture {
        /// The archive.
        path: PathBuf,
        /// The name.
        member: Option<String>,
    },
    /// A zip or 7z file holds several captures, and none is named.
    SeveralCaptures {
        /// The archive.
        path: PathBuf,
        /// Names of the captures.
        names: Vec<String>,
    },
    /// A member of a zip or 7z file cannot be unpacked.
    Member {
        /// The archive.
        path: PathBuf,
        /// Name of the member.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// A file that is packed by itself cannot be unpacked.
    Packed {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// No path matches a pattern.
    NoMatch {
        /// The pattern.
        pattern: PathBuf,
    },
    /// There is no folder to unpack to.
    TemporaryFolder(io::Error),
    /// The caller cancelled.
    Cancelled,
}

/// Names that a message shows, at most.
const SHOWN: usize = 10;

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::NoLogs { path } => {
                write!(f, "{}: no log (*.pml) is in it, and no text log or event log", path.display())
            }
            Self::FolderTooLarge { path } => {
                write!(f, "{}: holds too many files to look for logs", path.display())
            }
            Self::ZipTooLarge { path } => write!(f, "{}: holds too many files", path.display()),
            Self::Zip { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Overlapping { path } => {
                write!(f, "{}: the files in it lie over one another", path.display())
            }
            Self::Nested { path } => {
                write!(f, "{}: archives inside each other, too many or too large", path.display())
            }
            Self::NoCapture { path, member: Some(member) } => {
                write!(f, "{}: no log {member} is in it", path.display())
            }
            Self::NoCapture { path, member: None } => {
                write!(f, "{}: no log (*.pml) is in it", path.display())
            }
            Self::SeveralCaptures { path, names } => {
                let count = names.len();
                write!(f, "{}: {count} captures are in it: ", path.display())?;
                let more = if count > SHOWN { ", …" } else { "" };
                write!(f, "{}{more}", names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
            }
            Self::Member { path, name, error } => write!(f, "{}: {name}: {error}", path.display()),
            Self::Packed { path, error } => write!(f, "{}: cannot be unpacked: {error}", path.display()),
            Self::NoMatch { pattern } => write!(f, "{}: no file has such a name", pattern.display()),
            Self::TemporaryFolder(error) => write!(f, "a temporary folder: {error}"),
            Self::Cancelled => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for BundleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. }
            | Self::Member { error, .. }
            | Self::Packed { error, .. }
            | Self::TemporaryFolder(error) => Some(error),
            _ => None,
        }
    }
}
