//! One event: a borrowed view of its record.

use crate::error::{Error, ErrorKind, Result};
use crate::log::LogView;
use crate::log::index::Kernel;
use crate::log::kernel_names::KernelNames;
use crate::log::process::Process;
use crate::log::stack::Stack;
use crate::names::ntstatus::NtStatus;
use crate::names::operation::{EventClass, Operation};
use crate::raw::bytes::Blob;
use crate::raw::event::{self as raw, EventRecord, MOST_DETAILS, ROUNDING, RawEvent};
use crate::raw::header;
use crate::text::WinStr;
use crate::time::{FileTime, Ticks};
use std::ops::Range;
use zerocopy::IntoBytes;

/// Position of an event in its set, counted from 0 through all parts. Ids are stable and sort in the order of
/// the log, so reports cite them.
pub type EventId = u64;

/// One event of a log: a `Copy` view. Every accessor reads the bytes in place (docs/format.md, "Event
/// record").
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    log: LogView<'a>,
    position: u32,
    offset: u64,
    record: EventRecord<'a>,
}

impl<'a> Event<'a> {
    /// The event whose record begins at `offset`. Where the next entry of the event offset array is given, the record is
    /// compared with it, and with where the array begins.
    #[inline]
    pub(crate) fn read(
        log: LogView<'a>,
        position: u32,
        offset: u64,
        neighbours: Option<(u64, u64)>,
    ) -> Result<Self> {
        if log.index.kernel.is_some() {
            return Self::read_joined(log, position, offset);
        }
        let record = raw::read(log.file, offset, log.index.pointer())?;
        if let Some((next, array)) = neighbours
            && let Some(kind) = contradiction(log, offset, &record, next, array)
        {
            return Err(Error::new(kind, "event record", offset));
        }
        Ok(Self { log, position, offset, record })
    }

    /// The same in a raw boot log. Not inlined, for the sake of the events of a PML.
    #[inline(never)]
    fn read_joined(log: LogView<'a>, position: u32, offset: u64) -> Result<Self> {
        let end = log.index.offsets.end(position);
        let record = raw::read_joined(log.file, offset, end, log.index.pointer())?;
        Ok(Self { log, position, offset, record })
    }

    /// How the names in this event are translated; `None` where they are those that Process Monitor shows. It translates
    /// no name of a process that is defined later.
    #[inline]
    pub(crate) fn kernel_names(&self) -> Option<&'a KernelNames> {
        self.log.index.kernel.as_deref().and_then(|kernel| self.translation(kernel))
    }

    /// The same in a raw boot log. Not inlined, for the sake of the events of a PML.
    #[inline(never)]
    fn translation(&self, kernel: &'a Kernel) -> Option<&'a KernelNames> {
        let process = self.process_position();
        kernel.is_translated(process, self.offset).then_some(&kernel.names)
    }

    /// The path of an image, as Process Monitor shows it.
    pub(crate) fn image_path(&self, path: WinStr<'a>) -> WinStr<'a> {
        if self.log.index.kernel.is_some() {
            return self.kernel_names().map_or(path, |names| names.program(path));
        }
        self.log.index.windows.image(path)
    }

    /// The log that contains the event.
    pub fn log(&self) -> LogView<'a> {
        self.log
    }

    /// Position in the whole set, from 0.
    pub fn id(&self) -> EventId {
        self.log.index.first_event + u64::from(self.position)
    }

    /// Position in the event's log, from 0.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Byte offset of the record in the file of its part.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The sequence number that the capture driver gave the event.
    pub fn sequence(&self) -> u32 {
        self.record.header.sequence.get()
    }

    /// When the operation began.
    pub fn time(&self) -> FileTime {
        FileTime(self.record.header.time.get())
    }

    pub(crate) fn record(&self) -> &EventRecord<'a> {
        &self.record
    }

    /// The header of the event in a PML. The joined record of a raw boot log has another status, duration and thread.
    pub(crate) fn pml_header(&self) -> raw::RawEvent {
        raw::RawEvent {
            tid: self.tid().into(),
            duration: self.record.duration.into(),
            result: self.record.status.into(),
            ..*self.record.header
        }
    }

    /// How long the operation took, or `None` if it was still pending when the capture ended.
    pub fn duration(&self) -> Option<Ticks> {
        (!self.status().is_pending()).then_some(Ticks(self.record.duration))
    }

    /// The event class.
    pub fn class(&self) -> EventClass {
        EventClass::from_code(self.record.header.class.get())
    }

    /// The operation: class, number, and the sub-operation that the details name.
    pub fn operation(&self) -> Operation {
        let class = self.class();
        let sub = match class {
            EventClass::FileSystem => self.details().u8_at(0).unwrap_or(0),
            // Bit 2 of the flags word of a network event: TCP.
            EventClass::Network => self.details().u8_at(0).unwrap_or(0) >> 2 & 1,
            _ => 0,
        };
        Operation::of(class, self.record.header.operation.get(), sub)
    }

    /// Whether a file system operation came as fast I/O rather than as an IRP.
    pub fn is_fast_io(&self) -> bool {
        self.details().u32_at(12).is_some_and(|flags| flags & 2 != 0)
    }

    /// Final status, or [`NtStatus::PENDING`] where the operation was never completed.
    pub fn status(&self) -> NtStatus {
        NtStatus(self.record.status)
    }

    /// Thread id; 0 for network events.
    pub fn tid(&self) -> u32 {
        match self.log.index.kernel {
            None => self.record.header.tid.get(),
            Some(_) => self.record.header.joined_tid(),
        }
    }

    /// Key of the event's process in the process table of its part.
    pub fn process_index(&self) -> u32 {
        self.record.header.process_index.get()
    }

    /// The process of the event, or `None` where the process table has no record of it.
    pub fn process(&self) -> Option<Process<'a>> {
        self.log.process(self.process_index())
    }

    pub(crate) fn process_position(&self) -> Option<u32> {
        self.log.process_position(self.process_index())
    }

    /// The call stack, as addresses; [`Event::locate`] finds their modules.
    pub fn stack(&self) -> Stack<'a> {
        Stack::new(self.record.frames, self.log.index.pointer())
    }

    /// The parameters of the operation, captured when it began: at most 1 MiB of them. The capture driver's
    /// buffers have 64 KiB; a forged or damaged record may claim 4 GiB.
    pub fn details(&self) -> &'a [u8] {
        self.record.details.get(..MOST_DETAILS).unwrap_or(self.record.details)
    }

    /// The data that the operation returned, or `None` where the capture did not keep any.
    pub fn extra(&self) -> Option<&'a [u8]> {
        self.record.extra
    }

    /// The bytes of the file from offset `at` of one of this event's blobs to the end of the file. Process
    /// Monitor trusts lengths and reads on into them.
    pub(crate) fn file_from(&self, blob: &'a [u8], at: usize) -> &'a [u8] {
        // The record gives the offsets of both blobs. The pointers only say which blob this is.
        let details_at = raw::HEADER_SIZE + self.record.frames.len();
        let is_details = blob.as_ptr() == self.record.details.as_ptr();
        let (from, blob_at) = match self.log.index.offsets.end(self.position) {
            _ if is_details => (self.offset, details_at),
            None => (self.offset, self.record.header.extra_offset.get() as usize + 2),
            Some(end) => {
                let frames = raw::read_body(self.log.file, end, self.log.index.pointer());
                (end, raw::HEADER_SIZE + frames.map_or(0, |record| record.frames.len()))
            }
        };
        usize::try_from(from)
            .ok()
            .and_then(|offset| self.log.file.get(offset.checked_add(blob_at)?.checked_add(at)?..))
            .unwrap_or_default()
    }

    /// The details in the full length that the record claims.
    pub(crate) fn whole_details(&self) -> &'a [u8] {
        self.record.details
    }

    /// The bytes of the whole record, as stored.
    pub fn raw(&self) -> &'a [u8] {
        self.record.raw
    }
}

/// Why a record at `offset` cannot be that of an event, or `None` where nothing is wrong with it: the next entry of the
/// event offset array leads to `next`, and the array begins at `array`.
#[inline]
fn contradiction(
    log: LogView<'_>,
    offset: u64,
    record: &EventRecord<'_>,
    next: u64,
    array: u64,
) -> Option<ErrorKind> {
    let body_end = offset + (raw::HEADER_SIZE + record.frames.len() + record.details.len()) as u64;
    let end = match record.extra {
        Some(_) if offset + u64::from(record.header.extra_offset.get()) == body_end => {
            offset + record.raw.len() as u64
        }
        _ => body_end,
    };
    // The entries need not ascend.
    let is_apart = next <= offset || (end..=end + ROUNDING).contains(&next);
    let is_inside = offset >= header::SIZE as u64 && offset < array;
    if record.header.is_event() && is_apart && is_inside {
        return None;
    }
    let has_extra = record.extra.is_some_and(|extra| !extra.is_empty());
    explain_contradiction(log, offset, record.header, has_extra, end..next, array)
}

/// The same, once something is unusual about a record: `room` is what lies between it and the next one.
#[cold]
fn explain_contradiction(
    log: LogView<'_>,
    offset: u64,
    header: &RawEvent,
    has_extra: bool,
    room: Range<u64>,
    array: u64,
) -> Option<ErrorKind> {
    if offset < header::SIZE as u64 || offset >= array {
        return Some(ErrorKind::OutOfBounds(offset));
    }
    if !header.is_event() {
        let is_blank = header.as_bytes().iter().all(|byte| *byte == 0);
        return Some(if is_blank { ErrorKind::Blank } else { ErrorKind::Implausible });
    }
    if room.end > offset && room.start > room.end {
        return Some(ErrorKind::Overlapping);
    }
    (room.end > offset && !has_extra && raw::is_blank_room(log.file, room.start, room.end))
        .then_some(ErrorKind::Blank)
}
