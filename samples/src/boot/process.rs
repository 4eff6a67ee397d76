//! The processes of one boot: what the roles become on a certain machine.

use super::cast::{CAST, COPY_DISTANCE, Part, Ppm, Role};
use super::images::{DRIVERS, DRIVERS_AT_START, Images, LIBRARIES};
use super::paths::{Paths, SYSTEM32, WINDOWS, WINSXS};
use super::play::Play;
use super::stacks::Code;
use crate::random::Random;
use pml_parser::FileTime;
use pml_parser::write::{NewModule, NewProcess, details};

/// Where a process stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Starting,
    Running,
    Ended,
}

/// A module of a process and when it was loaded, if it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    pub(crate) image: usize,
    pub(crate) time: Option<FileTime>,
}

/// A process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) role: Part,
    pub(crate) state: State,
    pub(crate) pid: u32,
    pub(crate) tids: Vec<u32>,
    /// Position of the parent in the cast; System is its own.
    pub(crate) parent: usize,
    pub(crate) path: String,
    pub(crate) command_line: String,
    pub(crate) starts: Ppm,
    pub(crate) ends: Option<Ppm>,
    /// Status that it ends with.
    pub(crate) exit: u32,
    pub(crate) start: FileTime,
    pub(crate) end: Option<FileTime>,
    /// Modules: the first `resident` are loaded before it does anything of its own.
    pub(crate) modules: Vec<Loaded>,
    pub(crate) resident: usize,
    /// The code that stacks can lead through.
    pub(crate) code: Vec<Code>,
}

/// When everybody is told to end, and how long that takes.
const SHUTDOWN: Ppm = 966_000;
const SHUTDOWN_LASTS: u64 = 10_000;

/// The cast of a log of about so many events.
pub(crate) fn cast(
    play: &Play,
    events: u64,
    paths: &Paths,
    images: &mut Images,
    random: &mut Random,
    next_id: &mut u32,
) -> Vec<Process> {
    let mut cast: Vec<Process> = Vec::new();
    for role in CAST.iter().filter(|role| role.from_events <= events || play.needs(role.name)) {
        if play.changes.get(role.name).is_some_and(|change| change.absent == Some(true)) {
            continue;
        }
        let copies = (events / 100_000).clamp(1, u64::from(role.copies)) as u32;
        for copy in 0..copies {
            let parent = cast.iter().position(|process| process.role.name == role.parent).unwrap_or(0);
            let shift = copy * COPY_DISTANCE;
            let mut process = process(role, parent, events, paths, images, random, next_id);
            process.starts = role.starts + shift;
            process.ends = role.ends.map(|end| end + shift);
            if process.ends.is_none() && matches!(cast.get(parent), Some(p) if p.role.libraries > 0) {
                // Those that the others depend on end after them.
                let turn = if role.parent == "wininit.exe" { SHUTDOWN_LASTS } else { 0 };
                process.ends = Some(SHUTDOWN + (turn + random.below(SHUTDOWN_LASTS)) as Ppm);
            }
            cast.push(process);
        }
    }
    for extra in &play.extras {
        let Some(like) = CAST.iter().find(|role| role.name == extra.like) else { continue };
        let role = extra.role(like);
        let parent = cast.iter().position(|process| process.role.name == role.parent).unwrap_or(0);
        let mut process = process(&role, parent, events, paths, images, random, next_id);
        if process.ends.is_none() && role.libraries > 0 {
            process.ends = Some(SHUTDOWN);
        }
        cast.push(process);
    }
    for process in &mut cast {
        if let Some(change) = play.changes.get(&process.role.name) {
            process.starts = change.starts.unwrap_or(process.starts);
            process.ends = change.ends.or(process.ends);
            process.exit = change.exit.unwrap_or(process.exit);
            if change.quiet == Some(true) {
                process.role.share = 0;
            }
        }
    }
    cast
}

fn process(
    role: &Role<'_>,
    parent: usize,
    events: u64,
    paths: &Paths,
    images: &mut Images,
    random: &mut Random,
    next_id: &mut u32,
) -> Process {
    let setting = paths.setting();
    let is_system = role.name == "System";
    let mut take_id = || {
        *next_id += 4;
        *next_id
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
    let folder = setting.place(&folder);
    let path = if has_image { format!(r"{folder}\{program}") } else { program.to_owned() };
    let mut modules = Vec::new();
    let mut resident = DRIVERS_AT_START;
    if is_system {
        modules.extend(DRIVERS.iter().map(|name| images.number(&setting.place(&driver_path(name)))));
    } else if has_image {
        modules.push(images.number(&path));
        let system = |name: &str| setting.place(&format!(r"{SYSTEM32}\{name}"));
        modules.push(images.number(&system("ntdll.dll")));
        if role.libraries > 0 {
            modules.push(images.number(&system("kernel32.dll")));
            modules.push(images.number(&system("KernelBase.dll")));
        }
        for name in role.modules {
            modules.push(images.number(&format!(r"{folder}\{name}")));
        }
        // Short logs would otherwise be nothing but loading of libraries.
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
        role: Part::new(role),
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
        modules: modules.into_iter().map(|image| Loaded { image, time: None }).collect(),
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

    /// Whether it is there at any time from `time` on.
    pub(crate) fn is_alive_after(&self, time: FileTime) -> bool {
        match self.state {
            State::Waiting => false,
            State::Starting | State::Running => true,
            State::Ended => self.end.is_none_or(|end| end >= time),
        }
    }

    /// The code of the modules that are loaded from the start.
    pub(crate) fn resident_code(&self, images: &Images) -> Vec<Code> {
        let loaded = self.modules.iter().take(self.resident);
        loaded.map(|module| images.get(module.image)).map(|image| (image.base, image.size)).collect()
    }

    /// The record of the process table.
    pub(crate) fn record<'a>(
        &'a self,
        images: &'a Images,
        index: u32,
        parent: (&Process, u32),
        is_64_bit: bool,
    ) -> NewProcess<'a> {
        let loaded = |loaded: &Loaded| {
            let image = images.get(loaded.image);
            loaded.time.map(|load_time| NewModule {
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

    /// Details of its `Process Create`, an event of the parent.
    pub(crate) fn create_details(&self, index: u32, parent: (&Process, u32), is_64_bit: bool) -> Vec<u8> {
        details::ProcessCreate {
            index,
            pid: self.pid,
            parent_index: parent.1,
            parent_pid: parent.0.pid,
            session: self.role.session,
            is_64_bit,
            time: self.start,
            path: &self.path,
            command_line: &self.command_line,
        }
        .build()
    }

    /// Details of its `Process Start`.
    pub(crate) fn start_details(&self, parent: &Process) -> Vec<u8> {
        let environment = [
            r"ComSpec=C:\Windows\system32\cmd.exe",
            "NUMBER_OF_PROCESSORS=4",
            "OS=Windows_NT",
            r"Path=C:\Windows\system32;C:\Windows;C:\Windows\System32\Wbem",
            r"SystemRoot=C:\Windows",
            r"TEMP=C:\Windows\TEMP",
        ];
        details::process_start(parent.pid, &self.command_line, r"C:\Windows\system32\", &environment)
    }
}
