//! What can be read of logs that were cut short, damaged, or never closed, held against the whole logs.
#![forbid(unsafe_code)]

use libtest_mimic::{Arguments, Failed, Trial};
use pml_parser::NoProgress;
use pml_parser::export::ScanOptions;
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{ErrorKind, Event, EventClass, FileTime, Filter, Log, LogSet, LogView, Process, Recovery};
use pml_samples::boot::{Amount, Bits, Options};
use pml_samples::scenario::generate_in_memory;
use pml_samples::{corpus, minimal};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::process::ExitCode;

/// A small generator of places: the same ones in every run.
struct Places(u64);

impl Places {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

const HEADER: usize = 0x3A8;
/// Where the header keeps the offsets of the event offset array, processes, strings and icons, and of hosts.
const TABLES: [usize; 5] = [0x248, 0x250, 0x258, 0x260, 0x3A0];

fn pointer_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

fn generated(events: u64, bits: Bits) -> Result<Vec<u8>, Failed> {
    let options = Options { amount: Amount::Events(events), parts: 1, seed: 5, bits, ..Options::default() };
    Ok(generate_in_memory(&options)?.swap_remove(0))
}

/// Where the records of a log are.
fn records(bytes: &[u8]) -> Vec<Range<usize>> {
    let log = Log::parse(bytes).unwrap();
    let events = log.view().events(0..log.view().event_count());
    events
        .map(|event| {
            let event = event.unwrap();
            let at = event.offset() as usize;
            at..at + event.raw().len()
        })
        .collect()
}

fn recovered(bytes: &[u8]) -> Log<&[u8]> {
    Log::recover(bytes).unwrap_or_else(|e| panic!("{e}"))
}

fn recovery(log: &Log<&[u8]>) -> Recovery {
    log.view().recovery().unwrap().clone()
}

fn offsets(log: LogView<'_>) -> Vec<usize> {
    log.events(0..log.event_count()).map(|event| event.unwrap().offset() as usize).collect()
}

/// Exactly these records were found, in their order.
fn assert_found(log: &Log<&[u8]>, expected: &[Range<usize>], context: &str) {
    let expected: Vec<usize> = expected.iter().map(|record| record.start).collect();
    let found = offsets(log.view());
    let first = found.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(
        found == expected,
        "{context}: {} found, {} expected, first difference at {first:?}: {:?}",
        found.len(),
        expected.len(),
        recovery(log)
    );
}

/// All that a process says of itself.
fn identity(process: Process<'_>) -> Vec<String> {
    let texts = [
        process.name(),
        process.image_path(),
        process.command_line(),
        process.user(),
        process.integrity(),
        process.company(),
    ];
    let mut identity: Vec<String> = texts.iter().map(ToString::to_string).collect();
    identity.push(format!(
        "{} {} {} {} {:?} {:?} {:?} {}",
        process.pid(),
        process.parent_pid(),
        process.session(),
        process.authentication_id(),
        process.start(),
        process.end(),
        process.virtualized(),
        process.is_64_bit(),
    ));
    identity
}

/// The same processes with the same modules.
fn assert_same_processes(a: LogView<'_>, b: LogView<'_>) {
    assert_eq!(a.process_count(), b.process_count());
    for (a, b) in a.processes().zip(b.processes()) {
        assert_eq!((a.index(), identity(a)), (b.index(), identity(b)));
        let modules = |process: Process<'_>| -> Vec<_> {
            process.modules().map(|m| (m.base, m.size, m.load_time, m.path().to_string())).collect()
        };
        assert_eq!(modules(a), modules(b));
    }
}

fn read_back(mut file: std::fs::File) -> Result<Vec<u8>, Failed> {
    let mut written = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut written)?;
    Ok(written)
}

/// All of a capture as a log.
fn sliced<B: AsRef<[u8]> + Sync>(set: &LogSet<B>) -> Result<Log<Vec<u8>>, Failed> {
    let file = tempfile::tempfile()?;
    let options =
        SliceOptions { scan: ScanOptions { threads: 2, ..ScanOptions::default() }, part_bytes: u64::MAX };
    slice(set, &options, |_| file.try_clone(), &NoProgress).map_err(|e| e.to_string())?;
    Ok(Log::parse(read_back(file)?).map_err(|e| e.to_string())?)
}

/// A sound log is read as it is.
fn whole(bytes: &[u8]) -> Result<(), Failed> {
    let log = recovered(bytes);
    assert_found(&log, &records(bytes), "whole");
    let recovery = recovery(&log);
    assert!(recovery.cause.is_none() && recovery.lost_is_exact, "{recovery:?}");
    assert_eq!((recovery.doubtful, recovery.lost, recovery.lost_bytes), (0, 0, 0));
    let sound = Log::parse(bytes).unwrap();
    assert_eq!(log.view().damage(), sound.view().damage());
    if recovery.processes_rebuilt == 0 {
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// Cut anywhere, every event whose record is whole is there, and nothing else.
fn cut(bytes: &[u8], cuts: usize) -> Result<(), Failed> {
    let records = records(bytes);
    let mut places = Places(7);
    for _ in 0..cuts {
        let at = HEADER + places.below(bytes.len() - HEADER);
        let log = recovered(&bytes[..at]);
        let expected = records.partition_point(|record| record.end <= at);
        assert_found(&log, &records[..expected], &format!("cut at {at:#x}"));
        let recovery = recovery(&log);
        assert_eq!(recovery.doubtful, 0, "cut at {at:#x}: {recovery:?}");
        assert!(recovery.lost_is_exact && recovery.lost == (records.len() - expected) as u64, "{recovery:?}");
        let sound = Log::parse(bytes).unwrap();
        for (a, b) in log.view().events(0..expected as u32).zip(sound.view().events(0..expected as u32)) {
            assert_eq!(a.unwrap().raw(), b.unwrap().raw());
        }
    }
    Ok(())
}

/// Never closed, though the tables are there: all is found behind the events.
fn pointers_gone(bytes: &[u8]) -> Result<(), Failed> {
    let sound = Log::parse(bytes).unwrap();
    for gone in [&TABLES[..1], &TABLES[1..2], &TABLES[2..3], &TABLES[..]] {
        for fill in [0x00, 0xFF, 0x13] {
            let mut broken = bytes.to_vec();
            gone.iter().for_each(|&at| broken[at..at + 8].fill(fill));
            let log = recovered(&broken);
            assert_found(&log, &records(bytes), &format!("{gone:x?} filled with {fill:#x}"));
            let recovery = recovery(&log);
            assert_eq!((recovery.doubtful, recovery.lost), (0, 0), "{recovery:?}");
            assert!(recovery.cause.is_some());
            if recovery.processes_rebuilt == 0 {
                assert_same_processes(log.view(), sound.view());
            }
            assert_eq!(log.view().tables(), sound.view().tables());
        }
    }
    Ok(())
}

/// Never closed and without tables: all events, and the processes that they tell of.
fn unclosed(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let end = records.last().unwrap().end;
    let mut broken = bytes[..end].to_vec();
    TABLES.iter().for_each(|&at| broken[at..at + 8].fill(0));
    broken[0x234..0x238].fill(0);
    let log = recovered(&broken);
    assert_found(&log, &records, "unclosed");
    let recovery = recovery(&log);
    assert_eq!(recovery.cause.unwrap().kind(), ErrorKind::NotClosed);
    assert_eq!((recovery.doubtful, recovery.lost, recovery.lost_is_exact), (0, 0, false));
    // Room behind the events that was never filled is nothing lost; the last one may be cut, though.
    let mut roomy = broken.clone();
    roomy.resize(broken.len() + 100_000, 0);
    let roomy = recovered(&roomy);
    assert_found(&roomy, &records, "with room");
    assert_eq!((self::recovery(&roomy).doubtful, self::recovery(&roomy).lost), (1, 0));
    let sound = Log::parse(bytes).unwrap();
    let created: Vec<Event<'_>> = sound
        .view()
        .events(0..records.len() as u32)
        .map(Result::unwrap)
        .filter(|e| e.operation().class == EventClass::Process && e.operation().code < 2)
        .collect();
    for event in created {
        let index = u32::from_le_bytes(event.details()[..4].try_into().unwrap());
        let found = log.view().process(index).expect("it was created while the capture ran");
        let Some(truth) = sound.view().process(index) else { continue };
        let (mut found, mut truth) = (identity(found), identity(truth));
        // Version resources are in no event. An account has a name in the tables alone.
        truth[5].clear();
        if found[3] != truth[3] {
            assert!(found[3].starts_with("S-1-"), "{found:?} {truth:?}");
            truth[3].clone_from(&found[3]);
        }
        if found[4] != truth[4] {
            assert!(found[4].starts_with("S-1-16"), "{found:?} {truth:?}");
            truth[4].clone_from(&found[4]);
        }
        // Process Monitor may have looked at the process somewhat later or earlier than the event.
        let late = log
            .view()
            .process(index)
            .unwrap()
            .start()
            .0
            .abs_diff(sound.view().process(index).unwrap().start().0);
        if (1..10_000_000).contains(&late) {
            truth[6].clone_from(&found[6]);
        }
        // Blanks at the end of a command line, and quotes, are the events' own.
        for texts in [&mut found, &mut truth] {
            texts[2] = texts[2].trim_end().to_owned();
        }
        assert_eq!(found, truth);
    }
    Ok(())
}

/// A stretch of records is overwritten: what lies outside is kept.
fn sectors_gone(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let events_end = records.last().unwrap().end;
    let mut places = Places(11);
    for round in 0..24 {
        let size = [512, 4_096, 20_000][round % 3].min(events_end / 2);
        let from = HEADER + places.below(events_end - HEADER - size);
        let mut broken = bytes.to_vec();
        match round % 2 {
            0 => broken[from..from + size].fill(0),
            _ => broken[from..from + size].fill_with(|| places.below(256) as u8),
        }
        let untouched = |record: &&Range<usize>| record.end <= from || record.start >= from + size;
        let expected: Vec<usize> = records.iter().filter(untouched).map(|record| record.start).collect();
        // With its event offset array, and without.
        for has_array in [true, false] {
            if !has_array {
                broken[0x248..0x250].fill(0);
            }
            let log = recovered(&broken);
            let found = offsets(log.view());
            let missing: Vec<_> = expected.iter().filter(|at| found.binary_search(at).is_err()).collect();
            assert!(missing.is_empty(), "round {round}, {from:#x}: missing {missing:x?}");
            // A record of which only the inside is gone is still one; nothing else is invented.
            for at in found {
                assert!(
                    expected.binary_search(&at).is_ok() || records.iter().any(|record| record.start == at),
                    "round {round}: {at:#x} is no record"
                );
            }
            let recovery = recovery(&log);
            assert!(recovery.lost_is_exact);
            assert_eq!(recovery.kept + recovery.lost, records.len() as u64, "{recovery:?}");
        }
    }
    Ok(())
}

/// Pieces of the event offset array are overwritten: the events are there all the same.
fn array_gone(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let at = pointer_at(bytes, TABLES[0]);
    let size = records.len() * 5;
    let mut places = Places(13);
    for round in 0..12 {
        let gone = [5, 512, size / 3, size][round % 4].min(size);
        let from = at + places.below(size - gone + 1);
        let mut broken = bytes.to_vec();
        match round % 2 {
            0 => broken[from..from + gone].fill(0),
            _ => broken[from..from + gone].fill_with(|| places.below(256) as u8),
        }
        let log = recovered(&broken);
        assert_found(&log, &records, &format!("round {round}: {gone} bytes at {from:#x}"));
        assert_eq!(recovery(&log).lost, 0);
    }
    Ok(())
}

/// The header is gone but for its length.
fn header_gone(bytes: &[u8]) -> Result<(), Failed> {
    let mut broken = bytes.to_vec();
    broken[..HEADER].fill(0);
    let log = recovered(&broken);
    assert_found(&log, &records(bytes), "without a header");
    let sound = Log::parse(bytes).unwrap();
    assert_eq!(log.view().is_64_bit(), sound.view().is_64_bit());
    assert_eq!(log.view().highest_user_address(), sound.view().highest_user_address());
    if recovery(&log).processes_rebuilt == 0 {
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// A page of the event offset array is another page of it: nothing comes twice.
fn array_mixed_up(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let (at, size) = (pointer_at(bytes, TABLES[0]), records.len() * 5);
    let page = (size / 4).min(4_096);
    for (to, from) in [(at, at + size - page), (at + page, at + 2 * page), (at + 2 * page, at), (at, at + 5)]
    {
        let mut broken = bytes.to_vec();
        broken.copy_within(from..from + page, to);
        assert_found(&recovered(&broken), &records, &format!("{to:#x} is {from:#x}"));
    }
    // An array in another order is as good as any.
    let mut reversed = bytes.to_vec();
    for (entry, record) in records.iter().rev().enumerate() {
        reversed[at + 5 * entry..at + 5 * entry + 4].copy_from_slice(&(record.start as u32).to_le_bytes());
    }
    let expected: Vec<Range<usize>> = records.iter().rev().cloned().collect();
    assert_found(&recovered(&reversed), &expected, "reversed");
    Ok(())
}

/// The first pages are gone, the header with them.
fn beginning_gone(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    for size in [1_000, 4_096, 65_536] {
        let mut broken = bytes.to_vec();
        broken[..size].fill(0);
        let left = records.partition_point(|record| record.start < size);
        assert_found(&recovered(&broken), &records[left..], &format!("without {size} bytes"));
    }
    Ok(())
}

/// Bytes have come in between or gone: what lies behind has moved, and no process is taken for another.
fn bytes_moved(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let sound = Log::parse(bytes).unwrap();
    let at = records[records.len() / 2].start + 7;
    for inserted in 1..=4 {
        let mut broken = bytes.to_vec();
        broken.splice(at..at, vec![b'\r'; inserted]);
        let log = recovered(&broken);
        let moved =
            |record: &Range<usize>| if record.start > at { record.start + inserted } else { record.start };
        let expected: Vec<usize> = records.iter().filter(|record| !record.contains(&at)).map(moved).collect();
        let found = offsets(log.view());
        assert!(expected.iter().all(|start| found.binary_search(start).is_ok()), "{inserted}");
        for process in log.view().processes() {
            let truth = sound.view().process(process.index()).expect("no process is invented");
            assert_eq!(process.pid(), truth.pid(), "{inserted}: {:?}", recovery(&log));
        }
    }
    Ok(())
}

/// Pages of zeros among the events are no events.
fn zeros_are_no_events(bytes: &[u8]) -> Result<(), Failed> {
    let end = records(bytes).last().unwrap().end;
    for has_array in [true, false] {
        let mut broken = bytes.to_vec();
        let mut places = Places(17);
        for _ in 0..10 {
            let at = (HEADER + places.below(end - HEADER)) & !511;
            broken[at.max(HEADER)..(at + 512).min(end)].fill(0);
        }
        if !has_array {
            broken[0x248..0x250].fill(0);
        }
        let log = recovered(&broken);
        let times = log.view().events(0..log.view().event_count()).map(|event| event.unwrap().time());
        assert_eq!(times.filter(|time| time.0 == 0).count(), 0);
    }
    Ok(())
}

/// Offsets of tables that lead elsewhere, though what is there can be read.
fn pointers_elsewhere(bytes: &[u8]) -> Result<(), Failed> {
    let sound = Log::parse(bytes).unwrap();
    for at in &TABLES[..4] {
        let mut broken = bytes.to_vec();
        let elsewhere = pointer_at(bytes, *at) as u64 + 7;
        broken[*at..at + 8].copy_from_slice(&elsewhere.to_le_bytes());
        let log = recovered(&broken);
        assert_found(&log, &records(bytes), &format!("{at:#x}"));
        assert!(!recovery(&log).is_whole(), "{at:#x}");
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// What was recovered can be written as a log that opens, and says the same.
fn written(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let half = records[records.len() / 2].start + 20;
    let mut broken = bytes[..half].to_vec();
    broken[0] = b'X';
    let set = LogSet::new(vec![recovered(&broken)]);
    let log = sliced(&set)?;
    assert!(log.view().damage().is_empty());
    assert_eq!(u64::from(log.view().event_count()), set.event_count());
    for (a, b) in set.events().zip(log.view().events(0..log.view().event_count())) {
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!((a.time(), a.details(), a.extra()), (b.time(), b.details(), b.extra()));
        assert_eq!(a.process().map(identity), b.process().map(identity));
    }
    Ok(())
}

/// A log of three processes, one of which nothing tells of, made for its details to be known.
fn told() -> Vec<u8> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("TOLD")).unwrap();
    let mut time = FileTime(133_485_408_450_000_000);
    let mut add = |process_index, class, operation, details: Vec<u8>| {
        time.0 += 1_000;
        let class = EventClass::from_code(class);
        let event =
            NewEvent { process_index, class, operation, time, details: &details, ..NewEvent::default() };
        log.add_event(&event).unwrap();
    };
    let worker = details::ProcessCreate {
        index: 20,
        pid: 2_000,
        parent_index: 10,
        parent_pid: 1_000,
        session: 3,
        is_64_bit: true,
        time: FileTime(133_485_408_450_000_000),
        path: r"C:\Windows\WinSxS\x\TiWorker.exe",
        command_line: "TiWorker.exe -Embedding",
    };
    add(1, 1, 5, details::load_image(8, r"C:\Windows\system32\ntoskrnl.exe", 0xFFFF_8000_0000_0000, 0x1000));
    add(10, 1, 1, worker.build());
    add(20, 1, 7, details::process_start(1_000, "TiWorker.exe -Embedding", r"C:\", &["A=1"]));
    add(20, 1, 5, details::load_image(8, r"C:\Windows\WinSxS\x\TiWorker.exe", 0x40_0000, 0x1000));
    add(20, 3, 38, details::close_file(8, r"C:\a"));
    add(30, 3, 38, details::close_file(8, r"C:\b"));
    add(20, 1, 2, details::process_exit(0, 1, 2, 3));
    log.add_process(&NewProcess { index: 20, pid: 2_000, name: "TiWorker.exe", ..NewProcess::default() });
    log.finish().unwrap().into_inner()
}

fn processes_are_made_out_of_events() -> Result<(), Failed> {
    let whole = told();
    let end = records(&whole).last().unwrap().end;
    let mut broken = whole[..end].to_vec();
    TABLES.iter().for_each(|&at| broken[at..at + 8].fill(0));
    let log = recovered(&broken);
    let recovery = recovery(&log);
    assert_eq!((recovery.processes_rebuilt, recovery.processes_unknown), (3, 1), "{recovery:?}");
    let view = log.view();
    let worker = view.process(20).unwrap();
    assert_eq!(
        identity(worker),
        [
            "TiWorker.exe",
            r"C:\Windows\WinSxS\x\TiWorker.exe",
            "TiWorker.exe -Embedding",
            r"NT AUTHORITY\SYSTEM",
            "System",
            "",
            "2000 1000 3 999 FileTime(133485408450000000) Some(FileTime(133485408450007000)) No true"
        ]
    );
    assert_eq!(worker.modules().next().unwrap().path().to_string(), r"C:\Windows\WinSxS\x\TiWorker.exe");
    // Of its parent, only what the child says; of a third process, what it loaded first.
    assert_eq!(
        (view.process(10).unwrap().pid(), view.process(10).unwrap().name().to_string()),
        (1_000, "".into())
    );
    assert_eq!(view.process(1).unwrap().name().to_string(), "ntoskrnl.exe");
    assert!(view.system_process().is_none(), "nothing says that it is PID 4");
    assert!(view.process(30).is_none());
    Ok(())
}

/// One record after the other gets an absurd size, class, time or extra offset.
fn absurd_fields() -> Result<(), Failed> {
    let bytes = &generated(300, Bits::B64)?;
    let records = records(bytes);
    let fields =
        [(0x08, 2), (0x0A, 2), (0x14, 8), (0x1C, 8), (0x28, 2), (0x2C, 4), (0x30, 4), (0x00, 4), (0x24, 4)];
    for has_array in [true, false] {
        for (number, record) in records.iter().enumerate().skip(1) {
            for (at, size) in fields {
                for fill in [0xFF, 0x7F] {
                    let mut broken = bytes.to_vec();
                    broken[record.start + at..record.start + at + size].fill(fill);
                    if !has_array {
                        broken[0x248..0x250].fill(0);
                    }
                    let log = recovered(&broken);
                    let found = offsets(log.view());
                    let others: Vec<usize> =
                        records.iter().map(|r| r.start).filter(|&at| at != record.start).collect();
                    let context = format!("{has_array} event {number}, field {at:#x}: {:?}", recovery(&log));
                    let kept: Vec<usize> = found.iter().copied().filter(|&at| at != record.start).collect();
                    assert!(kept == others, "{context}");
                }
            }
        }
    }
    Ok(())
}

/// A minimal log, cut at every byte.
fn cut_at_every_byte() -> Result<(), Failed> {
    for is_64_bit in [true, false] {
        let whole = minimal::log(is_64_bit)?;
        let records = records(&whole);
        for at in HEADER..whole.len() {
            let log = recovered(&whole[..at]);
            let expected = records.partition_point(|record| record.end <= at);
            assert_found(&log, &records[..expected], &format!("cut at {at:#x}"));
            assert_eq!(recovery(&log).doubtful, 0, "cut at {at:#x}");
        }
        for at in 0..HEADER {
            assert!(Log::recover(&whole[..at]).is_err());
        }
    }
    Ok(())
}

/// Every byte of header and tables changed: all events are found. Every byte of the events: all others are.
fn every_byte_changed() -> Result<(), Failed> {
    for is_64_bit in [true, false] {
        let whole = minimal::log(is_64_bit)?;
        let records = records(&whole);
        let starts: Vec<usize> = records.iter().map(|record| record.start).collect();
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut broken = whole.clone();
                broken[at] ^= change;
                let context = format!("{change:#x} at {at:#x}");
                // Another version that may be one is another format.
                if at == 4 && change == 0x01 {
                    assert!(Log::recover(broken.as_slice()).is_err(), "{context}");
                    continue;
                }
                let log = recovered(&broken);
                let found = offsets(log.view());
                match records.iter().position(|record| record.contains(&at)) {
                    None => assert_eq!(found, starts, "{context}"),
                    Some(hit) => {
                        let others = |all: &[usize]| -> Vec<usize> {
                            all.iter().copied().filter(|&start| start != starts[hit]).collect()
                        };
                        assert_eq!(others(&found), others(&starts), "{context}: {:?}", recovery(&log));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Clocks are set while Windows starts: that is nothing to doubt.
fn clock_is_set() -> Result<(), Failed> {
    for jump in [-40 * 86_400 * 10_000_000i64, -3_600 * 10_000_000, 200 * 86_400 * 10_000_000] {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("CLOCK")).unwrap();
        for number in 0..20i64 {
            let jump = if number < 10 { 0 } else { jump };
            let time = FileTime((133_485_408_450_000_000 + number * 1_000 + jump) as u64);
            log.add_event(&NewEvent {
                time,
                details: &details::close_file(8, r"C:\a"),
                ..NewEvent::default()
            })
            .unwrap();
        }
        let mut bytes = log.finish().unwrap().into_inner();
        let expected = records(&bytes);
        for has_array in [true, false] {
            if !has_array {
                bytes[0x248..0x250].fill(0);
            }
            let log = recovered(&bytes);
            assert_found(&log, &expected, "clock");
            assert_eq!(recovery(&log).doubtful, 0, "{has_array} {jump}");
        }
    }
    Ok(())
}

/// Events that no capture has are no damage where they lie as records do.
fn odd_events_of_a_sound_log() -> Result<(), Failed> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("ODD")).unwrap();
    for (class, time) in [(12_100, 0), (0, 0), (3, u64::MAX), (77, 133_485_408_450_000_000), (3, 1)] {
        let (class, time) = (EventClass::from_code(class), FileTime(time));
        log.add_event(&NewEvent { class, time, stack: &[7; 400], ..NewEvent::default() }).unwrap();
    }
    let bytes = log.finish().unwrap().into_inner();
    let log = recovered(&bytes);
    assert_found(&log, &records(&bytes), "odd");
    assert_eq!((recovery(&log).lost, recovery(&log).doubtful), (0, 5));
    Ok(())
}

/// What damage left of a process record does not count where events say something else.
fn events_count_more_than_damaged_records() -> Result<(), Failed> {
    let whole = told();
    let table = pointer_at(&whole, TABLES[1]);
    let record = table + u32::from_le_bytes(whole[table + 8..table + 12].try_into().unwrap()) as usize;
    // All of the record; all of it but its index; its PID.
    for damaged in [record..record + 96, record + 4..record + 96, record + 4..record + 8] {
        let mut broken = whole.clone();
        broken[damaged].fill(0);
        // Something else has to be wrong too, so that tables are not taken as they are.
        broken[0x248..0x250].fill(0);
        let log = recovered(&broken);
        let worker = log.view().process(20).unwrap();
        assert_eq!((worker.pid(), worker.name().to_string().as_str()), (2_000, "TiWorker.exe"));
        assert_eq!(worker.parent_pid(), 1_000);
    }
    Ok(())
}

/// Processes of which nobody knows when they started are not taken for one another in a slice.
fn unknown_processes_stay_apart() -> Result<(), Failed> {
    let part = |index: u32, program: &str, start: u64| {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("APART")).unwrap();
        for number in 0..6 {
            let details = details::load_image(8, program, 0x40_0000, 0x1000);
            let time = FileTime(133_485_408_450_000_000 + start + number);
            let class = EventClass::Process;
            let event = NewEvent {
                process_index: index,
                class,
                operation: 5,
                time,
                details: &details,
                ..NewEvent::default()
            };
            log.add_event(&event).unwrap();
        }
        Log::recover(log.leave_unclosed().unwrap().into_inner()).unwrap()
    };
    let set = LogSet::new(vec![part(10, r"C:\first.exe", 0), part(11, r"C:\second.exe", 100)]);
    let log = sliced(&set)?;
    let names: Vec<String> = log.view().processes().map(|process| process.name().to_string()).collect();
    assert_eq!(names, ["first.exe", "second.exe"]);
    Ok(())
}

/// Records that say to be far too large do not keep the others from being saved.
fn many_sizes_damaged() -> Result<(), Failed> {
    let mut bytes = generated(2_000, Bits::B64)?;
    let records = records(&bytes);
    let room = bytes.len() as u32;
    for record in records.iter().step_by(100) {
        let size = room - record.end as u32 - 4_096;
        bytes[record.start + 0x2C..record.start + 0x30].copy_from_slice(&size.to_le_bytes());
    }
    let set = LogSet::new(vec![Log::recover(bytes).unwrap()]);
    assert!(set.event_count() >= 1_980);
    assert_eq!(u64::from(sliced(&set)?.view().event_count()), set.event_count());
    Ok(())
}

/// A log that has less in its tables than events name, or counts fewer events than there are.
fn less_is_not_damage() -> Result<(), Failed> {
    let bytes = generated(3_000, Bits::B64)?;
    // Few processes have records: that is how it was saved.
    let set = LogSet::new(vec![Log::parse(bytes.clone()).unwrap()]);
    let file = tempfile::tempfile()?;
    let filter = Some(Filter::parse("operation = 'Process Create'").unwrap());
    let options =
        SliceOptions { scan: ScanOptions { filter, ..ScanOptions::default() }, part_bytes: u64::MAX };
    slice(&set, &options, |_| file.try_clone(), &NoProgress).map_err(|e| e.to_string())?;
    let slice = read_back(file)?;
    let log = recovered(&slice);
    assert!(recovery(&log).is_whole(), "{:?}", recovery(&log));
    assert_same_processes(log.view(), Log::parse(slice.as_slice()).unwrap().view());
    // Fewer events: the others are there, and that is said.
    let mut fewer = bytes;
    fewer[0x234..0x238].copy_from_slice(&2_950u32.to_le_bytes());
    let log = recovered(&fewer);
    assert_eq!((log.view().event_count(), recovery(&log).lost), (3_000, 0));
    assert_eq!(recovery(&log).cause.unwrap().what(), "number of events");
    Ok(())
}

/// Counts of a header that is gone are not believed, and padding is nothing lost.
fn what_is_lost_is_not_guessed() -> Result<(), Failed> {
    let mut garbage = told();
    garbage[..HEADER].fill(b'A');
    garbage[HEADER + 60] = 0xFF;
    let lost = |bytes: &[u8]| {
        let recovery = recovery(&recovered(bytes));
        (recovery.lost, recovery.lost_is_exact)
    };
    assert!(lost(&garbage).0 < 2);
    let whole = told();
    let end = records(&whole).last().unwrap().end;
    for padding in 0..4 {
        let mut unclosed = whole[..end].to_vec();
        TABLES.iter().for_each(|&at| unclosed[at..at + 8].fill(0));
        unclosed[0x234..0x238].fill(0);
        unclosed.resize(end + padding, 0);
        assert_eq!(lost(&unclosed), (0, false), "{padding}");
        unclosed.truncate(HEADER);
        assert_eq!(lost(&unclosed), (0, false), "a header alone");
    }
    Ok(())
}

/// Whoever watches can stop it, while there are events and while there are none.
/// Keeps the offsets that were reported, and cancels at the second one.
#[derive(Default)]
struct CancelAtSecond {
    seen: std::sync::Mutex<Vec<u64>>,
}

impl pml_parser::Progress for CancelAtSecond {
    fn advance(&self, _: u64, bytes: u64) {
        self.seen.lock().unwrap().push(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.seen.lock().unwrap().len() >= 2
    }
}

fn it_can_be_stopped() -> Result<(), Failed> {
    let bytes = generated(5_000, Bits::B64)?;
    let mut empty = bytes.clone();
    let end = records(&bytes).last().unwrap().end;
    empty[HEADER + 100_000..end].fill(0x55);
    for bytes in [bytes, empty] {
        let progress = CancelAtSecond::default();
        let stopped = Log::recover_watched(bytes.as_slice(), &progress);
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
        let seen = progress.seen.into_inner().unwrap();
        assert!(seen.len() == 2 && seen[1] < end as u64, "{seen:?}");
    }
    Ok(())
}

/// There are no more processes than a table can reasonably have.
fn processes_made_out_of_events_are_bounded() -> Result<(), Failed> {
    const MOST: u32 = 65_536;
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("BOUND")).unwrap();
    for index in 0..MOST + 10 {
        let event = NewEvent {
            process_index: index,
            class: EventClass::Process,
            operation: 7,
            time: FileTime(133_485_408_450_000_000 + u64::from(index)),
            details: &details::process_start(4, "a", r"C:\", &[]),
            ..NewEvent::default()
        };
        log.add_event(&event).unwrap();
    }
    let bytes = log.leave_unclosed().unwrap().into_inner();
    let recovery = recovery(&recovered(&bytes));
    assert_eq!((recovery.processes_rebuilt, recovery.processes_unknown), (MOST, 10));
    Ok(())
}

/// Strings of a table that share their bytes do not become many times the file.
fn tables_made_anew_are_bounded() -> Result<(), Failed> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("BOUND")).unwrap();
    for index in 0..2_000 {
        let name = index.to_string();
        log.add_process(&NewProcess {
            index,
            pid: index,
            name: &name,
            user: "",
            integrity: "",
            ..NewProcess::default()
        });
    }
    let class = EventClass::Process;
    let details = details::load_image(8, r"C:\a.exe", 0x40_0000, 0x1000);
    let time = FileTime(133_485_408_450_000_000);
    let event = NewEvent {
        process_index: 9_999,
        class,
        operation: 5,
        time,
        details: &details,
        ..NewEvent::default()
    };
    log.add_event(&event).unwrap();
    let mut bytes = log.finish().unwrap().into_inner();
    // Each string begins eight bytes behind the one before, and is 64 KiB long.
    let (table, lines) = (pointer_at(&bytes, TABLES[2]), bytes.len());
    bytes.extend(
        (0..40_000u32).flat_map(|line| [0x0001_0001, 0x4100_0001 + line].map(u32::to_le_bytes)).flatten(),
    );
    for string in 1..=2_000 {
        let at = (lines - table + 8 * string) as u32;
        bytes[table + 4 + 4 * string..table + 8 + 4 * string].copy_from_slice(&at.to_le_bytes());
    }
    bytes[0x248..0x250].fill(0);
    let log = recovered(&bytes);
    assert_eq!(recovery(&log).processes_rebuilt, 1);
    let texts: usize = log.view().processes().map(|process| process.name().raw().len()).sum();
    let most = 2 * bytes.len() + (16 << 20);
    assert!(texts > most / 2 && texts <= most, "{texts} of {most}");
    // The same of a slice, which copies them too.
    let slice = sliced(&LogSet::new(vec![log]))?;
    assert!(slice.view().bytes().len() < 2 * most);
    Ok(())
}

fn what_is_no_log_is_refused() -> Result<(), Failed> {
    let kind = |bytes: &[u8]| Log::recover(bytes).map(|_| ()).unwrap_err().kind();
    assert_eq!(kind(b"PML_"), ErrorKind::Truncated { need: 936, have: 4 });
    assert_eq!(kind(&[0; 5_000]), ErrorKind::NotPml);
    assert_eq!(kind(&b"MZ and so on ".repeat(500)), ErrorKind::NotPml);
    let mut other = told();
    other[4] = 8;
    assert_eq!(kind(&other), ErrorKind::UnsupportedVersion(8));
    // A capture that was stopped at once is an empty one.
    let mut empty = told()[..HEADER].to_vec();
    TABLES.iter().for_each(|&at| empty[at..at + 8].fill(0));
    empty[0x234..0x238].fill(0);
    let log = Log::recover(empty.as_slice()).unwrap();
    assert_eq!(log.view().event_count(), 0);
    Ok(())
}

type Check = fn(&[u8]) -> Result<(), Failed>;

const CHECKS: [(&str, Check); 13] = [
    ("whole", whole),
    ("cut", |bytes| cut(bytes, 50)),
    ("pointers_gone", pointers_gone),
    ("unclosed", unclosed),
    ("sectors_gone", sectors_gone),
    ("array_gone", array_gone),
    ("array_mixed_up", array_mixed_up),
    ("header_gone", header_gone),
    ("beginning_gone", beginning_gone),
    ("bytes_moved", bytes_moved),
    ("zeros_are_no_events", zeros_are_no_events),
    ("pointers_elsewhere", pointers_elsewhere),
    ("written", written),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let has_corpus = corpus::directory().is_some();
    let mut trials = vec![
        Trial::test("processes_are_made_out_of_events", processes_are_made_out_of_events),
        Trial::test("absurd_fields", absurd_fields),
        Trial::test("cut_at_every_byte", cut_at_every_byte),
        Trial::test("every_byte_changed", every_byte_changed),
        Trial::test("events_count_more_than_damaged_records", events_count_more_than_damaged_records),
        Trial::test("unknown_processes_stay_apart", unknown_processes_stay_apart),
        Trial::test("many_sizes_damaged", many_sizes_damaged),
        Trial::test("less_is_not_damage", less_is_not_damage),
        Trial::test("what_is_lost_is_not_guessed", what_is_lost_is_not_guessed),
        Trial::test("it_can_be_stopped", it_can_be_stopped),
        Trial::test("tables_made_anew_are_bounded", tables_made_anew_are_bounded),
        Trial::test("processes_made_out_of_events_are_bounded", processes_made_out_of_events_are_bounded),
        Trial::test("clock_is_set", clock_is_set),
        Trial::test("odd_events_of_a_sound_log", odd_events_of_a_sound_log),
        Trial::test("what_is_no_log_is_refused", what_is_no_log_is_refused),
    ];
    for bits in [Bits::B32, Bits::B64] {
        for (name, check) in CHECKS {
            trials.push(Trial::test(format!("generated {bits:?}: {name}"), move || {
                check(&generated(5_000, bits)?)
            }));
        }
    }
    for log in corpus::LOGS {
        for (name, check) in CHECKS {
            let run = move || check(&corpus::read(&format!("{log}.pml"))?);
            trials.push(Trial::test(format!("{log}: {name}"), run).with_ignored_flag(!has_corpus));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
