//! Reads a raw boot log: `Procmon.pmb`, which the capture driver writes while Windows starts.
//!
//! The file is the sequence of the driver's messages (docs/format.md, "Raw boot logs"). One pass over their headers
//! makes an index like that of a PML, so that later layers hardly know the difference:
//!
//! 1. `frame`: where records lie, in both bitnesses, and behind damage; `walk`: hands them out.
//! 2. `join`: which record ends which operation, and the order of events.
//! 3. `processes`, `drives`: the process table and the drive letters, from records of the process class.
//!
//! Nothing is copied: events stay where they are in the file. Memory grows by eight bytes an event.

mod drives;
mod frame;
mod join;
mod processes;
mod walk;

use crate::detail::stored_names_of_rename;
use crate::error::{Error, ErrorKind, Result};
use crate::log::Log;
use crate::log::index::{Index, Kernel, MachineFacts, Places};
use crate::log::kernel_names::{KernelNames, WindowsFolder};
use crate::log::offsets::Offsets;
use crate::log::recovery::Recovery;
use crate::names::kernel::{CONTROL_SET, DEVICE, MACHINE};
use crate::names::ntstatus::NtStatus;
use crate::names::operation::{EventClass, Operation};
use crate::progress::Progress;
use crate::raw::bytes::Blob;
use crate::raw::event::{EventRecord, RawEvent, read_body, read_joined};
use crate::raw::header::VERSION;
use crate::raw::offsets::RawOffset;
use crate::raw::strings::Info;
use crate::write::Machine;
use drives::DriveEvidence;
use frame::{Frames, Losses};
use join::Joiner;
use processes::Processes;
use std::collections::BTreeMap;
use walk::each_record;

/// Drive letters, and the names of their volumes: `C` and `\Device\HarddiskVolume3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drives(Vec<(char, String)>);

impl Drives {
    /// Adds a drive. `false` where the letter is none of A to Z, or the name is not that of a device.
    pub fn add(&mut self, letter: char, device: &str) -> bool {
        let prefix = device.get(..DEVICE.len()).filter(|prefix| prefix.eq_ignore_ascii_case(DEVICE));
        let volume = device.get(DEVICE.len()..).unwrap_or_default().trim_end_matches('\\');
        let is_valid =
            letter.is_ascii_alphabetic() && prefix.is_some() && !volume.is_empty() && volume.is_ascii();
        if is_valid {
            self.0.push((letter.to_ascii_uppercase(), volume.to_owned()));
        }
        is_valid
    }

    /// Splits a drive as people write it: `C=\Device\HarddiskVolume3`, or `C:=…`. `None` where it is none.
    pub fn split(text: &str) -> Option<(char, &str)> {
        let (letter, device) = text.split_once('=')?;
        let mut letters = letter.chars().filter(|c| *c != ':');
        let letter = letters.next().filter(|_| letters.next().is_none())?;
        Self::default().add(letter, device).then_some((letter, device))
    }
}

/// Whether a file is a raw boot log. A raw boot log has no signature: its first records are looked at.
pub fn is_raw_boot(bytes: &[u8]) -> bool {
    frame::recognize(bytes).is_some()
}

impl<B: AsRef<[u8]>> Log<B> {
    /// Reads a raw boot log. Every record header is read, because only the whole file says which record ends which
    /// operation. `drives` has the letters that are known from elsewhere; others are learned from the log.
    ///
    /// Damage loses only the records that it hits. [`LogView::recovery`](crate::LogView::recovery) says what was lost,
    /// and is `None` where nothing was.
    ///
    /// # Errors
    /// [`ErrorKind::NotPml`] when the file is no raw boot log, and [`ErrorKind::Cancelled`] when `progress` cancels.
    pub fn read_raw_boot(bytes: B, drives: &Drives, progress: &dyn Progress) -> Result<Self> {
        let index = read(bytes.as_ref(), drives, progress)?;
        Ok(Self::from_parts(bytes, index))
    }
}

fn read(file: &[u8], drives: &Drives, progress: &dyn Progress) -> Result<Index> {
    let frames = frame::recognize(file).ok_or(Error::new(ErrorKind::NotPml, "file header", 0))?;
    progress.begin(file.len() as u64);
    let mut pass = Pass::new(frames);
    let losses = each_record(frames, progress, &mut |at, header| pass.record(at, header));
    if losses.is_cancelled {
        return Err(Error::new(ErrorKind::Cancelled, "records", 0));
    }
    Ok(pass.conclude(drives, &losses))
}

/// Collects what the records of a log say.
struct Pass<'a> {
    frames: Frames<'a>,
    joiner: Joiner,
    processes: Processes<'a>,
    drives: DriveEvidence,
    facts: MachineFacts,
    /// How often each control set is named.
    control_sets: BTreeMap<u32, u64>,
    /// Events beyond what the index can hold.
    dropped: u64,
}

/// The class of records that end an operation.
const COMPLETION: EventClass = EventClass::Other(0);

/// The operations of class file system among which renames are.
const SETTING: u16 = Operation::SET_RENAME_INFORMATION_FILE.code;

impl<'a> Pass<'a> {
    fn new(frames: Frames<'a>) -> Self {
        Self {
            frames,
            joiner: Joiner::default(),
            processes: Processes::default(),
            drives: DriveEvidence::default(),
            facts: MachineFacts::default(),
            control_sets: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Takes the record at an offset. Of most records, the header is enough.
    fn record(&mut self, at: u64, header: &RawEvent) {
        let (class, code) = (EventClass::from_code(header.class.get()), header.operation.get());
        let body = || read_body(self.frames.file, at, self.frames.pointer).ok();
        match class {
            COMPLETION => return self.end(at, header.sequence.get()),
            EventClass::Process => {
                body().into_iter().for_each(|record| self.process(at, &record));
                // The definition of a process that ran before is no event.
                if Operation::of(class, code, 0) == Operation::PROCESS_DEFINED {
                    return;
                }
            }
            EventClass::Registry => body().into_iter().for_each(|record| self.key(&record)),
            EventClass::FileSystem if code == SETTING => {
                body().into_iter().for_each(|record| self.file(&record));
            }
            _ => {}
        }
        if self.joiner.len() >= u32::MAX as usize || at > RawOffset::MAX {
            self.dropped += 1;
            return;
        }
        let ends_later = matches!(
            class,
            EventClass::Registry | EventClass::FileSystem | EventClass::Network | EventClass::Other(_)
        );
        let is_open = ends_later && NtStatus(header.result.get()).is_pending();
        self.joiner.begin(at, header.sequence.get(), header.time.get(), is_open);
    }

    fn end(&mut self, at: u64, sequence: u32) {
        let Some(begin) = self.joiner.end(at, sequence) else { return };
        let file = self.frames.file;
        if self.frames.header(begin).is_some_and(MachineFacts::reads)
            && let Ok(record) = read_joined(file, begin, Some(at), self.frames.pointer)
        {
            self.facts.add_record(&record);
        }
    }

    fn process(&mut self, at: u64, record: &EventRecord<'a>) {
        if let Some((loaded, process)) = self.processes.add(at, record, self.frames.pointer) {
            self.drives.add(&loaded, process.as_ref());
        }
        self.facts.add_record(record);
    }

    /// Learns a drive letter from a rename.
    fn file(&mut self, record: &EventRecord<'a>) {
        let sub = record.details.u8_at(0).unwrap_or(0);
        let operation = Operation::of(EventClass::FileSystem, record.header.operation.get(), sub);
        if operation.is_rename()
            && let Some(names) = stored_names_of_rename(record.details, self.frames.pointer, operation)
        {
            self.drives.add_rename(names);
        }
    }

    /// Counts the control set of a key.
    fn key(&mut self, record: &EventRecord<'a>) {
        let operation = Operation::of(EventClass::Registry, record.header.operation.get(), 0);
        let (Some(layout), Some(info)) = (operation.registry(), record.details.u16_at(0)) else { return };
        let path = Info(info).string(record.details, layout.fixed);
        let below = path.after(MACHINE).and_then(|below| path.with_rest(below).after(CONTROL_SET.0));
        let Some(&[a, 0, b, 0, c, 0]) = below.and_then(<[u8]>::first_chunk::<6>) else { return };
        let number = std::str::from_utf8(&[a, b, c]).ok().and_then(|digits| digits.parse::<u32>().ok());
        if let Some(number) = number.filter(|number| *number > 0) {
            *self.control_sets.entry(number).or_default() += 1;
        }
    }

    /// The current control set: as the log says, otherwise the one that is named most.
    fn control_set(&self) -> u32 {
        let most = self.control_sets.iter().rev().max_by_key(|(_, count)| **count);
        self.facts.control_set.or(most.map(|(number, _)| *number)).unwrap_or(1)
    }

    fn conclude(mut self, given: &Drives, losses: &Losses) -> Index {
        let cause = losses.cut.filter(|_| losses.gaps == 1);
        let Frames { file, pointer } = self.frames;
        let control_set = self.control_set();
        let of_windows = self.facts.system_root.as_deref().and_then(|root| root.chars().next());
        let of_windows = of_windows.filter(char::is_ascii_alphabetic).unwrap_or('C').to_ascii_uppercase();
        let drives = self.drives.conclude(&given.0, of_windows);
        let windows = self.facts.system_root.as_deref().map(WindowsFolder::new).unwrap_or_default();
        let volumes = drives.iter().map(|(letter, volume)| (volume.clone(), format!("{letter}:"))).collect();
        let names = KernelNames::new(volumes, windows, control_set);
        let tables = self.processes.tables(&names, pointer);
        let defined_at = self.processes.definitions().map(|(_, at)| at).collect();
        drop(std::mem::take(&mut self.processes));
        let mut index = Index::new(pointer == 8, VERSION, Offsets::Joined(self.joiner.finish(file)));
        let mut bytes = tables.process_table();
        let strings = bytes.len() as u64;
        bytes.extend(tables.string_table());
        let icons = bytes.len() as u64;
        bytes.extend(tables.icon_table());
        let places = Places { processes: Some(0), strings: Some(strings), icons: Some(icons), hosts: None };
        index.replace_tables(bytes, &places);
        self.facts.drives = drives;
        let facts = self.facts;
        index.set_kernel(Kernel {
            header: machine(&facts, names.windows(), pointer == 8).header(),
            names,
            defined_at,
            damaged_from: losses.first.unwrap_or(u64::MAX),
            facts,
        });
        if losses.gaps > 0 || losses.doubtful > 0 || self.dropped > 0 {
            let recovery = Recovery {
                cause,
                is_cut: cause.is_some(),
                kept: u64::from(index.event_count()),
                doubtful: losses.doubtful,
                lost: losses.gaps + self.dropped,
                lost_is_exact: false,
                lost_bytes: losses.lost_bytes,
                ..Recovery::default()
            };
            // The cause becomes the first error by itself.
            let mut damage = losses.damage.clone();
            losses.cut.filter(|_| cause.is_none()).into_iter().for_each(|error| damage.push(error));
            index.add_recovery(recovery, &damage);
        }
        index
    }
}

/// The machine in the header of the PML that the log becomes. What the log does not say is 0 or empty.
fn machine(facts: &MachineFacts, windows: &WindowsFolder, is_64_bit: bool) -> Machine {
    let (major, minor) = facts.version;
    let old = facts.old_version.unwrap_or_default();
    Machine {
        computer: facts.computer.clone().unwrap_or_default(),
        system_root: windows.folder().to_owned(),
        is_64_bit,
        os_version: (major.unwrap_or(old.0), minor.unwrap_or(old.1), facts.build.unwrap_or(0)),
        processors: facts.processors.unwrap_or(0),
        memory: 0,
        product_type: facts.product_type.unwrap_or(0),
        service_pack: facts.service_pack.clone().unwrap_or_default(),
    }
}
