//! A slice holds exactly the chosen events, bit for bit, in a complete log.
#![forbid(unsafe_code)]

use libtest_mimic::{Arguments, Failed, Trial};
use pml_parser::NoProgress;
use pml_parser::export::ScanOptions;
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess, details};
use pml_parser::{EventClass, FileTime, Filter, Log, LogSet, ProcmonColumn};
use pml_samples::boot::{Amount, Bits, Options};
use pml_samples::corpus;
use pml_samples::scenario::generate_in_memory;
use std::cell::RefCell;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::process::ExitCode;
use std::rc::Rc;

/// A file in memory whose bytes can be read after it was written.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Cursor<Vec<u8>>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

type Set = LogSet<Vec<u8>>;

fn set(logs: Vec<Vec<u8>>) -> Set {
    LogSet::new(logs.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

/// The files that a slice makes.
fn sliced(set: &Set, filter: Option<&str>, part_bytes: u64) -> Vec<Vec<u8>> {
    let files: RefCell<Vec<Shared>> = RefCell::default();
    let filter = filter.map(|text| Filter::parse(text).unwrap_or_else(|e| panic!("{e}")));
    let options =
        SliceOptions { scan: ScanOptions { threads: 2, filter, ..ScanOptions::default() }, part_bytes };
    let create = |_| {
        let file = Shared::default();
        files.borrow_mut().push(file.clone());
        Ok(file)
    };
    let counts = slice(set, &options, create, &NoProgress).unwrap();
    let files = files.into_inner();
    assert_eq!(counts.parts as usize, files.len());
    files.into_iter().map(|file| file.0.take().into_inner()).collect()
}

/// Filters of every kind: by header, process, path, result, details, numbers, time.
const FILTERS: [&str; 12] = [
    "class = 'File System'",
    "result = error",
    "result = 'NAME NOT FOUND' or status = 0x103",
    "path contains windows",
    "path ends_with .dll and not operation = CloseFile",
    "operation in (RegOpenKey, CreateFile, 'Load Image')",
    "process_name starts_with s",
    "duration_ns > 10000",
    "time between 0s and 1s",
    "desired_access >= 0x100000",
    "detail contains 'Read'",
    "tid >= 2000 and event_id < 5000",
];

/// A record without process indexes, which may have to change where parts are merged.
fn without_indexes(event: &pml_parser::Event<'_>) -> Vec<u8> {
    let mut record = event.raw().to_vec();
    record[..4].fill(0);
    if event.class() == EventClass::Process && matches!(event.operation().code, 0 | 1) {
        let details = 0x34 + event.stack().raw().len();
        record[details..details + 4].fill(0);
        record[details + 8..details + 12].fill(0);
    }
    record
}

/// The slice has every event that the filter chooses, with the same bytes and the same texts.
fn keeps(set: &Set, filter: &str) -> Result<(), Failed> {
    let parsed = Filter::parse(filter).map_err(|e| e.to_string())?;
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let mut matcher = parsed.matcher(first);
    let chosen: Vec<_> = set.events().map(Result::unwrap).filter(|event| matcher.matches(event)).collect();
    let slice = self::set(sliced(set, Some(filter), u64::MAX));
    assert!(slice.table_damage().is_empty(), "{:?}", slice.table_damage());
    let kept: Vec<_> = slice.events().map(Result::unwrap).collect();
    if kept.len() != chosen.len() {
        return Err(format!("{filter}: {} events kept of {} chosen", kept.len(), chosen.len()).into());
    }
    for (a, b) in chosen.iter().zip(&kept) {
        assert_eq!(without_indexes(a), without_indexes(b));
        let mut texts = [String::new(), String::new()];
        for cell in ProcmonColumn::all() {
            a.push_cell(cell, first, &Default::default(), &mut texts[0]);
            b.push_cell(cell, first, &Default::default(), &mut texts[1]);
        }
        assert_eq!(texts[0], texts[1], "{filter}");
        for address in a.stack().addresses() {
            let place = |event: &pml_parser::Event<'_>| {
                let location = event.locate(address, Default::default())?;
                Some((location.module.path().to_string(), location.offset))
            };
            assert_eq!(place(a), place(b), "{filter}: {address:#x}");
        }
    }
    Ok(())
}

/// A slice of all events has the same records, the same order and the same CSV.
fn everything(set: &Set) -> Result<(), Failed> {
    let slice = self::set(sliced(set, None, u64::MAX));
    for (a, b) in set.events().zip(slice.events()) {
        assert_eq!(a.unwrap().raw(), b.unwrap().raw());
    }
    assert_eq!(set.event_count(), slice.event_count());
    let csv = |set: &Set| {
        let mut out = Vec::new();
        let export = TextExport { columns: ProcmonColumn::all().collect(), ..TextExport::default() };
        write_csv(set, &mut out, &export, false, &NoProgress).unwrap();
        out
    };
    assert!(csv(set) == csv(&slice), "another CSV");
    Ok(())
}

fn generated(bits: Bits, parts: u32) -> Set {
    let options = Options { amount: Amount::Events(6_000), parts, bits, ..Options::default() };
    set(generate_in_memory(&options).unwrap())
}

fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

fn half(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The rules that Process Monitor requires of a log, checked on the bytes (docs/format.md, "Writing").
fn follows_the_rules(bytes: &[u8]) {
    let (offsets, processes, strings, icons, hosts) =
        (word(bytes, 0x248), word(bytes, 0x250), word(bytes, 0x258), word(bytes, 0x260), word(bytes, 0x3A0));
    // Sections in their order, none of them empty, the last one at the end.
    assert!(
        0x3A8 <= offsets && offsets <= processes && processes < strings && strings < icons && icons < hosts
    );
    assert_eq!(offsets % 4, 0, "the offset array is aligned");
    // Header fields.
    assert_eq!(&bytes[..4], b"PML_");
    assert_eq!(half(bytes, 4), 9);
    assert!(half(bytes, 8) <= 1);
    assert_eq!((word(bytes, 0x240), word(bytes, 0x398), word(bytes, 0x238)), (0x3A8, 0x3A8, 0));
    let events = half(bytes, 0x234);
    assert_eq!(processes - offsets, 5 * events, "an entry an event");
    // The first offset is just after the header. Offsets ascend and are in bounds; times ascend.
    let pointer = if half(bytes, 8) == 1 { 8 } else { 4 };
    let mut position = 0x3A8;
    let mut time = 0;
    let mut used = Vec::new();
    for i in 0..events {
        let at = half(bytes, offsets + 5 * i) | usize::from(bytes[offsets + 5 * i + 4]) << 32;
        assert_eq!(at, position, "records are contiguous");
        let depth = u16::from_le_bytes(bytes[at + 0x28..at + 0x2A].try_into().unwrap());
        let (details, extra) = (half(bytes, at + 0x2C), half(bytes, at + 0x30));
        let end = 0x34 + usize::from(depth) * pointer + details;
        position = at + end;
        if extra != 0 {
            assert_eq!(extra, end, "the extra blob follows the details");
            let size = u16::from_le_bytes(bytes[at + extra..at + extra + 2].try_into().unwrap());
            position += 2 + usize::from(size);
        }
        assert!(position <= offsets);
        let event_time = word(bytes, at + 0x1C);
        assert!(event_time >= time);
        time = event_time;
        used.push(half(bytes, at));
    }
    assert!(offsets - position < 4);
    // Processes ascend. Each event has a process, and PID 4 is a process. The module flag is 1. Strings and
    // icons that processes name exist.
    let count = half(bytes, processes);
    let string_count = half(bytes, strings);
    let icon_count = half(bytes, icons);
    let mut indexes = Vec::new();
    let mut pids = Vec::new();
    for i in 0..count {
        let index = half(bytes, processes + 4 + 4 * i);
        let record = processes + half(bytes, processes + 4 + 4 * count + 4 * i);
        assert_eq!(half(bytes, record), index);
        indexes.push(index);
        pids.push(half(bytes, record + 4));
        assert_eq!(bytes[record + 0x60], 1, "Process Monitor hangs where this flag is 0");
        assert!((0x38..0x58).step_by(4).all(|at| half(bytes, record + at) < string_count));
        assert!((0x58..0x60).step_by(4).all(|at| half(bytes, record + at) < icon_count));
        let modules = half(bytes, record + 0x60 + pointer);
        let (size, first_string) = if pointer == 8 { (0x40, 0x14) } else { (0x38, 0x0C) };
        for module in 0..modules {
            let at = record + 0x64 + pointer + module * size + first_string;
            assert!((0..16).step_by(4).all(|field| half(bytes, at + field) < string_count));
        }
    }
    assert!(indexes.is_sorted_by(|a, b| a < b));
    assert!(used.iter().all(|index| indexes.contains(index)), "every event has its process");
    assert!(pids.contains(&4));
    // String 0 is empty, and icon 0 is no icon.
    assert_eq!(half(bytes, strings + half(bytes, strings + 4)), 0);
    let icon = icons + half(bytes, icons + 4);
    assert_eq!((half(bytes, icon), half(bytes, icon + 4)), (0, 0));
    // Host and port tables end with the file.
    let mut at = hosts + 4;
    let mut before = Vec::new();
    for _ in 0..half(bytes, hosts) {
        assert!(before.as_slice() < &bytes[at..at + 16], "hosts ascend");
        before = bytes[at..at + 16].to_vec();
        at += 20 + half(bytes, at + 16);
    }
    let ports = half(bytes, at);
    at += 4;
    let mut before = (0, 0);
    for i in 0..ports {
        let port = (half(bytes, at) >> 16, half(bytes, at) & 0xFFFF);
        assert!(i == 0 || before < port, "UDP before TCP, then by number");
        before = port;
        at += 8 + half(bytes, at + 4);
    }
    assert_eq!(at, bytes.len());
}

fn written_logs_follow_the_rules() -> Result<(), Failed> {
    for (bits, parts) in [(Bits::B64, 1), (Bits::B32, 1), (Bits::B64, 3)] {
        let options = Options { amount: Amount::Events(4_000), parts, bits, ..Options::default() };
        generate_in_memory(&options)?.iter().for_each(|log| follows_the_rules(log));
        let set = generated(bits, parts);
        for filter in FILTERS {
            sliced(&set, Some(filter), u64::MAX).iter().for_each(|log| follows_the_rules(log));
        }
    }
    Ok(())
}

/// A process of a part: index, PID, name and the index of its parent.
type Given<'a> = (u32, u32, &'a str, u32);

/// A log in which each process closes a file. The stack of that event is in a module that only this process
/// has. The System process has a second module, `driver`. The parent of the last process creates it.
fn part(start: u64, processes: &[Given<'_>], driver: &str) -> Vec<u8> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("PC")).unwrap();
    for &(index, pid, name, parent_index) in processes {
        let module = |base, path| NewModule { base, size: 0x1000, path, ..NewModule::default() };
        let mut modules = vec![module(u64::from(pid) << 16, name)];
        if pid == 4 {
            modules.push(module(KERNEL + start, driver));
        }
        // A process with an unknown start is not identified with a process of another part.
        let start = FileTime(u64::from(pid));
        log.add_process(&NewProcess {
            index,
            pid,
            name,
            parent_index,
            modules,
            start,
            ..NewProcess::default()
        });
    }
    let add = |log: &mut LogWriter<_>, time, process_index, pid, class, operation, details: &[u8]| {
        let stack = [(u64::from(pid) << 16) + 0x10, KERNEL + start + 0x10];
        let time = FileTime(time);
        let event =
            NewEvent { process_index, tid: pid, class, operation, time, details, ..NewEvent::default() };
        log.add_event(&NewEvent { stack: &stack, ..event }).unwrap();
    };
    for (time, &(index, pid, ..)) in (start..).zip(processes) {
        let details = details::close_file(8, r"C:\x");
        add(&mut log, time, index, pid, EventClass::FileSystem, 38, &details);
    }
    let &(index, pid, name, parent) = processes.last().unwrap();
    let of_parent = processes.iter().find(|other| other.0 == parent).unwrap();
    let created = details::ProcessCreate {
        index,
        pid,
        parent_index: parent,
        parent_pid: of_parent.1,
        session: 0,
        is_64_bit: true,
        time: FileTime(start),
        path: name,
        command_line: name,
    };
    let details = created.build();
    add(&mut log, start + 100, parent, of_parent.1, EventClass::Process, 1, &details);
    log.finish().unwrap().into_inner()
}

const KERNEL: u64 = 0xFFFF_F800_0000_0000;

/// Two parts give the same index to different processes, and different indexes to the same process.
fn merging_renumbers_processes() -> Result<(), Failed> {
    let a = part(0x1_0000, &[(1, 4, "System", 0), (2, 200, "b.exe", 1), (3, 300, "c.exe", 2)], "a.sys");
    let b = part(0x2_0000, &[(7, 4, "System", 0), (2, 400, "d.exe", 9), (9, 200, "b.exe", 7)], "b.sys");
    let merged = sliced(&set(vec![a, b]), None, u64::MAX);
    assert_eq!(merged.len(), 1);
    follows_the_rules(&merged[0]);
    let merged = set(merged);
    let names: Vec<_> = merged
        .events()
        .map(|event| {
            let event = event.unwrap();
            let process = event.process().unwrap();
            assert_eq!(process.pid(), event.tid(), "attributed to its own process");
            let modules = event
                .stack()
                .addresses()
                .map(|address| event.locate(address, Default::default()).unwrap().module.path().to_string());
            (process.name().to_string(), modules.collect::<Vec<_>>())
        })
        .collect();
    let expect = [
        ("System", "a.sys"),
        ("b.exe", "a.sys"),
        ("c.exe", "a.sys"),
        ("b.exe", "a.sys"),
        ("System", "b.sys"),
        ("d.exe", "b.sys"),
        ("b.exe", "b.sys"),
        ("System", "b.sys"),
    ];
    assert_eq!(
        names,
        expect.map(|(name, driver)| (name.to_owned(), vec![name.to_owned(), driver.to_owned()]))
    );
    let log = merged.part(0).unwrap();
    assert_eq!(log.process_count(), 4);
    let mut parents: Vec<_> = log
        .processes()
        .map(|process| {
            let parent = log.process(process.parent_index()).map(|parent| parent.name().to_string());
            (process.name().to_string(), parent)
        })
        .collect();
    parents.sort();
    let parents: Vec<_> = parents.iter().map(|(name, parent)| (name.as_str(), parent.as_deref())).collect();
    let expect =
        [("System", None), ("b.exe", Some("System")), ("c.exe", Some("b.exe")), ("d.exe", Some("b.exe"))];
    assert_eq!(parents, expect);
    // The details of `Process Create` name both processes.
    let created = merged.events().map(Result::unwrap).filter(|event| event.class() == EventClass::Process);
    let created: Vec<_> = created
        .map(|event| {
            let name = |at| log.process(half(event.details(), at) as u32).unwrap().name().to_string();
            (name(0), name(8))
        })
        .collect();
    let expect = [("c.exe", "b.exe"), ("b.exe", "System")];
    assert_eq!(created, expect.map(|(name, parent)| (name.to_owned(), parent.to_owned())));
    Ok(())
}

/// A slice keeps the kernel's modules of every part, although System has events only in one part.
fn kernel_modules_of_all_parts_are_kept() -> Result<(), Failed> {
    let a = part(0x1_0000, &[(1, 4, "System", 0), (2, 200, "b.exe", 1)], "a.sys");
    let b = part(0x2_0000, &[(1, 4, "System", 0), (2, 200, "b.exe", 1)], "b.sys");
    let filter = "process_name = System and part = 0 or process_name = b.exe and part = 1";
    let slice = set(sliced(&set(vec![a, b]), Some(filter), u64::MAX));
    let last = slice.events().last().unwrap().unwrap();
    let driver = last.stack().addresses().last().unwrap();
    assert_eq!(last.locate(driver, Default::default()).unwrap().module.path().to_string(), "b.sys");
    Ok(())
}

/// Records with forged extra offsets, or records that overlap, do not make a slice larger than the log.
fn forged_records_do_not_multiply() -> Result<(), Failed> {
    let processes: Vec<Given<'_>> = (1..=20).map(|index| (index, 4 * index, "a.exe", 1)).collect();
    let mut log = part(0x1_0000, &processes, "a.sys");
    let offsets = word(&log, 0x248);
    let events = half(&log, 0x234);
    let end = log.len() + 1_000_000;
    log.resize(end, 0);
    for i in 0..events {
        let at = half(&log, offsets + 5 * i);
        log[at + 0x30..at + 0x34].copy_from_slice(&((end - 2 - at) as u32).to_le_bytes());
    }
    let small = sliced(&set(vec![log.clone()]), None, u64::MAX);
    assert!(small[0].len() < 20_000);
    follows_the_rules(&small[0]);
    // All entries lead to the first record, which is made as long as half of the file.
    let first = half(&log, offsets);
    for i in 0..events {
        log.copy_within(offsets..offsets + 5, offsets + 5 * i);
    }
    log[first + 0x30..first + 0x34].fill(0);
    log[first + 0x2C..first + 0x30].copy_from_slice(&500_000u32.to_le_bytes());
    let options =
        SliceOptions { scan: ScanOptions { threads: 1, ..ScanOptions::default() }, part_bytes: u64::MAX };
    let refused = slice(&set(vec![log]), &options, |_| Ok(Shared::default()), &NoProgress).unwrap_err();
    assert!(refused.to_string().contains("overlap"), "{refused}");
    Ok(())
}

/// Readable events of a damaged log are kept.
fn damaged_logs_are_sliced() -> Result<(), Failed> {
    let options = Options { amount: Amount::Events(2_000), ..Options::default() };
    let sound = generate_in_memory(&options)?.remove(0);
    let events = set(vec![sound.clone()]).parts().next().unwrap().event_count() as usize;
    let offsets = word(&sound, 0x248);
    for step in [1_001, 307] {
        let mut log = sound.clone();
        for at in (0x3A8..offsets + 5 * events).step_by(step) {
            log[at] ^= 0x55;
        }
        let log = set(vec![log]);
        let readable = log.events().filter(Result::is_ok).count();
        assert!(0 < readable && readable < events);
        let slice = set(sliced(&log, None, u64::MAX));
        assert_eq!(slice.events().map(Result::unwrap).count(), readable);
    }
    Ok(())
}

fn large_slices_are_split() -> Result<(), Failed> {
    let whole = generated(Bits::B64, 1);
    let parts = sliced(&whole, None, 500_000);
    assert!(parts.len() >= 4);
    for part in &parts {
        follows_the_rules(part);
        assert!(part.len() < 900_000);
    }
    let parts = set(parts);
    let records = |set: &Set| set.events().map(|event| event.unwrap().raw().to_vec()).collect::<Vec<_>>();
    assert_eq!(records(&whole), records(&parts));
    Ok(())
}

fn a_slice_of_nothing_is_a_log() -> Result<(), Failed> {
    let parts = sliced(&generated(Bits::B64, 2), Some("path = 'no such path'"), u64::MAX);
    assert_eq!(parts.len(), 1);
    follows_the_rules(&parts[0]);
    Ok(())
}

fn main() -> ExitCode {
    let mut trials = vec![
        Trial::test("written_logs_follow_the_rules", written_logs_follow_the_rules),
        Trial::test("merging_renumbers_processes", merging_renumbers_processes),
        Trial::test("kernel_modules_of_all_parts_are_kept", kernel_modules_of_all_parts_are_kept),
        Trial::test("forged_records_do_not_multiply", forged_records_do_not_multiply),
        Trial::test("damaged_logs_are_sliced", damaged_logs_are_sliced),
        Trial::test("large_slices_are_split", large_slices_are_split),
        Trial::test("a_slice_of_nothing_is_a_log", a_slice_of_nothing_is_a_log),
    ];
    for (name, bits, parts) in [("bits_64", Bits::B64, 1), ("bits_32", Bits::B32, 1), ("parts", Bits::B64, 3)]
    {
        trials.push(Trial::test(format!("generated_{name}_by_filters"), move || {
            let set = generated(bits, parts);
            FILTERS.iter().try_for_each(|filter| keeps(&set, filter))
        }));
    }
    let missing = corpus::directory().is_none();
    if missing {
        eprintln!("no corpus found (set {}): slices of real logs are ignored", corpus::VARIABLE);
    }
    for name in corpus::LOGS {
        let read = move || corpus::read(&format!("{name}.pml")).map(|bytes| set(vec![bytes]));
        let whole = Trial::test(format!("{name}_whole"), move || everything(&read()?));
        let filters = Trial::test(format!("{name}_by_filters"), move || {
            let set = read()?;
            FILTERS.iter().try_for_each(|filter| keeps(&set, filter))
        });
        trials.extend([whole, filters].map(|trial| trial.with_ignored_flag(missing)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
