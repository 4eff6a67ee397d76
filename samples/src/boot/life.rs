//! How processes come, load their modules, and go.

use super::call::Call;
use super::director::Director;
use super::lane::Step;
use super::play::Noted;
use super::process::{Process, State};
use pml_parser::write::{LogWriter, details};
use pml_parser::{EventClass, FileTime};
use std::io::{self, Seek, Write};

const CREATE: u16 = 1;
const EXIT: u16 = 2;
const THREAD_CREATE: u16 = 3;
const THREAD_EXIT: u16 = 4;
const LOAD_IMAGE: u16 = 5;
const START: u16 = 7;

fn process_call(code: u16, details: Vec<u8>) -> Call {
    Call::new(EventClass::Process, code, details)
}

impl Process {
    /// What happens until it does something of its own.
    pub(super) fn start_steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Create, Step::Start];
        if let Some(&tid) = self.tids.first() {
            steps.push(Step::Call(process_call(THREAD_CREATE, details::thread_create(tid))));
        }
        steps.extend((0..self.resident).map(Step::Load));
        steps.push(Step::Ready);
        steps
    }
}

impl Director {
    /// Carries out a step of a lane.
    pub(super) fn perform<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        lane: usize,
        step: Step,
    ) -> io::Result<()> {
        let (process, tid, ready) = {
            let lane = &self.lanes[lane];
            (lane.process, lane.tid, lane.ready)
        };
        let over = match step {
            Step::Call(call) => self.emit(log, (process, tid), &call, ready)?,
            Step::Noted(call, notes) => {
                let over = self.emit(log, (process, tid), &call, ready)?;
                let (time, start) = (self.clock.now, self.queue_start(process));
                self.noted.extend(notes.into_iter().map(|note| Noted { time, start, note }));
                over
            }
            Step::Wait(ticks) => FileTime(ready.0.max(self.clock.now.0) + ticks.0),
            Step::Become(tid) => {
                self.lanes[lane].tid = tid;
                return Ok(());
            }
            Step::LoadLibrary => {
                let modules = &self.cast[process].modules;
                let Some(next) = modules.iter().position(|module| module.time.is_none()) else {
                    return Ok(());
                };
                self.load(log, process, tid, next, ready)?
            }
            Step::Load(module) => self.load(log, process, tid, module, ready)?,
            Step::Create => self.create(log, process, ready)?,
            Step::Start => {
                let details = self.cast[process].start_details(&self.cast[self.cast[process].parent]);
                self.emit(log, (process, tid), &process_call(START, details), ready)?
            }
            Step::Ready => {
                let code = self.cast[process].resident_code(&self.images);
                self.cast[process].code = code;
                self.cast[process].state = State::Running;
                return Ok(());
            }
            Step::Exit => self.exit(log, process, tid, ready)?,
        };
        self.lanes[lane].ready = over;
        Ok(())
    }

    /// When the queue began that a process tells of: its own, or the one of this boot.
    fn queue_start(&self, process: usize) -> FileTime {
        let is_queue = |process: &&Process| process.name() == "poqexec.exe";
        let own = Some(&self.cast[process]).filter(is_queue);
        own.or_else(|| self.cast.iter().find(is_queue)).map_or(FileTime(0), |process| process.start)
    }

    /// An event of the parent. The new process has this time as its start.
    fn create<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        process: usize,
        ready: FileTime,
    ) -> io::Result<FileTime> {
        self.cast[process].start = self.clock.now.max(ready);
        // From here on the loader is at work, in the program and in `ntdll`.
        let loader = self.cast[process].resident_code(&self.images).into_iter().take(2).collect();
        self.cast[process].code = loader;
        let parent = self.cast[process].parent;
        let creator = (&self.cast[parent], self.index(parent));
        let details = self.cast[process].create_details(self.index(process), creator, self.machine.is_64_bit);
        let tid = self.cast[parent].tids.last().copied().unwrap_or(0);
        self.emit(log, (parent, tid), &process_call(CREATE, details), ready)
    }

    fn load<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        process: usize,
        tid: u32,
        module: usize,
        ready: FileTime,
    ) -> io::Result<FileTime> {
        let Some(loaded) = self.cast[process].modules.get(module) else { return Ok(ready) };
        let image = self.images.get(loaded.image);
        let details = details::load_image(self.machine.pointer(), &image.path, image.base, image.size);
        // Loaded before the event is noted, so that its own stack can lead through it.
        self.cast[process].modules[module].time = Some(self.clock.now.max(ready));
        self.emit(log, (process, tid), &process_call(LOAD_IMAGE, details), ready)
    }

    fn exit<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        process: usize,
        tid: u32,
        ready: FileTime,
    ) -> io::Result<FileTime> {
        let user_time = self.random.below(400) * 156_250;
        let thread_exit = details::thread_exit(user_time / 3, user_time);
        let ready = self.emit(log, (process, tid), &process_call(THREAD_EXIT, thread_exit), ready)?;
        let memory = self.random.between(600, 30_000) << 12;
        let details = details::process_exit(self.cast[process].exit as i32, user_time / 2, user_time, memory);
        let over = self.emit(log, (process, tid), &process_call(EXIT, details), ready)?;
        self.cast[process].state = State::Ended;
        self.cast[process].end = Some(over);
        Ok(over)
    }
}
