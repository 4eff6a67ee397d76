//! What reading a whole capture may cost.
//!
//! Five bytes of an event offset array can name a record of half a megabyte, and so can the next five;
//! a table entry of four bytes can name a text of 64 KiB. Sound logs share little, so that work and output
//! grow with the file. Forged ones are refused where they would make them grow beyond a multiple of it.

use crate::log::event::Event;
use crate::log::set::LogSet;
use crate::raw::event::MOST_DETAILS;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much work a capture may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of event records that are read, as a multiple of the bytes of the capture. Records of a
    /// sound log do not overlap: theirs is less than 1. One record counts for at most 1 MiB, which is as
    /// much as is ever decoded of its details, so that a few damaged ones do not cost the others.
    pub record_bytes_factor: u64,
    /// Bytes of event records that are read beyond that, so that small, badly damaged logs still fit the
    /// limit; reading this much takes no noticeable time.
    pub record_bytes_floor: u64,
    /// Bytes of text that are made, as a multiple of the bytes of the capture. Command lines in every row
    /// and stacks as XML come to a tenfold, in the worst of cases to a hundredfold.
    pub text_bytes_factor: u64,
    /// Bytes of text that are held at a time of one range of events.
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

/// Why a capture is not read to its end: it makes more work than any sound one of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Event records overlap: more than [`Limits::record_bytes_factor`] and [`Limits::record_bytes_floor`].
    Records,
    /// Texts are shared: more than [`Limits::text_bytes_factor`].
    Text,
    /// Events of one range share texts: more than [`Limits::text_bytes_in_flight`].
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

/// What a capture may still cost; threads share it.
///
/// Whether it is exceeded depends on the sums alone, so the outcome is the same for any number of
/// threads.
#[derive(Debug)]
pub struct Budget {
    records: AtomicU64,
    text: AtomicU64,
    /// Most records and text in bytes.
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

    /// What counts along with the work on one range of events.
    pub fn meter(&self) -> Meter<'_> {
        Meter { budget: self, records: 0, text: 0, held: 0 }
    }

    /// Counts text that is written at once.
    ///
    /// # Errors
    /// When it is more than the limit.
    pub fn written(&self, bytes: usize) -> Result<(), Exceeded> {
        add(&self.text, bytes as u64, self.most[1], Exceeded::Text)
    }
}

fn add(sum: &AtomicU64, bytes: u64, most: u64, exceeded: Exceeded) -> Result<(), Exceeded> {
    let before = sum.fetch_add(bytes, Ordering::Relaxed);
    if before.saturating_add(bytes) > most { Err(exceeded) } else { Ok(()) }
}

/// Counts what one range of events costs. [`Meter::finish`] adds what has not been added yet.
#[derive(Debug)]
pub struct Meter<'b> {
    budget: &'b Budget,
    records: u64,
    text: u64,
    held: u64,
}

/// Bytes that a thread counts on its own before it adds them to what all have counted.
const STEP: u64 = 256 << 10;

impl Meter<'_> {
    /// Counts an event that was read.
    ///
    /// # Errors
    /// When all events together are more than the limit.
    #[inline]
    pub fn event(&mut self, event: &Event<'_>) -> Result<(), Exceeded> {
        self.records += event.raw().len().min(MOST_DETAILS) as u64;
        if self.records >= STEP { self.add() } else { Ok(()) }
    }

    /// Counts text that is held until the range is done.
    ///
    /// # Errors
    /// When that of the range, or of all ranges, is more than the limit.
    #[inline]
    pub fn text(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.text += bytes as u64;
        self.held += bytes as u64;
        if self.held > self.budget.held {
            return Err(Exceeded::Held);
        }
        if self.text >= STEP { self.add() } else { Ok(()) }
    }

    /// Text of one event beyond which no more of it need be made: [`Meter::text`] refuses it.
    pub fn most_text(&self) -> usize {
        usize::try_from(self.budget.held).unwrap_or(usize::MAX)
    }

    #[cold]
    fn add(&mut self) -> Result<(), Exceeded> {
        let (records, text) = (std::mem::take(&mut self.records), std::mem::take(&mut self.text));
        add(&self.budget.records, records, self.budget.most[0], Exceeded::Records)?;
        add(&self.budget.text, text, self.budget.most[1], Exceeded::Text)
    }

    /// The range is done.
    ///
    /// # Errors
    /// As for an event.
    pub fn finish(mut self) -> Result<(), Exceeded> {
        self.add()
    }
}
