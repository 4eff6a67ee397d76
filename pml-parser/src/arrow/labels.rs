//! What every table says of the capture that its rows are from.

use super::types::Types;
use crate::columns::{Source, Type};
use crate::log::set::LogSet;
use crate::time::{FileTime, TICKS_PER_SECOND};
use arrow::array::{ArrayRef, Decimal128Array, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;
use std::sync::Arc;

/// Digits of `seconds`, and those of them after the point: one tick of a log is 100 ns.
pub(crate) const SECONDS: (u8, i8) = (18, 7);

/// The capture of a table's rows, and the types of its columns.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    /// The id of the capture.
    pub capture: String,
    pub computer: String,
    pub types: Types,
    /// When the capture began.
    first: Option<FileTime>,
    /// The two texts as arrays of one value, which all batches share.
    arrays: [ArrayRef; 2],
}

impl Labels {
    pub(crate) fn new<B: AsRef<[u8]>>(set: &LogSet<B>, types: Types, capture: Option<&str>) -> Self {
        let capture = capture.map_or_else(|| capture_id(set), str::to_owned);
        let computer = computer(set);
        let array = |text: &str| Arc::new(StringArray::from(vec![text.to_owned()])) as ArrayRef;
        let arrays = [array(&capture), array(&computer)];
        Self { capture, computer, types, first: set.time_span().map(|span| span.0), arrays }
    }

    /// The column of a label, which has one value in all rows; `None` for every other source.
    pub(crate) fn column(&self, source: Source, rows: usize) -> Option<ArrayRef> {
        let [capture, computer] = &self.arrays;
        let text = match source {
            Source::Capture => capture,
            Source::Computer => computer,
            _ => return None,
        };
        let keys = Int32Array::new(vec![0; rows].into(), None);
        Some(Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(text))))
    }

    /// The column of the seconds since the capture began.
    pub(crate) fn seconds(&self, times: &[FileTime]) -> ArrayRef {
        seconds_array(times.iter().map(|&time| self.ticks(time)))
    }

    /// The ticks from the time at which the capture began to another, as the digits of `seconds`.
    #[inline]
    pub(crate) fn ticks(&self, time: FileTime) -> Option<i64> {
        seconds_between(self.first?, time)
    }
}

/// An array of the type of `seconds` from numbers of ticks.
pub fn seconds_array(ticks: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let ticks = ticks.map(|ticks| ticks.map(i128::from));
    Arc::new(Decimal128Array::from_iter(ticks).with_data_type(Type::Seconds.arrow()))
}

/// The ticks between two times, as the digits of `seconds`; `None` where they do not fit: 3,168 years.
pub fn seconds_between(first: FileTime, time: FileTime) -> Option<i64> {
    const TOO_MANY: u64 = 10u64.pow(SECONDS.0 as u32);
    let is_before = time.0 < first.0;
    let ticks = time.0.abs_diff(first.0);
    if ticks >= TOO_MANY {
        return None;
    }
    let ticks = ticks.cast_signed();
    Some(if is_before { -ticks } else { ticks })
}

/// Ticks as seconds in decimal.
pub(crate) fn seconds_text(ticks: i128) -> String {
    let (sign, ticks) = (if ticks < 0 { "-" } else { "" }, ticks.unsigned_abs());
    let second = u128::from(TICKS_PER_SECOND);
    format!("{sign}{}.{:07}", ticks / second, ticks % second)
}

fn computer<B: AsRef<[u8]>>(set: &LogSet<B>) -> String {
    set.part(0).map(|log| log.computer().to_str().into_owned()).unwrap_or_default()
}

/// The id of a capture that has no other: the name of the computer and the second in which the capture began, such as
/// `PC-ZHANGWEI-20241114T002133Z`. It depends on the log alone, and has only letters, digits, `-`, `_` and `.`.
pub fn capture_id<B: AsRef<[u8]>>(set: &LogSet<B>) -> String {
    /// Letters of a computer's name, at most.
    const LONGEST: usize = 64;
    let computer = computer(set);
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let mut id: String = computer.chars().take(LONGEST).map(plain).collect();
    if id.is_empty() {
        id.push_str("capture");
    }
    if let Some(first) = set.time_span().and_then(|span| span.0.civil()) {
        id += &format!(
            "-{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            first.year, first.month, first.day, first.hour, first.minute, first.second
        );
    }
    id
}

/// A number that tells logs apart, whatever their files are called: a hash (FNV-1a, 64 bits) over the size, the first
/// and the last 4 KiB of each part, in order, as 16 hexadecimal digits. A log's header and tables are there. It is no
/// proof against forgery.
pub fn log_hash<B: AsRef<[u8]>>(set: &LogSet<B>) -> String {
    const END: usize = 4 << 10;
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let add = |hash: u64, bytes: &[u8]| {
        bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    };
    let hash = set.parts().fold(BASIS, |hash, log| {
        let bytes = log.bytes();
        let head = bytes.get(..bytes.len().min(END)).unwrap_or_default();
        let tail = bytes.get(bytes.len().saturating_sub(END)..).unwrap_or_default();
        add(add(add(hash, &log.size().to_le_bytes()), head), tail)
    });
    format!("{hash:016x}")
}
