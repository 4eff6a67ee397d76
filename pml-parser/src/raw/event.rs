//! An event record: fixed header, stack frames, details, and an optional extra blob.

use super::bytes::{Blob, Parsed, record, tail};
use crate::error::{Error, ErrorKind, Result};
use crate::time::OF_CAPTURES;
use nom::bytes::complete::take;
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Size of the fixed header.
pub(crate) const HEADER_SIZE: usize = 52;

/// The highest event class; 0 is the class of a completion without its event.
pub(crate) const HIGHEST_CLASS: u16 = 6;

/// The deepest stack that the capture driver records.
pub(crate) const MOST_FRAMES: u16 = 150;

/// The most bytes that lie between a structure and the one after it: a stray byte after a long extra blob, and
/// room up to a multiple of four.
pub(crate) const ROUNDING: u64 = 4;

/// The most bytes of one record's details that are decoded, and the most bytes of one record that count as
/// work. The capture driver's buffers have 64 KiB; a damaged record may claim the rest of the file.
pub(crate) const MOST_DETAILS: usize = 1 << 20;

/// The fixed header of an event record (docs/format.md, "Event record").
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawEvent {
    pub process_index: U32,
    pub tid: U32,
    pub class: U16,
    pub class_high: U16,
    pub operation: U16,
    pub unused: U16,
    pub sequence: U32,
    pub duration: U64,
    pub time: U64,
    pub result: U32,
    pub depth: U16,
    pub unused2: U16,
    pub details_size: U32,
    pub extra_offset: U32,
}

const _: () = {
    assert!(size_of::<RawEvent>() == HEADER_SIZE);
    assert!(std::mem::offset_of!(RawEvent, time) == 0x1C);
    assert!(std::mem::offset_of!(RawEvent, extra_offset) == 0x30);
};

/// One event record. All its parts are inside the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRecord<'a> {
    pub header: &'a RawEvent,
    pub frames: &'a [u8],
    pub details: &'a [u8],
    pub extra: Option<&'a [u8]>,
    /// The status of the operation, from the header or from the record that ends the operation.
    pub status: u32,
    /// The duration in 100 ns ticks, from the header or from both records.
    pub duration: u64,
    /// The whole record, extra blob included.
    pub raw: &'a [u8],
}

/// Header, frames and details; the extra blob is found through its offset.
fn body(input: &[u8], pointer: usize) -> Parsed<'_, (&RawEvent, &[u8], &[u8])> {
    let (rest, header) = record::<RawEvent>(input)?;
    let (rest, frames) = take(usize::from(header.depth.get()) * pointer)(rest)?;
    let (rest, details) = take(header.details_size.get())(rest)?;
    Ok((rest, (header, frames, details)))
}

/// Reads header, frames and details of the record at `offset`, without its extra blob; `pointer` is the
/// pointer size of the file (4 or 8).
#[inline]
pub(crate) fn read_body(file: &[u8], offset: u64, pointer: usize) -> Result<EventRecord<'_>> {
    let input = tail(file, offset, "event record")?;
    let Ok((rest, (header, frames, details))) = body(input, pointer) else {
        return Err(truncated(input, offset, pointer));
    };
    let raw = input.get(..input.len() - rest.len()).unwrap_or(input);
    Ok(EventRecord::new(header, frames, details, None, raw))
}

/// Reads an operation of a raw boot log: the record at `offset`, and the one at `end` with which the operation ends.
/// A record that cannot be read does not end the operation.
#[inline]
pub(crate) fn read_joined(
    file: &[u8],
    offset: u64,
    end: Option<u64>,
    pointer: usize,
) -> Result<EventRecord<'_>> {
    let mut record = read_body(file, offset, pointer)?;
    record.duration = record.own_duration();
    if let Some(end) = end.and_then(|end| read_body(file, end, pointer).ok()) {
        record.status = end.status;
        // The clock may have been set back in between.
        let elapsed = end.header.time.get() as i64 as i128 - record.header.time.get() as i64 as i128;
        record.duration = u64::try_from(elapsed).unwrap_or(0);
        // A PML has 16 bits for the size.
        let extra = end.details.get(..usize::from(u16::MAX)).unwrap_or(end.details);
        record.extra = Some(extra).filter(|extra| !extra.is_empty());
    }
    Ok(record)
}

impl<'a> EventRecord<'a> {
    /// A record of a PML.
    #[inline]
    fn new(
        header: &'a RawEvent,
        frames: &'a [u8],
        details: &'a [u8],
        extra: Option<&'a [u8]>,
        raw: &'a [u8],
    ) -> Self {
        let (status, duration) = (header.result.get(), header.duration.get());
        Self { header, frames, details, extra, status, duration, raw }
    }

    /// The duration of an event of a raw boot log that has no end: that of a sample of a thread is the time for which
    /// the thread ran.
    fn own_duration(&self) -> u64 {
        let ticks = |at| u64::from(self.details.u32_at(at).unwrap_or(0));
        match (self.header.class.get(), self.header.operation.get()) {
            THREAD_SAMPLE => ticks(0) + ticks(4),
            _ => 0,
        }
    }
}

/// Class and operation of a sample of a thread (`Thread Profiling`).
const THREAD_SAMPLE: (u16, u16) = (4, 0);
/// Class and operation of a sample of a process, which belongs to no thread (`Process Profiling`).
const PROCESS_SAMPLE: (u16, u16) = (4, 1);

/// Reads the record at `offset`; `pointer` is the pointer size of the file (4 or 8).
#[inline]
pub(crate) fn read(file: &[u8], offset: u64, pointer: usize) -> Result<EventRecord<'_>> {
    const WHAT: &str = "event record";
    let input = tail(file, offset, WHAT)?;
    let Ok((_, (header, frames, details))) = body(input, pointer) else {
        return Err(truncated(input, offset, pointer));
    };
    let end = HEADER_SIZE + frames.len() + details.len();
    let extra_at = header.extra_offset.get() as usize;
    let (extra, end) = if extra_at == 0 {
        (None, end)
    } else {
        if extra_at < end {
            return Err(Error::new(
                ErrorKind::OutOfBounds(extra_at as u64),
                "extra offset of an event",
                offset,
            ));
        }
        let size = input.u16_at(extra_at).ok_or(Error::truncated(
            "extra blob of an event",
            offset,
            extra_at as u64 + 2,
            input.len() as u64,
        ))?;
        let (from, to) = (extra_at + 2, extra_at + 2 + usize::from(size));
        let extra = input.get(from..to).ok_or(Error::truncated(
            "extra blob of an event",
            offset,
            to as u64,
            input.len() as u64,
        ))?;
        (Some(extra), to)
    };
    let raw = input.get(..end).unwrap_or(input);
    Ok(EventRecord::new(header, frames, details, extra, raw))
}

/// Whether the room from `end`, where a record ends, to `next`, where one begins, was overwritten with zeros.
///
/// Extra blobs of other records, and records that the event offset array lists elsewhere, may lie there. Neither
/// begins with a size or process of 0: an operation that returned nothing has no extra blob. The size of an extra
/// blob of more than 64 KiB lacks what does not fit into its 16 bits, so that much room says nothing.
pub(crate) fn is_blank_room(file: &[u8], end: u64, next: u64) -> bool {
    next.saturating_sub(end) % (1 << 16) > ROUNDING
        && usize::try_from(end).ok().and_then(|end| file.u16_at(end)) == Some(0)
}

impl RawEvent {
    /// The thread of an event of a raw boot log.
    pub(crate) fn joined_tid(&self) -> u32 {
        match (self.class.get(), self.operation.get()) {
            PROCESS_SAMPLE => 0,
            _ => self.tid.get(),
        }
    }

    /// Whether class or time can be those of an event. A capture may hold an event with one strange value, and
    /// Process Monitor shows it; zeros and bytes of another structure have several.
    #[inline]
    pub(crate) fn is_event(&self) -> bool {
        let is_class = (1..=HIGHEST_CLASS).contains(&self.class.get());
        let is_high_zero = self.class_high.get() == 0;
        is_class && is_high_zero
            || (is_class || is_high_zero) && OF_CAPTURES.contains(&self.time.get()) && !self.begins_blank()
    }

    /// Whether zeros overwrote the fields before the sequence number. Even a completion without its event, class 0,
    /// has a process or a thread.
    pub(crate) fn begins_blank(&self) -> bool {
        (self.process_index.get()
            | self.tid.get()
            | u32::from(self.class.get())
            | u32::from(self.operation.get()))
            == 0
    }
}

/// The error for a record that does not fit, with the number of bytes that the record needs.
#[cold]
fn truncated(input: &[u8], offset: u64, pointer: usize) -> Error {
    let need = match record::<RawEvent>(input) {
        Ok((_, header)) => {
            HEADER_SIZE as u64
                + u64::from(header.depth.get()) * pointer as u64
                + u64::from(header.details_size.get())
        }
        Err(_) => HEADER_SIZE as u64,
    };
    Error::truncated("event record", offset, need, input.len() as u64)
}
