//! The values of the Category column.

/// The kind of access that an operation makes, as Process Monitor's Category column shows it.
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

/// The rule that gives the category of an operation (docs/format.md, "Category").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Always the same.
    Fixed(Category),
    /// From the open result, or from the disposition where there is no open result.
    ByOpenResult,
    /// From the control code.
    ByControlCode,
    /// Write when bit 0 of the buffer requests deletion.
    ByDeleteBit,
    /// Write when the first byte of the buffer is not zero.
    ByDeleteByte,
    /// Write when the registry key was created, else Read.
    ByKeyDisposition,
}
