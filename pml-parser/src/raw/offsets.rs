//! The event offset array: five bytes per event, a file offset of 40 bits.

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One entry of the array (docs/format.md, "Event offset array").
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawOffset {
    low: U32,
    high: u8,
}

const _: () = assert!(size_of::<RawOffset>() == 5);

impl RawOffset {
    /// The largest offset an entry can hold.
    pub(crate) const MAX: u64 = (1 << 40) - 1;

    pub(crate) fn get(self) -> u64 {
        u64::from(self.low.get()) | u64::from(self.high) << 32
    }

    /// An entry for an offset of at most [`RawOffset::MAX`]; higher bits are dropped.
    pub(crate) fn new(offset: u64) -> Self {
        Self { low: U32::new(offset as u32), high: (offset >> 32) as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_byte_is_the_high_part() {
        for offset in [0, 0x3A8, 0xFFFF_FFFF, 0x1_0000_01F4, RawOffset::MAX] {
            assert_eq!(RawOffset::new(offset).get(), offset);
        }
    }
}
