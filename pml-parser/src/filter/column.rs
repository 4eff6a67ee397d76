//! The columns a filter can name: what they hold, what reading them costs.

use crate::detail::Number;
use crate::procmon::ProcmonColumn;

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    EventId,
    Part,
    Sequence,
    Time,
    Duration,
    Class,
    Operation,
    Category,
    ProcessIndex,
    Tid,
    /// Text of a status, or the status itself.
    Result,
    Path,
    TargetPath,
    Detail,
    RegistryData,
    Number(Number),
    ProcessName,
    Pid,
    ParentPid,
    Session,
    ImagePath,
    CommandLine,
    User,
    Integrity,
    Company,
    Version,
    Description,
    /// A column of Process Monitor: its text, or the number behind it.
    ProcmonColumn(ProcmonColumn),
}

/// What a column holds, which decides how a value beside it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number without a sign.
    Unsigned,
    /// A number with a sign, of so many bits; hexadecimal values are its bit pattern.
    Signed(u32),
    /// A point in time.
    Time,
    /// A length of time; a number needs a unit.
    Duration,
    /// A length of time; a number without a unit counts nanoseconds.
    Nanoseconds,
    /// Text.
    Text,
    /// The result: text, number, or severity.
    Status,
}

impl Kind {
    /// What a column of this kind takes, in words.
    pub(super) fn takes(self) -> &'static str {
        match self {
            Self::Unsigned | Self::Signed(_) => "a number (12 or 0x1F)",
            Self::Time => "a time (2024-11-14T00:22:01.5Z, or 12s after the first event)",
            Self::Duration => "a length of time with its unit (250ms, 1.5s, 2m)",
            Self::Nanoseconds => "a number of nanoseconds, or a length of time with its unit (250ms, 1.5s)",
            Self::Text => "a text",
            Self::Status => "a result ('NAME NOT FOUND'), an NTSTATUS (0xC0000034), or error",
        }
    }

    /// Whether its texts can be searched.
    pub(super) fn has_text(self) -> bool {
        matches!(self, Self::Text | Self::Status)
    }
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
}

impl Source {
    /// What reading it costs.
    pub(super) fn cost(self) -> Cost {
        match self {
            Self::EventId
            | Self::Part
            | Self::Sequence
            | Self::Time
            | Self::Duration
            | Self::ProcessIndex
            | Self::Tid => Cost::Header,
            Self::Class | Self::Operation | Self::Result => Cost::Lookup,
            Self::Category | Self::Number(_) => Cost::Decode,
            Self::Path | Self::TargetPath => Cost::Path,
            Self::RegistryData => Cost::Text,
            Self::Detail => Cost::Detail,
            _ if self.is_of_process() => Cost::Lookup,
            Self::ProcmonColumn(
                ProcmonColumn::Operation | ProcmonColumn::Result | ProcmonColumn::EventClass,
            ) => Cost::Lookup,
            Self::ProcmonColumn(ProcmonColumn::Category) => Cost::Decode,
            Self::ProcmonColumn(ProcmonColumn::Path) => Cost::Path,
            Self::ProcmonColumn(ProcmonColumn::Detail) => Cost::Detail,
            _ => Cost::Text,
        }
    }

    /// Whether all events of a process have the same value.
    pub(super) fn is_of_process(self) -> bool {
        match self {
            Self::ProcessName
            | Self::Pid
            | Self::ParentPid
            | Self::Session
            | Self::ImagePath
            | Self::CommandLine
            | Self::User
            | Self::Integrity
            | Self::Company
            | Self::Version
            | Self::Description => true,
            Self::ProcmonColumn(cell) => cell.is_of_process(),
            _ => false,
        }
    }
}

/// A column of the language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether a value can be missing.
    pub optional: bool,
    pub source: Source,
}

const fn column(name: &'static str, kind: Kind, source: Source) -> Column {
    Column { name, kind, optional: false, source }
}

const fn optional(name: &'static str, kind: Kind, source: Source) -> Column {
    Column { name, kind, optional: true, source }
}

const fn number(name: &'static str, number: Number) -> Column {
    optional(name, Kind::Unsigned, Source::Number(number))
}

const fn signed(name: &'static str, bits: u32, number: Number) -> Column {
    optional(name, Kind::Signed(bits), Source::Number(number))
}

/// Every column. Those of the events table bear its names (docs/schema.md), so do those of the
/// processes table; `duration` is `duration_ns` with a unit.
pub(super) static COLUMNS: &[Column] = &[
    column("event_id", Kind::Unsigned, Source::EventId),
    column("part", Kind::Unsigned, Source::Part),
    column("sequence", Kind::Unsigned, Source::Sequence),
    optional("time", Kind::Time, Source::Time),
    optional("duration", Kind::Duration, Source::Duration),
    optional("duration_ns", Kind::Nanoseconds, Source::Duration),
    column("class", Kind::Text, Source::Class),
    column("operation", Kind::Text, Source::Operation),
    column("category", Kind::Text, Source::Category),
    column("process_index", Kind::Unsigned, Source::ProcessIndex),
    optional("process_name", Kind::Text, Source::ProcessName),
    optional("pid", Kind::Unsigned, Source::Pid),
    optional("parent_pid", Kind::Unsigned, Source::ParentPid),
    column("tid", Kind::Unsigned, Source::Tid),
    column("path", Kind::Text, Source::Path),
    optional("target_path", Kind::Text, Source::TargetPath),
    column("result", Kind::Status, Source::Result),
    column("status", Kind::Status, Source::Result),
    optional("detail", Kind::Text, Source::Detail),
    number("desired_access", Number::DesiredAccess),
    number("granted_access", Number::GrantedAccess),
    number("disposition", Number::Disposition),
    number("create_options", Number::CreateOptions),
    number("share_mode", Number::ShareMode),
    number("file_attributes", Number::FileAttributes),
    number("open_result", Number::OpenResult),
    signed("byte_offset", 64, Number::ByteOffset),
    number("length", Number::Length),
    number("bytes_returned", Number::BytesReturned),
    number("io_flags", Number::IoFlags),
    number("information_class", Number::InformationClass),
    number("control_code", Number::ControlCode),
    signed("allocation_size", 64, Number::AllocationSize),
    signed("end_of_file", 64, Number::EndOfFile),
    number("delete_flags", Number::DeleteFlags),
    number("rename_flags", Number::RenameFlags),
    number("page_protection", Number::PageProtection),
    signed("exit_status", 32, Number::ExitStatus),
    number("target_pid", Number::TargetPid),
    number("target_tid", Number::TargetTid),
    number("image_base", Number::ImageBase),
    number("image_size", Number::ImageSize),
    number("registry_type", Number::RegistryType),
    number("registry_size", Number::RegistryDataSize),
    number("registry_number", Number::RegistryNumber),
    optional("registry_data", Kind::Text, Source::RegistryData),
    number("enum_index", Number::Index),
    optional("image_path", Kind::Text, Source::ImagePath),
    optional("command_line", Kind::Text, Source::CommandLine),
    optional("user_name", Kind::Text, Source::User),
    optional("integrity", Kind::Text, Source::Integrity),
    optional("session", Kind::Signed(32), Source::Session),
    optional("company", Kind::Text, Source::Company),
    optional("version", Kind::Text, Source::Version),
    optional("description", Kind::Text, Source::Description),
];

/// The column of this name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// Whether a number of the details has a sign.
pub(super) fn is_signed(number: Number) -> bool {
    matches!(number, Number::ByteOffset | Number::AllocationSize | Number::EndOfFile | Number::ExitStatus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_column() {
        let numbers = COLUMNS.iter().filter(|c| matches!(c.source, Source::Number(_)));
        assert_eq!(numbers.count(), Number::COUNT);
        for (at, column) in COLUMNS.iter().enumerate() {
            assert!(COLUMNS.iter().skip(at + 1).all(|other| other.name != column.name));
            assert!(find(&column.name.to_uppercase()).is_some());
            if let Source::Number(number) = column.source {
                assert_eq!(is_signed(number), matches!(column.kind, Kind::Signed(_)), "{}", column.name);
            }
        }
    }

    #[cfg(feature = "export")]
    #[test]
    fn names_are_those_of_the_tables() {
        use crate::arrow::schema::{EVENTS, PROCESSES, Type};
        for column in COLUMNS.iter().filter(|c| c.name != "duration") {
            let event = EVENTS.columns.iter().find(|c| c.name == column.name);
            let of_process = || PROCESSES.columns.iter().find(|c| c.name == column.name);
            let known = event.or_else(of_process);
            let known = known.unwrap_or_else(|| panic!("{} is in no table", column.name));
            if event.is_some() {
                assert_eq!(known.nullable, column.optional, "{}", column.name);
            }
            let bits = match known.kind {
                Type::I32 => Some(32),
                Type::I64 if column.kind != Kind::Nanoseconds => Some(64),
                _ => None,
            };
            assert_eq!(bits.map(Kind::Signed).is_some(), matches!(column.kind, Kind::Signed(_)));
        }
        for column in EVENTS.columns.iter().filter(|c| c.name != "stack_id") {
            assert!(find(column.name).is_some(), "{} cannot be filtered", column.name);
        }
    }
}
