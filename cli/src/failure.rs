//! Errors of a command, as messages for the user.

use pml_analyzer::bundle::advice::{self, OptionNames};
use pml_analyzer::bundle::{BundleError, CaptureError};
use pml_parser::{Fault, OpenError};
use std::fmt;
use std::io;
use std::path::Path;

/// How the command line calls the options that advice names.
pub(crate) const OPTIONS: OptionNames = OptionNames { recover: "--recover", alone: "--no-set" };

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

    fn hint_if(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
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
        if let Some(hint) = advice::of_io(error) {
            return failure.hint(hint);
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure
                .hint("nothing was written under the final name; free space or choose another place with -o"),
            io::ErrorKind::FileTooLarge => failure.hint(
                "nothing was written under the final name; the file system or a limit (ulimit -f) allows no larger files",
            ),
            _ => failure,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let hint = advice::of_fault(&fault, OPTIONS);
        Self::new(fault.to_string()).hint(hint)
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self::from(&error)
    }
}

impl From<&BundleError> for Failure {
    fn from(error: &BundleError) -> Self {
        match error {
            BundleError::Io { path, error } => Self::of_io(path, error),
            _ => Self::new(error.to_string()).hint_if(advice::of_bundle(error)),
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Bundle(error) => error.into(),
            CaptureError::Open(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io { path, error } => Self::of_io(&path, &error),
            OpenError::Cancelled => Self::stopped(),
            error => Self::new(error.to_string()).hint_if(advice::of_open(&error, OPTIONS)),
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
