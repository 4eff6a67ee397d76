//! Inputs that are one event: any class, operation, result and details.

use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
use pml_parser::{Event, EventClass, FileTime, Log, NtStatus, Ticks};
use std::io::Cursor;

/// Numbers of classes and operations: those with names, and a few more.
const CLASSES: u16 = 7;
const OPERATIONS: u16 = 61;

/// Bytes of an input before the details.
const FIXED: usize = 9;

/// Results on which the reading of an event depends.
const STATUSES: [u32; 8] = [0, 0x103, 0x8000_0005, 0x8000_0006, 0xC000_0034, 0xC000_0011, 0x104, 0xC000_0002];

/// One event: its class, operation, flags, result, size of the details, and its blobs. The layout is fixed,
/// so that a mutation of one place changes one thing.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    class: u16,
    operation: u16,
    is_64_bit: bool,
    has_extra: bool,
    /// One of [`STATUSES`], unless a flag allows any status.
    status: u32,
    details: &'a [u8],
    extra: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads an input; `None` where it is too short.
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let (&[class, operation, flags, s0, s1, s2, s3, low, high], blobs) =
            input.split_first_chunk::<FIXED>()?;
        let status = u32::from_le_bytes([s0, s1, s2, s3]);
        let size = usize::from(u16::from_le_bytes([low, high])).min(blobs.len());
        let (details, extra) = blobs.split_at(size);
        Some(Self {
            class: u16::from(class) % CLASSES,
            operation: u16::from(operation) % OPERATIONS,
            is_64_bit: flags & 1 != 0,
            has_extra: flags & 2 != 0,
            status: if flags & 4 != 0 { status } else { STATUSES[status as usize % STATUSES.len()] },
            details,
            extra: extra.get(..0xFFFF).unwrap_or(extra),
        })
    }

    /// The input that reads as this event; `None` where its class or operation is beyond the known ones.
    pub fn seed(event: &Event<'_>) -> Option<Vec<u8>> {
        let (class, operation) = (event.class().code(), event.operation().code);
        if class >= CLASSES || operation >= OPERATIONS {
            return None;
        }
        let flags = u8::from(event.log().is_64_bit()) | u8::from(event.extra().is_some()) << 1 | 4;
        let mut input = vec![class as u8, operation as u8, flags];
        input.extend(event.status().0.to_le_bytes());
        input.extend((event.details().len() as u16).to_le_bytes());
        input.extend(event.details());
        input.extend(event.extra().unwrap_or_default());
        Some(input)
    }

    /// A log with this event only.
    pub fn log(&self) -> Vec<u8> {
        let machine = Machine { is_64_bit: self.is_64_bit, ..Machine::windows_10("FUZZ") };
        let memory = "writing to memory does not fail";
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).expect(memory);
        let module = NewModule { base: 0x40_0000, size: 0x1000, path: r"C:\a.dll", ..NewModule::default() };
        log.add_process(&NewProcess {
            index: 1,
            pid: 4,
            name: "System",
            modules: vec![module],
            ..NewProcess::default()
        });
        log.add_host([10; 16], "host");
        log.add_port(true, 443, "https");
        log.add_event(&NewEvent {
            process_index: 1,
            tid: 8,
            class: EventClass::from_code(self.class),
            operation: self.operation,
            time: FileTime(133_485_408_450_000_000),
            duration: Ticks(u64::from(self.status)),
            status: NtStatus(self.status),
            stack: &[0x40_0900],
            details: self.details,
            extra: self.has_extra.then_some(self.extra),
        })
        .expect(memory);
        log.finish().expect(memory).into_inner()
    }

    /// Asserts that the log holds the same event.
    pub fn check(&self, log: &Log<&[u8]>) {
        let view = log.view();
        assert!(view.damage().is_empty(), "{:?}", view.damage());
        let event = view.event(0).expect("it was written");
        assert_eq!((event.class().code(), event.operation().code), (self.class, self.operation));
        assert_eq!(event.details(), self.details);
        assert_eq!(event.extra(), self.has_extra.then_some(self.extra));
    }
}
