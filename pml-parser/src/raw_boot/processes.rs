//! The process table of a raw boot log, from the records of the process class.

use crate::detail::process::{Created, Loaded};
use crate::detail::sid;
use crate::log::kernel_names::KernelNames;
use crate::log::process::SYSTEM_PID;
use crate::names::operation::{EventClass, Operation};
use crate::raw::event::EventRecord;
use crate::time::FileTime;
use crate::write::{NewModule, NewProcess, Tables};
use std::collections::{BTreeMap, HashSet};

/// The most processes of a log; captures of whole days have some thousands.
const MOST_PROCESSES: usize = 1 << 16;

/// A process, or what is known of it before it is defined.
#[derive(Debug, Default)]
struct Known<'a> {
    /// The first definition, and where it lies.
    created: Option<(Created<'a>, u64)>,
    end: Option<FileTime>,
    modules: Vec<(FileTime, Loaded<'a>)>,
}

/// Collects the processes of a log. Texts stay in the file.
#[derive(Debug, Default)]
pub(super) struct Processes<'a> {
    known: BTreeMap<u32, Known<'a>>,
    /// Images of processes, so that each is kept once.
    images: HashSet<(u32, u64, u32, &'a [u8])>,
}

impl<'a> Processes<'a> {
    /// Adds a record of the process class. Returns the image that a process loads, and the process, if the record is
    /// about one.
    pub(super) fn add(
        &mut self,
        at: u64,
        record: &EventRecord<'a>,
        pointer: usize,
    ) -> Option<(Loaded<'a>, Option<Created<'a>>)> {
        let index = record.header.process_index.get();
        let time = FileTime(record.header.time.get());
        match Operation::of(EventClass::Process, record.header.operation.get(), 0) {
            Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => {
                let created = Created::read(record.details)?;
                let known = self.get(created.index)?;
                known.created.get_or_insert((created, at));
                None
            }
            Operation::PROCESS_EXIT => {
                self.get(index)?.end = Some(time);
                None
            }
            Operation::LOAD_IMAGE => {
                let loaded = Loaded::read(record.details, pointer)?;
                let is_new = self.images.insert((index, loaded.base, loaded.size, loaded.path.raw()));
                let known = self.get(index)?;
                if is_new {
                    known.modules.push((time, loaded));
                }
                Some((loaded, known.created.map(|created| created.0)))
            }
            _ => None,
        }
    }

    /// What is known of a process; `None` where there are too many already.
    fn get(&mut self, index: u32) -> Option<&mut Known<'a>> {
        if self.known.len() >= MOST_PROCESSES && !self.known.contains_key(&index) {
            return None;
        }
        Some(self.known.entry(index).or_default())
    }

    /// Where the defined processes are defined, ascending by index.
    pub(super) fn definitions(&self) -> impl Iterator<Item = (u32, u64)> {
        self.known.iter().filter_map(|(&index, known)| Some((index, known.created?.1)))
    }

    /// The table of the defined processes. Accounts are those that every Windows has; versions are unknown.
    pub(super) fn tables(&self, names: &KernelNames, pointer: usize) -> Tables {
        let mut tables = Tables::default();
        for (&index, known) in &self.known {
            let Some((created, _)) = &known.created else { continue };
            let path = names.program(created.path).to_str();
            let name = path.rsplit(['\\', '/']).next().unwrap_or(&path);
            let (mut user, mut integrity) = (String::new(), String::new());
            sid::push(&mut user, created.user);
            sid::push_integrity(&mut integrity, created.integrity);
            let paths: Vec<_> =
                known.modules.iter().map(|(_, loaded)| names.program(loaded.path).to_str()).collect();
            let modules = known.modules.iter().zip(&paths).map(|((load_time, loaded), path)| NewModule {
                load_time: *load_time,
                base: loaded.base,
                size: loaded.size,
                path,
                ..NewModule::default()
            });
            tables.add_process(
                &NewProcess {
                    index,
                    pid: created.pid,
                    parent_pid: created.parent_pid,
                    parent_index: created.parent_index,
                    authentication_id: created.authentication_id,
                    session: created.session,
                    start: created.time,
                    end: known.end,
                    virtualized: created.virtualized,
                    is_64_bit: created.is_64_bit,
                    integrity: &integrity,
                    user: &user,
                    name: if name.is_empty() && created.pid == SYSTEM_PID { SYSTEM } else { name },
                    image_path: &path,
                    command_line: &created.command_line.to_str(),
                    modules: modules.collect(),
                    ..NewProcess::default()
                },
                pointer,
            );
        }
        tables
    }
}

/// The name of the kernel's process.
const SYSTEM: &str = "System";
