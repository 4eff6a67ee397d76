//! The icon table. Icons are found, but never decoded.

use super::bytes::{Blob, Parsed, parse_at, record};
use super::strings::offsets;
use crate::error::{Error, ErrorKind, Result};
use nom::bytes::complete::take;
use zerocopy::byteorder::little_endian::U32;

/// One icon of the icon table: its edge in pixels and the bytes of its `RT_ICON` resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon<'a> {
    /// Edge in pixels: 16, 32, or 0 for "no icon".
    pub dimension: u32,
    /// The bytes of the icon resource, as stored.
    pub data: &'a [u8],
}

/// Where the icon table is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Icons {
    at: u64,
    count: u32,
}

fn icon(input: &[u8]) -> Parsed<'_, Icon<'_>> {
    let (rest, dimension) = record::<U32>(input)?;
    let (rest, size) = record::<U32>(rest)?;
    let (rest, data) = take(size.get())(rest)?;
    Ok((rest, Icon { dimension: dimension.get(), data }))
}

impl Icons {
    pub(crate) fn read(file: &[u8], at: u64) -> Result<Self> {
        let table = parse_at(file, at, "icon table", offsets)?;
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

    /// File offset of record `index`, and the icon.
    pub(crate) fn record(self, file: &[u8], index: u32) -> Result<(u64, Icon<'_>)> {
        let missing = Error::new(ErrorKind::BadReference(index), "icon", self.at);
        let entry = usize::try_from(self.at).ok().and_then(|at| at.checked_add(4 + 4 * index as usize));
        let offset = entry.filter(|_| index < self.count).and_then(|entry| file.u32_at(entry));
        let at = self.at + u64::from(offset.ok_or(missing)?);
        if at < self.first() {
            return Err(Error::new(ErrorKind::OutOfBounds(at - self.at), "entry of the icon table", self.at));
        }
        parse_at(file, at, "icon", icon).map(|icon| (at, icon))
    }

    /// Icon `index`, or the error that damages it.
    pub(crate) fn read_one(self, file: &[u8], index: u32) -> Result<Icon<'_>> {
        self.record(file, index).map(|(_, icon)| icon)
    }
}
