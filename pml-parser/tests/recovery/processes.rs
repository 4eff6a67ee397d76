//! Processes that recovery makes out of events.

use crate::logs::{TABLES, generated, pointer_at, records, records_end};
use crate::support::{assert_same_processes, identity, read_back, recovered, recovery, sliced};
use libtest_mimic::Failed;
use pml_parser::export::ScanOptions;
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{EventClass, FileTime, Filter, Log, LogSet, NoProgress};
use pml_samples::boot::Bits;
use std::io::Cursor;

/// A log of three processes, and of a fourth that no event describes.
pub(crate) fn log_of_three_processes() -> Vec<u8> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("THREE")).unwrap();
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

pub(crate) fn processes_are_rebuilt_from_events() -> Result<(), Failed> {
    let whole = log_of_three_processes();
    let end = records_end(&records(&whole));
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

/// A process that ran before the capture began loads a program: that is not its own, in whichever place it comes.
pub(crate) fn a_program_that_a_process_looks_at_is_not_its_name() -> Result<(), Failed> {
    let dlls = [r"C:\a.dll", r"C:\Windows\System32\rundll32.exe", r"C:\b.dll"];
    let first = [r"C:\Windows\System32\notepad.exe", r"C:\a.dll", r"C:\b.dll"];
    let new = [r"C:\Windows\System32\notepad.exe", r"C:\Windows\System32\ntdll.dll", r"C:\a.dll"];
    for (paths, name) in [(dlls, ""), (first, ""), (new, "notepad.exe")] {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("LOOKS")).unwrap();
        for (number, path) in (0u64..).zip(paths.into_iter().chain([r"C:\c.dll", r"C:\d.dll"])) {
            let details = details::load_image(8, path, 0x40_0000 + 0x1_0000 * number, 0x1000);
            let event = NewEvent {
                process_index: 10,
                class: EventClass::Process,
                operation: 5,
                time: FileTime(133_485_408_450_000_000 + number),
                details: &details,
                ..NewEvent::default()
            };
            log.add_event(&event).unwrap();
        }
        let log = Log::recover(log.leave_unclosed().unwrap().into_inner()).unwrap();
        let found = log.view().process(10).map(|process| process.name().to_string()).unwrap_or_default();
        assert_eq!(found, name, "{paths:?}");
        assert_eq!(log.view().recovery().unwrap().processes_unknown, u32::from(name.is_empty()));
    }
    Ok(())
}

/// The remains of a damaged process record do not count where events contradict them.
pub(crate) fn events_outweigh_damaged_process_records() -> Result<(), Failed> {
    let whole = log_of_three_processes();
    let table = pointer_at(&whole, TABLES[1]);
    let record = table + u32::from_le_bytes(whole[table + 8..table + 12].try_into().unwrap()) as usize;
    // All of the record; all of it but its index; its PID.
    for damaged in [record..record + 96, record + 4..record + 96, record + 4..record + 8] {
        let mut broken = whole.clone();
        broken[damaged].fill(0);
        // Something else must be wrong too, or the tables are taken as they are.
        broken[0x248..0x250].fill(0);
        let log = recovered(&broken);
        let worker = log.view().process(20).unwrap();
        assert_eq!((worker.pid(), worker.name().to_string().as_str()), (2_000, "TiWorker.exe"));
        assert_eq!(worker.parent_pid(), 1_000);
    }
    Ok(())
}

/// Processes without a known start are not taken for one another in a slice.
pub(crate) fn unknown_processes_stay_apart() -> Result<(), Failed> {
    let part = |index: u32, program: &str, start: u64| {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("APART")).unwrap();
        for number in 0..6 {
            // A new process loads its program, and then this library.
            let (path, base) = [(program, 0x40_0000), (r"C:\Windows\System32\ntdll.dll", 0x50_0000)]
                [usize::from(number > 0)];
            let details = details::load_image(8, path, base, 0x1000);
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

/// A log that has less in its tables than events name, or counts fewer events than there are.
pub(crate) fn sparse_tables_are_no_damage() -> Result<(), Failed> {
    let bytes = generated(3_000, Bits::B64)?;
    // Few processes have records: the log was saved like that.
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
    // Fewer events: the others are there, and recovery says so.
    let mut fewer = bytes;
    fewer[0x234..0x238].copy_from_slice(&2_950u32.to_le_bytes());
    let log = recovered(&fewer);
    assert_eq!((log.view().event_count(), recovery(&log).lost), (3_000, 0));
    assert_eq!(recovery(&log).cause.unwrap().what(), "number of events");
    Ok(())
}
