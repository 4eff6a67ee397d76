//! The processes of one boot: roles on a certain machine, with ids, modules and times.

use super::call::Call;
use super::images::{DRIVERS, DRIVERS_AT_START, Images, LIBRARIES};
use super::paths::{Paths, SYSTEM32, WINDOWS, WINSXS};
use super::process_call;
use super::progress::Ppm;
use super::roles::{COPY_DISTANCE, ROLES, Role, RoleProfile};
use super::script::Script;
use super::stacks::Code;
use crate::random::Random;
use pml_parser::FileTime;
use pml_parser::write::details::ProcessCreate;
use pml_parser::write::{NewModule, NewProcess};

/// The state of a process in its lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does not exist yet.
    Waiting,
    /// It loads its first modules.
    Starting,
    /// It can act.
    Running,
    /// It has exited.
    Ended,
}

/// A module of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    /// Number of its image.
    pub(crate) image: usize,
    /// When it was loaded, if it was.
    pub(crate) time: Option<FileTime>,
}

/// A process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) role: RoleProfile,
    pub(crate) state: State,
    pub(crate) pid: u32,
    pub(crate) tids: Vec<u32>,
    /// Position of the parent among all processes; System is its own parent.
    pub(crate) parent: usize,
    pub(crate) path: String,
    pub(crate) command_line: String,
    pub(crate) starts: Ppm,
    pub(crate) ends: Option<Ppm>,
    /// Exit status.
    pub(crate) exit: u32,
    pub(crate) start: FileTime,
    pub(crate) end: Option<FileTime>,
    /// All modules. The first `resident` are loaded while the process starts.
    pub(crate) modules: Vec<Module>,
    pub(crate) resident: usize,
    /// The code that may appear in its stacks.
    pub(crate) code: Vec<Code>,
}

/// When the shutdown ends the processes, and how long that takes.
const SHUTDOWN: Ppm = 966_000;
const SHUTDOWN_LASTS: u64 = 10_000;

/// The processes of a log of about `events` events.
pub(crate) fn processes(
    script: &Script,
    events: u64,
    paths: &Paths,
    images: &mut Images,
    random: &mut Random,
    last_id: &mut u32,
) -> Vec<Process> {
    let mut processes: Vec<Process> = Vec::new();
    for role in ROLES.iter().filter(|role| role.from_events <= events || script.needs(role.name)) {
        if script.is_absent(role.name) {
            continue;
        }
        let copies = (events / 100_000).clamp(1, u64::from(role.copies)) as u32;
        for copy in 0..copies {
            let parent = processes.iter().position(|process| process.role.name == role.parent).unwrap_or(0);
            let shift = copy * COPY_DISTANCE;
            let mut process = process(role, parent, events, paths, images, random, last_id);
            process.starts = role.starts + shift;
            process.ends = role.ends.map(|end| end + shift);
            if process.ends.is_none() && matches!(processes.get(parent), Some(p) if p.role.libraries > 0) {
                // Processes that others depend on end after them.
                let turn = if role.parent == "wininit.exe" { SHUTDOWN_LASTS } else { 0 };
                process.ends = Some(SHUTDOWN + (turn + random.below(SHUTDOWN_LASTS)) as Ppm);
            }
            processes.push(process);
        }
    }
    for extra in &script.extras {
        let Some(like) = ROLES.iter().find(|role| role.name == extra.like) else { continue };
        let role = extra.role(like);
        let parent = processes.iter().position(|process| process.role.name == role.parent).unwrap_or(0);
        let mut process = process(&role, parent, events, paths, images, random, last_id);
        if process.ends.is_none() && role.libraries > 0 {
            process.ends = Some(SHUTDOWN);
        }
        processes.push(process);
    }
    for process in &mut processes {
        if let Some(change) = script.changes.get(&process.role.name) {
            process.starts = change.starts.unwrap_or(process.starts);
            process.ends = change.ends.or(process.ends);
            process.exit = change.exit.unwrap_or(process.exit);
            if change.quiet == Some(true) {
                process.role.share = 0;
            }
        }
    }
    processes
}

fn process(
    role: &Role<'_>,
    parent: usize,
    events: u64,
    paths: &Paths,
    images: &mut Images,
    random: &mut Random,
    last_id: &mut u32,
) -> Process {
    let machine = paths.machine();
    let is_system = role.name == "System";
    let mut take_id = || {
        *last_id += 4;
        *last_id
    };
    let pid = if is_system { 4 } else { take_id() };
    let tids = (0..role.threads).map(|_| take_id()).collect();
    let program = role.name.split('#').next().unwrap_or(role.name);
    let folder = match role.folder {
        "{servicing stack}" => {
            let build = paths.newer() - 13;
            format!(r"{WINSXS}\{}", paths.component("servicingstack", paths.architecture(), build))
        }
        whole if whole.contains(':') => whole.to_owned(),
        below => format!(r"{WINDOWS}\{below}"),
    };
    let has_image = !role.folder.is_empty();
    let folder = machine.relocate(&folder);
    let path = if has_image { format!(r"{folder}\{program}") } else { program.to_owned() };
    let mut modules = Vec::new();
    let mut resident = DRIVERS_AT_START;
    if is_system {
        modules.extend(DRIVERS.iter().map(|name| images.number(&machine.relocate(&driver_path(name)))));
    } else if has_image {
        modules.push(images.number(&path));
        let system = |name: &str| machine.relocate(&format!(r"{SYSTEM32}\{name}"));
        modules.push(images.number(&system("ntdll.dll")));
        if role.libraries > 0 {
            modules.push(images.number(&system("kernel32.dll")));
            modules.push(images.number(&system("KernelBase.dll")));
        }
        for name in role.modules {
            modules.push(images.number(&format!(r"{folder}\{name}")));
        }
        // Without a limit, short logs would consist of library loads.
        let libraries = role.libraries.min(3 + events / 2_000);
        let skip = random.below(8);
        for name in LIBRARIES.iter().skip(skip as usize).take(libraries as usize) {
            modules.push(images.number(&system(name)));
        }
        resident = modules.len() - (modules.len() / 4).min(role.libraries as usize);
    } else {
        resident = 0;
    }
    let quote = if role.libraries > 0 && !program.starts_with("svchost") { "\"" } else { "" };
    Process {
        role: RoleProfile::new(role),
        exit: 0,
        state: State::Waiting,
        pid,
        tids,
        parent,
        command_line: if has_image {
            format!("{quote}{path}{quote}{}", role.arguments)
        } else {
            String::new()
        },
        path,
        starts: role.starts,
        ends: role.ends,
        start: FileTime(0),
        end: None,
        modules: modules.into_iter().map(|image| Module { image, time: None }).collect(),
        resident,
        code: Vec::new(),
    }
}

fn driver_path(name: &str) -> String {
    let folder = match name {
        "ntoskrnl.exe" | "hal.dll" | "CI.dll" | "win32k.sys" | "win32kbase.sys" | "win32kfull.sys" => {
            SYSTEM32
        }
        _ => r"C:\Windows\System32\drivers",
    };
    format!(r"{folder}\{name}")
}

impl Process {
    /// File name of the program.
    pub(crate) fn name(&self) -> &str {
        self.role.name.split('#').next().unwrap_or(&self.role.name)
    }

    /// Whether it exists at `time` or later.
    pub(crate) fn is_alive_after(&self, time: FileTime) -> bool {
        match self.state {
            State::Waiting => false,
            State::Starting | State::Running => true,
            State::Ended => self.end.is_none_or(|end| end >= time),
        }
    }

    /// The code of the modules that are loaded while the process starts.
    pub(crate) fn resident_code(&self, images: &Images) -> Vec<Code> {
        let loaded = self.modules.iter().take(self.resident);
        loaded.map(|module| images.get(module.image)).map(|image| (image.base, image.size)).collect()
    }

    /// Its record of the process table. `parent` is the parent with its process index.
    pub(crate) fn record<'a>(
        &'a self,
        images: &'a Images,
        index: u32,
        parent: (&Process, u32),
        is_64_bit: bool,
    ) -> NewProcess<'a> {
        let loaded = |module: &Module| {
            let image = images.get(module.image);
            module.time.map(|load_time| NewModule {
                load_time,
                base: image.base,
                size: image.size,
                path: &image.path,
                version: &image.version,
                company: image.company,
                description: &image.description,
                timestamp: image.timestamp,
            })
        };
        let image = self.modules.first().map(|module| images.get(module.image));
        NewProcess {
            index,
            pid: self.pid,
            parent_pid: if self.pid == 4 { 0 } else { parent.0.pid },
            parent_index: if self.pid == 4 { 0 } else { parent.1 },
            session: self.role.session,
            start: self.start,
            end: self.end,
            is_64_bit,
            user: &self.role.user,
            name: self.name(),
            image_path: &self.path,
            command_line: &self.command_line,
            company: image.map_or("", |image| image.company),
            version: image.map_or("", |image| &image.version),
            description: image.map_or("", |image| &image.description),
            modules: self.modules.iter().filter_map(loaded).collect(),
            ..NewProcess::default()
        }
    }

    /// The `Process Create` of this process, an event of the parent. `index` is its process index,
    /// `parent` the parent with its process index.
    pub(crate) fn create_call(&self, index: u32, parent: (&Process, u32), is_64_bit: bool) -> Call {
        process_call::create(&ProcessCreate {
            index,
            pid: self.pid,
            parent_index: parent.1,
            parent_pid: parent.0.pid,
            session: self.role.session,
            is_64_bit,
            time: self.start,
            path: &self.path,
            command_line: &self.command_line,
        })
    }
}
