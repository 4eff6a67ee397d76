//! Why a command could not be carried out, for the person who reads it.

use pml_parser::{Error, ErrorKind};
use std::fmt;
use std::io;
use std::path::Path;

/// What Unix says of a device that fails, and of an address that it cannot read.
const EIO: i32 = 5;
const EFAULT: i32 = 14;

/// A message, and perhaps a hint what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The user asked to stop.
    pub(crate) fn stopped() -> Self {
        Self::new("stopped").hint("nothing was written under the final name")
    }

    /// Something is wrong with a log.
    pub(crate) fn of_log(path: &Path, error: Error) -> Self {
        let failure = Self::new(format!("{}: {error}", path.display()));
        // Recovery refuses what is no log at all, other versions, and what is shorter than a header.
        let is_hopeless = match error.kind() {
            ErrorKind::NotPml | ErrorKind::UnsupportedVersion(_) => true,
            _ => error.what() == pml_parser::FILE_HEADER && error.offset() == 0,
        };
        match error.hint() {
            Some(hint) if is_hopeless => failure.hint(hint),
            Some(hint) => {
                failure.hint(format!("{hint}; `pml info` says what is left of it, --recover reads that"))
            }
            None => failure,
        }
    }

    /// A log could not be read any more while it was read.
    pub(crate) fn of_fault(path: &Path, offset: u64) -> Self {
        Self::new(format!(
            "{}: could not be read at {offset:#x}: the file was cut short, or the disk or the share failed, while it was read",
            path.display()
        ))
        .hint("copy the log to a sound disk first; of a disk with bad sectors make an image first (ddrescue), and read the copy with --recover")
    }

    /// Standard output could not take something.
    pub(crate) fn of_stdout(error: &io::Error) -> Self {
        let failure = Self::new(format!("standard output: {error}"));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                failure.hint("what it leads to is full; what has arrived there is not complete")
            }
            _ => failure,
        }
    }

    /// The system refused something.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(format!("{}: {error}", path.display()));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure
                .hint("nothing was written under the final name; free space or choose another place with -o"),
            io::ErrorKind::FileTooLarge => failure.hint(
                "nothing was written under the final name; the file system or a limit (ulimit -f) allows no larger files",
            ),
            _ if cfg!(unix) && error.raw_os_error() == Some(EIO) => {
                failure.hint("the disk or the share failed; copy what can be read of it to a sound disk first")
            }
            // The system was to write bytes of a log straight from the map, and could not read them.
            _ if cfg!(target_os = "linux") && error.raw_os_error() == Some(EFAULT) => {
                failure.hint("the log could not be read while it was written from; copy it to a sound disk first")
            }
            io::ErrorKind::PermissionDenied => failure.hint("check the rights on the file and its folder"),
            _ => failure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
