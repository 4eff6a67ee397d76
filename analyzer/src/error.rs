//! Why a capture cannot be analyzed.

use pml_parser::Exceeded;

/// Why there is no [`Triage`](crate::Triage) of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriageError {
    /// The caller cancelled.
    Cancelled,
    /// Reading the capture takes more work than any sound log of its size.
    TooMuchWork(Exceeded),
}

impl std::fmt::Display for TriageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled => f.write_str("stopped"),
            Self::TooMuchWork(exceeded) => exceeded.fmt(f),
        }
    }
}

impl std::error::Error for TriageError {}
