//! Progress and cancellation of long work: one trait for all of it.

/// Receives the progress of long work, and may cancel it. Methods may be called from any thread.
pub trait Progress: Sync {
    /// A stage of work over `bytes` bytes begins. The following counts of [`Progress::advance`] are relative
    /// to its start.
    fn begin(&self, bytes: u64) {
        let _ = bytes;
    }
    /// The first `events` events, and the first `bytes` bytes of the files, are done.
    fn advance(&self, events: u64, bytes: u64);
    /// Whether the work must end early. The work asks often, so the answer must be quick.
    fn is_cancelled(&self) -> bool;
}

/// Ignores progress, and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The caller cancelled the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cancelled")
    }
}

impl std::error::Error for Cancelled {}
