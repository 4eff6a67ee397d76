//! The file offsets of the events of a log.

use crate::error::{Error, Result};
use crate::raw::bytes::{parse_at, records};
use crate::raw::header::RawHeader;
use crate::raw::offsets::RawOffset;

/// The file offsets of the events of a log, in the order of the events.
#[derive(Debug)]
pub(crate) enum Offsets {
    /// The event offset array of the file, read in place.
    InFile {
        /// File offset of the array.
        at: u64,
        /// Number of entries. The whole array is inside the file.
        count: u32,
    },
    /// Found by recovery: five bytes an event.
    Found(Vec<RawOffset>),
}

impl Offsets {
    /// The array that the header names. Only the extent of the array is checked; no entry is read.
    pub(crate) fn in_file(file: &[u8], header: &RawHeader) -> Result<Self> {
        let (at, count) = (header.offsets.get(), header.event_count.get());
        match parse_at(file, at, "event offset array", records::<RawOffset>(count)) {
            Ok(_) => Ok(Self::InFile { at, count }),
            Err(_) => {
                let have = (file.len() as u64).saturating_sub(at);
                Err(Error::truncated("event offset array", at, u64::from(count) * 5, have))
            }
        }
    }

    pub(crate) fn count(&self) -> u32 {
        match self {
            Self::InFile { count, .. } => *count,
            Self::Found(offsets) => offsets.len() as u32,
        }
    }

    /// File offset of the array; 0 where recovery found the events.
    pub(crate) fn at(&self) -> u64 {
        match self {
            Self::InFile { at, .. } => *at,
            Self::Found(_) => 0,
        }
    }

    /// File offset of the event at `position`.
    #[inline]
    pub(crate) fn get(&self, file: &[u8], position: u32) -> Option<u64> {
        match self {
            Self::InFile { at, count } => {
                if position >= *count {
                    return None;
                }
                let entry = usize::try_from(at + u64::from(position) * 5).ok()?;
                let bytes: &[u8; 5] = file.get(entry..)?.first_chunk()?;
                Some(zerocopy::transmute_ref!(bytes)).map(|raw: &RawOffset| raw.get())
            }
            Self::Found(offsets) => offsets.get(position as usize).map(|raw| raw.get()),
        }
    }
}
