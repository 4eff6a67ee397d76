//! Streams a log: first the header, then the events, at last the tables.

use super::tables::{NewProcess, Tables};
use crate::log::LogView;
use crate::log::event::Event;
use crate::log::process::{Module, Process};
use crate::names::ntstatus::NtStatus;
use crate::names::operation::{EventClass, Operation};
use crate::raw::event::RawEvent;
use crate::raw::header::{self, RawHeader};
use crate::raw::offsets::RawOffset;
use crate::time::{FileTime, Ticks};
use std::io::{self, Seek, SeekFrom, Write};
use zerocopy::{FromZeros, IntoBytes};

/// The machine that a new log names as its source.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Computer name; only the first 15 UTF-16 units are stored.
    pub computer: String,
    /// Windows folder; only the first 259 UTF-16 units are stored.
    pub system_root: String,
    /// Whether Windows is 64-bit.
    pub is_64_bit: bool,
    /// Major, minor and build number of Windows.
    pub os_version: (u32, u32, u32),
    /// Number of logical processors.
    pub processors: u32,
    /// Physical memory in bytes.
    pub memory: u64,
    /// 1 workstation, 2 domain controller, 3 server.
    pub product_type: u8,
    /// The text of the service pack, often empty; only the first 127 UTF-16 units are stored.
    pub service_pack: String,
}

impl Machine {
    /// A 64-bit Windows 10 22H2 workstation with 4 processors and 8 GiB of memory.
    pub fn windows_10(computer: &str) -> Self {
        Self {
            computer: computer.to_owned(),
            system_root: r"C:\Windows".to_owned(),
            is_64_bit: true,
            os_version: (10, 0, 19_045),
            processors: 4,
            memory: 8 << 30,
            product_type: 1,
            service_pack: String::new(),
        }
    }

    /// Size of a pointer in the log in bytes: 4 or 8.
    pub fn pointer(&self) -> usize {
        if self.is_64_bit { 8 } else { 4 }
    }

    pub(crate) fn header(&self) -> RawHeader {
        let mut header = RawHeader {
            magic: header::MAGIC,
            version: header::VERSION.into(),
            is64: u32::from(self.is_64_bit).into(),
            events: (header::SIZE as u64).into(),
            highest_user_address: header::highest_user_address(self.is_64_bit).into(),
            os_info_size: 0x11C.into(),
            major: self.os_version.0.into(),
            minor: self.os_version.1.into(),
            build: self.os_version.2.into(),
            platform: 2.into(),
            suite_mask: 0x100.into(),
            product_type: self.product_type,
            processors: self.processors.into(),
            memory: self.memory.into(),
            header_size: (header::SIZE as u64).into(),
            ..RawHeader::new_zeroed()
        };
        put_utf16(&mut header.computer, &self.computer);
        put_utf16(&mut header.system_root, &self.system_root);
        put_utf16(&mut header.service_pack, &self.service_pack);
        header
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// The details of an event of a raw boot log as a PML stores them.
fn details_in_pml(event: &Event<'_>) -> Vec<u8> {
    let details = event.details();
    let (mut out, mut done) = (Vec::with_capacity(details.len()), 0);
    for stored in event.stored_names().into_iter().flatten() {
        let (info, name) = stored.in_pml();
        // Names of damaged details may reach behind the details, or into each other.
        let Some(before) = details.get(done..stored.at) else { continue };
        out.extend_from_slice(before);
        // The length word lies before the name. Bytes that are replaced all lie behind it.
        let moved = out.len().wrapping_sub(stored.at);
        let info_at =
            if stored.info_at >= done { stored.info_at.wrapping_add(moved) } else { stored.info_at };
        if let Some(slot) = out.get_mut(info_at..info_at.saturating_add(2)) {
            slot.copy_from_slice(&info);
        }
        out.extend_from_slice(&name);
        done = (stored.at + stored.size).min(details.len());
    }
    out.extend_from_slice(details.get(done..).unwrap_or_default());
    out
}

/// Writes a text to a fixed array. A text that leaves no room for a NUL is cut.
fn put_utf16(array: &mut [u8], text: &str) {
    let room = array.len() / 2 - 1;
    for (slot, unit) in array.chunks_exact_mut(2).zip(text.encode_utf16().take(room)) {
        slot.copy_from_slice(&unit.to_le_bytes());
    }
}

/// An event to write.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// Key of the event's process in the process table.
    pub process_index: u32,
    /// Thread id.
    pub tid: u32,
    /// Event class.
    pub class: EventClass,
    /// Operation number within the class.
    pub operation: u16,
    /// When the operation began.
    pub time: FileTime,
    /// How long the operation took.
    pub duration: Ticks,
    /// Final status.
    pub status: NtStatus,
    /// Return addresses, innermost first, at most 65,535. A 32-bit log stores their low 32 bits.
    pub stack: &'a [u64],
    /// The details blob; see [`super::details`].
    pub details: &'a [u8],
    /// The extra blob, at most 65,535 bytes.
    pub extra: Option<&'a [u8]>,
}

impl Default for NewEvent<'_> {
    fn default() -> Self {
        Self {
            process_index: 0,
            tid: 0,
            class: EventClass::FileSystem,
            operation: 0,
            time: FileTime(0),
            duration: Ticks(0),
            status: NtStatus::SUCCESS,
            stack: &[],
            details: &[],
            extra: None,
        }
    }
}

/// Writes one log.
///
/// Events should be added in ascending order of time. Memory grows by five bytes per event and with the
/// tables. Until [`LogWriter::finish`], the header is that of a capture that was never closed.
#[derive(Debug)]
pub struct LogWriter<W> {
    out: W,
    header: RawHeader,
    pointer: usize,
    position: u64,
    offsets: Vec<RawOffset>,
    tables: Tables,
}

impl<W: Write + Seek> LogWriter<W> {
    /// Begins a log at the start of `out`.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(out: W, machine: &Machine) -> io::Result<Self> {
        Self::with_header(out, machine.header(), Tables::default())
    }

    /// Begins a log of the same machine and version as `log`. Fields that a damaged header of `log` may have
    /// wrong, such as the version and the bitness, are corrected.
    ///
    /// # Errors
    /// When writing fails.
    pub fn like(out: W, log: LogView<'_>) -> io::Result<Self> {
        let header = RawHeader {
            magic: header::MAGIC,
            version: log.version().into(),
            is64: u32::from(log.is_64_bit()).into(),
            events: (header::SIZE as u64).into(),
            header_size: (header::SIZE as u64).into(),
            highest_user_address: log.highest_user_address().into(),
            event_count: 0.into(),
            offsets: 0.into(),
            processes: 0.into(),
            strings: 0.into(),
            icons: 0.into(),
            hosts: 0.into(),
            ..*log.header()
        };
        Self::with_header(out, header, Tables::for_copies_of(log))
    }

    fn with_header(mut out: W, header: RawHeader, tables: Tables) -> io::Result<Self> {
        out.write_all(header.as_bytes())?;
        Ok(Self {
            out,
            header,
            pointer: if header.is64.get() == 1 { 8 } else { 4 },
            position: header::SIZE as u64,
            offsets: Vec::new(),
            tables,
        })
    }

    /// Number of bytes written so far, which is the file offset of the next event.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Number of events written so far.
    pub fn event_count(&self) -> u32 {
        self.offsets.len() as u32
    }

    /// Adds a process, or replaces the process with the same index.
    pub fn add_process(&mut self, process: &NewProcess<'_>) {
        self.tables.add_process(process, self.pointer);
    }

    /// Adds the name of an address (16 bytes; IPv4 in the first four), or replaces it.
    pub fn add_host(&mut self, ip: [u8; 16], name: &str) {
        self.tables.add_host(ip, name);
    }

    /// Adds the name of a TCP or UDP port, or replaces it.
    pub fn add_port(&mut self, is_tcp: bool, port: u16, name: &str) {
        self.tables.add_port(is_tcp, port, name);
    }

    /// Appends an event.
    ///
    /// # Errors
    /// When writing fails, the event does not fit the format, or the log is full.
    pub fn add_event(&mut self, event: &NewEvent<'_>) -> io::Result<()> {
        self.check_room()?;
        let depth = u16::try_from(event.stack.len()).map_err(|_| invalid("too many stack frames"))?;
        let details_size = u32::try_from(event.details.len()).map_err(|_| invalid("details above 4 GiB"))?;
        let extra_size = u16::try_from(event.extra.map_or(0, <[u8]>::len))
            .map_err(|_| invalid("extra blob above 65,535 bytes"))?;
        let mut header = RawEvent {
            process_index: event.process_index.into(),
            tid: event.tid.into(),
            class: event.class.code().into(),
            operation: event.operation.into(),
            sequence: self.event_count().into(),
            duration: event.duration.0.into(),
            time: event.time.0.into(),
            result: event.status.0.into(),
            depth: depth.into(),
            details_size: details_size.into(),
            ..RawEvent::new_zeroed()
        };
        let extra_at = size_of::<RawEvent>() + event.stack.len() * self.pointer + event.details.len();
        if event.extra.is_some() {
            header.extra_offset = u32::try_from(extra_at).map_err(|_| invalid("details above 4 GiB"))?.into();
        }
        self.offsets.push(RawOffset::new(self.position));
        self.append(header.as_bytes())?;
        for frame in event.stack {
            let frame = frame.to_le_bytes();
            self.append(frame.get(..self.pointer).unwrap_or_default())?;
        }
        self.append(event.details)?;
        if let Some(extra) = event.extra {
            self.append(&extra_size.to_le_bytes())?;
            self.append(extra)?;
        }
        Ok(())
    }

    /// Copies an event of another log of the same bitness. The bytes are unchanged, except for process
    /// indexes, which `index` translates, and for the names and joined fields of a raw boot log.
    ///
    /// # Errors
    /// When writing fails, the details exceed 4 GiB, or the log is full.
    pub fn copy_event(&mut self, event: &Event<'_>, mut index: impl FnMut(u32) -> u32) -> io::Result<()> {
        self.check_room()?;
        let in_pml = event.log().is_raw_boot().then(|| details_in_pml(event));
        let details = in_pml.as_deref().unwrap_or(event.whole_details());
        let frames = event.stack().raw();
        let mut header = event.pml_header();
        header.details_size =
            u32::try_from(details.len()).map_err(|_| invalid("details above 4 GiB"))?.into();
        header.extra_offset = 0.into();
        header.process_index = index(header.process_index.get()).into();
        // A forged record may have its extra blob far after the details. The bytes between are not copied.
        let extra_at = size_of::<RawEvent>() + frames.len() + details.len();
        if event.extra().is_some() {
            header.extra_offset = u32::try_from(extra_at).map_err(|_| invalid("details above 4 GiB"))?.into();
        }
        self.offsets.push(RawOffset::new(self.position));
        self.append(header.as_bytes())?;
        self.append(frames)?;
        self.copy_details(event.operation(), details, &mut index)?;
        if let Some(extra) = event.extra() {
            self.append(&(extra.len() as u16).to_le_bytes())?;
            self.append(extra)?;
        }
        Ok(())
    }

    /// Copies details. The details of `Process Defined` and `Process Create` begin with the index and the PID
    /// of the new process and of its parent.
    fn copy_details(
        &mut self,
        operation: Operation,
        details: &[u8],
        index: &mut impl FnMut(u32) -> u32,
    ) -> io::Result<()> {
        let names_processes = matches!(operation, Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE);
        match details.split_first_chunk::<16>() {
            Some((processes, rest)) if names_processes => {
                let mut processes = *processes;
                for place in [0, 8] {
                    if let Some(bytes) = processes.get_mut(place..place + 4) {
                        let old = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                        bytes.copy_from_slice(&index(old).to_le_bytes());
                    }
                }
                self.append(&processes)?;
                self.append(rest)
            }
            _ => self.append(details),
        }
    }

    /// Copies a process of another log of the same bitness, with new indexes of the process and its parent,
    /// and with these modules. Texts and icons are copied too.
    pub fn copy_process(
        &mut self,
        index: u32,
        parent_index: u32,
        process: Process<'_>,
        modules: &[Module<'_>],
    ) {
        self.tables.copy_process(index, parent_index, process, modules, self.pointer);
    }

    /// Checks that another event may begin here.
    fn check_room(&self) -> io::Result<()> {
        if self.position > RawOffset::MAX || self.offsets.len() >= u32::MAX as usize {
            return Err(invalid("the log is full"));
        }
        Ok(())
    }

    /// Writes the tables and the final header, and returns the output.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.header.event_count = self.event_count().into();
        let padding = self.position.next_multiple_of(4) - self.position;
        self.append(&[0; 4][..padding as usize])?;
        // Process Monitor computes the positions of strings, icons and hosts as distances from the process
        // table. These tables must therefore follow it in this order.
        self.header.offsets = self.position.into();
        let offsets = std::mem::take(&mut self.offsets);
        self.append(offsets.as_slice().as_bytes())?;
        self.header.processes = self.position.into();
        self.append(&self.tables.process_table())?;
        self.header.strings = self.position.into();
        let strings = self.tables.string_table();
        self.append(&strings)?;
        self.header.icons = self.position.into();
        self.append(&self.tables.icon_table())?;
        self.header.hosts = self.position.into();
        self.append(&self.tables.host_and_port_tables())?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(self.header.as_bytes())?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Ends the file as a capture that was never closed, without tables and without the number of events.
    /// Returns the output.
    ///
    /// # Errors
    /// When writing fails.
    pub fn leave_unclosed(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
