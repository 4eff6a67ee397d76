//! The tables of a new log: strings, icons, processes, hosts and ports.

use crate::log::LogView;
use crate::log::process::{Module, Process};
use crate::raw::hosts::{RawHost, RawPort};
use crate::raw::process::{RawModule32, RawModule64, RawModuleInfo, RawProcess};
use crate::text::WinStr;
use crate::time::FileTime;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromZeros, IntoBytes};

/// A process to write. Its texts go to the string table.
#[derive(Clone, Debug)]
pub struct NewProcess<'a> {
    /// Key by which events refer to the process; unique in the log.
    pub index: u32,
    /// Process id.
    pub pid: u32,
    /// Process id of the parent.
    pub parent_pid: u32,
    /// Process index of the parent.
    pub parent_index: u32,
    /// Logon session (LUID).
    pub authentication_id: u64,
    /// Terminal session.
    pub session: u32,
    /// When the process started.
    pub start: FileTime,
    /// When the process ended, or `None` while it runs.
    pub end: Option<FileTime>,
    /// Whether file system and registry are virtualized: 0 no, 1 yes, any other number "n/a".
    pub virtualized: u32,
    /// Whether the process is a 64-bit process.
    pub is_64_bit: bool,
    /// Integrity level, as text ("System", "High", …).
    pub integrity: &'a str,
    /// Account, `DOMAIN\name`.
    pub user: &'a str,
    /// File name of the program.
    pub name: &'a str,
    /// Full path of the program.
    pub image_path: &'a str,
    /// Command line.
    pub command_line: &'a str,
    /// Company, from the program's version resource.
    pub company: &'a str,
    /// Version, from the program's version resource.
    pub version: &'a str,
    /// Description, from the program's version resource.
    pub description: &'a str,
    /// Modules, in table order.
    pub modules: Vec<NewModule<'a>>,
}

impl Default for NewProcess<'_> {
    fn default() -> Self {
        Self {
            index: 0,
            pid: 0,
            parent_pid: 0,
            parent_index: 0,
            authentication_id: 0x3E7,
            session: 0,
            start: FileTime(0),
            end: None,
            virtualized: 0,
            is_64_bit: true,
            integrity: "System",
            user: r"NT AUTHORITY\SYSTEM",
            name: "",
            image_path: "",
            command_line: "",
            company: "",
            version: "",
            description: "",
            modules: Vec::new(),
        }
    }
}

/// A module to write. Its texts go to the string table.
#[derive(Clone, Debug, Default)]
pub struct NewModule<'a> {
    /// When the image was loaded, or when Process Monitor first listed the modules of the process.
    pub load_time: FileTime,
    /// Lowest address. A 32-bit log stores its low 32 bits.
    pub base: u64,
    /// Size of the image in bytes.
    pub size: u32,
    /// Full path of the image.
    pub path: &'a str,
    /// Version, from the version resource of the image.
    pub version: &'a str,
    /// Company, from the version resource of the image.
    pub company: &'a str,
    /// Description, from the version resource of the image.
    pub description: &'a str,
    /// `TimeDateStamp` of the image: seconds since 1970, or a hash.
    pub timestamp: u32,
}

/// Byte strings, each once, numbered in the order of their first use. The empty string has number 0.
#[derive(Debug)]
struct Pool {
    index: HashMap<Arc<[u8]>, u32>,
    bytes: Vec<Arc<[u8]>>,
    /// Bytes that are still free. A string that does not fit is replaced by the empty string.
    room: u64,
}

impl Pool {
    fn new(room: u64) -> Self {
        let empty: Arc<[u8]> = Arc::from([]);
        Self { index: HashMap::from([(Arc::clone(&empty), 0)]), bytes: vec![empty], room }
    }

    fn add(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&known) = self.index.get(bytes) {
            return known;
        }
        let Some(room) = self.room.checked_sub(bytes.len() as u64 + 4) else { return 0 };
        self.room = room;
        let (next, bytes) = (self.bytes.len() as u32, Arc::<[u8]>::from(bytes));
        self.bytes.push(Arc::clone(&bytes));
        self.index.insert(bytes, next);
        next
    }
}

/// UTF-16LE with a NUL, as strings of tables are stored. The empty string has no bytes.
fn utf16_with_nul(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// The bytes of a string of another log, with a NUL.
fn copied(text: WinStr<'_>) -> Vec<u8> {
    match text {
        WinStr::Utf16(bytes) if !bytes.is_empty() => [bytes, &[0, 0]].concat(),
        WinStr::Utf16(_) => Vec::new(),
        WinStr::Latin1(_) | WinStr::Translated { .. } => utf16_with_nul(&text.to_str()),
    }
}

/// All tables of a log.
#[derive(Debug)]
pub(crate) struct Tables {
    strings: Pool,
    /// Copied strings of other logs: part and index in the other log, and index in this one.
    copied: HashMap<(u16, u32), u32>,
    /// Dimension and bytes of each icon.
    icons: Pool,
    /// Process records by process index, because the table must ascend.
    processes: BTreeMap<u32, Vec<u8>>,
    hosts: BTreeMap<[u8; 16], String>,
    ports: BTreeMap<(u16, u16), String>,
}

/// The most bytes of strings, and of icons, of any log: offsets in tables have 32 bits.
const MOST_BYTES: u64 = 1 << 30;
/// Bytes that copies of a log's strings may have in addition to twice the size of the log.
const SPARE_BYTES: u64 = 16 << 20;

impl Default for Tables {
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl Tables {
    /// Tables with room for `room` bytes of strings, and as many bytes of icons.
    fn with_room(room: u64) -> Self {
        Self {
            strings: Pool::new(room),
            copied: HashMap::new(),
            icons: Pool::new(room),
            processes: BTreeMap::new(),
            hosts: BTreeMap::new(),
            ports: BTreeMap::new(),
        }
    }

    /// Tables for copies of another log's processes. The strings of a sound log are a part of its file, but
    /// the strings of a forged log may share bytes, so their copies are limited by the size of the log.
    pub(crate) fn for_copies_of(log: LogView<'_>) -> Self {
        Self::with_room((2 * log.size() + SPARE_BYTES).min(MOST_BYTES))
    }

    pub(crate) fn add_process(&mut self, process: &NewProcess<'_>, pointer: usize) {
        let mut string = |text: &str| self.strings.add(&utf16_with_nul(text)).into();
        let fixed = RawProcess {
            index: process.index.into(),
            pid: process.pid.into(),
            parent_pid: process.parent_pid.into(),
            parent_index: process.parent_index.into(),
            authentication_id: process.authentication_id.into(),
            session: process.session.into(),
            padding: 0.into(),
            start: process.start.0.into(),
            end: process.end.map_or(0, |end| end.0).into(),
            virtualized: process.virtualized.into(),
            is64: u32::from(process.is_64_bit).into(),
            integrity: string(process.integrity),
            user: string(process.user),
            name: string(process.name),
            image_path: string(process.image_path),
            command_line: string(process.command_line),
            company: string(process.company),
            version: string(process.version),
            description: string(process.description),
            small_icon: 0.into(),
            big_icon: 0.into(),
        };
        let mut record = fixed.as_bytes().to_vec();
        // The flag says that modules follow; Process Monitor hangs or crashes where it is 0.
        record.extend_from_slice(1u64.to_le_bytes().get(..pointer).unwrap_or_default());
        record.extend_from_slice(&(process.modules.len() as u32).to_le_bytes());
        for module in &process.modules {
            let info = RawModuleInfo {
                size: module.size.into(),
                path: string(module.path),
                version: string(module.version),
                company: string(module.company),
                description: string(module.description),
                timestamp: module.timestamp.into(),
                second_size: module.size.into(),
                ..RawModuleInfo::new_zeroed()
            };
            push_module(&mut record, pointer, module.base, module.load_time, info);
        }
        self.processes.insert(process.index, record);
    }

    /// Copies a process of another log, with new indexes of the process and its parent, and with these
    /// modules. The fields that refer to texts and icons are rewritten.
    pub(crate) fn copy_process(
        &mut self,
        index: u32,
        parent_index: u32,
        process: Process<'_>,
        modules: &[Module<'_>],
        pointer: usize,
    ) {
        self.copy_ended_process((index, parent_index), process, process.end(), modules, pointer);
    }

    /// The same with another end.
    pub(crate) fn copy_ended_process(
        &mut self,
        (index, parent_index): (u32, u32),
        process: Process<'_>,
        end: Option<FileTime>,
        modules: &[Module<'_>],
        pointer: usize,
    ) {
        let log = process.log;
        let (pool, known) = (&mut self.strings, &mut self.copied);
        // Most strings occur in the records of many processes and modules.
        let mut string_of = |log: LogView<'_>, index: U32| -> U32 {
            let source = (log.part(), index.get());
            let copy = || pool.add(&copied(log.string(index.get())));
            (*known.entry(source).or_insert_with(copy)).into()
        };
        let fixed = process.record.fixed;
        let mut icon = |index: U32| {
            let icon = log.icon(index.get()).filter(|icon| icon.dimension != 0);
            let bytes = icon.map(|icon| [&icon.dimension.to_le_bytes(), icon.data].concat());
            self.icons.add(&bytes.unwrap_or_default()).into()
        };
        let fixed = RawProcess {
            index: index.into(),
            parent_index: parent_index.into(),
            end: end.map_or(0, |end| end.0).into(),
            small_icon: icon(fixed.small_icon),
            big_icon: icon(fixed.big_icon),
            integrity: string_of(log, fixed.integrity),
            user: string_of(log, fixed.user),
            name: string_of(log, fixed.name),
            image_path: string_of(log, fixed.image_path),
            command_line: string_of(log, fixed.command_line),
            company: string_of(log, fixed.company),
            version: string_of(log, fixed.version),
            description: string_of(log, fixed.description),
            ..*fixed
        };
        let mut record = fixed.as_bytes().to_vec();
        record.extend_from_slice(1u64.to_le_bytes().get(..pointer).unwrap_or_default());
        record.extend_from_slice(&(modules.len() as u32).to_le_bytes());
        for module in modules {
            let info = module.info;
            let info = RawModuleInfo {
                path: string_of(module.log, info.path),
                version: string_of(module.log, info.version),
                company: string_of(module.log, info.company),
                description: string_of(module.log, info.description),
                ..*info
            };
            push_module(&mut record, pointer, module.base, module.load_time, info);
        }
        self.processes.insert(index, record);
    }

    pub(crate) fn add_host(&mut self, ip: [u8; 16], name: &str) {
        self.hosts.insert(ip, name.to_owned());
    }

    pub(crate) fn add_port(&mut self, is_tcp: bool, port: u16, name: &str) {
        self.ports.insert((u16::from(is_tcp), port), name.to_owned());
    }

    /// The process table: count, indexes, offsets, records.
    pub(crate) fn process_table(&self) -> Vec<u8> {
        let mut out = (self.processes.len() as u32).to_le_bytes().to_vec();
        self.processes.keys().for_each(|index| out.extend_from_slice(&index.to_le_bytes()));
        append_records(&mut out, self.processes.values());
        out
    }

    /// The string table: count, offsets, and records of a size and bytes.
    pub(crate) fn string_table(&self) -> Vec<u8> {
        let records: Vec<Vec<u8>> = self.strings.bytes.iter().map(|bytes| sized(bytes)).collect();
        counted(&records)
    }

    /// The icon table: as the string table, with the dimension before each size. Icon 0 is no icon.
    pub(crate) fn icon_table(&self) -> Vec<u8> {
        let record = |bytes: &Arc<[u8]>| {
            let (dimension, data) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
            [dimension.as_slice(), &sized(data)].concat()
        };
        counted(&self.icons.bytes.iter().map(record).collect::<Vec<_>>())
    }

    /// The host table, ascending by address, then the port table, UDP before TCP.
    pub(crate) fn host_and_port_tables(&self) -> Vec<u8> {
        let mut out = (self.hosts.len() as u32).to_le_bytes().to_vec();
        for (ip, name) in &self.hosts {
            let name = utf16_with_nul(name);
            let host = RawHost { ip: *ip, size: (name.len() as u32).into() };
            out.extend_from_slice(host.as_bytes());
            out.extend_from_slice(&name);
        }
        out.extend_from_slice(&(self.ports.len() as u32).to_le_bytes());
        for (&(is_tcp, port), name) in &self.ports {
            let name = utf16_with_nul(name);
            let size = (name.len() as u32).into();
            let port = RawPort { port: port.into(), is_tcp: is_tcp.into(), size };
            out.extend_from_slice(port.as_bytes());
            out.extend_from_slice(&name);
        }
        out
    }
}

/// Appends a module record.
fn push_module(record: &mut Vec<u8>, pointer: usize, base: u64, load_time: FileTime, info: RawModuleInfo) {
    let (low, high) = ((load_time.0 as u32).into(), ((load_time.0 >> 32) as u32).into());
    if pointer == 8 {
        let module = RawModule64 {
            load_time_low: low,
            padding: 0.into(),
            base: base.into(),
            info,
            load_time_high: high,
        };
        record.extend_from_slice(module.as_bytes());
    } else {
        let base = (base as u32).into();
        let module = RawModule32 { load_time_low: low, base, info, load_time_high: high };
        record.extend_from_slice(module.as_bytes());
    }
}

/// A count, offsets, and the records.
fn counted(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = (records.len() as u32).to_le_bytes().to_vec();
    append_records(&mut out, records.iter());
    out
}

/// A byte count and the bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(bytes);
    record
}

/// Offsets from the start of the table that begins `out`, then the records they point to.
fn append_records<'a>(out: &mut Vec<u8>, records: impl ExactSizeIterator<Item = &'a Vec<u8>> + Clone) {
    let mut offset = (out.len() + 4 * records.len()) as u64;
    for record in records.clone() {
        // A table cannot refer to a record beyond 4 GiB.
        out.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        offset += record.len() as u64;
    }
    records.for_each(|record| out.extend_from_slice(record));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_beyond_the_room_are_empty() {
        let mut pool = Pool::new(100);
        assert_eq!(pool.add(&[1; 50]), 1);
        assert_eq!(pool.add(&[2; 60]), 0);
        assert_eq!(pool.add(&[1; 50]), 1);
        assert_eq!(pool.add(&[3; 40]), 2);
        assert_eq!(pool.add(&[]), 0);
        assert_eq!(pool.bytes.len(), 3);
    }
}
