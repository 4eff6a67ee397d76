//! What the events themselves say about processes, where the process table says nothing.

use crate::detail::process::{Created, Loaded, started};
use crate::detail::sid;
use crate::log::process::{Process, SYSTEM_PID};
use crate::names::operation::{EventClass, Operation};
use crate::raw::event::EventRecord;
use crate::text::WinStr;
use crate::time::FileTime;
use crate::write::{NewModule, NewProcess, Tables};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the events say about one process.
#[derive(Clone, Debug, Default)]
struct Evidence<'a> {
    created: Option<Created<'a>>,
    /// From events of its children, where no event says it of the process itself.
    pid: Option<u32>,
    parent_pid: Option<u32>,
    command_line: WinStr<'a>,
    end: Option<FileTime>,
    modules: Vec<(FileTime, Loaded<'a>)>,
}

/// The most processes that are rebuilt from events; captures of whole days have some thousands.
const MOST_PROCESSES: usize = 1 << 16;

/// Collects what events say about processes. Their records do not overlap, so this is smaller than the file.
#[derive(Debug)]
pub(super) struct ProcessEvidence<'a> {
    pointer: usize,
    version: u32,
    processes: BTreeMap<u32, Evidence<'a>>,
    /// Process indexes that events name.
    named: BTreeSet<u32>,
    /// The last of them: most events follow one of the same process.
    last: Option<u32>,
    /// Modules that events load, so that each is kept once.
    modules: HashSet<(u32, u64, u32, &'a [u8])>,
}

impl<'a> ProcessEvidence<'a> {
    pub(super) fn new(pointer: usize, version: u32) -> Self {
        Self {
            pointer,
            version,
            processes: BTreeMap::new(),
            named: BTreeSet::new(),
            last: None,
            modules: HashSet::new(),
        }
    }

    /// Adds one event.
    #[inline]
    pub(super) fn add_event(&mut self, record: &EventRecord<'a>) {
        let index = record.header.process_index.get();
        if self.last != Some(index) {
            self.last = Some(index);
            self.named.insert(index);
        }
        let class = EventClass::from_code(record.header.class.get());
        if class == EventClass::Process {
            let operation = Operation::of(class, record.header.operation.get(), 0);
            self.add_process_event(index, operation, record);
        }
    }

    /// Adds an event of the process class that belongs to the process with this index.
    fn add_process_event(&mut self, index: u32, operation: Operation, record: &EventRecord<'a>) {
        let time = FileTime(record.header.time.get());
        match operation {
            Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => {
                let Some(created) = Created::read(record.details) else { return };
                if let Some(parent) = self.evidence_on(created.parent_index) {
                    parent.pid = parent.pid.or(Some(created.parent_pid));
                }
                if let Some(evidence) = self.evidence_on(created.index) {
                    evidence.created = Some(created);
                }
            }
            Operation::PROCESS_START => {
                let Some((parent_pid, command_line)) = started(record.details, self.version) else { return };
                if let Some(evidence) = self.evidence_on(index) {
                    evidence.parent_pid = Some(parent_pid);
                    evidence.command_line = command_line;
                }
            }
            Operation::PROCESS_EXIT => {
                if let Some(evidence) = self.evidence_on(index) {
                    evidence.end = Some(time);
                }
            }
            Operation::LOAD_IMAGE => {
                let Some(loaded) = Loaded::read(record.details, self.pointer) else { return };
                let is_new = self.modules.insert((index, loaded.base, loaded.size, loaded.path.raw()));
                if let Some(evidence) = self.evidence_on(index).filter(|_| is_new) {
                    evidence.modules.push((time, loaded));
                }
            }
            _ => {}
        }
    }

    /// The evidence on a process; `None` where there is evidence on too many already.
    fn evidence_on(&mut self, index: u32) -> Option<&mut Evidence<'a>> {
        if self.processes.len() >= MOST_PROCESSES && !self.processes.contains_key(&index) {
            return None;
        }
        Some(self.processes.entry(index).or_default())
    }

    /// Whether events contradict that this is the record of the process with this index.
    pub(super) fn contradicts(&self, index: u32, record: Process<'_>) -> bool {
        let evidence = self.processes.get(&index);
        let pid = evidence.and_then(|evidence| evidence.created.map(|created| created.pid).or(evidence.pid));
        pid.is_some_and(|pid| pid != record.pid())
    }

    /// Process indexes that events name.
    pub(super) fn named(&self) -> impl Iterator<Item = u32> {
        self.named.iter().copied()
    }

    /// Whether events say which process this is.
    pub(super) fn identifies(&self, index: u32) -> bool {
        self.processes.get(&index).is_some_and(|evidence| {
            evidence.created.is_some()
                || evidence.pid.is_some()
                || evidence.parent_pid.is_some()
                || evidence.program().is_some()
        })
    }

    /// Adds the process with this index to `tables`, from the events and from the log's own record of it,
    /// some texts of which may be missing.
    pub(super) fn add_process(&self, index: u32, record: Option<Process<'a>>, tables: &mut Tables) {
        let none = Evidence::default();
        let evidence = self.processes.get(&index).unwrap_or(&none);
        let created = evidence.created.as_ref();
        let texts = evidence.texts(record);
        let modules = evidence.modules(record);
        // Where the events say nothing, PID and session are 0 and the process is a 32-bit one: Process
        // Monitor shows a process without a record like that.
        let mut process = NewProcess {
            index,
            pid: evidence.pid.unwrap_or(0),
            parent_pid: evidence.parent_pid.unwrap_or(0),
            authentication_id: 0,
            virtualized: u32::MAX,
            is_64_bit: false,
            end: evidence.end,
            integrity: &texts.integrity,
            user: &texts.user,
            name: texts.name(),
            image_path: &texts.path,
            command_line: &texts.command_line,
            company: &texts.company,
            version: &texts.version,
            description: &texts.description,
            modules: modules.iter().map(FoundModule::as_new).collect(),
            ..NewProcess::default()
        };
        if let Some(created) = created {
            process.pid = created.pid;
            process.parent_pid = created.parent_pid;
            process.parent_index = created.parent_index;
            process.authentication_id = created.authentication_id;
            process.session = created.session;
            process.start = created.time;
            process.virtualized = created.virtualized;
            process.is_64_bit = created.is_64_bit;
        }
        if let Some(record) = record {
            process.pid = record.pid();
            process.parent_pid = record.parent_pid();
            process.parent_index = record.parent_index();
            process.authentication_id = record.authentication_id();
            process.session = record.session() as u32;
            process.start = record.start();
            process.end = record.end().or(process.end);
            process.virtualized = record.virtualized().code();
            process.is_64_bit = record.is_64_bit();
        }
        // The kernel: its events name no program.
        if process.pid == SYSTEM_PID && texts.name.is_empty() {
            process.name = "System";
        }
        tables.add_process(&process, self.pointer);
    }
}

/// The texts of a process.
#[derive(Debug, Default)]
struct Texts {
    path: String,
    name: String,
    command_line: String,
    user: String,
    integrity: String,
    company: String,
    version: String,
    description: String,
}

impl Texts {
    /// The name, or the file name of the program.
    fn name(&self) -> &str {
        if self.name.is_empty() { file_name(&self.path) } else { &self.name }
    }
}

/// A module of a process.
#[derive(Debug)]
struct FoundModule {
    load_time: FileTime,
    base: u64,
    size: u32,
    timestamp: u32,
    path: String,
    version: String,
    company: String,
    description: String,
}

impl FoundModule {
    fn as_new(&self) -> NewModule<'_> {
        NewModule {
            load_time: self.load_time,
            base: self.base,
            size: self.size,
            path: &self.path,
            version: &self.version,
            company: &self.company,
            description: &self.description,
            timestamp: self.timestamp,
        }
    }
}

impl<'a> Evidence<'a> {
    /// The program: the first module, if its path ends like one and the process begins with it. A process that ran before
    /// the capture began may load another program first, to look at it.
    fn program(&self) -> Option<WinStr<'a>> {
        /// The lowest address of the kernel of 32-bit Windows.
        const KERNEL: u64 = 1 << 31;
        let first = &self.modules.first()?.1;
        let ends_with = |path: WinStr<'_>, end: &str| path.to_str().to_ascii_lowercase().ends_with(end);
        let is_kernel = first.base >= KERNEL && first.base < 1 << 32 || first.base >= 1 << 63;
        // New processes load this library next, and only new ones do.
        let is_new = self.modules.get(1).is_some_and(|second| ends_with(second.1.path, "\\ntdll.dll"));
        let begins = is_new || is_kernel || self.created.is_some() || self.parent_pid.is_some();
        (begins && ends_with(first.path, ".exe")).then_some(first.path)
    }

    /// Texts of the record, and where it has none, those of events.
    fn texts(&self, record: Option<Process<'a>>) -> Texts {
        let created = self.created.as_ref();
        let of_record = |text: fn(Process<'a>) -> WinStr<'a>| {
            record.map(|record| text(record).to_string()).unwrap_or_default()
        };
        let or = |text: String, events: &dyn Fn() -> String| if text.is_empty() { events() } else { text };
        let path = || created.map(|created| created.path).or(self.program()).unwrap_or_default().to_string();
        let command_line = || {
            let own = Some(self.command_line).filter(|line| !line.is_empty());
            own.or(created.map(|created| created.command_line)).unwrap_or_default().to_string()
        };
        let account = |push: fn(&mut String, &[u8]), sid: Option<&[u8]>| {
            let mut text = String::new();
            sid.into_iter().for_each(|sid| push(&mut text, sid));
            text
        };
        Texts {
            path: or(of_record(Process::image_path), &path),
            name: of_record(Process::name),
            command_line: or(of_record(Process::command_line), &command_line),
            user: or(of_record(Process::user), &|| account(sid::push, created.map(|c| c.user))),
            integrity: or(of_record(Process::integrity), &|| {
                account(sid::push_integrity, created.map(|c| c.integrity))
            }),
            company: of_record(Process::company),
            version: of_record(Process::version),
            description: of_record(Process::description),
        }
    }

    /// Modules of the record, and after them those that only events load.
    fn modules(&self, record: Option<Process<'a>>) -> Vec<FoundModule> {
        let mut modules: Vec<FoundModule> = Vec::new();
        let paths: HashMap<u64, WinStr<'_>> =
            self.modules.iter().rev().map(|(_, loaded)| (loaded.base, loaded.path)).collect();
        for module in record.into_iter().flat_map(Process::modules) {
            let path = module.path();
            let path = if path.is_empty() { paths.get(&module.base).copied().unwrap_or(path) } else { path };
            modules.push(FoundModule {
                load_time: module.load_time,
                base: module.base,
                size: module.size,
                timestamp: module.timestamp,
                path: path.to_string(),
                version: module.version().to_string(),
                company: module.company().to_string(),
                description: module.description().to_string(),
            });
        }
        let of_record: HashSet<u64> = modules.iter().map(|module| module.base).collect();
        let of_events = self.modules.iter().filter(|(_, loaded)| !of_record.contains(&loaded.base));
        modules.extend(of_events.map(|(time, loaded)| FoundModule {
            load_time: *time,
            base: loaded.base,
            size: loaded.size,
            timestamp: 0,
            path: loaded.path.to_string(),
            version: String::new(),
            company: String::new(),
            description: String::new(),
        }));
        modules
    }
}

/// The part of a path after its last separator.
fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}
