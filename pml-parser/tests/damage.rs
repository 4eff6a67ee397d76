//! Damaged logs: cut at every byte, every byte of header and tables changed, events with absurd fields.
//! Reading never panics, work is bounded, and damage has an offset.
#![forbid(unsafe_code)]

use pml_parser::NoProgress;
use pml_parser::write::{LogWriter, Machine, NewEvent, details};
use pml_parser::{ErrorKind, EventClass, Fidelity, FileTime, Log, ProcmonColumn, Resolution, TextOptions};
use pml_samples::minimal;
use std::io::Cursor;

fn log(is_64_bit: bool) -> Vec<u8> {
    minimal::log(is_64_bit).unwrap()
}

/// Reads everything, and returns the number of readable events.
fn look(bytes: &[u8]) -> Option<usize> {
    let log = Log::parse(bytes).ok()?;
    let view = log.view();
    let mut text = String::new();
    for process in view.processes() {
        text.clear();
        process.command_line().push_to(&mut text);
        process.modules().for_each(|module| module.path().push_to(&mut text));
    }
    let mut readable = 0;
    // The count of a damaged file may be wrong, but never exceeds the bytes of the file.
    assert!(u64::from(view.event_count()) * 5 <= bytes.len() as u64);
    for position in 0..view.event_count() {
        let Ok(event) = view.event(position) else { continue };
        readable += 1;
        for fidelity in [Fidelity::Procmon, Fidelity::Corrected] {
            let options = TextOptions { fidelity, ..TextOptions::default() };
            for cell in ProcmonColumn::all() {
                text.clear();
                event.push_cell(cell, FileTime(0), &options, &mut text);
            }
        }
        event.numbers();
        event.target_path();
        for address in event.stack().addresses().take(200) {
            event.locate(address, Resolution::Corrected);
        }
    }
    Some(readable)
}

/// Reads everything, directly and through all exports.
fn walk(bytes: &[u8]) -> Option<usize> {
    if let Ok(log) = Log::parse(bytes) {
        convert(log);
    }
    look(bytes)
}

/// Runs all exports.
fn convert(log: Log<&[u8]>) {
    use pml_parser::export::parquet::{Compression, ParquetOptions, write_dataset};
    use pml_parser::export::{Provenance, TableOptions, csv, ipc, jsonl, xml};
    let set = pml_parser::LogSet::new(vec![log]);
    let (facts, mut sink) = (Provenance::default(), std::io::sink());
    let options = ParquetOptions {
        export: TableOptions::default(),
        compression: Compression::None,
        facts: facts.clone(),
        ..ParquetOptions::default()
    };
    write_dataset(&set, |_| Ok(std::io::sink()), &options, &NoProgress).unwrap();
    jsonl::write_jsonl(&set, &mut sink, &TableOptions::default(), &NoProgress).unwrap();
    ipc::write_ipc(&set, &mut sink, &TableOptions::default(), &facts, &NoProgress).unwrap();
    let export = csv::TextExport { columns: ProcmonColumn::all().collect(), ..csv::TextExport::default() };
    csv::write_csv(&set, &mut sink, &export, true, &NoProgress).unwrap();
    xml::write_xml(&set, &mut sink, &export, true, &NoProgress).unwrap();
}

#[test]
fn a_whole_log_reads_whole() {
    assert_eq!(walk(&log(true)), Some(9));
    assert_eq!(walk(&log(false)), Some(9));
}

#[test]
fn cut_at_every_byte() {
    for is_64_bit in [true, false] {
        let whole = log(is_64_bit);
        for cut in 0..whole.len() {
            // The host and port tables are the last ones, and no event needs them.
            if let Some(events) = look(&whole[..cut]) {
                assert_eq!(events, 9, "cut at {cut}");
            }
        }
    }
}

#[test]
fn every_byte_changed() {
    for is_64_bit in [true, false] {
        let whole = log(is_64_bit);
        for at in 0..whole.len() {
            if at % 8 == 0 {
                let mut broken = whole.clone();
                broken[at] ^= 0xFF;
                walk(&broken);
            }
            for change in [0x01, 0x80] {
                let mut broken = whole.clone();
                broken[at] ^= change;
                look(&broken);
            }
        }
    }
}

#[test]
fn every_event_field_at_its_extremes() {
    let whole = log(true);
    let offsets = u64::from_le_bytes(whole[0x248..0x250].try_into().unwrap()) as usize;
    for event in 0..9 {
        let entry = offsets + 5 * event;
        let record = u32::from_le_bytes(whole[entry..entry + 4].try_into().unwrap()) as usize;
        for (at, size) in [
            (0, 4),
            (4, 4),
            (8, 2),
            (0xA, 2),
            (0xC, 2),
            (0x10, 4),
            (0x14, 8),
            (0x1C, 8),
            (0x24, 4),
            (0x28, 2),
            (0x2C, 4),
            (0x30, 4),
        ] {
            for fill in [0x00, 0x7F, 0x80, 0xFF] {
                let mut broken = whole.clone();
                broken[record + at..record + at + size].fill(fill);
                walk(&broken).expect("events do not keep a log from opening");
            }
        }
        // An entry of the offset array that points outside the file loses only this event.
        let mut broken = whole.clone();
        broken[entry..entry + 5].fill(0xFF);
        assert_eq!(walk(&broken), Some(8));
        let log = Log::parse(broken).unwrap();
        let error = log.view().event(event as u32).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfBounds(0xFF_FFFF_FFFF));
    }
}

/// Texts that are longer than any real event can hold are cut. `hostile.rs` tests how often texts may be
/// shared.
#[test]
fn huge_texts_that_many_events_share_are_cut() {
    let machine = Machine::windows_10("HUGE");
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    // A link with a name of two megabytes, and an environment of the same size.
    let mut buffer = vec![0; 16];
    buffer.extend((2u32 << 20).to_le_bytes());
    buffer.extend([b'x', 0].repeat(1 << 20));
    let link = details::set_information(8, r"C:\a", 0x0B, &buffer);
    let huge = "y".repeat(1 << 20);
    let start = details::process_start(4, "a", "b", &[&huge]);
    for (class, operation, details) in [(3, 26, &link), (1, 7, &start)] {
        let class = EventClass::from_code(class);
        log.add_event(&NewEvent { class, operation, details, ..NewEvent::default() }).unwrap();
    }
    let mut bytes = log.finish().unwrap().into_inner();
    // A longer offset array at the end of the file: 50 entries for each record.
    let at = u64::from_le_bytes(bytes[0x248..0x250].try_into().unwrap()) as usize;
    let entries = bytes[at..at + 10].repeat(50);
    let array = (bytes.len() as u64).to_le_bytes();
    bytes[0x248..0x250].copy_from_slice(&array);
    bytes[0x234..0x238].copy_from_slice(&100u32.to_le_bytes());
    bytes.extend(entries);
    convert(Log::parse(bytes.as_slice()).unwrap());
}

#[test]
fn opening_says_what_is_wrong() {
    let kind = |bytes: &[u8]| Log::parse(bytes).map(|_| ()).unwrap_err().kind();
    let whole = log(true);
    assert_eq!(kind(b""), ErrorKind::Truncated { need: 936, have: 0 });
    assert_eq!(kind(b"PML"), ErrorKind::Truncated { need: 936, have: 3 });
    assert_eq!(kind(b"MZ\x90\x00 and so on"), ErrorKind::NotPml);
    let patched = |at: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    assert_eq!(kind(&patched(4, &[10])), ErrorKind::UnsupportedVersion(10));
    assert_eq!(kind(&patched(4, &[3])), ErrorKind::UnsupportedVersion(3));
    assert_eq!(kind(&patched(8, &[2])), ErrorKind::BadBitness(2));
    assert_eq!(kind(&patched(0x248, &[0; 8])), ErrorKind::NotClosed);
    // A count that exceeds the file is refused before anything is allocated for it.
    let error = Log::parse(patched(0x234, &[0xFF; 4])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { need: 21_474_836_475, .. }), "{error}");
    assert_eq!(error.what(), "event offset array");
}

/// Events find their process by the index in the table. The index in the record does not matter.
#[test]
fn a_process_has_the_index_of_the_table() {
    let mut bytes = log(true);
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let table = word(&bytes, 0x250);
    let record = table + word(&bytes, table + 12);
    assert_eq!(word(&bytes, record), 1);
    bytes[record..record + 4].fill(2);
    let log = Log::parse(bytes).unwrap();
    let indexes: Vec<u32> = log.view().processes().map(|process| process.index()).collect();
    assert_eq!(indexes, [1, 2]);
    for process in log.view().processes() {
        assert_eq!(log.view().process_position(process.index()), Some(process.position()));
    }
}

#[test]
fn many_processes_cannot_share_one_huge_record() {
    let whole = log(true);
    let at = u64::from_le_bytes(whole[0x250..0x258].try_into().unwrap());
    // A table of 500 entries at the end of the file. All entries point back to the first record.
    let mut bytes = whole.clone();
    let table = bytes.len() as u64;
    bytes[0x250..0x258].copy_from_slice(&at.to_le_bytes());
    let record =
        at + u64::from(u32::from_le_bytes(whole[at as usize + 12..at as usize + 16].try_into().unwrap()));
    let size = u64::from(u32::from_le_bytes(whole[at as usize + 16..at as usize + 20].try_into().unwrap()))
        + at
        - record;
    let record = whole[record as usize..(record + size) as usize].to_vec();
    bytes[0x250..0x258].copy_from_slice(&table.to_le_bytes());
    bytes.extend(500u32.to_le_bytes());
    (0..500u32).for_each(|index| bytes.extend(index.to_le_bytes()));
    (0..500u32).for_each(|_| bytes.extend((4 + 8 * 500u32).to_le_bytes()));
    bytes.extend(record);
    let log = Log::parse(bytes).unwrap();
    assert!(log.view().process_count() < 500);
    assert!(log.view().damage().first.iter().any(|e| e.kind() == ErrorKind::Overlapping));
}

#[test]
fn an_event_may_have_one_strange_value_and_no_more() {
    let whole = log(true);
    let at = Log::parse(whole.as_slice()).unwrap().view().event(0).unwrap().offset() as usize;
    // Class, its upper half, time.
    let fields = [at + 0x08..at + 0x0A, at + 0x0A..at + 0x0C, at + 0x1C..at + 0x24];
    for first in 0..fields.len() {
        for second in 0..fields.len() {
            let mut bytes = whole.clone();
            bytes[fields[first].clone()].fill(0xFF);
            bytes[fields[second].clone()].fill(0xFF);
            let read = Log::parse(bytes.as_slice()).unwrap().view().event(0).is_ok();
            assert_eq!(read, first == second, "{first} {second}");
        }
    }
}
