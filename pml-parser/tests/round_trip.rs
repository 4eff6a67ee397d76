//! Logs are read as they were written: arbitrary logs of both bitnesses.
#![forbid(unsafe_code)]

use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
use pml_parser::{EventClass, FileTime, Log, LogSet, NtStatus, Ticks};
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::Cursor;

/// Index, process id, name, command line, modules (base, size, path).
type Written = (u32, u32, String, String, Vec<(u64, u32, String)>);

#[derive(Clone, Debug)]
struct Model {
    is_64_bit: bool,
    computer: String,
    processes: Vec<Written>,
    events: Vec<Recorded>,
    hosts: Vec<([u8; 16], String)>,
}

#[derive(Clone, Debug)]
struct Recorded {
    process: u32,
    tid: u32,
    class: u16,
    operation: u16,
    time: u64,
    duration: u64,
    status: u32,
    stack: Vec<u64>,
    details: Vec<u8>,
    extra: Option<Vec<u8>>,
}

fn recorded() -> impl Strategy<Value = Recorded> {
    (
        (any::<u32>(), any::<u32>(), 0..9u16, 0..60u16),
        (any::<u64>(), any::<u64>(), any::<u32>()),
        vec(any::<u64>(), 0..12),
        vec(any::<u8>(), 0..200),
        proptest::option::of(vec(any::<u8>(), 0..200)),
    )
        .prop_map(
            |((process, tid, class, operation), (time, duration, status), stack, details, extra)| Recorded {
                process,
                tid,
                class,
                operation,
                // A record with neither class nor time of an event is damage.
                time: if (1..=6).contains(&class) { time } else { 133_485_408_450_000_000 + time % 1_000 },
                duration,
                status,
                stack,
                details,
                extra,
            },
        )
}

fn model() -> impl Strategy<Value = Model> {
    let text = "[a-zA-Z\\\\: 一-龥]{0,12}";
    let module = (any::<u64>(), any::<u32>(), text);
    let process = (any::<u32>(), any::<u32>(), text, text, vec(module, 0..4));
    (
        any::<bool>(),
        "[A-Z0-9-]{0,15}",
        vec(process, 1..5),
        vec(recorded(), 0..20),
        vec((any::<[u8; 16]>(), "[a-z.]{1,9}"), 0..4),
    )
        .prop_map(|(is_64_bit, computer, mut processes, events, mut hosts)| {
            processes.sort_by_key(|p| p.0);
            processes.dedup_by_key(|p| p.0);
            hosts.sort();
            hosts.dedup_by_key(|h| h.0);
            Model { is_64_bit, computer, processes, events, hosts }
        })
}

fn write(model: &Model) -> Vec<u8> {
    let machine = Machine { is_64_bit: model.is_64_bit, ..Machine::windows_10(&model.computer) };
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    for (index, pid, name, command_line, modules) in &model.processes {
        let modules = modules
            .iter()
            .map(|(base, size, path)| NewModule { base: *base, size: *size, path, ..NewModule::default() })
            .collect();
        log.add_process(&NewProcess {
            index: *index,
            pid: *pid,
            name,
            command_line,
            modules,
            ..NewProcess::default()
        });
    }
    for (ip, name) in &model.hosts {
        log.add_host(*ip, name);
        log.add_port(true, u16::from_be_bytes([ip[0], ip[1]]), name);
    }
    for e in &model.events {
        log.add_event(&NewEvent {
            process_index: e.process,
            tid: e.tid,
            class: EventClass::from_code(e.class),
            operation: e.operation,
            time: FileTime(e.time),
            duration: Ticks(e.duration),
            status: NtStatus(e.status),
            stack: &e.stack,
            details: &e.details,
            extra: e.extra.as_deref(),
        })
        .unwrap();
    }
    log.finish().unwrap().into_inner()
}

proptest! {
    #[test]
    fn everything_written_is_read_back(model in model()) {
        let log = Log::parse(write(&model)).unwrap();
        let view = log.view();
        prop_assert!(view.damage().is_empty(), "{:?}", view.damage());
        prop_assert_eq!(view.computer().to_str(), model.computer.as_str());
        prop_assert_eq!(view.is_64_bit(), model.is_64_bit);
        let address = |a: u64| if model.is_64_bit { a } else { a & 0xFFFF_FFFF };

        prop_assert_eq!(view.process_count() as usize, model.processes.len());
        for (index, pid, name, command_line, modules) in &model.processes {
            let process = view.process(*index).unwrap();
            prop_assert_eq!(process.pid(), *pid);
            prop_assert_eq!(process.name().to_str(), name.as_str());
            prop_assert_eq!(process.command_line().to_str(), command_line.as_str());
            let read: Vec<_> = process.modules().map(|m| (m.base, m.size, m.path().to_string())).collect();
            let written: Vec<_> = modules.iter().map(|m| (address(m.0), m.1, m.2.clone())).collect();
            prop_assert_eq!(read, written);
        }
        for (ip, name) in &model.hosts {
            prop_assert_eq!(view.host(ip).unwrap().to_str(), name.as_str());
        }

        prop_assert_eq!(view.event_count() as usize, model.events.len());
        for (position, written) in model.events.iter().enumerate() {
            let event = view.event(position as u32).unwrap();
            prop_assert_eq!(event.process_index(), written.process);
            prop_assert_eq!(event.tid(), written.tid);
            prop_assert_eq!(event.class().code(), written.class);
            prop_assert_eq!(event.operation().code, written.operation);
            prop_assert_eq!(event.time().0, written.time);
            prop_assert_eq!(event.status().0, written.status);
            let duration = (written.status != 0x103).then_some(Ticks(written.duration));
            prop_assert_eq!(event.duration(), duration);
            let stack: Vec<u64> = written.stack.iter().map(|&a| address(a)).collect();
            prop_assert_eq!(event.stack().addresses().collect::<Vec<_>>(), stack);
            prop_assert_eq!(event.details(), written.details.as_slice());
            prop_assert_eq!(event.extra(), written.extra.as_deref());
        }
    }

    #[test]
    fn ranges_cover_every_event_once(sizes in vec(0..40usize, 1..5), events in 1..20u32, bytes in 1..4000u64) {
        let logs = sizes.iter().map(|&count| {
            let event = Recorded {
                process: 1, tid: 1, class: 3, operation: 38, time: 1, duration: 1, status: 0,
                stack: vec![1, 2, 3], details: vec![0; 90], extra: None,
            };
            let model = Model {
                is_64_bit: true, computer: "A".into(), processes: vec![], hosts: vec![],
                events: vec![event; count],
            };
            Log::parse(write(&model)).unwrap()
        });
        let set = LogSet::new(logs.collect());
        let mut next = 0;
        for range in set.ranges(events, bytes) {
            let ids: Vec<u64> = set.events_in(&range).map(|event| event.unwrap().id()).collect();
            prop_assert!(!ids.is_empty() && ids.len() as u32 <= events);
            for id in ids {
                prop_assert_eq!(id, next);
                next += 1;
            }
        }
        prop_assert_eq!(next, set.event_count());
    }
}

/// A record beyond 4 GiB, in a sparse file.
#[cfg(target_os = "linux")]
#[test]
fn offsets_have_forty_bits() {
    use std::io::{Seek, SeekFrom, Write};
    const AT: u64 = (4 << 30) + 500;
    let event = Recorded {
        process: 1,
        tid: 77,
        class: 3,
        operation: 38,
        time: 5,
        duration: 1,
        status: 0,
        stack: vec![],
        details: vec![0; 80],
        extra: None,
    };
    let bytes = write(&Model {
        is_64_bit: true,
        computer: "FAR".into(),
        processes: vec![(1, 77, "a.exe".into(), String::new(), vec![])],
        hosts: vec![],
        events: vec![event],
    });
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let offsets = word(0x248);
    // Where the tables begin: after the record, as in any log.
    let tables_at = AT + offsets - 0x3A8;
    let mut header = bytes[..0x3A8].to_vec();
    for at in [0x248, 0x250, 0x258, 0x260, 0x3A0] {
        header[at..at + 8].copy_from_slice(&(word(at) - offsets + tables_at).to_le_bytes());
    }
    let mut tables = bytes[offsets as usize..].to_vec();
    tables[..5].copy_from_slice(&AT.to_le_bytes()[..5]);

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&header).unwrap();
    file.seek(SeekFrom::Start(AT)).unwrap();
    file.write_all(&bytes[0x3A8..offsets as usize]).unwrap();
    file.seek(SeekFrom::Start(tables_at)).unwrap();
    file.write_all(&tables).unwrap();
    let log = Log::parse(pml_parser::map(file.path()).unwrap()).unwrap();
    assert!(log.view().damage().is_empty(), "{:?}", log.view().damage());
    let event = log.view().event(0).unwrap();
    assert_eq!((event.offset(), event.tid()), (AT, 77));
}
