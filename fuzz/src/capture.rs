//! Inputs that are a whole log: processes with modules, hosts, ports, events.

use arbitrary::Arbitrary;
use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
use pml_parser::{
    ErrorKind, Event, EventClass, FileTime, Log, LogView, NtStatus, Process, Resolution, Ticks, WinStr,
};
use std::collections::BTreeMap;
use std::io::Cursor;

/// A log, before it is written.
#[derive(Arbitrary, Clone, Debug)]
pub struct Capture<'a> {
    is_64_bit: bool,
    computer: &'a str,
    system_root: &'a str,
    processes: Vec<Recorded<'a>>,
    hosts: Vec<([u8; 16], &'a str)>,
    ports: Vec<(bool, u16, &'a str)>,
    events: Vec<Happened<'a>>,
}

/// A process.
#[derive(Arbitrary, Clone, Debug)]
struct Recorded<'a> {
    /// The range is small, so that events find their processes.
    index: u8,
    pid: u8,
    parent_pid: u32,
    parent_index: u32,
    authentication_id: u64,
    session: u32,
    start: u64,
    end: u64,
    virtualized: u32,
    is_64_bit: bool,
    name: &'a str,
    command_line: &'a str,
    user: &'a str,
    modules: Vec<Loaded<'a>>,
}

/// A module.
#[derive(Arbitrary, Clone, Debug)]
struct Loaded<'a> {
    load_time: u8,
    base: u64,
    size: u32,
    timestamp: u32,
    path: &'a str,
    version: &'a str,
}

/// An event.
#[derive(Arbitrary, Clone, Debug)]
struct Happened<'a> {
    process: u8,
    tid: u32,
    class: u16,
    operation: u16,
    /// The load times of modules are as small.
    time: u8,
    duration: u64,
    status: u32,
    stack: Vec<u64>,
    details: &'a [u8],
    extra: Option<&'a [u8]>,
}

/// The process index of a process: a record of index 0 without any value would be a blank one.
fn key(index: u8) -> u32 {
    u32::from(index) + 1
}

/// A time that a capture can have.
fn time(ticks: u8) -> FileTime {
    FileTime(133_485_408_450_000_000 + u64::from(ticks))
}

const MEMORY: &str = "writing to memory does not fail";

/// The part of a text that the reader gives: the text ends at its first NUL.
fn read_back(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// The same, for a text in a field of limited code units.
fn read_back_within(text: &str, units: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().take(units).take_while(|&unit| unit != 0).collect();
    String::from_utf16_lossy(&units)
}

fn assert_text(read: WinStr<'_>, written: &str) {
    assert_eq!(read.to_str(), read_back(written));
}

impl Capture<'_> {
    /// How many events there are.
    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    /// The bytes of the log.
    pub fn write(&self) -> Vec<u8> {
        let machine = Machine {
            is_64_bit: self.is_64_bit,
            system_root: self.system_root.to_owned(),
            ..Machine::windows_10(self.computer)
        };
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).expect(MEMORY);
        for p in &self.processes {
            log.add_process(&p.written());
        }
        self.hosts.iter().for_each(|&(ip, name)| log.add_host(ip, name));
        self.ports.iter().for_each(|&(is_tcp, port, name)| log.add_port(is_tcp, port, name));
        for e in &self.events {
            let event = NewEvent {
                process_index: key(e.process),
                tid: e.tid,
                class: EventClass::from_code(e.class),
                operation: e.operation,
                time: time(e.time),
                duration: Ticks(e.duration),
                status: NtStatus(e.status),
                stack: &e.stack,
                details: e.details,
                extra: e.extra,
            };
            log.add_event(&event).expect(MEMORY);
        }
        log.finish().expect(MEMORY).into_inner()
    }

    /// Asserts that the reader gives what was written.
    pub fn check(&self, log: &Log<&[u8]>) {
        let view = log.view();
        // The values may be those that no log has; the structures must fit each other.
        let is_value = |kind| matches!(kind, ErrorKind::Implausible | ErrorKind::Empty | ErrorKind::Blank);
        let is_sound = view.damage().first.iter().all(|error| is_value(error.kind()));
        assert!(is_sound, "{:?}", view.damage());
        assert_eq!(view.is_64_bit(), self.is_64_bit);
        assert_eq!(view.computer().to_str(), read_back_within(self.computer, 15));
        assert_eq!(view.system_root().to_str(), read_back_within(self.system_root, 259));
        self.check_tables(view);
        assert_eq!(view.event_count() as usize, self.events.len());
        for (position, written) in self.events.iter().enumerate() {
            let event = view.event(position as u32).expect("it was written");
            assert_eq!(event.sequence() as usize, position);
            self.check_event(&event, written);
        }
    }

    fn check_tables(&self, view: LogView<'_>) {
        // Of two entries with one key the last one counts.
        let processes: BTreeMap<u8, &Recorded<'_>> = self.processes.iter().map(|p| (p.index, p)).collect();
        assert_eq!(view.process_count() as usize, processes.len());
        for (read, (&index, written)) in view.processes().zip(&processes) {
            assert_eq!(
                (read.index(), view.process(key(index)).map(Process::position)),
                (key(index), Some(read.position()))
            );
            written.check(read, |address| self.address(address));
        }
        let hosts: BTreeMap<_, _> = self.hosts.iter().copied().collect();
        assert_eq!(view.hosts().count(), hosts.len());
        for ((read_ip, read), (&ip, &name)) in view.hosts().zip(&hosts) {
            assert_eq!(read_ip, ip);
            assert_text(read, name);
            assert_eq!(view.host(&ip).is_some(), !read_back(name).is_empty());
        }
        let ports: BTreeMap<_, _> = self.ports.iter().map(|&(tcp, port, name)| ((tcp, port), name)).collect();
        assert_eq!(view.ports().count(), ports.len());
        for ((read_port, read), (&port, &name)) in view.ports().zip(&ports) {
            assert_eq!(read_port, port);
            assert_text(read, name);
            assert_eq!(view.port(port.0, port.1).is_some(), !read_back(name).is_empty());
        }
    }

    fn check_event(&self, event: &Event<'_>, written: &Happened<'_>) {
        assert_eq!(event.process_index(), key(written.process));
        assert_eq!(event.tid(), written.tid);
        assert_eq!(event.class().code(), written.class);
        assert_eq!(event.operation().code, written.operation);
        assert_eq!(event.time(), time(written.time));
        assert_eq!(event.status(), NtStatus(written.status));
        let is_pending = written.status == 0x103;
        assert_eq!(event.duration(), (!is_pending).then_some(Ticks(written.duration)));
        assert_eq!((event.details(), event.extra()), (written.details, written.extra));
        assert!(event.stack().addresses().eq(written.stack.iter().map(|&a| self.address(a))));
        for address in event.stack().addresses() {
            for resolution in [Resolution::Procmon, Resolution::Corrected] {
                let found = event.locate(address, resolution).map(|place| {
                    assert_eq!(place.offset, address - place.module.base);
                    (place.module.path().to_string(), place.offset)
                });
                let Some(expected) = self.located(event, address, resolution) else { continue };
                assert_eq!(found, expected, "{address:#x}, {resolution:?}");
            }
        }
    }

    /// Path and offset of the module at an address, found by a search of all modules. `None` where there are so
    /// many modules that the reader may leave some out.
    fn located(
        &self,
        event: &Event<'_>,
        address: u64,
        resolution: Resolution,
    ) -> Option<Option<(String, u64)>> {
        // No code is at the last address, and a module that ends there ends before it.
        if address == u64::MAX {
            return None;
        }
        let view = event.log();
        for owner in [event.process(), view.system_process()].into_iter().flatten() {
            let modules: Vec<_> = owner.modules().collect();
            if modules.len() > 8 {
                return None;
            }
            let there: Vec<_> = modules
                .iter()
                .rev()
                .filter(|m| m.base <= address && address < m.base.saturating_add(m.size.into()))
                .collect();
            let loaded = there.iter().find(|m| m.load_time <= event.time());
            let looked = there
                .iter()
                .find(|m| modules.iter().filter(|other| other.load_time == m.load_time).count() > 1);
            let found = match resolution {
                Resolution::Procmon => loaded,
                Resolution::Corrected => loaded.or(looked),
            };
            if let Some(module) = found {
                return Some(Some((module.path().to_string(), address - module.base)));
            }
        }
        Some(None)
    }

    /// An address as the log can hold it.
    fn address(&self, address: u64) -> u64 {
        if self.is_64_bit { address } else { address & 0xFFFF_FFFF }
    }
}

impl Recorded<'_> {
    fn written(&self) -> NewProcess<'_> {
        let modules = self.modules.iter().map(|m| NewModule {
            load_time: time(m.load_time),
            base: m.base,
            size: m.size,
            path: m.path,
            version: m.version,
            timestamp: m.timestamp,
            ..NewModule::default()
        });
        NewProcess {
            index: key(self.index),
            pid: self.pid.into(),
            parent_pid: self.parent_pid,
            parent_index: self.parent_index,
            authentication_id: self.authentication_id,
            session: self.session,
            start: FileTime(self.start),
            end: (self.end != 0).then_some(FileTime(self.end)),
            virtualized: self.virtualized,
            is_64_bit: self.is_64_bit,
            name: self.name,
            command_line: self.command_line,
            user: self.user,
            modules: modules.collect(),
            ..NewProcess::default()
        }
    }

    fn check(&self, read: Process<'_>, address: impl Fn(u64) -> u64) {
        assert_eq!((read.pid(), read.parent_pid()), (self.pid.into(), self.parent_pid));
        assert_eq!(read.parent_index(), self.parent_index);
        assert_eq!(read.authentication_id(), self.authentication_id);
        assert_eq!(read.session(), self.session as i32);
        assert_eq!(read.start(), FileTime(self.start));
        assert_eq!(read.end(), (self.end != 0).then_some(FileTime(self.end)));
        assert_eq!(read.is_64_bit(), self.is_64_bit);
        assert_text(read.name(), self.name);
        assert_text(read.command_line(), self.command_line);
        assert_text(read.user(), self.user);
        assert_text(read.integrity(), "System");
        assert_eq!(read.modules().len(), self.modules.len());
        for (read, written) in read.modules().zip(&self.modules) {
            assert_eq!((read.base, read.size), (address(written.base), written.size));
            assert_eq!(read.load_time, time(written.load_time));
            assert_eq!(read.timestamp, written.timestamp);
            assert_text(read.path(), written.path);
            assert_text(read.version(), written.version);
        }
    }
}
