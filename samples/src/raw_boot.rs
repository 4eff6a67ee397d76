//! Writes a log as the raw boot log that the capture driver would have written: the driver's messages, one after the
//! other. Nothing of the reader of raw boot logs is used.

use pml_parser::{Event, EventClass, LogSet, LogView, Operation, Process, Stack};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::io::{self, Write};

/// The status of an operation that has not ended.
const PENDING: u32 = 0x103;
/// Bytes before the path in the details of registry operations, by operation.
const KEY_PATHS: [usize; 22] = [8, 8, 2, 12, 16, 12, 16, 16, 16, 2, 2, 2, 4, 2, 4, 2, 2, 2, 2, 8, 8, 6];
/// The operation that loads a hive, whose file follows the key.
const LOAD_KEY: u16 = 12;
/// The operation that changes information of a file, and its sub-operations that rename.
const SET_INFORMATION: u16 = 26;
const RENAMES: [u8; 4] = [0x0A, 0x38, 0x41, 0x42];
/// Ticks between two copies of a log.
const PAUSE: u64 = 10_000_000;

/// Writes the parts of a capture as one raw boot log, `times` times one after the other. Memory grows with the
/// operations that are open at the same time, and with processes.
///
/// # Errors
/// When writing fails, or an event cannot be read.
pub fn write<B: AsRef<[u8]>>(set: &LogSet<B>, times: u32, out: &mut impl Write) -> io::Result<()> {
    let mut driver = Driver::new(set, out)?;
    let (first, last) = set.time_span().unwrap_or_default();
    for copy in 0..u64::from(times) {
        driver.shift = copy * (last.0.saturating_sub(first.0) + PAUSE);
        for event in set.events() {
            driver.event(&event.map_err(io::Error::other)?)?;
        }
    }
    driver.end_until(u64::MAX)
}

/// The driver while it captures.
struct Driver<'o, W> {
    out: &'o mut W,
    sequence: u32,
    /// Ticks that are added to times.
    shift: u64,
    /// Ends that are still to come: time, number, record.
    ends: BinaryHeap<Reverse<(u64, u32, Vec<u8>)>>,
    /// Processes by part and index, and by PID and start, as the driver numbers them.
    indexes: HashMap<(u16, u32), u32>,
    identities: HashMap<(u32, u64), u32>,
    defined: HashSet<u32>,
    /// Processes that events of the log create, and images that they load.
    created: HashSet<(u16, u32)>,
    loaded: HashSet<(u16, u32, u64)>,
}

/// A message of the driver, without its stack and data.
struct Message {
    process: u32,
    tid: u32,
    class: u16,
    operation: u16,
    sequence: u32,
    time: u64,
    status: u32,
}

impl Message {
    fn record(&self, stack: &[u8], frames: usize, data: &[u8]) -> Vec<u8> {
        let padded = data.len().next_multiple_of(4);
        let mut record = Vec::with_capacity(52 + stack.len() + padded);
        record.extend_from_slice(&self.process.to_le_bytes());
        record.extend_from_slice(&self.tid.to_le_bytes());
        record.extend_from_slice(&self.class.to_le_bytes());
        record.extend_from_slice(&[0, 0]);
        record.extend_from_slice(&self.operation.to_le_bytes());
        // Words that the driver does not clear.
        record.extend_from_slice(&[0x5A, 0xA5]);
        record.extend_from_slice(&self.sequence.to_le_bytes());
        record.extend_from_slice(&0x00C0_FFEE_00C0_FFEE_u64.to_le_bytes());
        record.extend_from_slice(&self.time.to_le_bytes());
        record.extend_from_slice(&self.status.to_le_bytes());
        record.extend_from_slice(&(frames as u16).to_le_bytes());
        record.extend_from_slice(&[0x77, 0x77]);
        record.extend_from_slice(&(padded as u32).to_le_bytes());
        record.extend_from_slice(&0xDEAD_BEEF_u32.to_le_bytes());
        record.extend_from_slice(stack);
        record.extend_from_slice(data);
        record.resize(52 + stack.len() + padded, 0);
        record
    }
}

impl<'o, W: Write> Driver<'o, W> {
    fn new<B: AsRef<[u8]>>(set: &LogSet<B>, out: &'o mut W) -> io::Result<Self> {
        let (mut created, mut loaded) = (HashSet::new(), HashSet::new());
        for event in set.events() {
            let event = event.map_err(io::Error::other)?;
            let part = event.log().part();
            match event.operation() {
                Operation::PROCESS_CREATE => _ = created.insert((part, word(event.details(), 0))),
                Operation::LOAD_IMAGE => {
                    let base = pointer_at(event.details(), 0, pointer(event.log()));
                    loaded.insert((part, event.process_index(), base));
                }
                _ => {}
            }
        }
        Ok(Self {
            out,
            sequence: 0,
            shift: 0,
            ends: BinaryHeap::new(),
            indexes: HashMap::new(),
            identities: HashMap::new(),
            defined: HashSet::new(),
            created,
            loaded,
        })
    }

    /// The index that the driver gives a process.
    fn index(&mut self, log: LogView<'_>, index: u32) -> u32 {
        let next = self.indexes.len() as u32 + 1;
        if let Some(&known) = self.indexes.get(&(log.part(), index)) {
            return known;
        }
        let number = match log.process(index).map(|process| (process.pid(), process.start().0)) {
            Some(identity) => *self.identities.entry(identity).or_insert(next),
            None => next,
        };
        self.indexes.insert((log.part(), index), number);
        number
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Writes the ends of operations that ended before a time.
    fn end_until(&mut self, time: u64) -> io::Result<()> {
        while let Some(Reverse((end, _, _))) = self.ends.peek()
            && *end <= time
            && let Some(Reverse((_, _, record))) = self.ends.pop()
        {
            self.out.write_all(&record)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let log = event.log();
        let time = event.time().0 + self.shift;
        self.end_until(time)?;
        self.define(log, event.process_index(), time)?;
        let operation = event.operation();
        let class = event.class();
        let sequence = self.next_sequence();
        let status = event.status().0;
        let is_open = matches!(class, EventClass::Registry | EventClass::FileSystem);
        let message = Message {
            process: self.index(log, event.process_index()),
            tid: event.tid(),
            class: class.code(),
            operation: operation.code,
            sequence,
            time,
            status: if is_open { PENDING } else { status },
        };
        let mut details = data_of_driver(event, pointer(log));
        if operation == Operation::PROCESS_CREATE && details.len() >= 12 {
            for at in [0, 8] {
                let index = self.index(log, word(&details, at));
                details[at..at + 4].copy_from_slice(&index.to_le_bytes());
                if at == 0 {
                    self.defined.insert(index);
                }
            }
        }
        let stack: Stack<'_> = event.stack();
        self.out.write_all(&message.record(stack.raw(), stack.len(), &details))?;
        if is_open && status != PENDING {
            let end = time + event.duration().map_or(0, |duration| duration.0);
            let message = Message { process: sequence, class: 0, operation: 0, time: end, status, ..message };
            let record = message.record(&[], 0, event.extra().unwrap_or_default());
            self.ends.push(Reverse((end, sequence, record)));
        }
        Ok(())
    }

    /// Writes the definition of a process that the driver meets for the first time, and its images.
    fn define(&mut self, log: LogView<'_>, index: u32, time: u64) -> io::Result<()> {
        let number = self.index(log, index);
        let Some(process) = log.process(index) else { return Ok(()) };
        if self.created.contains(&(log.part(), index)) || !self.defined.insert(number) {
            return Ok(());
        }
        let parent = self.index(log, process.parent_index());
        let message = Message {
            process: number,
            tid: 0,
            class: 1,
            operation: 0,
            sequence: self.sequence,
            time,
            status: 0,
        };
        self.out.write_all(&message.record(&[], 0, &definition(number, parent, process)))?;
        for module in process.modules() {
            if self.loaded.contains(&(log.part(), index, module.base)) {
                continue;
            }
            let size = pointer(log);
            let path = utf16(&kernel_file(&module.path().to_str()));
            let mut data = module.base.to_le_bytes()[..size].to_vec();
            data.extend_from_slice(&module.size.to_le_bytes());
            data.extend_from_slice(&(path.len() as u16 / 2).to_le_bytes());
            data.extend_from_slice(&[0, 0]);
            data.extend_from_slice(&path);
            let sequence = self.next_sequence();
            let message = Message { operation: 5, sequence, ..message };
            self.out.write_all(&message.record(&[], 0, &data))?;
        }
        Ok(())
    }
}

fn pointer(log: LogView<'_>) -> usize {
    if log.is_64_bit() { 8 } else { 4 }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

fn pointer_at(bytes: &[u8], at: usize, size: usize) -> u64 {
    let low = u64::from(word(bytes, at));
    if size == 8 { low | u64::from(word(bytes, at + 4)) << 32 } else { low }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The details of a process as the driver defines it.
fn definition(index: u32, parent: u32, process: Process<'_>) -> Vec<u8> {
    let user = identifier(
        5,
        &match process.user().to_str().as_ref() {
            r"NT AUTHORITY\SYSTEM" => vec![18],
            r"NT AUTHORITY\LOCAL SERVICE" => vec![19],
            r"NT AUTHORITY\NETWORK SERVICE" => vec![20],
            _ => vec![21, 1, 2, 3, 1001],
        },
    );
    let integrity = identifier(
        16,
        &[match process.integrity().to_str().as_ref() {
            "Low" => 0x1000,
            "Medium" => 0x2000,
            "High" => 0x3000,
            _ => 0x4000,
        }],
    );
    let path = process.image_path().to_str();
    // A caller names a program by its drive; the kernel itself has a name alone.
    let path = utf16(&if path.contains('\\') { format!(r"\??\{path}") } else { path.into_owned() });
    let line = utf16(&process.command_line().to_str());
    let mut data = Vec::new();
    for number in [index, process.pid(), parent, process.parent_pid(), process.session() as u32] {
        data.extend_from_slice(&number.to_le_bytes());
    }
    data.extend_from_slice(&u32::from(process.is_64_bit()).to_le_bytes());
    data.extend_from_slice(&process.start().0.to_le_bytes());
    data.extend_from_slice(&process.authentication_id().to_le_bytes());
    data.extend_from_slice(&0u32.to_le_bytes());
    data.extend_from_slice(&[user.len() as u8, integrity.len() as u8]);
    data.extend_from_slice(&(path.len() as u16 / 2).to_le_bytes());
    data.extend_from_slice(&(line.len() as u16 / 2).to_le_bytes());
    data.extend_from_slice(&[0, 0]);
    for part in [user, integrity, path, line] {
        data.extend_from_slice(&part);
    }
    data
}

/// A security identifier, as bytes.
fn identifier(authority: u8, numbers: &[u32]) -> Vec<u8> {
    let mut bytes = vec![1, numbers.len() as u8, 0, 0, 0, 0, 0, authority];
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes
}

/// The name of a file as the kernel writes it: drives are volumes, C: is the third one.
fn kernel_file(path: &str) -> String {
    let bytes = path.as_bytes();
    match bytes {
        [letter, b':', ..] if letter.is_ascii_alphabetic() && matches!(bytes.get(2), None | Some(b'\\')) => {
            let volume = letter.to_ascii_uppercase() - b'A' + 1;
            format!(r"\Device\HarddiskVolume{volume}{}", &path[2..])
        }
        [b'\\', b'\\', ..] => format!(r"\Device\Mup{}", &path[1..]),
        _ => path.to_owned(),
    }
}

/// The name of a key as the kernel writes it.
fn kernel_key(path: &str) -> String {
    const ROOTS: [(&str, &str); 5] = [
        (r"HKLM\System\CurrentControlSet", r"\REGISTRY\MACHINE\SYSTEM\ControlSet001"),
        ("HKLM", r"\REGISTRY\MACHINE"),
        ("HKCR", r"\REGISTRY\MACHINE\SOFTWARE\Classes"),
        ("HKCU", r"\REGISTRY\USER\S-1-5-21-1-2-3-1001"),
        ("HKU", r"\REGISTRY\USER"),
    ];
    let root = ROOTS.iter().find(|(shown, _)| path.starts_with(shown));
    root.map_or(path.to_owned(), |(shown, kernel)| format!("{kernel}{}", &path[shown.len()..]))
}

/// The details of an event with the names of the kernel, none of them packed.
fn data_of_driver(event: &Event<'_>, pointer: usize) -> Vec<u8> {
    let mut details = event.details().to_vec();
    let code = event.operation().code;
    match event.class() {
        EventClass::FileSystem => {
            let (info_at, at) = (24 + 5 * pointer, 28 + 5 * pointer);
            let sub = details.first().copied().unwrap_or(0);
            if code == SET_INFORMATION && RENAMES.contains(&sub) {
                let target = at + size_at(&details, info_at) + word(&details, 16) as usize;
                rename(&mut details, target, target + 2, kernel_file);
            }
            rename(&mut details, info_at, at, kernel_file);
        }
        EventClass::Registry => {
            let Some(&at) = KEY_PATHS.get(usize::from(code)) else { return details };
            if code == LOAD_KEY {
                let hive = at + size_at(&details, 0);
                rename(&mut details, 2, hive, kernel_file);
            }
            rename(&mut details, 0, at, kernel_key);
        }
        EventClass::Process if code == 5 => rename(&mut details, pointer + 4, pointer + 8, kernel_file),
        EventClass::Process if code == 1 => {
            let identifiers: usize =
                details.get(0x2C..0x2E).map_or(0, |s| usize::from(s[0]) + usize::from(s[1]));
            rename(&mut details, 0x2E, 0x34 + identifiers, |path| format!(r"\??\{path}"));
        }
        _ => {}
    }
    details
}

/// Bytes of the string whose length word lies at an offset.
fn size_at(details: &[u8], info_at: usize) -> usize {
    let info = word(details, info_at) as u16;
    usize::from(info & 0x7FFF) * if info & 0x8000 == 0 { 2 } else { 1 }
}

/// Replaces a string by the name that the kernel has for it, in UTF-16.
fn rename(details: &mut Vec<u8>, info_at: usize, at: usize, name: impl Fn(&str) -> String) {
    let (size, is_packed) = (size_at(details, info_at), word(details, info_at) & 0x8000 != 0);
    let Some(stored) = details.get(at..at + size) else { return };
    let text: String = if is_packed {
        stored.iter().map(|&byte| char::from(byte)).collect()
    } else {
        let units: Vec<u16> =
            stored.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    if text.is_empty() {
        return;
    }
    let kernel = utf16(&name(&text));
    let info = (kernel.len() as u16 / 2).to_le_bytes();
    details.splice(at..at + size, kernel);
    details[info_at..info_at + 2].copy_from_slice(&info);
}
