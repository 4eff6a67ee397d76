//! The number of events that each output decodes at a time, and the reason.

use crate::log::set::{EventRange, LogSet};

/// The most events of a range, and approximately the most bytes of their records.
#[derive(Clone, Copy, Debug)]
pub struct RangeSize {
    /// The most events.
    pub events: u32,
    /// The approximate limit of the records in bytes.
    pub bytes: u64,
}

impl RangeSize {
    /// Divides a capture into ranges of this size, in order.
    pub fn of<B: AsRef<[u8]>>(self, set: &LogSet<B>) -> impl Iterator<Item = EventRange> + '_ {
        set.ranges(self.events, self.bytes)
    }
}

/// A record batch: as many rows as a Parquet row group, in half the memory because nothing is encoded.
pub(super) const BATCHES: RangeSize = RangeSize { events: 65_536, bytes: 64 << 20 };

/// Record batches for an engine that takes rows a few thousand at a time, and may need only the first ones.
pub(super) const SMALL_BATCHES: RangeSize = RangeSize { events: 16_384, bytes: 16 << 20 };

/// A row group of a Parquet file: large enough that dictionaries save space, and small enough that a log of a
/// few hundred thousand events keeps all threads busy.
pub const ROW_GROUP: RangeSize = RangeSize { events: 65_536, bytes: 128 << 20 };

/// A range of a slice: events are copied unchanged, so a range needs no more memory than its records.
pub(super) const SLICE: RangeSize = RangeSize { events: 65_536, bytes: 64 << 20 };

/// Lines of JSON: every event becomes one to two thousand bytes.
pub(super) const JSON_LINES: RangeSize = RangeSize { events: 8_192, bytes: 8 << 20 };

/// Rows of CSV and events of XML: with stacks, an event becomes tens of thousands of bytes.
pub(super) const TEXT: RangeSize = RangeSize { events: 2_048, bytes: 8 << 20 };
