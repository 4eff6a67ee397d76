//! Why a command could not be carried out, for the person who reads it.

use pml_parser::{Error, ErrorKind};
use std::fmt;
use std::io;
use std::path::Path;

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

    /// The system refused something.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(format!("{}: {error}", path.display()));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure
                .hint("nothing was written under the final name; free space or choose another place with -o"),
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
