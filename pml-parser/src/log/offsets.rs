//! The file offsets of the events of a log.

use crate::error::{Error, Result};
use crate::raw::bytes::{parse_at, records};
use crate::raw::header::RawHeader;
use crate::raw::offsets::RawOffset;
use std::collections::HashMap;

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
    /// Beginnings and ends of operations, found in a raw boot log: eight bytes an event.
    Joined(Joined),
}

/// Where operations begin and end in a raw boot log.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    pub pairs: Vec<Pair>,
    /// Ends that are too far from their beginnings for a [`Pair`], by the offset of the beginning.
    pub far: HashMap<u64, u64>,
}

/// Where one operation begins, and how far after that it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    begin: RawOffset,
    /// 24 bits: the distance; 0 where there is no end, [`Pair::FAR`] where the distance does not fit.
    distance: [u8; 3],
}

const _: () = assert!(size_of::<Pair>() == 8);

impl Pair {
    const FAR: u32 = 0xFF_FFFF;

    /// An operation that begins at `begin` and has no end yet.
    pub(crate) fn new(begin: u64) -> Self {
        Self { begin: RawOffset::new(begin), distance: [0; 3] }
    }

    /// Where the operation begins.
    pub(crate) fn begin(self) -> u64 {
        self.begin.get()
    }

    fn distance(self) -> u32 {
        let [a, b, c] = self.distance;
        u32::from_le_bytes([a, b, c, 0])
    }
}

impl Joined {
    /// Gives the operation at `position` its end.
    pub(crate) fn set_end(&mut self, position: usize, end: u64) {
        let Some(pair) = self.pairs.get_mut(position) else { return };
        let distance = u32::try_from(end.saturating_sub(pair.begin())).unwrap_or(u32::MAX).min(Pair::FAR);
        let [a, b, c, _] = distance.to_le_bytes();
        pair.distance = [a, b, c];
        if distance == Pair::FAR {
            self.far.insert(pair.begin(), end);
        }
    }

    /// Where the operation of a pair ends.
    fn end_of(&self, pair: Pair) -> Option<u64> {
        match pair.distance() {
            0 => None,
            Pair::FAR => self.far.get(&pair.begin()).copied(),
            distance => Some(pair.begin() + u64::from(distance)),
        }
    }
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
            Self::Joined(joined) => joined.pairs.len() as u32,
        }
    }

    /// File offset of the array; 0 where there is none.
    pub(crate) fn at(&self) -> u64 {
        match self {
            Self::InFile { at, .. } => *at,
            Self::Found(_) | Self::Joined(_) => 0,
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
            Self::Joined(joined) => joined.pairs.get(position as usize).map(|pair| pair.begin()),
        }
    }

    /// File offset of the record with which the operation at `position` ends, in a raw boot log.
    #[inline]
    pub(crate) fn end(&self, position: u32) -> Option<u64> {
        match self {
            Self::Joined(joined) => joined.end_of(*joined.pairs.get(position as usize)?),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_at_any_distance() {
        let mut joined = Joined::default();
        for (position, distance) in [1, 52, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 5 << 32].into_iter().enumerate()
        {
            let begin = 0x3_0000_0000 + position as u64;
            joined.pairs.push(Pair::new(begin));
            assert_eq!(joined.end_of(joined.pairs[position]), None);
            joined.set_end(position, begin + distance);
            assert_eq!(joined.end_of(joined.pairs[position]), Some(begin + distance));
        }
        assert_eq!(joined.far.len(), 3);
    }
}
