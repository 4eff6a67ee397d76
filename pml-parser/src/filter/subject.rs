//! What a test reads of an event, and what reading it costs.

use crate::columns::Source;
use crate::procmon::ProcmonColumn;

/// What a test reads of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A column of the language.
    Column(Source),
    /// A column of Process Monitor: its text, or the number that the text shows.
    Procmon(ProcmonColumn),
}

/// What it takes to read a value, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// A field of the record's header.
    Header,
    /// Something looked up by a field of the header.
    Lookup,
    /// Something decoded from the details, without text.
    Decode,
    /// A path as text.
    Path,
    /// Another text that is made for each event.
    Text,
    /// The details as text.
    Detail,
    /// The modules of all frames.
    Stack,
}

impl Subject {
    /// What reading it costs.
    pub(super) fn cost(self) -> Cost {
        match self {
            Self::Column(source) => match source {
                Source::EventId
                | Source::Part
                | Source::Sequence
                | Source::Time
                | Source::Duration
                | Source::RelativeTime
                | Source::CompletionTime
                | Source::ProcessIndex
                | Source::Tid => Cost::Header,
                Source::Class | Source::Operation | Source::Result | Source::Status | Source::Process(_) => {
                    Cost::Lookup
                }
                Source::Category | Source::Number(_) => Cost::Decode,
                Source::Path | Source::TargetPath => Cost::Path,
                Source::Detail => Cost::Detail,
                Source::Stack => Cost::Stack,
                Source::TimeOfDay
                | Source::RegistryData
                | Source::Capture
                | Source::Computer
                | Source::Seconds
                | Source::StackId
                | Source::RowNumber
                | Source::Elsewhere => Cost::Text,
            },
            Self::Procmon(column) if column.is_of_process() => Cost::Lookup,
            Self::Procmon(column) => match column {
                ProcmonColumn::Operation | ProcmonColumn::Result | ProcmonColumn::EventClass => Cost::Lookup,
                ProcmonColumn::Category => Cost::Decode,
                ProcmonColumn::Path => Cost::Path,
                ProcmonColumn::Detail => Cost::Detail,
                _ => Cost::Text,
            },
        }
    }

    /// Whether all events of a process have the same value.
    pub(super) fn is_of_process(self) -> bool {
        match self {
            Self::Column(source) => matches!(source, Source::Process(_)),
            Self::Procmon(column) => column.is_of_process(),
        }
    }
}
