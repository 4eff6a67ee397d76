//! Forged logs: a log is an untrusted file, and an attacker may have chosen every number in it. Each test
//! forges one kind of number, on logs of both bitnesses where they differ. It checks what can still be read,
//! or the error and its offset.
//!
//! | what is forged | test elsewhere |
//! |---|---|
//! | signature, version, bitness, a header cut short, a count of 4 billion events | `damage.rs`, `opening_says_what_is_wrong` |
//! | a log that is still being captured | `damage.rs`, `opening_says_what_is_wrong` |
//! | any byte, any field of an event, a file cut anywhere | `damage.rs`, `every_byte_changed`, `every_event_field_at_its_extremes`, `cut_at_every_byte` |
//! | entries of the offset array that lead nowhere | `damage.rs`, `every_event_field_at_its_extremes` |
//! | process records that share one huge list of modules | `damage.rs`, `many_processes_cannot_share_one_huge_record` |
//! | slices of records that overlap | `slicing.rs`, `forged_records_do_not_multiply` |
//! | parents in a circle, formulas, terminal sequences, markup | `cli/tests/hostile.rs` |
#![forbid(unsafe_code)]

use pml_parser::NoProgress;
use pml_parser::export::parquet::{Compression, ParquetOptions, write_dataset, write_events};
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::export::{Provenance, ScanOptions, TableOptions, WriteError, batches, csv, ipc, jsonl, xml};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess, details};
use pml_parser::{
    Decoded, ErrorKind, Event, EventClass, Exceeded, Fidelity, FileTime, Limits, Log, LogSet, NtStatus,
    ProcmonColumn, Resolution, TextOptions, Ticks,
};
use std::io::{Cursor, Read, Seek, Write};
use std::sync::atomic::{AtomicU64, Ordering};

type Writer = LogWriter<Cursor<Vec<u8>>>;

/// A log of two processes, whose events `fill` adds.
fn make(is_64_bit: bool, fill: impl FnOnce(&mut Writer, usize)) -> Vec<u8> {
    let machine = Machine { is_64_bit, ..Machine::windows_10("HOSTILE") };
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    log.add_process(&NewProcess { index: 1, pid: 4, name: "System", ..NewProcess::default() });
    let modules = vec![NewModule { base: 0x1000, size: 0x1000, path: r"C:\a.dll", ..NewModule::default() }];
    log.add_process(&NewProcess { index: 2, pid: 8, name: "a.exe", modules, ..NewProcess::default() });
    fill(&mut log, machine.pointer());
    log.finish().unwrap().into_inner()
}

/// An event of the second process.
fn event<'a>(class: u16, operation: u16, details: &'a [u8], extra: Option<&'a [u8]>) -> NewEvent<'a> {
    let (class, time) = (EventClass::from_code(class), FileTime(133_485_408_450_000_000));
    NewEvent { process_index: 2, tid: 7, class, operation, time, details, extra, ..NewEvent::default() }
}

/// A log of one event.
fn one(is_64_bit: bool, class: u16, operation: u16, details: &[u8], extra: Option<&[u8]>) -> Vec<u8> {
    make(is_64_bit, |log, _| log.add_event(&event(class, operation, details, extra)).unwrap())
}

/// A log in which three files are closed.
fn plain(is_64_bit: bool) -> Vec<u8> {
    make(is_64_bit, |log, pointer| {
        for path in [r"C:\one", r"C:\two", r"C:\three"] {
            log.add_event(&event(3, 38, &details::close_file(pointer, path), None)).unwrap();
        }
    })
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

const OFFSETS: usize = 0x248;
const PROCESSES: usize = 0x250;
const STRINGS: usize = 0x258;
const ICONS: usize = 0x260;
const HOSTS: usize = 0x3A0;

/// File offset of the record of an event.
fn record(bytes: &[u8], position: usize) -> usize {
    u32_at(bytes, u32_at(bytes, OFFSETS) + 5 * position)
}

/// Replaces the event offset array by a new one at the end of the file.
fn with_entries(mut bytes: Vec<u8>, offsets: impl Iterator<Item = usize>) -> Vec<u8> {
    let at = bytes.len() as u64;
    let mut count = 0u32;
    for offset in offsets {
        bytes.extend_from_slice(&(offset as u64).to_le_bytes()[..5]);
        count += 1;
    }
    put(&mut bytes, OFFSETS, &at.to_le_bytes());
    put(&mut bytes, 0x234, &count.to_le_bytes());
    bytes
}

fn cell(event: &Event<'_>, cell: ProcmonColumn, fidelity: Fidelity) -> String {
    let (mut text, options) = (String::new(), TextOptions { fidelity, ..TextOptions::default() });
    event.push_cell(cell, FileTime(0), &options, &mut text);
    text
}

/// Of the first event: the path, the detail as Process Monitor shows it, and the detail that the log holds.
fn shown(bytes: &[u8]) -> [String; 3] {
    let log = Log::parse(bytes).unwrap();
    let event = log.view().event(0).unwrap();
    [
        cell(&event, ProcmonColumn::Path, Fidelity::Corrected),
        cell(&event, ProcmonColumn::Detail, Fidelity::Procmon),
        cell(&event, ProcmonColumn::Detail, Fidelity::Corrected),
    ]
}

fn paths(bytes: &[u8]) -> Vec<String> {
    let log = Log::parse(bytes).unwrap();
    log.view().events(0..log.view().event_count()).map(|event| event.unwrap().path().to_string()).collect()
}

fn error(bytes: &[u8], position: u32) -> (ErrorKind, &'static str, u64) {
    let log = Log::parse(bytes).unwrap();
    let error = log.view().event(position).unwrap_err();
    (error.kind(), error.what(), error.offset())
}

fn refusal(bytes: &[u8]) -> (ErrorKind, &'static str, u64) {
    let error = Log::parse(bytes).map(|_| ()).unwrap_err();
    (error.kind(), error.what(), error.offset())
}

// The header.

#[test]
fn computer_name_without_a_nul() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        for (at, size) in [(0x0C, 32), (0x2C, 520), (0x284, 256)] {
            put(&mut bytes, at, &b"A\0".repeat(size / 2));
        }
        let log = Log::parse(bytes.as_slice()).unwrap();
        let view = log.view();
        assert_eq!(view.computer().to_string(), "A".repeat(16));
        assert_eq!(view.system_root().to_string(), "A".repeat(260));
        assert_eq!(view.service_pack().to_string(), "A".repeat(128));
    }
}

#[test]
fn tables_beyond_the_file() {
    for is_64_bit in [true, false] {
        let whole = plain(is_64_bit);
        let size = whole.len() as u64;
        for offset in [size + 1, u64::MAX / 2, u64::MAX - 3, u64::MAX] {
            let patched = |at| {
                let mut bytes = whole.clone();
                put(&mut bytes, at, &u64::to_le_bytes(offset));
                bytes
            };
            let need = ErrorKind::Truncated { need: 15, have: 0 };
            assert_eq!(refusal(&patched(OFFSETS)), (need, "event offset array", offset));
            let outside = ErrorKind::OutOfBounds(offset);
            assert_eq!(refusal(&patched(PROCESSES)), (outside, "process table", offset));
            assert_eq!(refusal(&patched(STRINGS)), (outside, "string table", offset));
            for (at, what) in [(ICONS, "icon table"), (HOSTS, "host table")] {
                let bytes = patched(at);
                let log = Log::parse(bytes.as_slice()).unwrap();
                let damage = log.view().damage();
                assert_eq!((damage.count, damage.first[0].what()), (1, what));
                assert_eq!(damage.first[0].kind(), outside);
                assert_eq!(paths(&bytes), [r"C:\one", r"C:\two", r"C:\three"], "events are still read");
            }
        }
    }
}

#[test]
fn overlapping_tables() {
    for is_64_bit in [true, false] {
        let whole = plain(is_64_bit);
        // The string table at the process table: as many strings as processes, with the process indexes as
        // offsets. The texts are meaningless, but end.
        let mut bytes = whole.clone();
        let processes = u32_at(&whole, PROCESSES) as u64;
        put(&mut bytes, STRINGS, &processes.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        assert_eq!(log.view().tables().strings, 2);
        assert_eq!(log.view().process_count(), 2);
        assert_eq!(log.view().event(0).unwrap().process().unwrap().pid(), 8);
        assert!(log.view().damage().count > 0);
        // The process table at the string table: that begins with a count too, but has no process records.
        let mut bytes = whole.clone();
        let strings = u32_at(&whole, STRINGS) as u64;
        put(&mut bytes, PROCESSES, &strings.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        let strings = Log::parse(whole.as_slice()).unwrap().view().tables().strings;
        assert!(log.view().damage().count + u64::from(log.view().process_count()) >= u64::from(strings));
        assert!(log.view().event(0).unwrap().process().is_none());
    }
}

#[test]
fn tables_inside_the_header() {
    for is_64_bit in [true, false] {
        let whole = plain(is_64_bit);
        // The offset array over zeros of the header: three entries of offset 0, where no event is.
        let mut bytes = whole.clone();
        put(&mut bytes, OFFSETS, &0x290u64.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        // Read as an event, the header claims details that are larger than the file.
        let error = log.view().event(0).unwrap_err();
        assert_eq!((error.what(), error.offset()), ("event record", 0), "{error}");
        // Tables over the version: nine entries, read from the header.
        for at in [PROCESSES, STRINGS] {
            let mut bytes = whole.clone();
            put(&mut bytes, at, &4u64.to_le_bytes());
            let log = Log::parse(bytes.as_slice()).unwrap();
            let count = if at == STRINGS { log.view().tables().strings } else { log.view().process_count() };
            assert!(count <= 9, "{count}");
            assert_eq!(paths(&bytes), [r"C:\one", r"C:\two", r"C:\three"]);
        }
    }
}

// Events.

#[test]
fn entries_of_one_record_and_in_any_order() {
    for is_64_bit in [true, false] {
        let bytes = plain(is_64_bit);
        let [one, two, three] = [0, 1, 2].map(|position| record(&bytes, position));
        let bytes = with_entries(bytes, [three, one, one, two].into_iter());
        assert_eq!(
            paths(&bytes),
            [r"C:\three", r"C:\one", r"C:\one", r"C:\two"],
            "as Process Monitor shows them"
        );
    }
}

#[test]
fn entries_that_lead_into_tables() {
    for is_64_bit in [true, false] {
        let bytes = plain(is_64_bit);
        let strings = u32_at(&bytes, STRINGS);
        let (size, first) = (bytes.len(), record(&bytes, 0));
        let bytes = with_entries(bytes, [size - 20, first, strings].into_iter());
        // The three entries of this array follow these 20 bytes.
        let short = ErrorKind::Truncated { need: 52, have: 35 };
        assert_eq!(error(&bytes, 0), (short, "event record", size as u64 - 20));
        let log = Log::parse(bytes.as_slice()).unwrap();
        assert_eq!(log.view().event(1).unwrap().path().to_string(), r"C:\one");
        match log.view().event(2) {
            // If the table can be read as an event, the event is inside the file.
            Ok(event) => assert!(event.raw().len() <= bytes.len() - strings),
            Err(error) => assert_eq!(error.offset(), strings as u64),
        }
    }
}

#[test]
fn stack_of_65535_frames() {
    for is_64_bit in [true, false] {
        let stack: Vec<u64> = (0..65_535).collect();
        let bytes = make(is_64_bit, |log, _| {
            log.add_event(&NewEvent { stack: &stack, ..event(3, 38, &[], None) }).unwrap();
        });
        let log = Log::parse(bytes.as_slice()).unwrap();
        let event = log.view().event(0).unwrap();
        assert_eq!((event.stack().len(), event.stack().addresses().last()), (65_535, Some(65_534)));
        // Addresses 0x1000 to 0x1FFF are in a module.
        let located = event.stack().addresses().filter(|&a| event.locate(a, Default::default()).is_some());
        assert_eq!(located.count(), 0x1000);
    }
}

#[test]
fn stack_that_reaches_beyond_the_file() {
    for (is_64_bit, pointer) in [(true, 8), (false, 4)] {
        let mut bytes = plain(is_64_bit);
        let at = record(&bytes, 1);
        put(&mut bytes, at + 0x28, &u16::MAX.to_le_bytes());
        let size = u32_at(&bytes, at + 0x2C) as u64;
        let kind =
            ErrorKind::Truncated { need: 52 + 65_535 * pointer + size, have: (bytes.len() - at) as u64 };
        assert_eq!(error(&bytes, 1), (kind, "event record", at as u64));
        assert_eq!(
            Log::parse(bytes.as_slice()).unwrap().view().event(2).unwrap().path().to_string(),
            r"C:\three"
        );
    }
}

#[test]
fn details_of_four_gigabytes() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = record(&bytes, 1);
        put(&mut bytes, at + 0x2C, &u32::MAX.to_le_bytes());
        let kind = ErrorKind::Truncated { need: 52 + u64::from(u32::MAX), have: (bytes.len() - at) as u64 };
        assert_eq!(error(&bytes, 1), (kind, "event record", at as u64));
    }
}

#[test]
fn details_of_more_than_any_event_has_are_read_in_part() {
    let size = 3 << 20;
    let mut details = details::close_file(8, r"C:\one");
    details.resize(size, 0);
    let bytes = one(true, 3, 38, &details, None);
    let log = Log::parse(bytes.as_slice()).unwrap();
    let event = log.view().event(0).unwrap();
    assert_eq!((event.details().len(), event.raw().len()), (1 << 20, 52 + size));
    assert_eq!(event.path().to_string(), r"C:\one");
    // A slice copies the record unchanged.
    let file = tempfile::tempfile().unwrap();
    let options = SliceOptions { scan: ScanOptions::default(), part_bytes: u64::MAX };
    let set = LogSet::new(vec![Log::parse(bytes.as_slice()).unwrap()]);
    slice(&set, &options, |_| file.try_clone(), &NoProgress).unwrap();
    let mut out = Vec::new();
    (&file).rewind().unwrap();
    (&file).read_to_end(&mut out).unwrap();
    let log = Log::parse(out).unwrap();
    assert_eq!(log.view().event(0).unwrap().raw().len(), 52 + size);
}

#[test]
fn extra_offsets_that_lead_elsewhere() {
    for is_64_bit in [true, false] {
        let whole = one(is_64_bit, 2, 2, &details::key_only(r"HKLM\K"), Some(b"abcd"));
        let at = record(&whole, 0);
        let patched = |offset: u32| {
            let mut bytes = whole.clone();
            put(&mut bytes, at + 0x30, &offset.to_le_bytes());
            bytes
        };
        let end = 52 + u32_at(&whole, at + 0x2C) as u32;
        let have = (whole.len() - at) as u64;
        for inside in [1, 0x33, 0x34, end - 1] {
            let kind = ErrorKind::OutOfBounds(inside.into());
            assert_eq!(error(&patched(inside), 0), (kind, "extra offset of an event", at as u64));
        }
        for beyond in [have as u32 - 1, have as u32, u32::MAX] {
            let kind = ErrorKind::Truncated { need: u64::from(beyond) + 2, have };
            assert_eq!(error(&patched(beyond), 0), (kind, "extra blob of an event", at as u64));
        }
        let log = Log::parse(patched(0)).unwrap();
        assert_eq!(log.view().event(0).unwrap().extra(), None);
    }
}

#[test]
fn extra_size_beyond_the_file() {
    for is_64_bit in [true, false] {
        let mut bytes = one(is_64_bit, 2, 2, &details::key_only(r"HKLM\K"), Some(b"abcd"));
        let at = record(&bytes, 0);
        let extra = u32_at(&bytes, at + 0x30);
        put(&mut bytes, at + extra, &[0xFF, 0xFF]);
        let kind = ErrorKind::Truncated { need: extra as u64 + 2 + 0xFFFF, have: (bytes.len() - at) as u64 };
        assert_eq!(error(&bytes, 0), (kind, "extra blob of an event", at as u64));
        // Inside the file, but over the structures that follow.
        bytes.resize(bytes.len() + 0x1_0000, 0);
        assert_eq!(error(&bytes, 0), (ErrorKind::Overlapping, "event record", at as u64));
    }
}

// Processes and modules.

#[test]
fn process_count_of_four_billion() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = u32_at(&bytes, PROCESSES);
        put(&mut bytes, at, &u32::MAX.to_le_bytes());
        let (kind, what, offset) = refusal(&bytes);
        assert!(matches!(kind, ErrorKind::Truncated { .. }), "{kind:?}");
        assert_eq!((what, offset), ("process table", at as u64 + 4));
    }
}

#[test]
fn process_offsets_beyond_the_file() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = u32_at(&bytes, PROCESSES);
        put(&mut bytes, at + 4 + 2 * 4 + 4, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        let (view, place) = (log.view(), at as u64 + u64::from(u32::MAX));
        assert_eq!((view.process_count(), view.damage().count), (1, 1));
        assert_eq!(view.damage().first[0].kind(), ErrorKind::OutOfBounds(place));
        assert_eq!(view.damage().first[0].what(), "process record");
    }
}

#[test]
fn process_index_twice() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = u32_at(&bytes, PROCESSES);
        put(&mut bytes, at + 4, &2u32.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        let view = log.view();
        assert_eq!(view.process_count(), 1);
        // The record names its own index, and the entry is the second one of its index.
        let kinds: Vec<_> = view.damage().first.iter().map(|error| error.kind()).collect();
        assert_eq!(kinds, [ErrorKind::BadReference(2), ErrorKind::Duplicate(2)]);
        assert_eq!(view.process(2).unwrap().name().to_string(), "a.exe", "the last one counts");
    }
}

#[test]
fn process_that_the_table_does_not_have() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = record(&bytes, 0);
        put(&mut bytes, at, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        let event = log.view().event(0).unwrap();
        assert!(event.process().is_none());
        let cells = [
            ProcmonColumn::ProcessName,
            ProcmonColumn::Pid,
            ProcmonColumn::Session,
            ProcmonColumn::Architecture,
            ProcmonColumn::Virtualized,
        ];
        let cells = cells.map(|column| cell(&event, column, Fidelity::Procmon));
        assert_eq!(cells, ["", "0", "0", "32-bit", "False"], "as Process Monitor shows it");
    }
}

#[test]
fn string_indexes_beyond_the_table() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let table = u32_at(&bytes, PROCESSES);
        let second = table + u32_at(&bytes, table + 4 + 2 * 4 + 4);
        bytes[second + 0x38..second + 0x58].fill(0xFF);
        let log = Log::parse(bytes.as_slice()).unwrap();
        let process = log.view().process(2).unwrap();
        for text in [process.name(), process.image_path(), process.user(), process.description()] {
            assert_eq!(text.to_string(), "");
        }
        assert_eq!((process.pid(), log.view().damage().count), (8, 1));
        assert_eq!(log.view().damage().first[0].kind(), ErrorKind::BadReference(u32::MAX));
    }
}

#[test]
fn module_count_of_four_billion() {
    for (is_64_bit, count_at) in [(true, 0x68), (false, 0x64)] {
        let mut bytes = plain(is_64_bit);
        let table = u32_at(&bytes, PROCESSES);
        let second = table + u32_at(&bytes, table + 4 + 2 * 4 + 4);
        assert_eq!(u32_at(&bytes, second + count_at), 1);
        put(&mut bytes, second + count_at, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        let view = log.view();
        assert_eq!((view.process_count(), view.damage().count), (1, 1));
        assert_eq!(view.damage().first[0].what(), "process record");
        assert_eq!(view.event(0).unwrap().path().to_string(), r"C:\one", "events are still read");
    }
}

// Strings, icons, names of hosts.

/// File offset of the size of string `index`.
fn string(bytes: &[u8], index: usize) -> usize {
    let table = u32_at(bytes, STRINGS);
    table + u32_at(bytes, table + 4 + 4 * index)
}

/// Index of the string that is the name of the second process.
fn name_index(bytes: &[u8]) -> usize {
    let table = u32_at(bytes, PROCESSES);
    u32_at(bytes, table + u32_at(bytes, table + 4 + 2 * 4 + 4) + 0x40)
}

fn name(bytes: &[u8]) -> (String, u64) {
    let log = Log::parse(bytes).unwrap();
    let view = log.view();
    (view.process(2).unwrap().name().to_string(), view.damage().count)
}

#[test]
fn string_count_of_four_billion() {
    for is_64_bit in [true, false] {
        let mut bytes = plain(is_64_bit);
        let at = u32_at(&bytes, STRINGS);
        put(&mut bytes, at, &u32::MAX.to_le_bytes());
        let (kind, what, _) = refusal(&bytes);
        assert!(matches!(kind, ErrorKind::Truncated { .. }) && what == "string table", "{kind:?} {what}");
    }
}

#[test]
fn strings_with_forged_sizes_and_offsets() {
    for is_64_bit in [true, false] {
        let whole = plain(is_64_bit);
        let at = string(&whole, name_index(&whole));
        assert_eq!((u32_at(&whole, at), name(&whole)), (12, ("a.exe".to_owned(), 0)));
        let sized = |size: u32| {
            let mut bytes = whole.clone();
            put(&mut bytes, at, &size.to_le_bytes());
            name(&bytes)
        };
        assert_eq!(
            sized(u32::MAX),
            (String::new(), 1),
            "a size beyond the file: the string is empty, and counted as damage"
        );
        assert_eq!(sized(0), (String::new(), 1), "only the first string is empty");
        assert_eq!(sized(5), ("a.".to_owned(), 1), "an odd byte is ignored");
        assert_eq!(sized(14), ("a.exe".to_owned(), 1), "the string ends at its NUL, its record too late");
        // An offset beyond the file.
        let mut bytes = whole.clone();
        let entry = u32_at(&whole, STRINGS) + 4 + 4 * name_index(&whole);
        put(&mut bytes, entry, &u32::MAX.to_le_bytes());
        assert_eq!(name(&bytes), (String::new(), 1));
        // A string without a NUL, and units that are not characters.
        let mut bytes = whole.clone();
        put(&mut bytes, at + 4, &[0x00, 0xD8, b'b', 0, 0x00, 0xDC, b'd', 0, 0x2E, 0x20, 0x1B, 0]);
        assert_eq!(name(&bytes), ("\u{FFFD}b\u{FFFD}d\u{202E}\u{1B}".to_owned(), 1));
    }
}

#[test]
fn many_entries_of_one_huge_string() {
    for is_64_bit in [true, false] {
        // All strings are the same string of half a megabyte, after the end of the file.
        let mut bytes = plain(is_64_bit);
        let table = u32_at(&bytes, STRINGS);
        let there = (bytes.len() - table) as u32;
        for index in 0..u32_at(&bytes, table) {
            put(&mut bytes, table + 4 + 4 * index, &there.to_le_bytes());
        }
        bytes.extend((1u32 << 19).to_le_bytes());
        bytes.extend(b"x\0".repeat(1 << 18));
        let log = Log::parse(bytes.as_slice()).unwrap();
        let name = log.view().process(2).unwrap().name();
        assert_eq!(name.raw().len(), 65_534, "cut to what Windows can hold");
        let event = log.view().event(0).unwrap();
        assert_eq!(
            cell(&event, ProcmonColumn::ProcessName, Fidelity::Procmon).len(),
            4_095,
            "as Process Monitor cuts it"
        );
    }
}

#[test]
fn icons_with_forged_counts_and_sizes() {
    for is_64_bit in [true, false] {
        let whole = plain(is_64_bit);
        let table = u32_at(&whole, ICONS);
        let mut bytes = whole.clone();
        put(&mut bytes, table, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        assert_eq!((log.view().tables().icons, log.view().damage().count), (0, 1));
        assert_eq!(log.view().damage().first[0].what(), "icon table");
        // The empty icon, with a size of four gigabytes.
        let mut bytes = whole.clone();
        let icon = table + u32_at(&whole, table + 4);
        put(&mut bytes, icon + 4, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        assert_eq!((log.view().icon(0), log.view().damage().count), (None, 1));
        assert_eq!(log.view().damage().first[0].what(), "icon");
    }
}

#[test]
fn host_and_port_counts_of_four_billion() {
    for is_64_bit in [true, false] {
        let whole = make(is_64_bit, |log, _| {
            log.add_host([10; 16], "host");
            log.add_port(true, 443, "https");
        });
        let hosts = u32_at(&whole, HOSTS);
        let ports = hosts + 4 + 20 + u32_at(&whole, hosts + 20);
        for (at, what) in [(hosts, "port table"), (ports, "port table")] {
            let mut bytes = whole.clone();
            put(&mut bytes, at, &u32::MAX.to_le_bytes());
            let log = Log::parse(bytes.as_slice()).unwrap();
            let view = log.view();
            assert_eq!(view.host(&[10; 16]).unwrap().to_string(), "host", "existing names are read");
            assert_eq!(view.damage().count, 1, "{what}");
            assert_eq!(
                view.port(true, 443).map(|name| name.to_string()),
                (at == ports).then(|| "https".into())
            );
        }
        // A name of four gigabytes.
        let mut bytes = whole.clone();
        put(&mut bytes, hosts + 20, &u32::MAX.to_le_bytes());
        let log = Log::parse(bytes.as_slice()).unwrap();
        assert_eq!((log.view().tables().hosts, log.view().damage().count), (0, 1));
    }
}

#[test]
fn host_names_of_a_megabyte_are_cut() {
    let huge = "h".repeat(1 << 20);
    let bytes = make(true, |log, _| {
        log.add_host([10; 16], &huge);
        log.add_port(true, 443, &huge);
    });
    let log = Log::parse(bytes).unwrap();
    assert_eq!(log.view().host(&[10; 16]).unwrap().raw().len(), 65_534);
    assert_eq!(log.view().ports().next().unwrap().1.raw().len(), 65_534);
}

// Details.

#[test]
fn texts_that_claim_more_than_their_details() {
    for (is_64_bit, pointer) in [(true, 8), (false, 4)] {
        let mut file = details::close_file(pointer, r"C:\one");
        let info = 16 + 8 + 5 * pointer;
        file[info..info + 2].copy_from_slice(&0xFFFFu16.to_le_bytes());
        let mut key = details::key_only(r"HKLM\K");
        key[..2].copy_from_slice(&0xFFFFu16.to_le_bytes());
        let mut image = details::load_image(pointer, r"C:\a.dll", 0x1000, 0x1000);
        image[pointer + 4..pointer + 6].copy_from_slice(&0xFFFFu16.to_le_bytes());
        for (class, operation, details, path) in
            [(3, 38, file, r"C:\one"), (2, 2, key, r"HKLM\K"), (1, 5, image, r"C:\a.dll")]
        {
            let bytes = make(is_64_bit, |log, _| {
                log.add_event(&event(class, operation, &details, None)).unwrap();
                log.add_event(&event(3, 38, &details::close_file(pointer, "the next one"), None)).unwrap();
            });
            assert_eq!(shown(&bytes)[0], path, "nothing of the next event");
        }
    }
}

#[test]
fn security_identifiers_beyond_the_details() {
    let create = details::ProcessCreate {
        index: 3,
        pid: 12,
        parent_index: 2,
        parent_pid: 8,
        session: 0,
        is_64_bit: true,
        time: FileTime(0),
        path: r"C:\a.exe",
        command_line: "a b",
    };
    let mut details = create.build();
    assert_eq!(shown(&one(true, 1, 1, &details, None))[2], "PID: 12, Command line: a b");
    details[0x2C..0x2E].fill(0xFF);
    for is_64_bit in [true, false] {
        let texts = shown(&one(is_64_bit, 1, 1, &details, None));
        assert_eq!(texts, ["", "PID: 12, Command line: ", "PID: 12, Command line: "]);
    }
}

#[test]
fn environment_of_four_billion_characters() {
    let mut details = details::process_start(4, "a", r"C:\", &["X=1"]);
    details[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    for is_64_bit in [true, false] {
        let text = &shown(&one(is_64_bit, 1, 7, &details, None))[2];
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1..], ["\tX=1", "\t"]);
    }
}

#[test]
fn registry_lengths_beyond_the_value() {
    for is_64_bit in [true, false] {
        // Type REG_SZ, with the greatest length and captured size.
        let mut set = details::set_value(r"HKLM\K\v", 1, b"d\0a\0t\0a\0");
        let fixed = 2 + 2;
        assert_eq!(set[fixed + 4], 8);
        set[fixed + 4..fixed + 8].fill(0xFF);
        set[fixed + 8..fixed + 10].fill(0xFF);
        let bytes = one(is_64_bit, 2, 4, &set, None);
        assert_eq!(shown(&bytes)[2], "Type: REG_SZ, Length: 4,294,967,295, Data: data");
        // The same lengths in a query.
        let mut value = details::partial_value(1, b"d\0a\0t\0a\0");
        value[8..12].fill(0xFF);
        let bytes = one(is_64_bit, 2, 5, &details::query(r"HKLM\K\v", 144, 2), Some(&value));
        assert_eq!(shown(&bytes)[2], "Type: REG_SZ, Length: 4,294,967,295, Data: data");
        // Full information: forged offset and length of the name and of the data.
        let full = [0xFF; 20];
        let bytes = one(is_64_bit, 2, 5, &details::query(r"HKLM\K\v", 144, 1), Some(&full));
        assert!(shown(&bytes)[2].ends_with("Length: 4,294,967,295, Data: "), "{}", shown(&bytes)[2]);
    }
}

/// Process Monitor reads several strings on after the end of the event. In a file of NULs, it would read the
/// whole file for each event.
#[test]
fn registry_strings_through_a_file_of_nuls() {
    let mut value = details::partial_value(7, &[0; 60_000]);
    value[8..12].fill(0xFF);
    let query = details::query(r"HKLM\K\v", 144, 2);
    // The rest of the file follows the event, and is not read.
    let bytes = one(true, 2, 5, &query, Some(&value));
    assert_eq!(shown(&bytes)[1], "Type: REG_MULTI_SZ, Length: 4,294,967,295, Data: ");
}

#[test]
fn directory_entries_that_go_nowhere() {
    for (is_64_bit, pointer) in [(true, 8), (false, 4)] {
        let query = details::query_directory(pointer, r"C:\d", "*");
        let entries = details::directory_entries(&["a", "b"]);
        let names = |step: u32| {
            let mut entries = entries.clone();
            entries[..4].copy_from_slice(&step.to_le_bytes());
            let text = shown(&one(is_64_bit, 3, 32, &query, Some(&entries)))[2].clone();
            text.split(", ").skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let whole = u32_at(&entries, 0) as u32;
        assert_eq!(names(whole), ["2: a", "3: b"]);
        // Steps onto the entry, into the entry, backwards (by overflow), and beyond the buffer.
        for step in [0, 1, 8, 11, u32::MAX, u32::MAX - 7, entries.len() as u32] {
            assert_eq!(names(step), ["2: a"], "step {step}");
        }
        // A name longer than the buffer.
        let mut long = entries.clone();
        let size_at = long.len() - 4;
        long.truncate(size_at);
        let text = &shown(&one(is_64_bit, 3, 32, &query, Some(&long)))[2];
        assert!(text.contains("2: a"), "{text}");
    }
}

#[test]
fn overlapping_directory_names() {
    // Class 12: entries of twelve bytes, and the name of each entry is the rest of the buffer.
    let query = details::FileDetailsBuilder::new(8, 1, r"C:\d").param(0, 2, &12u32.to_le_bytes());
    let query = query.trailer_string("*", false).build();
    let mut extra = Vec::new();
    while extra.len() + 12 < 0xFFF0 {
        let rest = (0xFFF0 - extra.len() - 12) as u32;
        extra.extend(12u32.to_le_bytes());
        extra.extend([1; 4]);
        extra.extend((rest & !1).to_le_bytes());
    }
    extra.resize(0xFFF0, 1);
    let bytes = one(true, 3, 32, &query, Some(&extra));
    let [_, procmon, corrected] = shown(&bytes);
    assert_eq!(procmon.encode_utf16().count(), 4_095);
    // 5,459 names of 32 KiB on average would be 150 MiB. But each name ends at a unit of 0 in the next entry.
    assert!(corrected.len() < 0xFFF0, "{} bytes", corrected.len());
    assert!(corrected.contains(", 5460: "), "all are listed");
}

#[test]
fn rename_names_beyond_the_buffer() {
    for (is_64_bit, pointer) in [(true, 8), (false, 4)] {
        // The name that the caller passed claims four gigabytes.
        let mut buffer = vec![0; 2 * pointer];
        buffer.extend(u32::MAX.to_le_bytes());
        buffer.extend(b"C\0:\0\\\0y\0");
        let details = details::set_information(pointer, r"C:\x", 0x0B, &buffer);
        let bytes = make(is_64_bit, |log, _| {
            log.add_event(&event(3, 26, &details, None)).unwrap();
            log.add_event(&event(3, 38, &details::close_file(pointer, "next"), None)).unwrap();
        });
        let text = &shown(&bytes)[2];
        assert!(text.ends_with(r"FileName: C:\y"), "{text}");
    }
}

#[test]
fn times_beyond_the_calendar() {
    for is_64_bit in [true, false] {
        let bytes = make(is_64_bit, |log, _| {
            for time in [0, 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
                let details = [];
                let event = NewEvent { time: FileTime(time), ..event(1, 6, &details, None) };
                log.add_event(&event).unwrap();
            }
        });
        let log = Log::parse(bytes.as_slice()).unwrap();
        let last = log.view().event(4).unwrap();
        assert_eq!(cell(&last, ProcmonColumn::TimeOfDay, Fidelity::Procmon), "-1");
        assert_eq!(cell(&last, ProcmonColumn::RelativeTime, Fidelity::Procmon), "512409557:36:10.9551615");
        let set = LogSet::new(vec![log]);
        let mut out = Vec::new();
        jsonl::write_jsonl(&set, &mut out, &TableOptions::default(), &NoProgress).unwrap();
        let times: Vec<bool> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["time"].is_null())
            .collect();
        assert_eq!(
            times,
            [true, true, true, true, true],
            "no such time fits 64 bits of nanoseconds since 1970"
        );
    }
}

#[test]
fn durations_beyond_all_bounds() {
    let bytes = make(true, |log, _| {
        for status in [0, 0x103] {
            let details = [];
            let (duration, status) = (Ticks(u64::MAX), NtStatus(status));
            log.add_event(&NewEvent { duration, status, ..event(1, 6, &details, None) }).unwrap();
        }
    });
    let log = Log::parse(bytes.as_slice()).unwrap();
    let [done, pending] = [0, 1].map(|position| log.view().event(position).unwrap());
    assert_eq!(cell(&done, ProcmonColumn::Duration, Fidelity::Procmon), "1844674407370.9550781");
    // The sum wraps around, to one tick before the event began.
    let (began, ended) = (
        cell(&done, ProcmonColumn::TimeOfDay, Fidelity::Procmon),
        cell(&done, ProcmonColumn::CompletionTime, Fidelity::Procmon),
    );
    assert!(began.ends_with(".0000000 AM") || began.ends_with(".0000000 PM"), "{began}");
    assert!(ended.contains(".9999999 "), "{ended}");
    assert_eq!(pending.duration(), None);
    assert_eq!(cell(&pending, ProcmonColumn::Duration, Fidelity::Procmon), "");
}

// Work.

/// Counts the bytes that are written, without a limit.
#[derive(Default)]
struct Counter(AtomicU64);

impl Write for &Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The result of each export of all events, and the number of bytes that it wrote.
fn exports(bytes: &[u8], limits: Limits, threads: usize) -> Vec<(&'static str, Result<(), String>, u64)> {
    let set = || LogSet::new(vec![Log::parse(bytes).unwrap()]);
    let scan = ScanOptions { threads, limits, ..ScanOptions::default() };
    let export = TableOptions { scan: scan.clone(), ..TableOptions::default() };
    let facts = Provenance::default();
    let options = ParquetOptions {
        export: export.clone(),
        compression: Compression::None,
        facts: facts.clone(),
        ..ParquetOptions::default()
    };
    let text =
        csv::TextExport { scan: scan.clone(), columns: ProcmonColumn::all().collect(), ..Default::default() };
    let count = Counter::default();
    let mut ends = Vec::new();
    let mut note = |name, result: Result<(), WriteError>| {
        let result = result.map_err(|error| {
            if let WriteError::Io(error) = &error {
                assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{name}");
                assert!(error.get_ref().unwrap().is::<Exceeded>());
            }
            error.to_string()
        });
        ends.push((name, result, count.0.swap(0, Ordering::Relaxed)));
    };
    note("csv", csv::write_csv(&set(), &mut &count, &text, true, &NoProgress).map(drop));
    note("xml", xml::write_xml(&set(), &mut &count, &text, true, &NoProgress).map(drop));
    note("jsonl", jsonl::write_jsonl(&set(), &mut &count, &export, &NoProgress).map(drop));
    note("ipc", ipc::write_ipc(&set(), &count, &export, &facts, &NoProgress).map(drop));
    note("events", write_events(&set(), &count, &options, &NoProgress).map(drop));
    note("dataset", write_dataset(&set(), |_| Ok(&count), &options, &NoProgress).map(drop));
    let batches = batches::read_batches(&set(), &export, &NoProgress, |batch| {
        count.0.fetch_add(batch.get_array_memory_size() as u64, Ordering::Relaxed);
        Ok(())
    });
    note("batches", batches.map(drop));
    ends
}

const OVERLAP: &str = "records overlap: together they are many times larger than the log";
const SHARED: &str = "texts are shared: written out they would be many times larger than the log";
const HELD: &str = "texts are shared: those of a few events would fill the memory";

/// A log of one event whose details are a huge environment, with `entries` entries for the event.
fn one_huge_record(entries: usize) -> Vec<u8> {
    let huge = "y".repeat(30_000);
    let bytes = one(true, 1, 7, &details::process_start(4, "a", "b", &[&huge]), None);
    let at = record(&bytes, 0);
    with_entries(bytes, std::iter::repeat_n(at, entries))
}

#[test]
fn thousands_of_entries_for_one_huge_record() {
    // Each entry of five bytes names a record of 60 KiB: 10,000 of them would be 600 MiB.
    let bytes = one_huge_record(10_000);
    for threads in [1, 3] {
        for (name, result, written) in
            exports(&bytes, Limits { record_bytes_floor: 0, ..Limits::default() }, threads)
        {
            assert_eq!(result, Err(OVERLAP.to_owned()), "{name}");
            assert!(written <= 64 * bytes.len() as u64, "{name} wrote {written} of {} bytes", bytes.len());
        }
    }
    let set = LogSet::new(vec![Log::parse(bytes).unwrap()]);
    let options = SliceOptions { scan: ScanOptions::default(), part_bytes: u64::MAX };
    let refused = slice(&set, &options, |_| Ok(Cursor::new(Vec::new())), &NoProgress).unwrap_err();
    assert_eq!(refused.to_string(), OVERLAP);
    // The floor for small logs is a limit too.
    let text = csv::TextExport::default();
    let refused = csv::write_csv(&set, &mut std::io::sink(), &text, false, &NoProgress).unwrap_err();
    assert_eq!(refused.to_string(), OVERLAP);
}

#[test]
fn a_few_records_that_share_bytes_are_read() {
    // Records may have up to eight times the size of the log: a damaged record may take others for its
    // details.
    let bytes = one_huge_record(7);
    for (name, result, written) in exports(&bytes, Limits { record_bytes_floor: 0, ..Limits::default() }, 2) {
        assert_eq!(result, Ok(()), "{name}");
        assert!(written > 0, "{name}");
    }
}

/// The result is the same for any number of threads, even exactly at the limit.
#[test]
fn the_limit_does_not_depend_on_threads() {
    let bytes = one_huge_record(40);
    let of_one = Log::parse(bytes.as_slice()).unwrap().view().event(0).unwrap().raw().len() as u64;
    let times = 40 * of_one / bytes.len() as u64;
    for threads in [1, 2, 5] {
        for records in [times, times + 1] {
            let limits = Limits { record_bytes_factor: records, record_bytes_floor: 0, ..Limits::default() };
            for (name, result, _) in exports(&bytes, limits, threads) {
                assert_eq!(result.is_ok(), records > times, "{name} {records}");
            }
        }
    }
}

/// All events share process names, command lines and paths of modules, which are in one table.
#[test]
fn texts_that_all_events_share() {
    let huge = "é\"".repeat(15_000);
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("HUGE")).unwrap();
    let modules = (0..50)
        .map(|i| NewModule {
            base: 0x1_0000 * i,
            size: 0x1_0000,
            path: &huge,
            company: &huge,
            ..NewModule::default()
        })
        .collect();
    log.add_process(&NewProcess {
        index: 2,
        pid: 8,
        name: &huge,
        command_line: &huge,
        user: &huge,
        modules,
        ..NewProcess::default()
    });
    for frame in 0..3_000 {
        let stack = [frame * 0x400];
        log.add_event(&NewEvent { stack: &stack, ..event(3, 38, &[], None) }).unwrap();
    }
    let bytes = log.finish().unwrap().into_inner();
    let limits = Limits { text_bytes_factor: 20, text_bytes_in_flight: 16 << 20, ..Limits::default() };
    for threads in [1, 3] {
        for (name, result, written) in exports(&bytes, limits, threads) {
            match name {
                // Rows hold the number of a name, and the name is stored once.
                "ipc" | "events" | "batches" => assert_eq!(result, Ok(()), "{name}"),
                // Each module and each frame repeats the path.
                "dataset" => assert_eq!(result, Err(SHARED.to_owned()), "{name}"),
                _ => assert!(
                    result == Err(SHARED.to_owned()) || result == Err(HELD.to_owned()),
                    "{name}: {result:?}"
                ),
            }
            assert!(written <= 64 * bytes.len() as u64, "{name} wrote {written} of {} bytes", bytes.len());
        }
    }
}

/// The text that one range holds in memory is limited too, for a log of any size.
#[test]
fn texts_of_one_range() {
    let bytes = one_huge_record(100);
    let limits = Limits {
        record_bytes_factor: u64::MAX,
        text_bytes_factor: u64::MAX,
        record_bytes_floor: 0,
        text_bytes_in_flight: 1 << 20,
    };
    for (name, result, written) in exports(&bytes, limits, 1) {
        match name {
            // The cells of CSV and XML are cut at 4,095 characters.
            "csv" | "xml" => assert_eq!(result, Ok(()), "{name}"),
            _ => assert_eq!(result, Err(HELD.to_owned()), "{name}"),
        }
        assert!(written < 4 << 20, "{name} wrote {written}");
    }
}

/// All frames of an event are in a module with a huge path.
#[test]
fn frames_that_share_a_huge_path() {
    let huge = "p".repeat(30_000);
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("HUGE")).unwrap();
    let modules = vec![NewModule { base: 0, size: 0x10_0000, path: &huge, ..NewModule::default() }];
    log.add_process(&NewProcess { index: 2, pid: 8, modules, ..NewProcess::default() });
    let stack: Vec<u64> = (0..60_000).collect();
    log.add_event(&NewEvent { stack: &stack, ..event(3, 38, &[], None) }).unwrap();
    let bytes = log.finish().unwrap().into_inner();
    // As XML, 60,000 times twice the path would be 3.6 GB.
    let limits = Limits { text_bytes_in_flight: 8 << 20, ..Limits::default() };
    let (count, set) = (Counter::default(), LogSet::new(vec![Log::parse(bytes).unwrap()]));
    let text =
        csv::TextExport { scan: ScanOptions { limits, ..ScanOptions::default() }, ..Default::default() };
    let refused = xml::write_xml(&set, &mut &count, &text, true, &NoProgress).unwrap_err();
    assert_eq!(refused.to_string(), HELD);
    assert!(count.0.load(Ordering::Relaxed) < 1 << 20);
}

#[test]
fn undecodable_details_have_no_text() {
    for is_64_bit in [true, false] {
        let bytes = one(is_64_bit, 3, 32, &[0xFF; 9], Some(&[0xFF; 9]));
        let log = Log::parse(bytes.as_slice()).unwrap();
        let mut text = String::new();
        let decoded = log.view().event(0).unwrap().push_detail(&TextOptions::default(), &mut text);
        assert_eq!((decoded, text.as_str()), (Decoded::No, ""));
    }
}

/// The module that is found in a process of `modules` modules, by its number. All modules end at one address.
/// Each begins a page after the one before it, and is loaded a tick later. The address is the base of module
/// `at`, and the time is `ticks` ticks after the first load.
fn located(modules: u64, at: u64, ticks: u64) -> Option<u64> {
    let start = 133_485_408_450_000_000;
    let log = make(true, |log, _| {
        let module = |number: u64| NewModule {
            load_time: FileTime(start + number),
            base: 0x10_0000 + number * 0x1000,
            size: ((modules - number) * 0x1000) as u32,
            path: r"C:\a.dll",
            ..NewModule::default()
        };
        let modules = (0..modules).map(module).collect();
        log.add_process(&NewProcess { index: 3, pid: 12, name: "b.exe", modules, ..NewProcess::default() });
        let stack = [0x10_0000 + at * 0x1000];
        let event = NewEvent {
            process_index: 3,
            time: FileTime(start + ticks),
            stack: &stack,
            ..event(3, 38, &[], None)
        };
        log.add_event(&event).unwrap();
    });
    let log = Log::parse(log).unwrap();
    let event = log.view().event(0).unwrap();
    let address = event.stack().addresses().next().unwrap();
    event.locate(address, Resolution::Procmon).map(|location| (location.module.base - 0x10_0000) / 0x1000)
}

#[test]
fn overlapping_modules() {
    // Among the last 32 modules in table order, the last one that was loaded at that time.
    assert_eq!(located(32, 31, 40), Some(31));
    assert_eq!(located(32, 31, 5), Some(5));
    assert_eq!(located(32, 31, 0), Some(0));
    assert_eq!(located(33, 32, 0), None);
    assert_eq!(located(33, 32, 1), Some(1));
    // All pieces together have 16 candidates per module.
    assert_eq!(located(400, 60, 500), Some(60));
    assert_eq!(located(400, 390, 500), None);
}
