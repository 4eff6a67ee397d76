//! The error of an invalid scenario.

use std::fmt;
use std::io;

/// An invalid scenario: the file, the key in it, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file, or the name of the variant.
    pub file: String,
    /// The key, such as `step[2].actions[0].op`; empty where the error concerns the whole file.
    pub key: String,
    /// The reason.
    pub reason: String,
}

impl ScenarioError {
    pub(crate) fn new(file: &str, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), key: key.into(), reason: reason.into() }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for ScenarioError {}

impl From<ScenarioError> for io::Error {
    fn from(error: ScenarioError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
