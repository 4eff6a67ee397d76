//! How many events each output decodes at a time, and why.

use crate::log::set::{EventRange, LogSet};

/// The most events of a range, and about the most bytes of their records.
#[derive(Clone, Copy, Debug)]
pub struct RangeSize {
    /// Events.
    pub events: u32,
    /// Bytes of records.
    pub bytes: u64,
}

impl RangeSize {
    /// The ranges of a capture.
    pub fn of<B: AsRef<[u8]>>(self, set: &LogSet<B>) -> impl Iterator<Item = EventRange> + '_ {
        set.ranges(self.events, self.bytes)
    }
}

/// A record batch: as many rows as a Parquet row group, in half its memory since nothing is encoded.
pub(super) const BATCHES: RangeSize = RangeSize { events: 65_536, bytes: 64 << 20 };

/// A row group of a Parquet file: large enough that dictionaries pay, small enough that all threads have work
/// on a log of a few hundred thousand events.
pub const ROW_GROUP: RangeSize = RangeSize { events: 65_536, bytes: 128 << 20 };

/// A part of a slice: events are copied, so a range is as large as its records.
pub(super) const SLICE: RangeSize = RangeSize { events: 65_536, bytes: 64 << 20 };

/// Lines of JSON: every event becomes one to two thousand bytes.
pub(super) const JSON_LINES: RangeSize = RangeSize { events: 8_192, bytes: 8 << 20 };

/// Rows of CSV and events of XML: with stacks, an event becomes tens of thousands of bytes.
pub(super) const TEXT: RangeSize = RangeSize { events: 2_048, bytes: 8 << 20 };
