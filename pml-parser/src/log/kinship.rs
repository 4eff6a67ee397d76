//! Whether two logs are parts of one capture, as their contents say.
//!
//! No header names the other parts of a capture. The machine, the start of Windows, the times of the events and the
//! starts of the processes decide (docs/format.md, "Multi-part captures").

use super::LogView;
use super::process::SYSTEM_PID;
use crate::error::ErrorKind;
use crate::time::{FileTime, TICKS_PER_SECOND};

/// Why two logs are not parts of one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The computer names differ.
    Computer,
    /// One log is 32-bit, the other 64-bit.
    Bitness,
    /// Windows was started in between.
    Boot,
    /// The later log begins before the earlier log ends.
    Time,
    /// The names alone do not make them parts, and nothing in the logs shows that one continues the other.
    Unproven,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Computer => "it is of another machine",
            Self::Bitness => "it is of another bitness",
            Self::Boot => "it is of another start of Windows",
            Self::Time => "its time overlaps that of the other parts, or is out of order",
            Self::Unproven => "nothing shows that it continues the capture",
        })
    }
}

/// Why `later` cannot be a later part of the same capture as `earlier`, or `None` where it can. The headers
/// give the machine and the bitness; the process tables give the start of Windows; a few events at each end give
/// the times.
pub fn mismatch(earlier: LogView<'_>, later: LogView<'_>) -> Option<Mismatch> {
    Identity::of(earlier).mismatch(&Identity::of(later))
}

/// What a log says about the capture that it is a part of.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// `None` where the header is lost, or names no computer.
    computer: Option<String>,
    is_64_bit: bool,
    /// The approximate begin and end.
    span: Option<(FileTime, FileTime)>,
    /// When the System process started.
    boot: Option<u64>,
    /// PID and start of the processes whose start is known, ascending.
    starts: Vec<(u32, u64)>,
}

impl Identity {
    /// Between two parts of one capture, at most. Process Monitor begins the next part at once; events may be rare.
    const LONGEST_GAP: u64 = 60 * TICKS_PER_SECOND;
    /// Between the start of the System process and the first event of a boot log, at most.
    const BOOT_BEGINS: u64 = 5 * TICKS_PER_SECOND;

    pub(crate) fn of(log: LogView<'_>) -> Self {
        let cause = log.recovery().and_then(|recovery| recovery.cause);
        // A header that is lost or overwritten names no computer.
        let names_one =
            !log.computer().is_empty() && cause.is_none_or(|cause| cause.kind() != ErrorKind::NotPml);
        let known = |process: &super::process::Process<'_>| process.start() != FileTime(0);
        let mut starts: Vec<(u32, u64)> =
            log.processes().filter(known).map(|process| (process.pid(), process.start().0)).collect();
        starts.sort_unstable();
        starts.dedup();
        Self {
            computer: names_one.then(|| log.computer().to_str().into_owned()),
            is_64_bit: log.is_64_bit(),
            span: log.usual_span(),
            boot: starts.iter().find(|start| start.0 == SYSTEM_PID).map(|start| start.1),
            starts,
        }
    }

    /// When the log begins, approximately.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn begin(&self) -> Option<FileTime> {
        self.span.map(|span| span.0)
    }

    /// Whether the log begins when Windows starts, so that no part lies before it.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn begins_a_boot(&self) -> bool {
        let begin = self.span.map(|span| span.0.0);
        let since = begin.zip(self.boot).and_then(|(begin, boot)| begin.checked_sub(boot));
        since.is_some_and(|since| since <= Self::BOOT_BEGINS)
    }

    /// Why the log of `later` cannot be a later part of the same capture, or `None` where it can.
    pub(crate) fn mismatch(&self, later: &Self) -> Option<Mismatch> {
        let differ = |a: Option<&String>, b: Option<&String>| a.zip(b).is_some_and(|(a, b)| a != b);
        if differ(self.computer.as_ref(), later.computer.as_ref()) {
            return Some(Mismatch::Computer);
        }
        if self.is_64_bit != later.is_64_bit {
            return Some(Mismatch::Bitness);
        }
        if self.boot.zip(later.boot).is_some_and(|(a, b)| a != b) {
            return Some(Mismatch::Boot);
        }
        match (self.span, later.span) {
            (Some((_, end)), Some((start, _))) if start < end => Some(Mismatch::Time),
            _ => None,
        }
    }

    /// Whether the contents alone show that the log of `later` continues this one: the same processes run in both,
    /// and one begins when the other ends.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn is_continued_by(&self, later: &Self) -> bool {
        let Some(((_, end), (start, _))) = self.span.zip(later.span) else { return false };
        self.mismatch(later).is_none()
            && start.0.checked_sub(end.0).is_some_and(|gap| gap <= Self::LONGEST_GAP)
            && self.starts.iter().any(|start| later.starts.binary_search(start).is_ok())
    }
}
