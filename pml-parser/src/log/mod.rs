//! One log file: its header, its tables and its events.

pub(crate) mod event;
mod events;
pub(crate) mod index;
pub(crate) mod kernel_names;
pub(crate) mod kinship;
pub(crate) mod offsets;
pub(crate) mod prefetch;
pub(crate) mod process;
pub(crate) mod recovery;
pub(crate) mod set;
pub(crate) mod soundness;
pub(crate) mod stack;

pub use events::Events;

use crate::error::{Damage, Error, ErrorKind, Result};
use crate::module_map::ModuleMap;
use crate::raw::header::{self, RawHeader};
use crate::raw::icon::Icon;
use crate::raw::process as raw_process;
use crate::text::WinStr;
use crate::time::FileTime;
use event::Event;
use index::{Index, MachineFacts};
use offsets::Offsets;
use prefetch::Prefetcher;
use process::{Module, Process};
use recovery::Recovery;
use std::ops::Range;

/// One PML file: the bytes, and a small index of its tables.
///
/// Opening reads the header and the tables, but no event, so opening takes no longer for ten million events
/// than for ten. `B` holds the bytes: a memory map, a `Vec<u8>`, a slice.
#[derive(Debug)]
pub struct Log<B> {
    bytes: B,
    index: Index,
}

/// A borrowed [`Log`], without its type parameter: a `Copy` view with all accessors.
#[derive(Clone, Copy, Debug)]
pub struct LogView<'a> {
    pub(crate) file: &'a [u8],
    pub(crate) index: &'a Index,
}

/// Number of entries of each table of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSizes {
    /// Entries of the event offset array.
    pub events: u32,
    /// Process records.
    pub processes: u32,
    /// Strings.
    pub strings: u32,
    /// Icons.
    pub icons: u32,
    /// Host names.
    pub hosts: u32,
    /// Port names.
    pub ports: u32,
}

impl<B: AsRef<[u8]>> Log<B> {
    /// Reads the header and the tables.
    ///
    /// # Errors
    /// When the file is not a PML, has another version, was never closed, or when its event offset array,
    /// process table or string table does not fit the file. [`LogView::damage`] has the damage that leaves
    /// events readable.
    pub fn parse(bytes: B) -> Result<Self> {
        let index = Index::read(bytes.as_ref())?;
        Ok(Self { bytes, index })
    }

    /// A log with an index that was made from the same bytes.
    pub(crate) fn from_parts(bytes: B, index: Index) -> Self {
        Self { bytes, index }
    }

    /// A view of the log.
    pub fn view(&self) -> LogView<'_> {
        LogView { file: self.bytes.as_ref(), index: &self.index }
    }

    pub(crate) fn index_mut(&mut self) -> &mut Index {
        &mut self.index
    }

    /// Makes this log part `part` of a set. The parts before it have `first_event` events.
    pub(crate) fn set_place(&mut self, part: u16, first_event: u64) {
        self.index.part = part;
        self.index.first_event = first_event;
        for error in &mut self.index.damage.first {
            *error = error.in_part(part);
        }
    }
}

impl<'a> LogView<'a> {
    /// The bytes that hold processes, strings and icons.
    fn tables_bytes(self) -> &'a [u8] {
        self.index.tables.as_deref().unwrap_or(self.file)
    }

    pub(crate) fn header(self) -> &'a RawHeader {
        if let Some(kernel) = &self.index.kernel {
            return &kernel.header;
        }
        // Opening has read the same bytes, and a map keeps its length.
        header::overlay(self.file).unwrap_or(&EMPTY_HEADER)
    }

    /// Name of the machine that was captured.
    pub fn computer(self) -> WinStr<'a> {
        WinStr::utf16(&self.header().computer)
    }

    /// The Windows folder of that machine, for example `C:\Windows`.
    pub fn system_root(self) -> WinStr<'a> {
        WinStr::utf16(&self.header().system_root)
    }

    /// Major, minor and build number of that machine's Windows.
    pub fn os_version(self) -> (u32, u32, u32) {
        let header = self.header();
        (header.major.get(), header.minor.get(), header.build.get())
    }

    /// Service pack text, often empty.
    pub fn service_pack(self) -> WinStr<'a> {
        WinStr::utf16(&self.header().service_pack)
    }

    /// Product type of that machine's Windows: 1 workstation, 2 domain controller, 3 server.
    pub fn product_type(self) -> u8 {
        self.header().product_type
    }

    /// Logical processors of that machine.
    pub fn processors(self) -> u32 {
        self.header().processors.get()
    }

    /// Physical memory of that machine in bytes.
    pub fn memory(self) -> u64 {
        self.header().memory.get()
    }

    /// The highest address of user mode. Stack frames above this address are the kernel's.
    pub fn highest_user_address(self) -> u64 {
        match self.header().highest_user_address.get() {
            // The header is lost.
            0 => header::highest_user_address(self.index.is64),
            address => address,
        }
    }

    /// Whether the log is a raw boot log (`Procmon.pmb`), rather than a PML.
    pub fn is_raw_boot(self) -> bool {
        self.index.kernel.is_some()
    }

    /// What a raw boot log itself says about its machine; `None` for a PML.
    pub fn facts(self) -> Option<&'a MachineFacts> {
        self.index.kernel.as_deref().map(|kernel| &kernel.facts)
    }

    /// Version of the format, 4 to 9. Process Monitor 3.x and 4.x write 9.
    pub fn version(self) -> u32 {
        self.index.version
    }

    /// Whether the log was captured on a 64-bit Windows.
    pub fn is_64_bit(self) -> bool {
        self.index.is64
    }

    /// The bytes of the whole file.
    pub fn bytes(self) -> &'a [u8] {
        self.file
    }

    /// Size of the file in bytes.
    pub fn size(self) -> u64 {
        self.file.len() as u64
    }

    /// Position of this log in its set, from 0.
    pub fn part(self) -> u16 {
        self.index.part
    }

    /// Id of this log's first event within the set.
    pub fn first_event_id(self) -> u64 {
        self.index.first_event
    }

    /// Number of events of this log.
    pub fn event_count(self) -> u32 {
        self.index.event_count()
    }

    /// Number of entries of each table.
    pub fn tables(self) -> TableSizes {
        TableSizes {
            events: self.index.event_count(),
            processes: self.index.processes.len() as u32,
            strings: self.index.strings.count(),
            icons: self.index.icons.count(),
            hosts: self.index.hosts.host_count(),
            ports: self.index.hosts.port_count(),
        }
    }

    /// The damage of the tables, and the places that recovery could not read. [`Log::parse`] reads no event,
    /// so it counts no damaged events.
    pub fn damage(self) -> &'a Damage {
        &self.index.damage
    }

    /// The result of recovery, or `None` where the log was not opened by `Log::recover`.
    pub fn recovery(self) -> Option<&'a Recovery> {
        self.index.recovery.as_deref()
    }

    /// File offset of event `position` of this log, 0-based.
    pub(crate) fn event_offset(self, position: u32) -> Option<u64> {
        self.index.offsets.get(self.file, position)
    }

    /// Event `position` of this log, 0-based.
    ///
    /// # Errors
    /// When the record is damaged or there is no such event.
    pub fn event(self, position: u32) -> Result<Event<'a>> {
        let offset = self.event_offset(position).ok_or_else(|| {
            Error::new(ErrorKind::NoSuchEvent(u64::from(position)), "event", self.index.offsets.at())
                .in_part(self.index.part)
        })?;
        self.event_at(position, offset).map_err(|e| e.in_part(self.index.part))
    }

    /// Event `position`, whose record begins at `offset`.
    #[inline]
    fn event_at(self, position: u32, offset: u64) -> Result<Event<'a>> {
        let index = self.index;
        let neighbours = match index.offsets {
            // Recovery has compared the records with each other, and says which are doubtful.
            Offsets::InFile { at: array, .. } if index.recovery.is_none() => {
                Some((self.event_offset(position.saturating_add(1)).unwrap_or(array), array))
            }
            _ => None,
        };
        Event::read(self, position, offset, neighbours)
    }

    /// The events of this log at these positions, in order.
    ///
    /// The iterator prefetches the bytes of the next events. Records are scattered over more cache lines than
    /// a processor predicts, so code that reads only parts of each record would mostly wait for memory.
    pub fn events(self, positions: Range<u32>) -> Events<'a> {
        Events { log: self, positions, ahead: Prefetcher::default() }
    }

    /// Times of the readable events at one end of the log, at most `most`.
    fn times(self, positions: impl Iterator<Item = u32>, most: usize) -> Vec<FileTime> {
        // Reading at most this many records takes the same time for a log of any size.
        const TRIES: usize = 64;
        positions
            .take(TRIES)
            .filter_map(|i| self.event(i).ok())
            .map(|event| event.time())
            .take(most)
            .collect()
    }

    /// Time of the first and of the last readable event, or `None` where the 64 events at an end of the log
    /// are all damaged or missing.
    pub fn time_span(self) -> Option<(FileTime, FileTime)> {
        let count = self.index.event_count();
        let first = self.times(0..count, 1);
        let last = self.times((0..count).rev(), 1);
        Some((*first.first()?, *last.first()?))
    }

    /// The approximate begin and end of the log: the median time of a few events at each end. A damaged time,
    /// or an event that was merged in late, does not change the median.
    pub(crate) fn usual_span(self) -> Option<(FileTime, FileTime)> {
        let count = self.index.event_count();
        let few = (count as usize / 8).clamp(1, 15);
        let middle = |mut times: Vec<FileTime>| {
            times.sort_unstable();
            times.get(times.len() / 2).copied()
        };
        Some((middle(self.times(0..count, few))?, middle(self.times((0..count).rev(), few))?))
    }

    /// String `index` of the string table. A string that the table does not have is empty, as in Process
    /// Monitor.
    pub fn string(self, index: u32) -> WinStr<'a> {
        self.index.strings.get(self.tables_bytes(), index).unwrap_or_default()
    }

    /// Icon `index` of the icon table, or `None` where the table has no such icon or the icon is damaged.
    pub fn icon(self, index: u32) -> Option<Icon<'a>> {
        self.index.icons.read_one(self.tables_bytes(), index).ok()
    }

    /// All addresses with a name (16 bytes; IPv4 in the first four), and their names, ascending by address.
    pub fn hosts(self) -> impl Iterator<Item = ([u8; 16], WinStr<'a>)> {
        self.index.hosts.hosts(self.file)
    }

    /// All ports with a name (whether TCP, and number), and their names. UDP ports come first; numbers
    /// ascend.
    pub fn ports(self) -> impl Iterator<Item = ((bool, u16), WinStr<'a>)> {
        self.index.hosts.ports(self.file)
    }

    /// The stored name of an address (16 bytes; IPv4 in the first four), or `None` where it has none.
    pub fn host(self, ip: &[u8; 16]) -> Option<WinStr<'a>> {
        self.index.hosts.host(self.file, ip)
    }

    /// The stored name of a port, or `None` where it has none.
    pub fn port(self, is_tcp: bool, port: u16) -> Option<WinStr<'a>> {
        self.index.hosts.port(self.file, is_tcp, port)
    }

    /// Number of processes with a readable record.
    pub fn process_count(self) -> u32 {
        self.index.processes.len() as u32
    }

    /// The process at `position` of the table, ascending by process index.
    pub fn process_at(self, position: u32) -> Option<Process<'a>> {
        let &(index, at) = self.index.processes.get(position as usize)?;
        let record = raw_process::read(self.tables_bytes(), at, self.index.pointer()).ok()?;
        Some(Process { log: self, position, index, record })
    }

    /// All processes, ascending by process index.
    pub fn processes(self) -> impl Iterator<Item = Process<'a>> {
        (0..self.process_count()).filter_map(move |position| self.process_at(position))
    }

    /// Position in the table, ascending by process index, of the process with this index.
    pub fn process_position(self, process_index: u32) -> Option<u32> {
        let at = self.index.processes.binary_search_by_key(&process_index, |entry| entry.0).ok()?;
        Some(at as u32)
    }

    /// The process with this index, or `None` where the table has no readable record of it.
    pub fn process(self, process_index: u32) -> Option<Process<'a>> {
        self.process_at(self.process_position(process_index)?)
    }

    /// The System process (PID 4), whose modules are the kernel and its drivers.
    pub fn system_process(self) -> Option<Process<'a>> {
        self.process_at(self.index.system?)
    }

    /// The modules of a process, sorted for look-up.
    pub(crate) fn module_map(self, position: u32) -> Option<&'a ModuleMap> {
        let cell = self.index.modules.get(position as usize)?;
        Some(cell.get_or_init(|| {
            self.process_at(position)
                .map(|process| ModuleMap::new(process.modules().map(Module::extent)))
                .unwrap_or_default()
        }))
    }

    /// Position of the System process.
    pub(crate) fn system_position(self) -> Option<u32> {
        self.index.system
    }
}

/// Replaces a header that cannot be read.
static EMPTY_HEADER: RawHeader = zerocopy::transmute!([0u8; header::SIZE]);
