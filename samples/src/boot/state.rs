//! The state of the simulated machine, and how an operation becomes an event: it gets a time, a
//! duration, a process index and a stack.

use super::call::Call;
use super::clock::{self, Clock};
use super::images::Images;
use super::machine::MachineProfile;
use super::options::Options;
use super::paths::Paths;
use super::process::{self, Process, State};
use super::script::{LogLine, Script};
use super::stacks::{Code, Scope, Stacks};
use crate::random::{Random, mix};
use pml_parser::FileTime;
use pml_parser::write::{LogWriter, Machine, NewEvent};
use std::io::{self, Seek, Write};

/// The state of the simulated machine.
#[derive(Debug)]
pub(super) struct MachineState {
    pub(super) random: Random,
    /// The machine as the log describes it.
    pub(super) machine: Machine,
    pub(super) images: Images,
    pub(super) processes: Vec<Process>,
    pub(super) clock: Clock,
    /// Number of the part that is being written, from 0.
    pub(super) part: u32,
    /// Lines of text logs so far.
    pub(super) log_lines: Vec<LogLine>,
    /// The last thread or process id that was given out.
    pub(super) last_id: u32,
    profile: MachineProfile,
    stacks: Stacks,
    kernel: Vec<Code>,
}

impl MachineState {
    /// The machine before its first event. `events` is the number of events of the log, as far as
    /// it is known.
    pub(super) fn new(options: &Options, script: &Script, paths: &Paths, events: u64) -> Self {
        let profile = script.machine.clone();
        let machine = options.machine(&profile);
        let mut random = Random::new(mix(&[options.seed, 0xB007]));
        let usual_version = format!("10.0.{}.{}", profile.build, profile.older);
        let mut images = Images::new(options.seed, machine.is_64_bit, usual_version);
        let mut last_id = 312;
        let mut processes = process::processes(script, events, paths, &mut images, &mut random, &mut last_id);
        let mut clock = Clock::new(events);
        clock.now = FileTime(clock.now.0 + profile.later.0);
        let mut kernel = Vec::new();
        if let Some(system) = processes.first_mut() {
            kernel = system.resident_code(&images);
            system.state = State::Running;
            system.start = clock.now;
            // These drivers were loaded before the capture began.
            system.modules.iter_mut().take(system.resident).for_each(|module| module.time = Some(clock.now));
        }
        Self {
            stacks: Stacks::new(options, machine.is_64_bit),
            random,
            machine,
            images,
            processes,
            clock,
            part: 0,
            log_lines: Vec::new(),
            last_id,
            profile,
            kernel,
        }
    }

    /// Process index of a process in the current part. A process index has a meaning in its own
    /// part alone, so parts give different ones to the same process.
    pub(super) fn index(&self, process: usize) -> u32 {
        let position = process as u32;
        if self.part.is_multiple_of(2) { position + 1 } else { 0x1000 - position }
    }

    /// Adds an operation of a thread to the log, not before `earliest`. Returns the time at which
    /// the operation is over.
    pub(super) fn emit<W: Write + Seek>(
        &mut self,
        log: &mut LogWriter<W>,
        (process, tid): (usize, u32),
        call: &Call,
        earliest: FileTime,
    ) -> io::Result<FileTime> {
        let time = self.clock.advance(&mut self.random, earliest);
        let duration = match call.duration {
            Some(duration) => duration,
            None => clock::duration(&mut self.random, call),
        };
        let process_index = self.index(process);
        let caller = &self.processes[process];
        let scope = Scope {
            process,
            kernel: &self.kernel,
            user: &caller.code,
            is_loading: caller.state != State::Running,
        };
        let relocated = call.relocated(&self.profile);
        let call = relocated.as_ref().unwrap_or(call);
        let stack = self.stacks.draw(&mut self.random, scope, call.kind());
        log.add_event(&NewEvent {
            process_index,
            tid,
            class: call.operation.class,
            operation: call.operation.code,
            time,
            duration,
            status: call.status,
            stack,
            details: &call.details,
            extra: call.extra.as_deref(),
        })?;
        Ok(FileTime(time.0 + duration.0))
    }

    /// Adds the process table to the log: all processes that existed at `start` or later.
    pub(super) fn add_processes<W: Write + Seek>(&self, log: &mut LogWriter<W>, start: FileTime) {
        for (position, process) in self.processes.iter().enumerate() {
            if process.is_alive_after(start) {
                let parent = (&self.processes[process.parent], self.index(process.parent));
                let index = self.index(position);
                log.add_process(&process.record(&self.images, index, parent, self.machine.is_64_bit));
            }
        }
    }
}
