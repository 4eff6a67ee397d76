//! Errors in a log: their kinds, and where each was found.

use std::fmt;

/// Result of reading a log.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error in a log: its kind, the damaged structure, the part of the set, and the byte offset.
///
/// An error is small and `Copy`, so damage can be counted and kept without allocating. It does not hold the
/// name of the file: [`Error::part`] is the position of the file in its set.
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
    /// A version of the format that Process Monitor does not open either: none of 4 to 9.
    UnsupportedVersion(u32),
    /// The bitness field is neither 0 (32-bit) nor 1 (64-bit).
    BadBitness(u32),
    /// The offset of the event offset array, the process table or the string table is 0: the capture was
    /// never closed.
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
    /// A reference to the table entry with this number, which does not exist or is another one.
    BadReference(u32),
    /// Structures share bytes that must belong to one of them.
    Overlapping,
    /// The structure does not begin or end where the structures beside it say.
    Contradiction,
    /// The structure holds nothing but zeros.
    Blank,
    /// The table has no entries, though other structures need them.
    Empty,
    /// A value that no log of Process Monitor has.
    Implausible,
    /// Two entries of a table have this key, which must be unique.
    Duplicate(u32),
    /// No event has this id or position.
    NoSuchEvent(u64),
    /// The event offset array does not list every event exactly once.
    InconsistentOffsets,
    /// The caller cancelled.
    Cancelled,
    /// A gap of this many bytes between events, without a recognizable event.
    NoEvents(u64),
    /// A record with an implausible field, or a record that nothing follows.
    Doubtful,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, what: &'static str, offset: u64) -> Self {
        Self { kind, what, part: 0, offset }
    }

    pub(crate) const fn truncated(what: &'static str, offset: u64, need: u64, have: u64) -> Self {
        Self::new(ErrorKind::Truncated { need, have }, what, offset)
    }

    /// The same error in part `part` of the set, counted from 0.
    #[must_use]
    pub const fn in_part(mut self, part: u16) -> Self {
        self.part = part;
        self
    }

    /// The kind of error.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The name of the damaged structure ("event record", "string table").
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// Position of the damaged part in its set, from 0.
    pub const fn part(&self) -> u16 {
        self.part
    }

    /// Byte offset of the damaged structure in the file of its part.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// What a user can do about the error, or `None` where nothing is known to help.
    pub const fn hint(&self) -> Option<&'static str> {
        match self.kind {
            ErrorKind::NotPml => {
                Some("this is neither a Process Monitor log (PML) nor a raw boot log (Procmon.pmb)")
            }
            ErrorKind::UnsupportedVersion(_) => {
                Some("versions 4 to 9 are known, the same that Process Monitor 3.x and 4.x open")
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
            | ErrorKind::Contradiction
            | ErrorKind::Blank
            | ErrorKind::Empty
            | ErrorKind::Implausible
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
            ErrorKind::UnsupportedVersion(v) => write!(f, "expected version 4 to 9, found {v}"),
            ErrorKind::BadBitness(v) => write!(f, "expected bitness 0 or 1, found {v}"),
            ErrorKind::NotClosed => f.write_str("the capture was not closed, its tables are missing"),
            ErrorKind::Truncated { need, have } => write!(f, "needs at least {need} bytes, {have} left"),
            ErrorKind::OutOfBounds(v) => write!(f, "points to {v:#x}, outside its bounds"),
            ErrorKind::BadReference(v) => write!(f, "refers to entry {v}, which does not exist"),
            ErrorKind::Overlapping => f.write_str("shares bytes with other structures"),
            ErrorKind::Contradiction => f.write_str("does not fit the structures beside it"),
            ErrorKind::Blank => f.write_str("holds nothing but zeros"),
            ErrorKind::Empty => f.write_str("has no entries, though events need them"),
            ErrorKind::Implausible => f.write_str("has a value that no sound log has"),
            ErrorKind::Duplicate(v) => write!(f, "the table has entry {v} twice"),
            ErrorKind::NoSuchEvent(v) => write!(f, "there is no event {v}"),
            ErrorKind::InconsistentOffsets => f.write_str("does not lead to all events, each once"),
            ErrorKind::Cancelled => f.write_str("stopped"),
            ErrorKind::NoEvents(size) => write!(f, "{size} bytes hold no event that can be found"),
            ErrorKind::Doubtful => f.write_str("kept, but something in it cannot be right"),
        }
    }
}

impl std::error::Error for Error {}

/// The structures that could not be read: their number, and the errors of the first ones.
///
/// Damage of several ranges can be merged, so that ranges can be read in parallel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Number of errors.
    pub count: u64,
    /// The first [`Damage::KEPT`] errors, in the order in which they were counted.
    pub first: Vec<Error>,
}

impl Damage {
    /// The most errors that are kept with their locations. Further errors are only counted.
    pub const KEPT: usize = 100;

    /// Counts one error.
    pub fn push(&mut self, error: Error) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(error);
        }
    }

    /// Adds the damage of a later range.
    pub fn merge(&mut self, later: &Damage) {
        self.count += later.count;
        let room = Self::KEPT - self.first.len().min(Self::KEPT);
        self.first.extend(later.first.iter().take(room));
    }

    /// Whether no error was counted.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
