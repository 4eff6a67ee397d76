//! What recovery refuses, bounds and does not guess.

use crate::logs::{COUNT, HEADER, TABLES, generated, pointer_at, records, records_end};
use crate::processes::log_of_three_processes;
use crate::support::{assert_found, offsets, recovered, recovery, sliced};
use libtest_mimic::Failed;
use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{ErrorKind, EventClass, FileTime, Log, LogSet};
use pml_samples::boot::Bits;
use std::io::Cursor;

/// Clocks are set while Windows starts: times that jump are not doubtful.
pub(crate) fn a_set_clock_is_no_damage() -> Result<(), Failed> {
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

/// Events that no capture has are kept where the array leads to them.
pub(crate) fn anomalous_events_of_a_sound_log_are_kept() -> Result<(), Failed> {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("ODD")).unwrap();
    for (class, time) in [(12_100, 0), (0, 0), (3, u64::MAX), (77, 133_485_408_450_000_000), (3, 1)] {
        let (class, time) = (EventClass::from_code(class), FileTime(time));
        log.add_event(&NewEvent { class, time, stack: &[7; 400], ..NewEvent::default() }).unwrap();
    }
    let bytes = log.finish().unwrap().into_inner();
    let log = recovered(&bytes);
    // Each record: header, 400 frames.
    let size = 52 + 400 * 8;
    assert_eq!(offsets(log.view()), [0, 1, 2, 3, 4].map(|event| HEADER + event * size));
    assert_eq!((recovery(&log).lost, recovery(&log).doubtful), (0, 5));
    // Without recovery, the two that have neither class nor time of an event are damage.
    let parsed = Log::parse(bytes.as_slice()).unwrap();
    assert_eq!(parsed.view().events(0..5).filter(Result::is_err).count(), 2);
    Ok(())
}

/// Records whose size is far too large do not keep the others from being saved.
pub(crate) fn wrong_sizes_do_not_keep_others_from_being_saved() -> Result<(), Failed> {
    let mut bytes = generated(2_000, Bits::B64)?;
    let records = records(&bytes);
    let room = bytes.len() as u32;
    for record in records.iter().step_by(100) {
        let size = room - record.end() as u32 - 4_096;
        bytes[record.start() + 0x2C..record.start() + 0x30].copy_from_slice(&size.to_le_bytes());
    }
    let set = LogSet::new(vec![Log::recover(bytes).unwrap()]);
    assert!(set.event_count() >= 1_980);
    assert_eq!(u64::from(sliced(&set)?.view().event_count()), set.event_count());
    Ok(())
}

/// Counts of a missing header are not believed, and padding is no loss.
pub(crate) fn lost_events_are_not_guessed() -> Result<(), Failed> {
    let mut garbage = log_of_three_processes();
    garbage[..HEADER].fill(b'A');
    garbage[HEADER + 60] = 0xFF;
    let lost = |bytes: &[u8]| {
        let recovery = recovery(&recovered(bytes));
        (recovery.lost, recovery.lost_is_exact)
    };
    assert!(lost(&garbage).0 < 2);
    let whole = log_of_three_processes();
    let end = records_end(&records(&whole));
    for padding in 0..4 {
        let mut unclosed = whole[..end].to_vec();
        TABLES.iter().for_each(|&at| unclosed[at..at + 8].fill(0));
        unclosed[COUNT].fill(0);
        unclosed.resize(end + padding, 0);
        assert_eq!(lost(&unclosed), (0, false), "{padding}");
        unclosed.truncate(HEADER);
        assert_eq!(lost(&unclosed), (0, false), "a header alone");
    }
    Ok(())
}

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

pub(crate) fn recovery_can_be_cancelled() -> Result<(), Failed> {
    let bytes = generated(5_000, Bits::B64)?;
    let mut empty = bytes.clone();
    let end = records_end(&records(&bytes));
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

/// No more processes are rebuilt than a table can reasonably have.
pub(crate) fn rebuilt_processes_are_bounded() -> Result<(), Failed> {
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
pub(crate) fn rebuilt_tables_are_bounded() -> Result<(), Failed> {
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
    let details = details::load_image(8, r"C:\a.exe", 0xFFFF_8000_0000_0000, 0x1000);
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
    // Each string begins eight bytes after the one before, and is 64 KiB long.
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

pub(crate) fn other_files_are_refused() -> Result<(), Failed> {
    let kind = |bytes: &[u8]| Log::recover(bytes).map(|_| ()).unwrap_err().kind();
    assert_eq!(kind(b"PML_"), ErrorKind::Truncated { need: 936, have: 4 });
    assert_eq!(kind(&[0; 5_000]), ErrorKind::NotPml);
    assert_eq!(kind(&b"MZ and so on ".repeat(500)), ErrorKind::NotPml);
    let mut other = log_of_three_processes();
    other[4] = 10;
    assert_eq!(kind(&other), ErrorKind::UnsupportedVersion(10));
    // A capture that was stopped at once is an empty one.
    let mut empty = log_of_three_processes()[..HEADER].to_vec();
    TABLES.iter().for_each(|&at| empty[at..at + 8].fill(0));
    empty[COUNT].fill(0);
    let log = Log::recover(empty.as_slice()).unwrap();
    assert_eq!(log.view().event_count(), 0);
    Ok(())
}
