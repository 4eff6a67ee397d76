//! The result of recovering a log.

use crate::error::Error;

/// How much of a log could be recovered; made by `Log::recover`, added up over the parts of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Why the log does not open as it is, the first reason of a set; `None` where it does.
    pub cause: Option<Error>,
    /// Whether the header is that of a closed capture, and its last tables lie beyond the end of the file:
    /// the file was cut short.
    pub is_cut: bool,
    /// Readable events, the doubtful ones included.
    pub kept: u64,
    /// Events kept although a header field is implausible or the record may be truncated.
    pub doubtful: u64,
    /// Lost events, or the least number of them.
    pub lost: u64,
    /// Whether `lost` is the number rather than the least one: a table or count says how many events
    /// there were.
    pub lost_is_exact: bool,
    /// Bytes between events in which no event could be found.
    pub lost_bytes: u64,
    /// Processes whose identity or texts come from the events, because the tables lack them.
    pub processes_rebuilt: u32,
    /// Processes that events belong to and about which neither tables nor events say anything.
    pub processes_unknown: u32,
}

impl Recovery {
    /// Whether nothing was lost, doubtful or rebuilt, and the log opens as it is.
    pub fn is_whole(&self) -> bool {
        self.cause.is_none()
            && self.doubtful == 0
            && self.lost == 0
            && self.lost_bytes == 0
            && self.processes_rebuilt == 0
    }

    /// Adds the result of a later part.
    pub fn merge(&mut self, later: &Self) {
        if self.cause.is_none() {
            self.cause = later.cause;
            self.is_cut = later.is_cut;
        }
        self.kept += later.kept;
        self.doubtful += later.doubtful;
        self.lost += later.lost;
        self.lost_is_exact &= later.lost_is_exact;
        self.lost_bytes += later.lost_bytes;
        self.processes_rebuilt += later.processes_rebuilt;
        self.processes_unknown += later.processes_unknown;
    }
}
