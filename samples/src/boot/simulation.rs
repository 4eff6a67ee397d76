//! The simulation of a boot: starts and ends processes, follows the script, and keeps background
//! activity going.

use super::action::Action;
use super::activity::context::ActivityContext;
use super::options::{Bits, Options};
use super::paths::Paths;
use super::process::{Process, State};
use super::progress::{Ppm, Stretch};
use super::script::Script;
use super::state::MachineState;
use super::thread_queue::{self, Purpose, Task, ThreadQueue};
use pml_parser::write::LogWriter;
use std::collections::VecDeque;
use std::io::{self, Seek, Write};

/// A boot that is being simulated.
#[derive(Debug)]
pub(super) struct Simulation {
    pub(super) state: MachineState,
    /// Threads that have tasks.
    queues: Vec<ThreadQueue>,
    /// Actions of the script that no thread has begun.
    actions: VecDeque<Action>,
    stretches: Vec<Stretch>,
    paths: Paths,
    /// Length of the servicing log.
    log_end: u64,
}

impl Simulation {
    /// A simulation before its first event. `events` is the number of events of the log, as far as
    /// it is known.
    pub(super) fn new(options: &Options, script: &Script, events: u64) -> Self {
        let paths =
            Paths::new(options.bits == Bits::B64, events, &script.machine).repeating(options.repetition);
        Self {
            state: MachineState::new(options, script, &paths, events),
            queues: Vec::new(),
            actions: script.actions.clone().into(),
            stretches: script.stretches.clone(),
            paths,
            log_end: 0x4_1200,
        }
    }

    /// Carries out the next task. It adds at most a few events to the log, and at times none.
    /// `progress` is the share of the log that is written.
    pub(super) fn step<W: Write + Seek>(&mut self, log: &mut LogWriter<W>, progress: Ppm) -> io::Result<()> {
        if !self.stretches.is_empty() {
            self.state.clock.set_pace(&self.stretches, progress);
        }
        self.start_and_end_processes(progress);
        self.queue_actions(progress);
        self.queue_background_activity(progress);
        let Some(at) = self.choose_queue() else { return Ok(()) };
        let queue = &mut self.queues[at];
        if let Some(task) = queue.tasks.pop_front() {
            self.state.perform(log, queue, task)?;
        }
        if queue.tasks.is_empty() {
            self.queues.swap_remove(at);
        }
        Ok(())
    }

    /// Queues the starts and ends of processes that are due.
    fn start_and_end_processes(&mut self, progress: Ppm) {
        for at in 0..self.state.processes.len() {
            let process = &self.state.processes[at];
            let tid = process.tids.first().copied().unwrap_or(0);
            match process.state {
                State::Waiting
                    if process.starts <= progress
                        && self.state.processes[process.parent].state == State::Running =>
                {
                    let tasks = process.start_tasks();
                    self.state.processes[at].state = State::Starting;
                    self.queues.push(self.queue(at, tid, tasks.into(), Purpose::Lifecycle));
                }
                State::Running if process.ends.is_some_and(|end| end <= progress) => {
                    let is_busy = self.queues.iter().any(|queue| queue.process == at);
                    let has_actions = self.actions.iter().any(|action| action.role == process.role.name);
                    if !is_busy && !has_actions {
                        let tasks = [Task::ExitProcess].into();
                        self.queues.push(self.queue(at, tid, tasks, Purpose::Lifecycle));
                    }
                }
                _ => {}
            }
        }
    }

    /// Hands the actions that are due to the threads that do them.
    fn queue_actions(&mut self, progress: Ppm) {
        let due = self.actions.partition_point(|action| action.at <= progress);
        let mut position = 0;
        for _ in 0..due {
            let Some(action) = self.actions.get(position) else { return };
            let processes = &self.state.processes;
            let process = processes.iter().position(|process| process.role.name == action.role);
            let Some(process) = process else {
                self.actions.remove(position);
                continue;
            };
            let tids = &processes[process].tids;
            let tid = tids.get(action.thread).or(tids.first()).copied().unwrap_or(0);
            let existing = self.queues.iter().position(|queue| queue.process == process && queue.tid == tid);
            let queue = match existing {
                Some(at) if self.queues[at].purpose == Purpose::Script => at,
                None if processes[process].state == State::Running => {
                    self.queues.push(self.queue(process, tid, VecDeque::new(), Purpose::Script));
                    self.queues.len() - 1
                }
                // The process does not run yet, or its thread is busy: the action waits.
                _ => {
                    position += 1;
                    continue;
                }
            };
            if let Some(action) = self.actions.remove(position) {
                let calls = action.calls(self.state.machine.pointer(), self.state.clock.now);
                self.queues[queue].tasks.extend(thread_queue::tasks(&action, calls));
            }
        }
    }

    fn queue(&self, process: usize, tid: u32, tasks: VecDeque<Task>, purpose: Purpose) -> ThreadQueue {
        let role = &self.state.processes[process].role;
        let weight = match purpose {
            Purpose::Background => (u64::from(role.share) / role.threads).max(1),
            Purpose::Lifecycle | Purpose::Script => 24,
        };
        ThreadQueue { process, tid, ready: self.state.clock.now, tasks, purpose, weight }
    }

    /// Keeps enough threads busy with background activity.
    fn queue_background_activity(&mut self, progress: Ppm) {
        let processes = &self.state.processes;
        let running = processes.iter().filter(|process| process.state == State::Running).count();
        let wanted = (2 + running / 2).min(12);
        let busy = self.queues.iter().filter(|queue| queue.purpose == Purpose::Background).count();
        for _ in busy..wanted {
            let Some((process, tid)) = self.choose_thread(progress) else { return };
            let activities = self.state.processes[process].role.activities;
            let total = activities.iter().map(|activity| u64::from(activity.1)).sum();
            let mut ticket = self.state.random.below(total);
            let activity = activities.iter().find(|activity| {
                let hit = ticket < u64::from(activity.1);
                ticket = ticket.saturating_sub(u64::from(activity.1));
                hit
            });
            let Some(&(activity, _)) = activity else { return };
            let mut context = ActivityContext {
                pointer: self.state.machine.pointer(),
                now: self.state.clock.now,
                random: &mut self.state.random,
                paths: &self.paths,
                last_id: &mut self.state.last_id,
                log_end: &mut self.log_end,
            };
            let tasks = context.run(activity).into();
            self.queues.push(self.queue(process, tid, tasks, Purpose::Background));
        }
    }

    /// An idle thread of a process that is chosen by its share of the background activity.
    fn choose_thread(&mut self, progress: Ppm) -> Option<(usize, u32)> {
        let can_act = |process: &Process| {
            process.state == State::Running
                && process.ends.is_none_or(|end| end > progress)
                && !self
                    .stretches
                    .iter()
                    .any(|stretch| stretch.contains(progress) && stretch.quiet.contains(&process.role.name))
        };
        let MachineState { processes, random, .. } = &mut self.state;
        let total = processes.iter().filter(|p| can_act(p)).map(|p| u64::from(p.role.share)).sum();
        for _ in 0..8 {
            let mut ticket = random.below(total);
            let at = processes.iter().position(|process| {
                if !can_act(process) {
                    return false;
                }
                let hit = ticket < u64::from(process.role.share);
                ticket = ticket.saturating_sub(u64::from(process.role.share));
                hit
            })?;
            let tid = *random.pick(&processes[at].tids);
            // The first of several threads is reserved for the script.
            let is_reserved = tid == processes[at].tids[0] && processes[at].tids.len() > 1;
            if !is_reserved && !self.queues.iter().any(|queue| queue.process == at && queue.tid == tid) {
                return Some((at, tid));
            }
        }
        None
    }

    /// The queue that gets the next turn.
    fn choose_queue(&mut self) -> Option<usize> {
        let total = self.queues.iter().map(|queue| queue.weight).sum();
        let mut ticket = self.state.random.below(total);
        let mut chosen = None;
        for (at, queue) in self.queues.iter().enumerate() {
            chosen = Some(at);
            if ticket < queue.weight {
                break;
            }
            ticket -= queue.weight;
        }
        // If the last operation of the chosen thread is not over yet, another thread goes first.
        let is_ready = |queue: &ThreadQueue| queue.ready <= self.state.clock.now;
        match chosen {
            Some(at) if !is_ready(&self.queues[at]) => self.queues.iter().position(is_ready).or(chosen),
            _ => chosen,
        }
    }
}
