//! The Category column.

/// What kind of access an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// No category: the cell is empty.
    Empty,
    /// Reads data.
    Read,
    /// Writes, creates or deletes data.
    Write,
    /// Reads attributes, names, security.
    ReadMetadata,
    /// Writes attributes, names, security.
    WriteMetadata,
}

impl Category {
    /// Every category, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Empty, Self::Read, Self::Write, Self::ReadMetadata, Self::WriteMetadata];

    /// The text of the cell.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::ReadMetadata => "Read Metadata",
            Self::WriteMetadata => "Write Metadata",
        }
    }
}

/// How the category of an operation is found (docs/format.md, "Category").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Always the same.
    Fixed(Category),
    /// From the open result, or without one from the disposition.
    ByOpenResult,
    /// From the control code.
    ByControlCode,
    /// Write when bit 0 of the buffer asks for deletion.
    ByDeleteBit,
    /// Write when the first byte of the buffer is not zero.
    ByDeleteByte,
    /// Write when the registry key was created, else Read.
    ByKeyDisposition,
}
