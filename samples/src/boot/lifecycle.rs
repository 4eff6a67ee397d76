//! Carries out the tasks of threads, those in the lifecycle of a process above all: it is created,
//! loads its modules, and exits.

use super::process::{Process, State};
use super::process_call;
use super::script::LogLine;
use super::state::MachineState;
use super::thread_queue::{Task, ThreadQueue};
use pml_parser::FileTime;
use pml_parser::write::LogWriter;
use std::io::{self, Seek, Write};

impl Process {
    /// The tasks that bring the process to its running state.
    pub(super) fn start_tasks(&self) -> Vec<Task> {
        let mut tasks = vec![Task::CreateProcess, Task::StartProcess];
        if let Some(&tid) = self.tids.first() {
            tasks.push(Task::Call(process_call::create_thread(tid)));
        }
        tasks.extend((0..self.resident).map(Task::LoadModule));
        tasks.push(Task::EnterRunning);
        tasks
    }
}

impl MachineState {
    /// Carries out a task of a queue.
    pub(super) fn perform<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        queue: &mut ThreadQueue,
        task: Task,
    ) -> io::Result<()> {
        let &mut ThreadQueue { process, tid, ready, .. } = queue;
        queue.ready = match task {
            Task::Call(call) => self.emit(log, (process, tid), &call, ready)?,
            Task::LoggedCall(call, texts) => {
                let over = self.emit(log, (process, tid), &call, ready)?;
                let (time, queue_start) = (self.clock.now, self.queue_start(process));
                self.log_lines.extend(texts.into_iter().map(|text| LogLine { time, queue_start, text }));
                over
            }
            Task::Wait(ticks) => FileTime(ready.0.max(self.clock.now.0) + ticks.0),
            Task::SwitchThread(tid) => {
                queue.tid = tid;
                ready
            }
            Task::LoadNextLibrary => {
                let modules = &self.processes[process].modules;
                match modules.iter().position(|module| module.time.is_none()) {
                    Some(next) => self.load(log, (process, tid), next, ready)?,
                    None => ready,
                }
            }
            Task::LoadModule(module) => self.load(log, (process, tid), module, ready)?,
            Task::CreateProcess => self.create(log, process, ready)?,
            Task::StartProcess => {
                let started = &self.processes[process];
                let parent = &self.processes[started.parent];
                let call = process_call::start(parent.pid, &started.command_line);
                self.emit(log, (process, tid), &call, ready)?
            }
            Task::EnterRunning => {
                let code = self.processes[process].resident_code(&self.images);
                self.processes[process].code = code;
                self.processes[process].state = State::Running;
                ready
            }
            Task::ExitProcess => self.exit(log, (process, tid), ready)?,
        };
        Ok(())
    }

    /// Start of the process that executes the queue of pending operations: this process, if it is
    /// one, else the first one of this boot.
    fn queue_start(&self, process: usize) -> FileTime {
        let is_queue = |process: &&Process| process.name() == "poqexec.exe";
        let own = Some(&self.processes[process]).filter(is_queue);
        own.or_else(|| self.processes.iter().find(is_queue)).map_or(FileTime(0), |process| process.start)
    }

    /// Creates a process, by an event of its parent. The process starts at the time of the event.
    fn create<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        process: usize,
        ready: FileTime,
    ) -> io::Result<FileTime> {
        self.processes[process].start = self.clock.now.max(ready);
        // From here on the loader runs, in the program and in `ntdll`.
        let loader = self.processes[process].resident_code(&self.images).into_iter().take(2).collect();
        self.processes[process].code = loader;
        let parent = self.processes[process].parent;
        let creator = (&self.processes[parent], self.index(parent));
        let call = self.processes[process].create_call(self.index(process), creator, self.machine.is_64_bit);
        let tid = self.processes[parent].tids.last().copied().unwrap_or(0);
        self.emit(log, (parent, tid), &call, ready)
    }

    fn load<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        (process, tid): (usize, u32),
        module: usize,
        ready: FileTime,
    ) -> io::Result<FileTime> {
        let Some(loaded) = self.processes[process].modules.get(module) else { return Ok(ready) };
        let image = self.images.get(loaded.image);
        let call = process_call::load_image(self.machine.pointer(), &image.path, image.base, image.size);
        // The module is loaded before the event, because the stack of the event may contain it.
        self.processes[process].modules[module].time = Some(self.clock.now.max(ready));
        self.emit(log, (process, tid), &call, ready)
    }

    fn exit<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        (process, tid): (usize, u32),
        ready: FileTime,
    ) -> io::Result<FileTime> {
        let user_time = self.random.below(400) * 156_250;
        let thread_exit = process_call::exit_thread(user_time / 3, user_time);
        let ready = self.emit(log, (process, tid), &thread_exit, ready)?;
        let memory = self.random.between(600, 30_000) << 12;
        let call = process_call::exit(self.processes[process].exit, user_time / 2, user_time, memory);
        let over = self.emit(log, (process, tid), &call, ready)?;
        self.processes[process].state = State::Ended;
        self.processes[process].end = Some(over);
        Ok(over)
    }
}
