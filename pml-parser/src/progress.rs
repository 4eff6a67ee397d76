//! Progress and cancellation of long work: one trait for all of it.

/// Watches long work, and may cancel it.
pub trait Progress: Sync {
    /// A stretch of work over `bytes` bytes begins: what follows counts from its start.
    fn begin(&self, bytes: u64) {
        let _ = bytes;
    }
    /// The work is done up to `events` events and `bytes` bytes of the capture.
    fn advance(&self, events: u64, bytes: u64);
    /// Whether the work is to end early.
    fn is_cancelled(&self) -> bool;
}

/// Watches nothing, and never cancels.
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
