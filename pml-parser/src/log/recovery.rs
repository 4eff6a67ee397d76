//! What recovery made of a log.

use crate::error::Error;

/// How much of a log could be recovered; made by `Log::recover`, added up over the parts of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Why the log does not open as it is, the first reason of a set; `None` where it does.
    pub cause: Option<Error>,
    /// Whether the header is as that of a closed capture, and its last tables lie behind the end of the file:
    /// the file was cut short.
    pub is_cut: bool,
    /// Events that can be read, doubtful ones among them.
    pub kept: u64,
    /// Events of which something cannot be right, or that may have been cut: kept all the same.
    pub doubtful: u64,
    /// Events that are gone, or the least number of them.
    pub lost: u64,
    /// Whether `lost` is the number rather than the least one: some table or count still tells how many
    /// there were.
    pub lost_is_exact: bool,
    /// Bytes between events in which none could be found.
    pub lost_bytes: u64,
    /// Processes whose identity or texts come from the events, because the tables lack them.
    pub processes_rebuilt: u32,
    /// Processes that events belong to and nothing tells of.
    pub processes_unknown: u32,
}

impl Recovery {
    /// Whether everything was there.
    pub fn is_whole(&self) -> bool {
        self.cause.is_none()
            && self.doubtful == 0
            && self.lost == 0
            && self.lost_bytes == 0
            && self.processes_rebuilt == 0
    }

    /// Adds what was made of a later part.
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
