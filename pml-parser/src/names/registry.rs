//! Registry value types, dispositions and information classes.

/// Value types, by number.
static TYPES: [&str; 12] = [
    "REG_NONE",
    "REG_SZ",
    "REG_EXPAND_SZ",
    "REG_BINARY",
    "REG_DWORD",
    "REG_DWORD_BIG_ENDIAN",
    "REG_LINK",
    "REG_MULTI_SZ",
    "REG_RESOURCE_LIST",
    "REG_FULL_RESOURCE_DESCRIPTOR",
    "REG_RESOURCE_REQUIREMENTS_LIST",
    "REG_QWORD",
];

/// `REG_NONE`.
pub(crate) const NONE: u32 = 0;
/// `REG_SZ`.
pub(crate) const SZ: u32 = 1;
/// `REG_EXPAND_SZ`.
pub(crate) const EXPAND_SZ: u32 = 2;
/// `REG_BINARY`.
pub(crate) const BINARY: u32 = 3;
/// `REG_DWORD`.
pub(crate) const DWORD: u32 = 4;
/// `REG_DWORD_BIG_ENDIAN`.
pub(crate) const DWORD_BIG_ENDIAN: u32 = 5;
/// `REG_LINK`.
pub(crate) const LINK: u32 = 6;
/// `REG_MULTI_SZ`.
pub(crate) const MULTI_SZ: u32 = 7;
/// `REG_QWORD`.
pub(crate) const QWORD: u32 = 11;

/// Classes of `RegQueryKey`, by number. 6, 8 and higher numbers have no name in Process Monitor.
static QUERIES: [&str; 8] = ["Basic", "Node", "Full", "Name", "Cached", "Flags", "", "HandleTags"];

/// The name of a value type, or `None` where Process Monitor prints the number.
pub(crate) fn value_type(number: u32) -> Option<&'static str> {
    at(&TYPES, number)
}

/// The name of a key information class, or `None` where Process Monitor prints the number.
pub(crate) fn key_query(number: u32) -> Option<&'static str> {
    at(&QUERIES, number).filter(|name| !name.is_empty())
}

/// The name of a disposition, the result of opening or creating a key. Only 1 and 2 have names.
pub(crate) fn disposition(number: u32) -> Option<&'static str> {
    match number {
        1 => Some("REG_CREATED_NEW_KEY"),
        2 => Some("REG_OPENED_EXISTING_KEY"),
        _ => None,
    }
}

/// The name of a class of `RegSetInfoKey`.
pub(crate) fn key_set_information(number: u32) -> Option<&'static str> {
    match number {
        0 => Some("KeyWriteTimeInformation"),
        1 => Some("KeyWow64FlagsInformation"),
        5 => Some("KeySetHandleTagsInformation"),
        _ => None,
    }
}

/// The name of a format of `RegSaveKey`.
pub(crate) fn save_format(number: u32) -> Option<&'static str> {
    match number {
        1 => Some("REG_STANDARD_FORMAT"),
        2 => Some("REG_LATEST_FORMAT"),
        4 => Some("REG_NO_COMPRESSION"),
        _ => None,
    }
}

fn at(table: &[&'static str], number: u32) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(|at| table.get(at)).copied()
}
