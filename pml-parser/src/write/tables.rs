//! The tables of a log that is being written: strings, processes, hosts and ports.

use crate::raw::hosts::{RawHost, RawPort};
use crate::raw::process::{RawModule32, RawModule64, RawModuleInfo, RawProcess};
use crate::time::FileTime;
use std::collections::{BTreeMap, HashMap};
use zerocopy::{FromZeros, IntoBytes};

/// A process to be written. Texts are put into the string table.
#[derive(Clone, Debug)]
pub struct NewProcess<'a> {
    /// Key that events refer to; unique within the log.
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
    /// When it started.
    pub start: FileTime,
    /// When it ended, if it did.
    pub end: Option<FileTime>,
    /// 0 no, 1 yes, anything else "n/a".
    pub virtualized: u32,
    /// Whether it is a 64-bit process.
    pub is_64_bit: bool,
    /// Integrity level, as text.
    pub integrity: &'a str,
    /// Account, `DOMAIN\name`.
    pub user: &'a str,
    /// File name of the program.
    pub name: &'a str,
    /// Full path of the program.
    pub image_path: &'a str,
    /// Command line.
    pub command_line: &'a str,
    /// Company.
    pub company: &'a str,
    /// Version.
    pub version: &'a str,
    /// Description.
    pub description: &'a str,
    /// Modules, in the order in which they are searched.
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

/// A module to be written.
#[derive(Clone, Debug, Default)]
pub struct NewModule<'a> {
    /// When it was loaded, or the process first looked at.
    pub load_time: FileTime,
    /// Lowest address; its low 32 bits in a 32-bit log.
    pub base: u64,
    /// Bytes of the image.
    pub size: u32,
    /// Full path.
    pub path: &'a str,
    /// Version.
    pub version: &'a str,
    /// Company.
    pub company: &'a str,
    /// Description.
    pub description: &'a str,
    /// `TimeDateStamp` of the image.
    pub timestamp: u32,
}

/// Strings, each once, numbered as they come; 0 is the empty one.
#[derive(Debug, Default)]
struct Strings {
    index: HashMap<String, u32>,
    bytes: Vec<Vec<u8>>,
}

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        if self.bytes.is_empty() {
            self.bytes.push(Vec::new());
        }
        if text.is_empty() {
            return 0;
        }
        if let Some(&index) = self.index.get(text) {
            return index;
        }
        let index = self.bytes.len() as u32;
        self.bytes.push(utf16_with_nul(text));
        self.index.insert(text.to_owned(), index);
        index
    }
}

/// UTF-16LE with a NUL, as table strings are stored.
fn utf16_with_nul(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// All tables of a log.
#[derive(Debug, Default)]
pub(super) struct Tables {
    strings: Strings,
    /// Process records by process index, so that the table ascends.
    processes: BTreeMap<u32, Vec<u8>>,
    hosts: BTreeMap<[u8; 16], String>,
    ports: BTreeMap<(u16, u16), String>,
}

impl Tables {
    pub(super) fn add_process(&mut self, process: &NewProcess<'_>, pointer: usize) {
        let mut string = |text: &str| self.strings.add(text).into();
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
            let (low, high) = (module.load_time.0 as u32, (module.load_time.0 >> 32) as u32);
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
            if pointer == 8 {
                record.extend_from_slice(
                    RawModule64 {
                        load_time_low: low.into(),
                        padding: 0.into(),
                        base: module.base.into(),
                        info,
                        load_time_high: high.into(),
                    }
                    .as_bytes(),
                );
            } else {
                record.extend_from_slice(
                    RawModule32 {
                        load_time_low: low.into(),
                        base: (module.base as u32).into(),
                        info,
                        load_time_high: high.into(),
                    }
                    .as_bytes(),
                );
            }
        }
        self.processes.insert(process.index, record);
    }

    pub(super) fn add_host(&mut self, ip: [u8; 16], name: &str) {
        self.hosts.insert(ip, name.to_owned());
    }

    pub(super) fn add_port(&mut self, is_tcp: bool, port: u16, name: &str) {
        self.ports.insert((u16::from(is_tcp), port), name.to_owned());
    }

    /// Count, indexes, offsets, records.
    pub(super) fn process_table(&self) -> Vec<u8> {
        let mut out = (self.processes.len() as u32).to_le_bytes().to_vec();
        self.processes.keys().for_each(|index| out.extend_from_slice(&index.to_le_bytes()));
        append_records(&mut out, self.processes.values());
        out
    }

    /// Count, offsets, records of a size and bytes.
    pub(super) fn string_table(&mut self) -> Vec<u8> {
        self.strings.add("");
        let records: Vec<Vec<u8>> = self.strings.bytes.iter().map(|bytes| sized(bytes)).collect();
        let mut out = (records.len() as u32).to_le_bytes().to_vec();
        append_records(&mut out, records.iter());
        out
    }

    /// One icon: none.
    pub(super) fn icon_table() -> Vec<u8> {
        let mut out = 1u32.to_le_bytes().to_vec();
        append_records(&mut out, [vec![0; 8]].iter());
        out
    }

    /// Hosts ascending by address, then ports, UDP before TCP.
    pub(super) fn host_and_port_tables(&self) -> Vec<u8> {
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

/// A byte count and the bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(bytes);
    record
}

/// Offsets from the start of the table that begins `out`, then the records they point to.
fn append_records<'a>(out: &mut Vec<u8>, records: impl ExactSizeIterator<Item = &'a Vec<u8>> + Clone) {
    let mut offset = (out.len() + 4 * records.len()) as u32;
    for record in records.clone() {
        out.extend_from_slice(&offset.to_le_bytes());
        offset += record.len() as u32;
    }
    records.for_each(|record| out.extend_from_slice(record));
}
