//! Limits on the work and the output that one capture may cause.
//!
//! Five bytes of an event offset array can name a record of half a megabyte, and the next five bytes can name
//! the same record. A table entry of four bytes can name a text of 64 KiB. Sound logs share little, so work
//! and output grow with the size of the file. A forged log is refused once its work or output exceeds a
//! multiple of that size.

use crate::log::event::Event;
use crate::log::set::LogSet;
use crate::raw::event::MOST_DETAILS;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much work a capture may cause. The defaults fit every sound log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of event records that may be read, as a multiple of the bytes of the capture; 8 by default.
    /// Records of a sound log do not overlap, so they need a factor below 1. One record counts as at most
    /// 1 MiB, the most that is ever decoded of its details. A few damaged records therefore do not use up the
    /// limit.
    pub record_bytes_factor: u64,
    /// Bytes of event records that may be read in addition; 256 MiB by default. Small, badly damaged logs
    /// therefore fit the limit. Reading this many bytes takes no noticeable time.
    pub record_bytes_floor: u64,
    /// Bytes of text that may be written, as a multiple of the bytes of the capture; 1,000 by default.
    /// Command lines in every row, and stacks as XML, take 10 times the bytes of a real capture, and 100
    /// times in the worst case.
    pub text_bytes_factor: u64,
    /// Bytes of text that one range of events may hold in memory; 512 MiB by default.
    pub text_bytes_in_flight: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes_factor: 8,
            record_bytes_floor: 256 << 20,
            text_bytes_factor: 1_000,
            text_bytes_in_flight: 512 << 20,
        }
    }
}

/// Why a capture is not read to its end: it causes more work than any sound capture of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Event records overlap: together they exceed [`Limits::record_bytes_factor`] and
    /// [`Limits::record_bytes_floor`].
    Records,
    /// Texts are shared: written out, they exceed [`Limits::text_bytes_factor`].
    Text,
    /// Events of one range share texts: together they exceed [`Limits::text_bytes_in_flight`].
    Held,
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Records => "records overlap: together they are many times larger than the log",
            Self::Text => "texts are shared: written out they would be many times larger than the log",
            Self::Held => "texts are shared: those of a few events would fill the memory",
        })
    }
}

impl std::error::Error for Exceeded {}

/// Counts the work of a capture against its [`Limits`]. Threads share one budget.
///
/// Only the sums decide whether a limit is exceeded, so the outcome is the same for any number of threads.
#[derive(Debug)]
pub struct Budget {
    records: AtomicU64,
    text: AtomicU64,
    /// The limits on bytes of records and bytes of text.
    most: [u64; 2],
    held: u64,
}

impl Budget {
    /// The budget of a capture.
    pub fn new<B: AsRef<[u8]>>(set: &LogSet<B>, limits: Limits) -> Self {
        let [records, text] = [limits.record_bytes_factor, limits.text_bytes_factor]
            .map(|times| set.size().saturating_mul(times));
        let most = [records.saturating_add(limits.record_bytes_floor), text];
        Self { records: AtomicU64::new(0), text: AtomicU64::new(0), most, held: limits.text_bytes_in_flight }
    }

    /// A counter for the work on one range of events.
    pub fn meter(&self) -> Meter<'_> {
        Meter { budget: self, records: 0, text: 0, held: 0 }
    }

    /// Counts text in bytes that is written at once, without being held for a range.
    ///
    /// # Errors
    /// When all text of the capture exceeds its limit.
    pub fn written(&self, bytes: usize) -> Result<(), Exceeded> {
        add(&self.text, bytes as u64, self.most[1], Exceeded::Text)
    }
}

fn add(sum: &AtomicU64, bytes: u64, most: u64, exceeded: Exceeded) -> Result<(), Exceeded> {
    let before = sum.fetch_add(bytes, Ordering::Relaxed);
    if before.saturating_add(bytes) > most { Err(exceeded) } else { Ok(()) }
}

/// Counts the work on one range of events. [`Meter::finish`] adds the last bytes to the [`Budget`].
#[derive(Debug)]
pub struct Meter<'b> {
    budget: &'b Budget,
    records: u64,
    text: u64,
    held: u64,
}

/// Bytes that a thread counts alone before it adds them to the shared sums.
const STEP: u64 = 256 << 10;

impl Meter<'_> {
    /// Counts an event that was read.
    ///
    /// # Errors
    /// When the records of all events exceed their limit.
    #[inline]
    pub fn event(&mut self, event: &Event<'_>) -> Result<(), Exceeded> {
        self.records += event.raw().len().min(MOST_DETAILS) as u64;
        if self.records >= STEP { self.add() } else { Ok(()) }
    }

    /// Counts text in bytes that is held in memory until the range is done.
    ///
    /// # Errors
    /// When the text of the range, or of all ranges, exceeds its limit.
    #[inline]
    pub fn text(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.text += bytes as u64;
        self.held += bytes as u64;
        if self.held > self.budget.held {
            return Err(Exceeded::Held);
        }
        if self.text >= STEP { self.add() } else { Ok(()) }
    }

    /// The most text of one event in bytes. [`Meter::text`] refuses more, so a longer text need not be
    /// completed.
    pub fn most_text(&self) -> usize {
        usize::try_from(self.budget.held).unwrap_or(usize::MAX)
    }

    #[cold]
    fn add(&mut self) -> Result<(), Exceeded> {
        let (records, text) = (std::mem::take(&mut self.records), std::mem::take(&mut self.text));
        add(&self.budget.records, records, self.budget.most[0], Exceeded::Records)?;
        add(&self.budget.text, text, self.budget.most[1], Exceeded::Text)
    }

    /// Ends the range, and adds its last bytes to the budget.
    ///
    /// # Errors
    /// When the records or the text of all ranges exceed their limit.
    pub fn finish(mut self) -> Result<(), Exceeded> {
        self.add()
    }
}
