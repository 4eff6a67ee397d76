//! The result of recovering a log.

use crate::error::Error;

/// How much of a log could be recovered. `Log::recover` makes it for one log;
/// [`LogSet::recovery`](crate::LogSet::recovery) adds it up over the parts of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Why [`Log::parse`](crate::Log::parse) refuses the log; in a set, the reason of the first such part.
    /// `None` where it does not refuse it.
    pub cause: Option<Error>,
    /// Whether the file was cut short: the header is the header of a closed capture, and its last tables are
    /// beyond the end of the file.
    pub is_cut: bool,
    /// Events that can be read, including the doubtful events.
    pub kept: u64,
    /// Events kept although a header field is implausible or the record may be truncated.
    pub doubtful: u64,
    /// Number of lost events, or the smallest possible number of them.
    pub lost: u64,
    /// Whether `lost` is exact: a table or a count in the file still gives the number of events.
    pub lost_is_exact: bool,
    /// Bytes of the gaps between events in which no event was found.
    pub lost_bytes: u64,
    /// Processes whose identity or texts come from events, because the tables do not have them.
    pub processes_rebuilt: u32,
    /// Processes that are named after a process of a neighbouring part, because they have the same PID, threads of the same
    /// ids, or code at the addresses of its modules.
    pub processes_matched: u32,
    /// Those of them that one thread alone names, so that a reused id may deceive.
    pub processes_matched_once: u32,
    /// Those of them that the modules alone name.
    pub processes_matched_by_modules: u32,
    /// Processes to which events belong, but of which neither tables nor events give the identity.
    pub processes_unknown: u32,
}

impl Recovery {
    /// Whether recovery found nothing wrong: the log opens unchanged, and nothing is doubtful, lost or
    /// rebuilt.
    pub fn is_whole(&self) -> bool {
        self.cause.is_none()
            && self.doubtful == 0
            && self.lost == 0
            && self.lost_bytes == 0
            && self.processes_rebuilt == 0
    }

    /// Adds the result of a later part of the set.
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
        self.processes_matched += later.processes_matched;
        self.processes_matched_once += later.processes_matched_once;
        self.processes_matched_by_modules += later.processes_matched_by_modules;
        self.processes_unknown += later.processes_unknown;
    }
}
