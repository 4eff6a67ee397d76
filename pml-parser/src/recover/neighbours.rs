//! After recovery, for the parts of a capture: names processes that are unknown in one part by what a neighbouring part
//! says of them.
//!
//! Each part numbers its processes itself, so that a part whose tables are lost cannot look its processes up in the
//! next one. But processes run on from part to part. An unknown process is the one that has its PID, where children say it;
//! the one whose threads have the same ids on the other side of the boundary; or the only one whose modules lie at all
//! addresses of its stacks. Where none of these is sure, the program still is whose image lies at some of the addresses,
//! and which process runs it stays open (docs/reliability.md, "Recovery").

use super::rebuild::replacement;
use crate::detail::process::Loaded;
use crate::error::{Error, ErrorKind, Result};
use crate::log::LogView;
use crate::log::event::Event;
use crate::log::index::{Matched, Places};
use crate::log::process::{Module, Process, SYSTEM_PID};
use crate::log::recovery::Recovery;
use crate::log::set::LogSet;
use crate::names::operation::{EventClass, Operation};
use crate::progress::Progress;
use crate::raw::bytes::Blob;
use crate::time::FileTime;
use crate::write::{NewModule, NewProcess, Tables};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Threads of one part that are looked at, at most; captures of whole days have some ten thousand.
const MOST_THREADS: usize = 1 << 18;
/// Processes of one part that are looked up, at most.
const MOST_PROCESSES: usize = 1 << 12;
/// Distinct addresses of the stacks of one process that are kept, at most.
const MOST_ADDRESSES: usize = 1 << 10;
/// Distinct addresses that must lie in the modules of a process, at least.
const FEWEST_ADDRESSES: usize = 3;
/// Distinct addresses that must lie in the image of a program, at least.
const FEWEST_OF_PROGRAM: usize = 2;
/// Where images lie whose places nobody guesses: below, Windows chooses among a few hundred.
const LOWEST_PROGRAM: u64 = 1 << 32;
/// The first modules of a new process, which a thread of its parent loads.
const LOADED_BY_PARENT: u32 = 4;
/// Events between two looks at whether the caller cancels.
const LOOKED: u32 = 1 << 16;

/// The side of a part on which its neighbour lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What shows which process of a neighbour an unknown one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Witness {
    /// Its PID.
    Pid,
    /// This number of its threads.
    Threads(u32),
    /// The addresses of its stacks.
    Modules,
}

/// A process of a neighbour, and what shows that it is the unknown one.
#[derive(Clone, Copy)]
struct Found<'a> {
    process: Process<'a>,
    witness: Witness,
}

/// A process of a part of which the tables do not say what it is.
#[derive(Default)]
struct Unknown<'a> {
    /// What events say of it.
    known: Option<Process<'a>>,
    /// Addresses of its stacks that are neither the kernel's nor those of modules that it loads in this part.
    addresses: BTreeSet<u64>,
}

impl Unknown<'_> {
    /// Whether what events say of it goes together with a process.
    fn fits(&self, process: Process<'_>) -> bool {
        let Some(known) = self.known else { return true };
        let (name, pid) = (known.name(), known.pid());
        let is_named = name.is_empty() || name.to_str().eq_ignore_ascii_case(&process.name().to_str());
        // The first module of the kernel is no name of it.
        (pid == 0 || pid == process.pid()) && (is_named || process.pid() == SYSTEM_PID)
    }
}

/// A thread of a part.
#[derive(Clone, Copy)]
struct Thread {
    /// The index of its process; `None` where several have it, or a known one.
    index: Option<u32>,
    /// Whether it begins in this part.
    begins: bool,
    /// Whether it ends in this part.
    ends: bool,
}

/// Which thread of which process an event proves. New processes and threads are made by threads of others, which load the
/// first modules too.
#[derive(Default)]
struct Threads {
    /// How many modules the processes have loaded that start in this part.
    loaded: HashMap<u32, u32>,
}

impl Threads {
    /// Whether the process with this index starts in this part.
    fn starts(&self, index: u32) -> bool {
        self.loaded.contains_key(&index)
    }

    /// The id of a thread of the event's process, and whether it begins or ends.
    fn of(&mut self, event: &Event<'_>) -> (u32, bool, bool) {
        let tid = event.tid();
        match event.operation() {
            Operation::THREAD_CREATE => (event.details().u32_at(0).unwrap_or(0), true, false),
            Operation::THREAD_EXIT => (tid, false, true),
            Operation::PROCESS_START => {
                if self.loaded.len() < MOST_THREADS {
                    self.loaded.insert(event.process_index(), 0);
                }
                (0, false, false)
            }
            Operation::LOAD_IMAGE => match self.loaded.get_mut(&event.process_index()) {
                Some(loaded) if *loaded < LOADED_BY_PARENT => {
                    *loaded += 1;
                    (0, false, false)
                }
                _ => (tid, false, false),
            },
            _ if event.class() == EventClass::Process => (0, false, false),
            _ => (tid, false, false),
        }
    }
}

/// What the events of a part say about its unknown processes.
#[derive(Default)]
struct Witnesses<'a> {
    unknown: BTreeMap<u32, Unknown<'a>>,
    /// The threads of unknown processes. A thread whose id other processes of the part have too is left out.
    threads: HashMap<u32, Thread>,
    /// Whether the part is whole and has the starts of processes and the loads of modules, so that a process without
    /// such events ran before it.
    has_loads: bool,
}

impl<'a> Witnesses<'a> {
    fn of(log: LogView<'a>, progress: &dyn Progress) -> Result<Self> {
        let mut witnesses = Witnesses::default();
        let (mut threads, mut proven): (HashMap<u32, Thread>, Threads) = Default::default();
        let mut loaded: HashMap<u32, Vec<(u64, u64)>> = HashMap::new();
        let most_address = if log.is_64_bit() { 1 << 47 } else { 1 << 31 };
        let mut is_loading = false;
        for (position, event) in (0..).zip(log.events(0..log.event_count())) {
            stop_if_cancelled(position, progress)?;
            let Ok(event) = event else { continue };
            let index = event.process_index();
            let (tid, begins, ends) = proven.of(&event);
            let known = event.process();
            let is_unknown = known.is_none_or(|process| process.start() == FileTime(0));
            if is_unknown
                && (witnesses.unknown.len() < MOST_PROCESSES || witnesses.unknown.contains_key(&index))
            {
                let unknown = witnesses.unknown.entry(index).or_default();
                unknown.known = known;
                if unknown.addresses.len() < MOST_ADDRESSES {
                    unknown
                        .addresses
                        .extend(event.stack().addresses().filter(|at| (1..most_address).contains(at)));
                }
            }
            if event.operation() == Operation::LOAD_IMAGE {
                is_loading = true;
                if let Some(image) = Loaded::read(event.details(), log.index.pointer()).filter(|_| is_unknown)
                {
                    let end = image.base.saturating_add(image.size.into());
                    loaded.entry(index).or_default().push((image.base, end));
                }
            }
            if tid == 0 || threads.len() >= MOST_THREADS && !threads.contains_key(&tid) {
                continue;
            }
            let index = is_unknown.then_some(index);
            let thread = threads.entry(tid).or_insert(Thread { index, begins, ends });
            thread.ends = ends;
            thread.index = thread.index.filter(|owner| Some(*owner) == index);
        }
        for (index, unknown) in &mut witnesses.unknown {
            let loaded = loaded.get(index).map(Vec::as_slice).unwrap_or_default();
            unknown.addresses.retain(|at| loaded.iter().all(|(base, end)| !(*base..*end).contains(at)));
        }
        threads.retain(|_, thread| thread.index.is_some());
        witnesses.threads = threads;
        witnesses.has_loads =
            is_loading && log.recovery().is_some_and(|part| part.lost == 0 && part.lost_bytes == 0);
        Ok(witnesses)
    }
}

impl<B: AsRef<[u8]>> LogSet<B> {
    /// Names the unknown processes of recovered parts, where their PID, their threads or their modules show which process
    /// of a neighbouring part each is.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] when `progress` cancels.
    #[cfg_attr(not(feature = "mmap"), allow(dead_code, reason = "used where files are opened"))]
    pub(crate) fn name_by_neighbours(&mut self, progress: &dyn Progress) -> Result<()> {
        let count = self.parts().len() as u16;
        for part in 0..count {
            let Some(log) = self.part(part).filter(|_| count > 1) else { continue };
            let has_unknown =
                |recovery: &Recovery| recovery.processes_unknown + recovery.processes_rebuilt > 0;
            if !log.recovery().is_some_and(has_unknown) {
                continue;
            }
            let witnesses = Witnesses::of(log, progress)?;
            let before = part.checked_sub(1).map(|part| (part, Side::Before));
            let neighbours = before.into_iter().chain([(part + 1, Side::After)]);
            let neighbours: Vec<(LogView<'_>, Side)> =
                neighbours.filter_map(|(neighbour, side)| Some((self.part(neighbour)?, side))).collect();
            let mut found: BTreeMap<u32, Option<Found<'_>>> = BTreeMap::new();
            for &(neighbour, side) in &neighbours {
                by_pid(log, &witnesses, neighbour, side).into_iter().for_each(|new| add(&mut found, new));
                let new = by_threads(log, &witnesses, neighbour, side, progress)?;
                new.into_iter().for_each(|new| add(&mut found, new));
            }
            // These are taken, even where it is not sure by which of two.
            let known = log.processes().filter(|process| process.start() != FileTime(0));
            let taken: HashSet<_> = known
                .map(identity)
                .chain(found.values().flatten().map(|found| identity(found.process)))
                .collect();
            let named: BTreeSet<u32> = found.keys().copied().collect();
            for &(neighbour, side) in &neighbours {
                let new = by_modules(log, &witnesses, neighbour, side, (&taken, &named));
                new.into_iter().for_each(|new| add(&mut found, new));
            }
            let mut programs: BTreeMap<u32, Process<'_>> = BTreeMap::new();
            for &(neighbour, _) in &neighbours {
                for (index, program) in by_program(&witnesses, neighbour) {
                    programs.entry(index).or_insert(program);
                }
            }
            // Code of another program is an alibi.
            found.retain(|index, found| {
                let (Some(found), Some(program)) = (found, programs.get(index)) else { return true };
                path_of(found.process) == path_of(*program)
            });
            let found = sure(log, found);
            programs.retain(|index, _| !found.contains_key(index));
            if found.is_empty() && programs.is_empty() {
                continue;
            }
            let (bytes, places) = with_found(log, &found, &programs);
            let count =
                |is: &dyn Fn(&Found<'_>) -> bool| found.values().filter(|found| is(found)).count() as u32;
            let is_new = |index: &&u32| log.process(**index).is_none();
            let matched = Matched {
                processes: (found.len() + programs.len()) as u32,
                unknown: found.keys().chain(programs.keys()).filter(is_new).count() as u32,
                once: count(&|found| found.witness == Witness::Threads(1)),
                by_modules: count(&|found| found.witness == Witness::Modules) + programs.len() as u32,
            };
            if let Some(index) = self.index_mut(part) {
                index.replace_tables(bytes, &places);
                index.add_matched(matched);
            }
        }
        Ok(())
    }
}

/// Adds what a neighbour shows. Witnesses that contradict each other show nothing.
fn add<'a>(found: &mut BTreeMap<u32, Option<Found<'a>>>, (index, new): (u32, Found<'a>)) {
    let entry = found.entry(index).or_insert(Some(new));
    *entry = entry.filter(|known| identity(known.process) == identity(new.process));
}

/// What is not in doubt: a process has one index in a part.
fn sure<'a>(log: LogView<'_>, found: BTreeMap<u32, Option<Found<'a>>>) -> BTreeMap<u32, Found<'a>> {
    let mut found: BTreeMap<u32, Found<'a>> =
        found.into_iter().filter_map(|(index, found)| Some((index, found?))).collect();
    // Threads of a parent work for its new child, too: what many threads show outweighs what one of them does.
    let weight = |found: &Found<'_>| match found.witness {
        Witness::Threads(threads) => threads,
        Witness::Pid => u32::MAX,
        Witness::Modules => 0,
    };
    let mut weights: HashMap<_, Vec<u32>> = HashMap::new();
    found.values().for_each(|found| weights.entry(identity(found.process)).or_default().push(weight(found)));
    weights.values_mut().for_each(|weights| weights.sort_unstable_by_key(|weight| Reverse(*weight)));
    let known: HashSet<_> = log.processes().map(identity).collect();
    found.retain(|_, found| {
        let identity = identity(found.process);
        let outweighs = |weights: &Vec<u32>| match weights[..] {
            [only] => weight(found) == only,
            [first, second, ..] => weight(found) == first && first >= 3 && first / 3 >= second.max(1),
            [] => false,
        };
        weights.get(&identity).is_some_and(outweighs) && !known.contains(&identity)
    });
    found
}

/// The tables of a part, with what was found.
fn with_found(
    log: LogView<'_>,
    found: &BTreeMap<u32, Found<'_>>,
    programs: &BTreeMap<u32, Process<'_>>,
) -> (Vec<u8>, Places) {
    let pointer = log.index.pointer();
    let mut tables = Tables::for_copies_of(log);
    let is_found = |index: u32| found.contains_key(&index) || programs.contains_key(&index);
    for process in log.processes().filter(|process| !is_found(process.index())) {
        let modules: Vec<Module<'_>> = process.modules().collect();
        tables.copy_process(process.index(), process.parent_index(), process, &modules, pointer);
    }
    for (index, found) in found {
        let mut modules: Vec<Module<'_>> = found.process.modules().collect();
        let own = log.process(*index);
        // What events of this part load, and when they say that the process ends, is not in the other part.
        let bases: HashSet<u64> = modules.iter().map(|module| module.base).collect();
        let new = own.into_iter().flat_map(Process::modules);
        modules.extend(new.filter(|module| !bases.contains(&module.base)));
        let end = own.and_then(Process::end).or(found.process.end());
        // Indexes of the neighbour mean other processes here.
        tables.copy_ended_process((*index, 0), found.process, end, &modules, pointer);
    }
    for (index, program) in programs {
        let own = log.process(*index);
        let texts = [
            program.name(),
            program.image_path(),
            program.company(),
            program.version(),
            program.description(),
        ];
        let [name, path, company, version, description] = texts.map(|text| text.to_string());
        // Which process it is stays open, and so do its modules but for its program.
        let image = program.modules().find(|module| is_program(*program, *module));
        let modules = image.into_iter().chain(own.into_iter().flat_map(Process::modules));
        let modules: Vec<(Module<'_>, [String; 4])> =
            modules.map(|module| (module, texts_of(module))).collect();
        let process = NewProcess {
            index: *index,
            pid: own.map_or(0, Process::pid),
            parent_pid: own.map_or(0, Process::parent_pid),
            virtualized: u32::MAX,
            is_64_bit: program.is_64_bit(),
            end: own.and_then(Process::end),
            name: &name,
            image_path: &path,
            command_line: "",
            company: &company,
            version: &version,
            description: &description,
            integrity: "",
            user: "",
            modules: modules.iter().map(|(module, texts)| new_module(*module, texts)).collect(),
            ..NewProcess::default()
        };
        tables.add_process(&process, pointer);
    }
    replacement(&tables)
}

fn texts_of(module: Module<'_>) -> [String; 4] {
    [module.path(), module.version(), module.company(), module.description()].map(|text| text.to_string())
}

fn new_module<'t>(
    module: Module<'_>,
    [path, version, company, description]: &'t [String; 4],
) -> NewModule<'t> {
    NewModule {
        load_time: module.load_time,
        base: module.base,
        size: module.size,
        path,
        version,
        company,
        description,
        timestamp: module.timestamp,
    }
}

/// The path of a process's program, in one spelling.
fn path_of(process: Process<'_>) -> String {
    process.image_path().to_str().to_lowercase()
}

/// Whether a module is the program that a process runs.
fn is_program(process: Process<'_>, module: Module<'_>) -> bool {
    let path = process.image_path();
    !path.is_empty() && module.path().to_str().eq_ignore_ascii_case(&path.to_str())
}

/// Unknown processes of which a program of a neighbour is known: its image lies at addresses of their stacks, where no
/// process has another module.
fn by_program<'a>(witnesses: &Witnesses<'_>, neighbour: LogView<'a>) -> Vec<(u32, Process<'a>)> {
    /// Modules that overlap, and the process whose program they are, if they are one program.
    struct Place<'a> {
        base: u64,
        end: u64,
        program: Option<Process<'a>>,
    }
    let mut modules: Vec<Place<'a>> = Vec::new();
    for process in neighbour.processes() {
        modules.extend(process.modules().filter(|module| module.base >= LOWEST_PROGRAM).map(|module| {
            Place {
                base: module.base,
                end: module.base.saturating_add(module.size.into()),
                program: Some(process).filter(|process| is_program(*process, module)),
            }
        }));
    }
    modules.sort_by_key(|module| module.base);
    let path = |process: Option<Process<'_>>| process.map(path_of);
    let mut places: Vec<Place<'a>> = Vec::new();
    for module in modules {
        match places.last_mut().filter(|last| module.base < last.end) {
            Some(last) => {
                last.end = last.end.max(module.end);
                if path(last.program) != path(module.program) {
                    last.program = None;
                }
            }
            None => places.push(module),
        }
    }
    let mut found = Vec::new();
    for (index, unknown) in &witnesses.unknown {
        let mut programs: Vec<(Process<'a>, usize)> = Vec::new();
        for at in &unknown.addresses {
            let after = places.partition_point(|place| place.base <= *at);
            let place =
                after.checked_sub(1).and_then(|last| places.get(last)).filter(|place| *at < place.end);
            let Some(program) = place.and_then(|place| place.program) else { continue };
            match programs.iter_mut().find(|known| path(Some(known.0)) == path(Some(program))) {
                Some(known) => known.1 += 1,
                None => programs.push((program, 1)),
            }
        }
        if let [(program, count)] = programs[..]
            && count >= FEWEST_OF_PROGRAM
            && unknown.known.is_none_or(|known| known.name().is_empty())
        {
            found.push((*index, program));
        }
    }
    found
}

/// What a process is in every part.
fn identity(process: Process<'_>) -> (u32, u64) {
    (process.pid(), process.start().0)
}

fn stop_if_cancelled(position: u32, progress: &dyn Progress) -> Result<()> {
    if position.is_multiple_of(LOOKED) && progress.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "events", 0));
    }
    Ok(())
}

/// Whose a thread is, as its events in a neighbour say.
#[derive(Clone, Copy, Default)]
struct Owner {
    process: Option<u32>,
    /// Whether the thread was created in this process.
    is_sure: bool,
    /// Whether later events are those of another thread.
    is_over: bool,
    /// Events of this process, and of others: threads work for other processes now and then.
    events: u32,
    others: u32,
}

impl Owner {
    fn add(&mut self, process: u32, is_sure: bool) {
        if is_sure {
            *self = Self { process: Some(process), is_sure, ..Self::default() };
        } else if self.is_sure || self.is_over {
        } else if self.process.is_none_or(|known| known == process) {
            self.process = Some(process);
            self.events = self.events.saturating_add(1);
        } else {
            self.others = self.others.saturating_add(1);
            if self.others > self.events {
                self.process = Some(process);
                std::mem::swap(&mut self.others, &mut self.events);
            }
        }
    }

    /// The process, if it is not in doubt.
    fn process(&self) -> Option<u32> {
        self.process.filter(|_| self.is_sure || self.events / 8 >= self.others)
    }
}

/// Where the modules of a process lie, ascending.
struct Images(Vec<(u64, u64)>);

impl Images {
    fn of(process: Process<'_>) -> Self {
        let place = |module: Module<'_>| (module.base, module.base.saturating_add(module.size.into()));
        let mut images: Vec<(u64, u64)> = process.modules().map(place).collect();
        images.sort_unstable();
        Self(images)
    }

    /// Whether a module lies at an address.
    fn has(&self, at: u64) -> bool {
        let after = self.0.partition_point(|image| image.0 <= at);
        after.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|image| at < image.1)
    }

    /// Whether modules lie at all addresses. Nothing is known of a process without modules.
    fn has_all<'s>(&self, addresses: impl IntoIterator<Item = &'s u64>) -> bool {
        self.0.is_empty() || addresses.into_iter().all(|at| self.has(*at))
    }
}

/// Whether a process of a neighbour may run in the part.
fn runs(log: LogView<'_>, neighbour: LogView<'_>, side: Side, process: &Process<'_>) -> bool {
    match side {
        Side::Before => {
            let boundary = neighbour.time_span().map(|span| span.1);
            process.end().is_none_or(|end| boundary.is_some_and(|boundary| end >= boundary))
                && boundary.is_none_or(|boundary| process.start() <= boundary)
        }
        Side::After => log.time_span().is_none_or(|span| process.start() <= span.1),
    }
}

/// Processes whose PID events of the part say: only one process has it at the boundary.
fn by_pid<'a>(
    log: LogView<'_>,
    witnesses: &Witnesses<'_>,
    neighbour: LogView<'a>,
    side: Side,
) -> Vec<(u32, Found<'a>)> {
    let mut pids: HashMap<u32, Option<Process<'a>>> = HashMap::new();
    for process in neighbour.processes().filter(|process| runs(log, neighbour, side, process)) {
        pids.entry(process.pid()).and_modify(|known| *known = None).or_insert(Some(process));
    }
    let found = witnesses.unknown.iter().filter_map(|(index, unknown)| {
        let pid = unknown.known.map(Process::pid).filter(|pid| *pid != 0)?;
        // A process that ended here does not run in the next part.
        let ended = side == Side::After && unknown.known.is_some_and(|known| known.end().is_some());
        let process = pids.get(&pid).copied().flatten().filter(|process| !ended && unknown.fits(*process))?;
        Some((*index, Found { process, witness: Witness::Pid }))
    });
    found.collect()
}

/// Unknown processes that are processes of a neighbour: all of their threads that run on both sides of the boundary say
/// the same.
fn by_threads<'a>(
    log: LogView<'_>,
    witnesses: &Witnesses<'_>,
    neighbour: LogView<'a>,
    side: Side,
    progress: &dyn Progress,
) -> Result<Vec<(u32, Found<'a>)>> {
    let begin = neighbour.time_span().map(|span| span.0);
    let mut owners: HashMap<u32, Owner> = HashMap::new();
    let mut proven = Threads::default();
    for (position, event) in (0..).zip(neighbour.events(0..neighbour.event_count())) {
        stop_if_cancelled(position, progress)?;
        let Ok(event) = event else { continue };
        let (tid, begins, ends) = proven.of(&event);
        let Some(thread) = witnesses.threads.get(&tid) else { continue };
        match side {
            // A thread that begins later has got the id of another one.
            Side::Before if ends || thread.begins => drop(owners.remove(&tid)),
            Side::After if begins || thread.ends => owners.entry(tid).or_default().is_over = true,
            _ => {
                let Some(process) = event.process_position() else { continue };
                // A new process has the threads that are created in it; those of its parent work for it first.
                let is_new = || {
                    event.process().is_some_and(|process| begin.is_some_and(|begin| process.start() >= begin))
                };
                if begins || !(proven.starts(event.process_index()) && is_new()) {
                    owners.entry(tid).or_default().add(process, begins);
                }
            }
        }
    }
    let mut votes: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
    for (tid, thread) in &witnesses.threads {
        if let (Some(owner), Some(index)) = (owners.get(tid).and_then(Owner::process), thread.index) {
            *votes.entry(index).or_default().entry(owner).or_default() += 1;
        }
    }
    let found = votes.into_iter().filter_map(|(index, owners)| {
        let mut owners = owners.into_iter();
        let (Some((owner, threads)), None) = (owners.next(), owners.next()) else { return None };
        let process = neighbour.process_at(owner).filter(|process| runs(log, neighbour, side, process))?;
        let fits = witnesses.unknown.get(&index).is_some_and(|unknown| {
            // A single thread may be one of the parent, which works for a new child.
            unknown.fits(process) && (threads > 1 || Images::of(process).has_all(&unknown.addresses))
        });
        fits.then_some((index, Found { process, witness: Witness::Threads(threads) }))
    });
    Ok(found.collect())
}

/// Unknown processes that are processes of a neighbour: only one of all that run has modules at all addresses of their
/// stacks, and it is not `taken`. Modules that are loaded in the part are left out, and a part that may have lost loads
/// shows nothing. Addresses at which no process has a module are those of code that was made while the program ran.
fn by_modules<'a>(
    log: LogView<'_>,
    witnesses: &Witnesses<'_>,
    neighbour: LogView<'a>,
    side: Side,
    (taken, named): (&HashSet<(u32, u64)>, &BTreeSet<u32>),
) -> Vec<(u32, Found<'a>)> {
    if !witnesses.has_loads {
        return Vec::new();
    }
    let may_be = |process: &Process<'_>| runs(log, neighbour, side, process);
    let candidates: Vec<(Process<'a>, Images)> =
        neighbour.processes().filter(may_be).map(|process| (process, Images::of(process))).collect();
    let mut found = Vec::new();
    let all = &candidates;
    for (index, unknown) in witnesses.unknown.iter().filter(|(index, _)| !named.contains(index)) {
        let candidates = || candidates.iter().filter(|candidate| unknown.fits(candidate.0));
        let is_image = |at: &&u64| all.iter().any(|candidate| candidate.1.has(**at));
        let addresses: Vec<u64> = unknown.addresses.iter().filter(is_image).copied().collect();
        let ended = side == Side::After && unknown.known.is_some_and(|known| known.end().is_some());
        if addresses.len() < FEWEST_ADDRESSES || ended {
            continue;
        }
        // Of a process without modules, nothing says that it is another one.
        let fits = |candidate: &&(Process<'a>, Images)| candidate.1.has_all(&addresses);
        let mut fitting = candidates().filter(fits).filter(|candidate| candidate.0.pid() != SYSTEM_PID);
        if let (Some(only), None) = (fitting.next(), fitting.next())
            && !only.1.0.is_empty()
            && !taken.contains(&identity(only.0))
        {
            found.push((*index, Found { process: only.0, witness: Witness::Modules }));
        }
    }
    found
}
