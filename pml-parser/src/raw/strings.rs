//! The string table, and the strings inside event details.

use super::bytes::{Blob, Parsed, parse_at, record, records};
use crate::error::{Error, ErrorKind, Result};
use crate::text::WinStr;
use nom::bytes::complete::take;
use zerocopy::byteorder::little_endian::U32;

/// Bytes of the longest string that Windows can hold (`UNICODE_STRING`). A longer string of a forged table is
/// cut.
pub(super) const LONGEST: usize = 0xFFFE;

/// The string table, read in place. Strings are decoded on demand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strings {
    /// Offset of the table in the file.
    at: u64,
    count: u32,
}

/// The count and the array of offsets at the start of the string table and of the icon table.
pub(crate) fn offsets(input: &[u8]) -> Parsed<'_, &[U32]> {
    let (rest, count) = record::<U32>(input)?;
    records(count.get())(rest)
}

/// A byte count and as many bytes.
pub(crate) fn sized(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, size) = record::<U32>(input)?;
    take(size.get())(rest)
}

impl Strings {
    /// The table at offset `at`. Its array of offsets must fit the file.
    pub(crate) fn read(file: &[u8], at: u64) -> Result<Self> {
        let table = parse_at(file, at, "string table", offsets)?;
        Ok(Self { at, count: table.len() as u32 })
    }

    pub(crate) fn count(self) -> u32 {
        self.count
    }

    /// File offset of the table.
    pub(crate) fn at(self) -> u64 {
        self.at
    }

    /// File offset at which the first record is due: after the array of offsets.
    pub(crate) fn first(self) -> u64 {
        self.at + 4 + 4 * u64::from(self.count)
    }

    /// Record `index`: its file offset, and its bytes without their size. `None` where the table has no such
    /// string.
    pub(crate) fn record(self, file: &[u8], index: u32) -> Option<Result<(u64, &[u8])>> {
        let entry = usize::try_from(self.at).ok()?.checked_add(4 + 4 * index as usize)?;
        (index < self.count).then_some(())?;
        let offset = u64::from(file.u32_at(entry)?);
        let at = self.at + offset;
        // An entry that was overwritten may lead to the array itself.
        if at < self.first() {
            return Some(Err(Error::new(
                ErrorKind::OutOfBounds(offset),
                "entry of the string table",
                entry as u64,
            )));
        }
        Some(parse_at(file, at, "string", sized).map(|bytes| (at, bytes)))
    }

    /// String `index`, or `None` where the table has no such string or its record does not fit the file.
    pub(crate) fn get(self, file: &[u8], index: u32) -> Option<WinStr<'_>> {
        let (_, text) = self.record(file, index)?.ok()?;
        Some(WinStr::utf16(text.clip(0, LONGEST)))
    }
}

/// The length word of a string in the details: the number of characters, and in bit 15 whether they are
/// packed to one byte per character.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Info(pub u16);

impl Info {
    /// Size of the string in bytes.
    pub(crate) fn size(self) -> usize {
        let characters = usize::from(self.0 & 0x7FFF);
        if self.is_packed() { characters } else { characters * 2 }
    }

    fn is_packed(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// The string at offset `at` of a details blob, clipped to the blob.
    pub(crate) fn string(self, details: &[u8], at: usize) -> WinStr<'_> {
        let bytes = details.clip(at, self.size());
        if self.is_packed() { WinStr::latin1(bytes) } else { WinStr::utf16(bytes) }
    }
}
