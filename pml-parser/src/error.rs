//! What can be wrong with a log, and where.

use std::fmt;

/// Result of reading a log.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing wrong with a log: what kind, in which structure, in which part, at which byte.
///
/// Small and `Copy`, so that damage can be counted and kept without allocating. The name of the
/// file is added by whoever knows it; [`Error::part`] tells which part of a set is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    what: &'static str,
    part: u16,
    offset: u64,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file does not begin with `PML_`.
    NotPml,
    /// A format version other than 9.
    UnsupportedVersion(u32),
    /// The bitness field is neither 0 (32-bit) nor 1 (64-bit).
    BadBitness(u32),
    /// The table offsets are zero: the capture was never closed.
    NotClosed,
    /// A structure needs more bytes than are left in the file.
    Truncated {
        /// Bytes the structure needs.
        need: u64,
        /// Bytes from its offset to the end of the file.
        have: u64,
    },
    /// An offset or count points outside the file or into another structure.
    OutOfBounds(u64),
    /// A reference to a table entry that does not exist.
    BadReference(u32),
    /// Structures that must not share bytes do.
    Overlapping,
    /// The same key stands twice in a table that must have it once.
    Duplicate(u32),
    /// No event has this id.
    NoSuchEvent(u64),
    /// An event offset array that does not lead to the events, all of them and each once.
    InconsistentOffsets,
    /// The caller cancelled.
    Cancelled,
    /// A gap of this many bytes without a recognizable event.
    NoEvents(u64),
    /// A record with an implausible header field, or one that nothing follows.
    Doubtful,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, what: &'static str, offset: u64) -> Self {
        Self { kind, what, part: 0, offset }
    }

    pub(crate) const fn truncated(what: &'static str, offset: u64, need: u64, have: u64) -> Self {
        Self::new(ErrorKind::Truncated { need, have }, what, offset)
    }

    /// The same error, said of another part of the set.
    #[must_use]
    pub const fn in_part(mut self, part: u16) -> Self {
        self.part = part;
        self
    }

    /// What kind of thing is wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The structure that is wrong, in words ("event record", "string table").
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// Position in the set of the part that is wrong, from 0.
    pub const fn part(&self) -> u16 {
        self.part
    }

    /// Byte offset of the structure from the start of that part's file.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// What the person who sees this error may want to try, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self.kind {
            ErrorKind::NotPml => Some(
                "this is not a Process Monitor log; a Procmon.pmb must first be converted by Process Monitor itself (start it once, or procmon /ConvertBootLog)",
            ),
            ErrorKind::UnsupportedVersion(_) => {
                Some("only version 9, written by Process Monitor 3.x and 4.x, is known")
            }
            ErrorKind::NotClosed => Some(
                "the capture was never stopped, or the copy was made while it ran: the tables are missing; stop the capture in Process Monitor and copy the file again",
            ),
            ErrorKind::Truncated { .. } | ErrorKind::OutOfBounds(_) => {
                Some("the file is cut short or damaged: compare its size with the original and copy it again")
            }
            ErrorKind::BadBitness(_) => Some("the header is damaged: copy the file again"),
            ErrorKind::BadReference(_)
            | ErrorKind::Overlapping
            | ErrorKind::Duplicate(_)
            | ErrorKind::NoSuchEvent(_)
            | ErrorKind::InconsistentOffsets
            | ErrorKind::Cancelled
            | ErrorKind::NoEvents(_)
            | ErrorKind::Doubtful => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:#x}: ", self.what, self.offset)?;
        match self.kind {
            ErrorKind::NotPml => f.write_str("expected the signature PML_"),
            ErrorKind::UnsupportedVersion(v) => write!(f, "expected version 9, found {v}"),
            ErrorKind::BadBitness(v) => write!(f, "expected bitness 0 or 1, found {v}"),
            ErrorKind::NotClosed => f.write_str("the capture was not closed, its tables are missing"),
            ErrorKind::Truncated { need, have } => write!(f, "needs at least {need} bytes, {have} left"),
            ErrorKind::OutOfBounds(v) => write!(f, "points to {v:#x}, outside its bounds"),
            ErrorKind::BadReference(v) => write!(f, "refers to entry {v}, which does not exist"),
            ErrorKind::Overlapping => f.write_str("lies over other structures of its kind"),
            ErrorKind::Duplicate(v) => write!(f, "entry {v} stands there twice"),
            ErrorKind::NoSuchEvent(v) => write!(f, "there is no event {v}"),
            ErrorKind::InconsistentOffsets => f.write_str("does not lead to all events, each once"),
            ErrorKind::Cancelled => f.write_str("stopped"),
            ErrorKind::NoEvents(size) => write!(f, "{size} bytes hold no event that can be found"),
            ErrorKind::Doubtful => f.write_str("kept, but something in it cannot be right"),
        }
    }
}

impl std::error::Error for Error {}

/// What was lost to damage: how many, and where the first ones are.
///
/// Mergeable, so that ranges can be read in parallel and added up in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// How many structures could not be read.
    pub count: u64,
    /// The first [`Damage::KEPT`] of them, in file order.
    pub first: Vec<Error>,
}

impl Damage {
    /// How many errors are kept with their location; the rest are only counted.
    pub const KEPT: usize = 100;

    /// Counts one error.
    pub fn push(&mut self, error: Error) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(error);
        }
    }

    /// Adds what a later range lost.
    pub fn merge(&mut self, later: &Damage) {
        self.count += later.count;
        let room = Self::KEPT - self.first.len().min(Self::KEPT);
        self.first.extend(later.first.iter().take(room));
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
