//! The columns that a filter can name, and which values each is compared with.

use crate::columns::{self, Comparison, Source, Type};

/// What a column is compared with, which decides how a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number without a sign.
    Unsigned,
    /// A number with a sign, of this many bits; hexadecimal values are its bit pattern.
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
    fn of(kind: Type, comparison: Comparison) -> Self {
        match (comparison, kind) {
            (Comparison::Length, _) => Self::Duration,
            (Comparison::Nanoseconds, _) => Self::Nanoseconds,
            (Comparison::Status, _) => Self::Status,
            (Comparison::AsType, Type::Timestamp) => Self::Time,
            (Comparison::AsType, Type::Utf8 | Type::Dictionary) => Self::Text,
            (Comparison::AsType, _) => kind.signed_bits().map_or(Self::Unsigned, Self::Signed),
        }
    }

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

/// A column of the language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether a value can be missing.
    pub optional: bool,
    pub source: Source,
}

/// Every column, in the order in which hints prefer them.
pub(super) fn all() -> impl Iterator<Item = Column> {
    columns::for_filters().map(|(column, comparison)| Column {
        name: column.name,
        kind: Kind::of(column.kind, comparison),
        // A field of a process is missing where the log has no record of the process.
        optional: column.nullable || matches!(column.source, Source::Process(_)),
        source: column.source,
    })
}

/// The column of this name, in any case.
pub(super) fn find(name: &str) -> Option<Column> {
    all().find(|column| column.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_found_in_any_case() {
        let names: HashSet<_> = all().map(|column| column.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(names.iter().all(|name| find(&name.to_uppercase()).is_some_and(|c| c.name == *name)));
    }

    #[test]
    fn values_are_read_as_the_type_and_the_comparison_of_a_column_say() {
        let kind = |name| find(name).map(|column| (column.kind, column.optional));
        assert_eq!(kind("event_id"), Some((Kind::Unsigned, false)));
        assert_eq!(kind("byte_offset"), Some((Kind::Signed(64), true)));
        assert_eq!(kind("exit_status"), Some((Kind::Signed(32), true)));
        assert_eq!(kind("time"), Some((Kind::Time, true)));
        assert_eq!(kind("duration"), Some((Kind::Duration, true)));
        assert_eq!(kind("duration_ns"), Some((Kind::Nanoseconds, true)));
        assert_eq!(kind("path"), Some((Kind::Text, false)));
        assert_eq!(kind("status"), Some((Kind::Status, false)));
        assert_eq!(kind("process_name"), Some((Kind::Text, true)));
        // Never NULL in the table of processes, but of an event's process.
        assert_eq!(kind("session"), Some((Kind::Signed(32), true)));
        assert_eq!(kind("stack_id"), None);
        assert_eq!(kind("module_count"), None);
    }
}
