//! The index of a log: the facts that opening reads from its header and tables.

use super::kernel_names::{KernelNames, WindowsFolder};
use super::offsets::Offsets;
use super::process::SYSTEM_PID;
use super::recovery::Recovery;
use super::soundness::{self, Chain};
use crate::error::{Damage, Error, ErrorKind, Result};
use crate::module_map::ModuleMap;
use crate::raw::header::{self, RawHeader};
use crate::raw::hosts::Hosts;
use crate::raw::icon::Icons;
use crate::raw::process as raw_process;
use crate::raw::strings::Strings;
use crate::text::WinStr;
use std::sync::OnceLock;

/// The facts that opening finds. Everything else is read from the bytes on demand.
#[derive(Debug)]
pub(crate) struct Index {
    /// Position of this log in its set.
    pub part: u16,
    /// Id of the first event of this log within the set.
    pub first_event: u64,
    pub is64: bool,
    /// Version of the format.
    pub version: u32,
    pub(super) offsets: Offsets,
    pub(super) strings: Strings,
    pub(super) icons: Icons,
    pub(super) hosts: Hosts,
    /// Process index and offset of the record in its table's bytes, ascending by process index.
    pub(super) processes: Vec<(u32, u64)>,
    /// Position in `processes` of the System process (PID 4), whose modules are the kernel's.
    pub(super) system: Option<u32>,
    /// The modules of each process, sorted for look-up at the first use.
    pub(super) modules: Vec<OnceLock<ModuleMap>>,
    pub(super) damage: Damage,
    /// Tables of processes, strings and icons that recovery made, in place of those of the file.
    pub(super) tables: Option<Vec<u8>>,
    pub(super) recovery: Option<Box<Recovery>>,
    /// The folder of Windows, for images whose paths lack a drive.
    pub(super) windows: WindowsFolder,
    /// What makes the log a raw boot log; `None` for a PML.
    pub(super) kernel: Option<Box<Kernel>>,
}

/// What a raw boot log has in addition to the index of a PML.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub names: KernelNames,
    /// The header of the PML that the log becomes.
    pub header: RawHeader,
    /// Where the record lies that defines the process at each position of the table.
    pub defined_at: Vec<u64>,
    /// Where the first damage lies. Processes behind it may lack their definitions.
    pub damaged_from: u64,
    /// What the log itself says about its machine.
    pub facts: MachineFacts,
}

/// What a boot log itself says about its machine, in reads of the registry and in environments of processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineFacts {
    /// The computer's name.
    pub computer: Option<String>,
    /// Major and minor version of Windows.
    pub version: (Option<u32>, Option<u32>),
    /// The version that Windows states for programs of the time before Windows 10.
    pub old_version: Option<(u32, u32)>,
    /// The build of Windows.
    pub build: Option<u32>,
    /// The text of the service pack.
    pub service_pack: Option<String>,
    /// The folder of Windows, with its drive.
    pub system_root: Option<String>,
    /// 1 workstation, 2 domain controller, 3 server.
    pub product_type: Option<u8>,
    /// Logical processors.
    pub processors: Option<u32>,
    /// The number of the current control set.
    pub control_set: Option<u32>,
    /// Drive letters, and the names of their volumes below `\Device\`.
    pub drives: Vec<(char, String)>,
}

impl Kernel {
    /// Whether Process Monitor translates the names of an event at `offset`, of the process at this position: not
    /// before the process is defined. Behind damage, a process without a definition may have lost it.
    #[inline]
    pub(super) fn is_translated(&self, process: Option<u32>, offset: u64) -> bool {
        let defined_at = process.and_then(|process| self.defined_at.get(process as usize));
        defined_at.is_some_and(|&at| at < offset) || offset >= self.damaged_from
    }
}

/// How many processes of a part a neighbouring part names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched {
    pub processes: u32,
    /// Those of them about which no event says anything.
    pub unknown: u32,
    /// Those that one thread alone names.
    pub once: u32,
    /// Those that the modules alone name.
    pub by_modules: u32,
}

/// File offsets of the tables that are known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places {
    pub processes: Option<u64>,
    pub strings: Option<u64>,
    pub icons: Option<u64>,
    pub hosts: Option<u64>,
}

impl Index {
    /// Bytes of a pointer in the log.
    pub(crate) fn pointer(&self) -> usize {
        if self.is64 { 8 } else { 4 }
    }

    /// The index of a log without tables.
    pub(crate) fn new(is64: bool, version: u32, offsets: Offsets) -> Self {
        Self {
            part: 0,
            first_event: 0,
            is64,
            version,
            offsets,
            strings: Strings::default(),
            icons: Icons::default(),
            hosts: Hosts::default(),
            processes: Vec::new(),
            system: None,
            modules: Vec::new(),
            damage: Damage::default(),
            tables: None,
            recovery: None,
            windows: WindowsFolder::default(),
            kernel: None,
        }
    }

    /// Makes the log a raw boot log.
    pub(crate) fn set_kernel(&mut self, kernel: Kernel) {
        self.windows = kernel.names.windows().clone();
        self.kernel = Some(Box::new(kernel));
    }

    /// Sets the folder of Windows that the header names.
    pub(crate) fn set_windows(&mut self, header: &RawHeader) {
        self.windows = WindowsFolder::new(&WinStr::utf16(&header.system_root).to_str());
    }

    pub(crate) fn read(file: &[u8]) -> Result<Self> {
        let header = header::read(file)?;
        let offsets = Offsets::in_file(file, header)?;
        let mut index = Self::new(header.is64.get() == 1, header.version.get(), offsets);
        index.set_windows(header);
        let places = Places {
            processes: Some(header.processes.get()),
            strings: Some(header.strings.get()),
            icons: Some(header.icons.get()),
            hosts: Some(header.hosts.get()).filter(|_| header::has_host_names(index.version)),
        };
        index.strings = Strings::read(file, header.strings.get())?;
        index.read_icons(file, header.icons.get());
        if let Some(at) = places.hosts {
            index.read_hosts(file, at);
        }
        soundness::check_offsets(file, &index.offsets, header.processes.get(), &mut index.damage);
        index.read_processes(file, header.processes.get(), &places)?;
        index.check_strings_and_icons(file, &places);
        Ok(index)
    }

    /// Reads the tables of a damaged log, as far as they exist.
    pub(crate) fn read_found_tables(&mut self, file: &[u8], places: &Places) {
        match places.strings.map(|at| Strings::read(file, at)) {
            Some(Ok(strings)) => self.strings = strings,
            Some(Err(error)) => self.damage.push(error),
            None => {}
        }
        if let Some(at) = places.icons {
            self.read_icons(file, at);
        }
        if let Some(at) = places.hosts {
            self.read_hosts(file, at);
        }
        if let Some(Err(error)) = places.processes.map(|at| self.read_processes(file, at, places)) {
            self.damage.push(error);
        }
        self.drop_stray_processes(file);
        self.check_strings_and_icons(file, places);
    }

    /// Drops the records whose process index differs from their index in the table: they belong to another
    /// process. Reading the table has counted them.
    fn drop_stray_processes(&mut self, file: &[u8]) {
        let pointer = self.pointer();
        let names = |at| raw_process::read(file, at, pointer).ok().map(|record| record.fixed.index.get());
        let mut kept = std::mem::take(&mut self.processes);
        kept.retain(|(index, at)| names(*at) == Some(*index));
        self.set_processes(file, kept);
    }

    /// Whether no damage was found in the tables.
    pub(crate) fn has_sound_tables(&self) -> bool {
        self.damage.is_empty()
    }

    /// Counts an error of the log.
    pub(crate) fn push_damage(&mut self, error: Error) {
        self.damage.push(error);
    }

    /// Reads processes, strings and icons from tables that recovery made.
    pub(crate) fn replace_tables(&mut self, tables: Vec<u8>, places: &Places) {
        self.processes.clear();
        // The damage of the file's tables has already been counted.
        let damage = std::mem::take(&mut self.damage);
        self.read_found_tables(&tables, places);
        self.damage = damage;
        self.tables = Some(tables);
    }

    /// Index of each process that has a record, and where its record is.
    pub(crate) fn process_entries(&self) -> &[(u32, u64)] {
        &self.processes
    }

    /// The string table.
    pub(crate) fn strings(&self) -> Strings {
        self.strings
    }

    /// Stores the result of recovery, and the places that recovery could not read.
    pub(crate) fn add_recovery(&mut self, recovery: Recovery, damage: &Damage) {
        // The cause becomes the first error, unless reading the tables has already found the same error.
        if let Some(cause) = recovery.cause.filter(|cause| !self.damage.first.contains(cause)) {
            let mut all = Damage::default();
            all.push(cause);
            all.merge(&self.damage);
            self.damage = all;
        }
        self.recovery = Some(Box::new(recovery));
        self.damage.merge(damage);
    }

    /// Counts processes that a neighbouring part names.
    pub(crate) fn add_matched(&mut self, matched: Matched) {
        if let Some(recovery) = &mut self.recovery {
            recovery.processes_matched += matched.processes;
            recovery.processes_matched_once += matched.once;
            recovery.processes_matched_by_modules += matched.by_modules;
            recovery.processes_unknown = recovery.processes_unknown.saturating_sub(matched.unknown);
        }
    }

    /// Number of events.
    pub(crate) fn event_count(&self) -> u32 {
        self.offsets.count()
    }

    fn read_icons(&mut self, file: &[u8], at: u64) {
        match Icons::read(file, at) {
            Ok(icons) => self.icons = icons,
            Err(error) => self.damage.push(error),
        }
    }

    fn read_hosts(&mut self, file: &[u8], at: u64) {
        let (hosts, error) = Hosts::read(file, at);
        self.hosts = hosts;
        error.into_iter().for_each(|error| self.damage.push(error));
    }

    /// Finds every process record that can be read. Of two records with one index, the last one counts.
    fn read_processes(&mut self, file: &[u8], table_at: u64, places: &Places) -> Result<()> {
        let (indexes, offsets) = raw_process::table(file, table_at)?;
        let first = raw_process::first_record(table_at, indexes.len());
        let mut chain = Chain::new(first);
        // Records of a real log do not overlap. In a forged log, many entries may share one huge record.
        // All records together may have as many bytes as the file.
        let mut bytes_left = file.len() as u64;
        for (index, offset) in indexes.iter().zip(offsets) {
            let at = table_at + u64::from(offset.get());
            let record = match raw_process::read(file, at, self.pointer()) {
                Ok(record) if at >= first => record,
                Ok(_) => {
                    let kind = ErrorKind::OutOfBounds(u64::from(offset.get()));
                    self.damage.push(Error::new(kind, "entry of the process table", at));
                    chain.skip();
                    continue;
                }
                Err(error) => {
                    self.damage.push(error);
                    chain.skip();
                    continue;
                }
            };
            let Some(left) = bytes_left.checked_sub(record.size()) else {
                self.damage.push(Error::new(ErrorKind::Overlapping, "process record", at));
                chain.skip();
                continue;
            };
            bytes_left = left;
            let error = soundness::process_error(&record, index.get(), at, self.strings.count());
            soundness::check_modules(&record, at, self.strings.count(), &mut self.damage);
            match error {
                Some(error) => {
                    self.damage.push(error);
                    chain.skip();
                }
                None if !chain.add(at, at + record.size()) => {
                    self.damage.push(Error::new(ErrorKind::Contradiction, "process record", at));
                }
                None => {}
            }
            if !soundness::is_blank(&record) {
                self.processes.push((index.get(), at));
            }
        }
        chain.end(file, "process table", table_at, places.strings, &mut self.damage);
        if indexes.is_empty() && self.event_count() > 0 {
            self.damage.push(Error::new(ErrorKind::Empty, "process table", table_at));
        }
        self.processes.sort_by_key(|entry| entry.0);
        let mut kept: Vec<(u32, u64)> = Vec::with_capacity(self.processes.len());
        for &entry in &self.processes {
            match kept.last_mut() {
                Some(last) if last.0 == entry.0 => {
                    *last = entry;
                    self.damage.push(Error::new(ErrorKind::Duplicate(entry.0), "process record", entry.1));
                }
                _ => kept.push(entry),
            }
        }
        self.set_processes(file, kept);
        Ok(())
    }

    /// Sets the processes, which must ascend by index.
    fn set_processes(&mut self, file: &[u8], processes: Vec<(u32, u64)>) {
        self.processes = processes;
        self.modules = std::iter::repeat_with(OnceLock::new).take(self.processes.len()).collect();
        self.system = (0..self.processes.len()).find_map(|position| {
            let at = self.processes.get(position)?.1;
            let record = raw_process::read(file, at, self.pointer()).ok()?;
            (record.fixed.pid.get() == SYSTEM_PID).then_some(position as u32)
        });
    }

    /// Checks the tables whose entries are read on demand.
    fn check_strings_and_icons(&mut self, file: &[u8], places: &Places) {
        // Offset 0: there is no such table, or it cannot be read.
        if self.strings.at() != 0 {
            soundness::check_strings(file, self.strings, places.icons, &mut self.damage);
        }
        if self.icons.at() != 0 {
            soundness::check_icons(file, self.icons, places.hosts, &mut self.damage);
        }
        if let Some(at) = places.hosts.filter(|&at| at != 0) {
            soundness::check_hosts(file, &self.hosts, at, &mut self.damage);
        }
    }
}
