//! Errors of a command, as messages for the user.

use pml_analyzer::bundle::{self, BundleError};
use pml_parser::{Error, ErrorKind, Fault, OpenError};
use std::fmt;
use std::io;
use std::path::Path;

/// What an error of the operating system means for the user, by its number.
#[derive(Clone, Copy)]
struct Meaning {
    numbers: &'static [i32],
    hint: &'static str,
}

/// A device failed.
const DEVICE_FAILED: &str = "the disk or the share failed; copy what can be read of it to a sound disk first";

/// The system could not read bytes of the mapped log that a write was to copy.
const LOG_UNREADABLE: &str =
    "the log became unreadable while its bytes were written; copy it to a sound disk first";

/// The meanings of numbers whose [`io::ErrorKind`] says too little.
const MEANINGS: &[Meaning] = if cfg!(windows) {
    &[
        // ERROR_CRC, ERROR_SECTOR_NOT_FOUND, ERROR_GEN_FAILURE, ERROR_DEV_NOT_EXIST, ERROR_UNEXP_NET_ERR,
        // ERROR_NETNAME_DELETED, ERROR_IO_DEVICE.
        Meaning { numbers: &[23, 27, 31, 55, 59, 64, 1117], hint: DEVICE_FAILED },
        // ERROR_NOACCESS, ERROR_SWAPERROR.
        Meaning { numbers: &[998, 999], hint: LOG_UNREADABLE },
        // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
        Meaning {
            numbers: &[32, 33],
            hint: "another program has the file open; close it there, or stop the capture in Process Monitor",
        },
    ]
} else if cfg!(unix) {
    // EIO, EFAULT.
    &[Meaning { numbers: &[5], hint: DEVICE_FAILED }, Meaning { numbers: &[14], hint: LOG_UNREADABLE }]
} else {
    &[]
};

/// The hint for an error of the operating system, if its number has a meaning of its own.
fn meaning(error: &io::Error) -> Option<&'static str> {
    let number = error.raw_os_error()?;
    MEANINGS.iter().find(|meaning| meaning.numbers.contains(&number)).map(|meaning| meaning.hint)
}

/// A message, and optionally a hint what the user can do.
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

    /// The same with another name for a file.
    pub(crate) fn rename(mut self, file: &Path, name: &str) -> Self {
        self.message = self.message.replace(&*file.to_string_lossy(), name);
        self
    }

    /// The user asked to stop.
    pub(crate) fn stopped() -> Self {
        Self::new("stopped").hint("nothing was written under the final name")
    }

    /// A log cannot be read.
    pub(crate) fn of_log(path: &Path, error: Error) -> Self {
        let failure = Self::new(format!("{}: {error}", path.display()));
        if error.kind() == ErrorKind::NotPml
            && let Some(hint) = bundle::kind_of(path)
        {
            return failure.hint(hint);
        }
        match error.hint() {
            Some(hint) if error.is_recoverable() => {
                failure.hint(format!("{hint}; `pml info` says what is left of it, --recover reads that"))
            }
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Writing to standard output failed.
    pub(crate) fn of_stdout(error: &io::Error) -> Self {
        let failure = Self::new(format!("standard output: {error}"));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                failure.hint(
                    "the disk or device that it is redirected to is full; the output there is not complete",
                )
            }
            _ => failure,
        }
    }

    /// A call of the operating system failed.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(format!("{}: {error}", path.display()));
        if let Some(hint) = meaning(error) {
            return failure.hint(hint);
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure
                .hint("nothing was written under the final name; free space or choose another place with -o"),
            io::ErrorKind::FileTooLarge => failure.hint(
                "nothing was written under the final name; the file system or a limit (ulimit -f) allows no larger files",
            ),
            io::ErrorKind::PermissionDenied => failure.hint("check the rights on the file and its folder"),
            _ => failure,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string()).hint(
            "copy the log to a sound disk first; of a disk with bad sectors make an image first (ddrescue), and read the copy with --recover",
        )
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self::from(&error)
    }
}

impl From<&BundleError> for Failure {
    fn from(error: &BundleError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            BundleError::Io { path, error } => Self::of_io(path, error),
            BundleError::Zip { .. } | BundleError::Member { .. } | BundleError::Packed { .. } => {
                failure.hint("unpack it yourself and name the folder")
            }
            BundleError::FolderTooLarge { .. } => failure.hint("name the folders of the captures"),
            BundleError::SeveralCaptures { .. } => failure.hint("name one of them"),
            _ => failure,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        match error {
            OpenError::Io { path, error } => Self::of_io(&path, &error),
            OpenError::Log { path, error } => Self::of_log(&path, error),
            OpenError::Fault(fault) => fault.into(),
            OpenError::Cancelled => Self::stopped(),
            OpenError::Directory { .. } => Self::new(message).hint("name one of the logs in it"),
            OpenError::NotRegular { .. } => {
                Self::new(message).hint("a log is read in place; save it to a file first")
            }
            OpenError::Empty { .. } => {
                Self::new(message).hint("the capture or the copy failed; copy the file again")
            }
            OpenError::NotOneCapture { .. } => Self::new(message)
                .hint("convert them one by one, with --no-set if their names look like parts"),
            _ => Self::new(message),
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
