//! Registry operations.

use super::call::Call;
use super::call::status::{BUFFER_OVERFLOW, BUFFER_TOO_SMALL, NAME_NOT_FOUND, NO_MORE_ENTRIES};
use pml_parser::Operation;
use pml_parser::write::details;

/// Rights to read a key.
pub(crate) const READ: u32 = 0x2_0019;
/// Rights to read and write a key.
pub(crate) const ALL: u32 = 0xF_003F;

/// The data of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `REG_SZ`.
    Text(String),
    /// `REG_MULTI_SZ`.
    Texts(Vec<String>),
    /// `REG_DWORD`.
    Number(u32),
    /// `REG_QWORD`.
    Long(u64),
    /// `REG_BINARY`.
    Bytes(Vec<u8>),
}

impl Value {
    /// Type number and bytes of the value, as the registry stores them.
    fn stored(&self) -> (u32, Vec<u8>) {
        match self {
            Self::Text(text) => (1, utf16(text)),
            Self::Texts(texts) => {
                let mut bytes: Vec<u8> = texts.iter().flat_map(|text| utf16(text)).collect();
                bytes.extend_from_slice(&[0, 0]);
                (7, bytes)
            }
            Self::Number(number) => (4, number.to_le_bytes().to_vec()),
            Self::Long(number) => (11, number.to_le_bytes().to_vec()),
            Self::Bytes(bytes) => (3, bytes.clone()),
        }
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn open(path: &str, access: u32) -> Call {
    Call::new(Operation::REG_OPEN_KEY, details::open_key(path, access))
        .returning(details::key_opened(access, 0))
}

/// An attempt to open a missing key.
pub(crate) fn probe(path: &str) -> Call {
    open(path, READ).ending(NAME_NOT_FOUND)
}

/// `RegCreateKey`: disposition 1 creates the key, 2 opens an existing one.
pub(crate) fn create(path: &str, disposition: u32) -> Call {
    Call::new(Operation::REG_CREATE_KEY, details::open_key(path, ALL))
        .returning(details::key_opened(ALL, disposition))
}

pub(crate) fn close(path: &str) -> Call {
    Call::new(Operation::REG_CLOSE_KEY, details::key_only(path))
}

/// `RegQueryKey` that asks for the number of keys and values.
pub(crate) fn query_counts(path: &str, keys: u32, values: u32) -> Call {
    let mut extra = vec![0; 44];
    extra[20..24].copy_from_slice(&keys.to_le_bytes());
    extra[32..36].copy_from_slice(&values.to_le_bytes());
    Call::new(Operation::REG_QUERY_KEY, details::query(path, 48, 2)).returning(extra)
}

/// `RegQueryKey` that asks for handle tags, as every open below a predefined key does.
pub(crate) fn query_tags(path: &str) -> Call {
    Call::new(Operation::REG_QUERY_KEY, details::query(path, 4, 7)).returning(vec![0; 4])
}

pub(crate) fn query_value(path: &str, value: &Value) -> Call {
    let (kind, data) = value.stored();
    let extra = details::partial_value(kind, &data);
    Call::new(Operation::REG_QUERY_VALUE, details::query(path, 0x100.max(extra.len() as u32), 2))
        .returning(extra)
}

/// A query with a buffer that is too small for the value.
pub(crate) fn query_value_in_short_buffer(path: &str) -> Call {
    Call::new(Operation::REG_QUERY_VALUE, details::query(path, 16, 2)).ending(BUFFER_OVERFLOW)
}

/// A query with a buffer that is too small even for the fixed part.
pub(crate) fn query_value_in_tiny_buffer(path: &str) -> Call {
    Call::new(Operation::REG_QUERY_VALUE, details::query(path, 8, 2)).ending(BUFFER_TOO_SMALL)
}

/// A query for a missing value.
pub(crate) fn query_missing_value(path: &str) -> Call {
    Call::new(Operation::REG_QUERY_VALUE, details::query(path, 144, 2)).ending(NAME_NOT_FOUND)
}

pub(crate) fn enumerate_key(path: &str, index: u32, name: &str) -> Call {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut extra = vec![0; 12];
    extra.extend_from_slice(&(name.len() as u32).to_le_bytes());
    extra.extend_from_slice(&name);
    Call::new(Operation::REG_ENUM_KEY, enumeration(path, 288, index, 0)).returning(extra)
}

pub(crate) fn enumerate_key_end(path: &str, index: u32) -> Call {
    Call::new(Operation::REG_ENUM_KEY, enumeration(path, 288, index, 0)).ending(NO_MORE_ENTRIES)
}

pub(crate) fn enumerate_value(path: &str, index: u32, name: &str, value: &Value) -> Call {
    let (kind, data) = value.stored();
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let data_at = (20 + name.len()).next_multiple_of(4);
    let mut extra = vec![0; data_at];
    for (at, word) in [(4, kind), (8, data_at as u32), (12, data.len() as u32), (16, name.len() as u32)] {
        extra[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    extra[20..20 + name.len()].copy_from_slice(&name);
    extra.extend_from_slice(&data);
    Call::new(Operation::REG_ENUM_VALUE, enumeration(path, 220, index, 1)).returning(extra)
}

pub(crate) fn enumerate_value_end(path: &str, index: u32) -> Call {
    Call::new(Operation::REG_ENUM_VALUE, enumeration(path, 220, index, 1)).ending(NO_MORE_ENTRIES)
}

pub(crate) fn set_value(path: &str, value: &Value) -> Call {
    let (kind, data) = value.stored();
    Call::new(Operation::REG_SET_VALUE, details::set_value(path, kind, &data))
}

/// `RegSetInfoKey` that sets handle tags.
pub(crate) fn set_tags(path: &str) -> Call {
    let mut fixed = vec![0; 2];
    for word in [5u32, 4, 4] {
        fixed.extend_from_slice(&word.to_le_bytes());
    }
    let mut details = key(&fixed, path);
    details.extend_from_slice(&0x400u32.to_le_bytes());
    Call::new(Operation::REG_SET_INFO_KEY, details)
}

pub(crate) fn delete_key(path: &str) -> Call {
    Call::new(Operation::REG_DELETE_KEY, details::key_only(path))
}

pub(crate) fn delete_value(path: &str) -> Call {
    Call::new(Operation::REG_DELETE_VALUE, details::key_only(path))
}

pub(crate) fn flush(path: &str) -> Call {
    Call::new(Operation::REG_FLUSH_KEY, details::key_only(path))
}

/// `RegLoadKey`: `file` becomes the hive at `path`.
pub(crate) fn load(path: &str, file: &str) -> Call {
    let units: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut details = key(&((units.len() / 2) as u16).to_le_bytes(), path);
    details.extend_from_slice(&units);
    Call::new(Operation::REG_LOAD_KEY, details)
}

pub(crate) fn unload(path: &str) -> Call {
    Call::new(Operation::REG_UNLOAD_KEY, details::key_only(path))
}

pub(crate) fn query_security(path: &str) -> Call {
    Call::new(Operation::REG_QUERY_KEY_SECURITY, details::key_only(path))
}

/// Details of an enumeration: length of the buffer, index, information class.
fn enumeration(path: &str, length: u32, index: u32, class: u32) -> Vec<u8> {
    let mut fixed = vec![0; 2];
    for word in [length, index, class] {
        fixed.extend_from_slice(&word.to_le_bytes());
    }
    key(&fixed, path)
}

/// Details with a fixed part between the length word of the path and the path. An ASCII path is
/// packed.
fn key(fixed: &[u8], path: &str) -> Vec<u8> {
    let mut details = Vec::with_capacity(2 + fixed.len() + path.len());
    if path.is_ascii() {
        details.extend_from_slice(&(0x8000 | path.len() as u16).to_le_bytes());
        details.extend_from_slice(fixed);
        details.extend_from_slice(path.as_bytes());
    } else {
        details.extend_from_slice(&(path.encode_utf16().count() as u16).to_le_bytes());
        details.extend_from_slice(fixed);
        details.extend(path.encode_utf16().flat_map(u16::to_le_bytes));
    }
    details
}
