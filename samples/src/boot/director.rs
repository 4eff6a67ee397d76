//! Lets the cast act: starts and ends processes, tells the story, keeps the noise going.

use super::Options;
use super::beat::Beat;
use super::call::Call;
use super::cast::Ppm;
use super::clock::{self, Clock};
use super::images::Images;
use super::lane::{self, Lane, Purpose, Step};
use super::noise::Scene;
use super::paths::Paths;
use super::play::{Noted, Play, Setting, Stretch};
use super::process::{self, Process, State};
use super::stacks::{Code, Scope, Stacks};
use crate::random::{Random, mix};
use pml_parser::FileTime;
use pml_parser::write::{LogWriter, Machine, NewEvent};
use std::collections::VecDeque;
use std::io::{self, Seek, Write};

/// The boot as far as it has got.
#[derive(Debug)]
pub(super) struct Director {
    pub(super) random: Random,
    pub(super) machine: Machine,
    pub(super) images: Images,
    pub(super) cast: Vec<Process>,
    pub(super) clock: Clock,
    /// Position of the part that is being written.
    pub(super) part: u32,
    pub(super) lanes: Vec<Lane>,
    /// What is still to be told.
    beats: VecDeque<Beat>,
    /// Lines of text logs.
    pub(super) noted: Vec<Noted>,
    setting: Setting,
    stretches: Vec<Stretch>,
    paths: Paths,
    stacks: Stacks,
    kernel: Vec<Code>,
    next_id: u32,
    log_end: u64,
}

impl Director {
    /// `events` is how many there will be, as far as that is known.
    pub(super) fn new(options: &Options, play: &Play, events: u64) -> Self {
        let setting = play.setting.clone();
        let machine = options.machine(&setting);
        let mut random = Random::new(mix(&[options.seed, 0xB007]));
        let paths = Paths::new(machine.is_64_bit, events, &setting);
        let mut images =
            Images::new(options.seed, machine.is_64_bit, format!("10.0.{}.{}", setting.build, setting.older));
        let mut next_id = 312;
        let mut cast = process::cast(play, events, &paths, &mut images, &mut random, &mut next_id);
        let mut clock = Clock::new(events);
        clock.now = FileTime(clock.now.0 + setting.later.0);
        let mut kernel = Vec::new();
        if let Some(system) = cast.first_mut() {
            kernel = system.resident_code(&images);
            system.state = State::Running;
            system.start = clock.now;
            // All of them were there when the capture first looked.
            system.modules.iter_mut().take(system.resident).for_each(|module| module.time = Some(clock.now));
        }
        Self {
            beats: play.beats.clone().into(),
            noted: Vec::new(),
            setting,
            stretches: play.stretches.clone(),
            stacks: Stacks::new(options.seed, u64::from(options.frames), machine.is_64_bit),
            random,
            machine,
            images,
            cast,
            clock,
            part: 0,
            lanes: Vec::new(),
            paths,
            kernel,
            next_id,
            log_end: 0x4_1200,
        }
    }

    /// Key of a process in the part that is being written: process indexes mean nothing outside
    /// their part, so they are not the same in the next one.
    pub(super) fn index(&self, process: usize) -> u32 {
        let position = process as u32;
        if self.part.is_multiple_of(2) { position + 1 } else { 0x1000 - position }
    }

    /// Adds one event or, at times, none. `progress` is how far the log has got.
    pub(super) fn act<W: Write + Seek>(&mut self, log: &mut LogWriter<W>, progress: Ppm) -> io::Result<()> {
        if !self.stretches.is_empty() {
            self.clock.set_pace(&self.stretches, progress);
        }
        self.admit(progress);
        self.refill(progress);
        let Some(at) = self.choose_lane() else { return Ok(()) };
        let Some(step) = self.lanes[at].steps.pop_front() else {
            self.lanes.swap_remove(at);
            return Ok(());
        };
        self.perform(log, at, step)?;
        if self.lanes[at].steps.is_empty() {
            self.lanes.swap_remove(at);
        }
        Ok(())
    }

    /// Begins what is due: processes that start or end, beats of the story.
    fn admit(&mut self, progress: Ppm) {
        for at in 0..self.cast.len() {
            let process = &self.cast[at];
            let tid = process.tids.first().copied().unwrap_or(0);
            match process.state {
                State::Waiting
                    if process.starts <= progress && self.cast[process.parent].state == State::Running =>
                {
                    let steps = process.start_steps();
                    self.cast[at].state = State::Starting;
                    self.lanes.push(self.lane(at, tid, steps.into(), Purpose::Life));
                }
                State::Running if process.ends.is_some_and(|end| end <= progress) => {
                    let is_busy = self.lanes.iter().any(|lane| lane.process == at);
                    let is_told_of = self.beats.iter().any(|beat| beat.actor == process.role.name);
                    if !is_busy && !is_told_of {
                        self.lanes.push(self.lane(at, tid, [Step::Exit].into(), Purpose::Life));
                    }
                }
                _ => {}
            }
        }
        self.tell(progress);
    }

    /// Hands the beats that are due to the threads that play them.
    fn tell(&mut self, progress: Ppm) {
        let due = self.beats.partition_point(|beat| beat.at <= progress);
        let mut position = 0;
        for _ in 0..due {
            let Some(beat) = self.beats.get(position) else { return };
            let actor = self.cast.iter().position(|process| process.role.name == beat.actor);
            let Some(actor) = actor else {
                self.beats.remove(position);
                continue;
            };
            let tids = &self.cast[actor].tids;
            let tid = tids.get(beat.thread).or(tids.first()).copied().unwrap_or(0);
            let playing = self.lanes.iter().position(|lane| lane.process == actor && lane.tid == tid);
            let lane = match playing {
                Some(at) if self.lanes[at].purpose == Purpose::Story => at,
                None if self.cast[actor].state == State::Running => {
                    self.lanes.push(self.lane(actor, tid, VecDeque::new(), Purpose::Story));
                    self.lanes.len() - 1
                }
                // It is not there yet, or its thread is busy: later.
                _ => {
                    position += 1;
                    continue;
                }
            };
            if let Some(beat) = self.beats.remove(position) {
                let calls = beat.calls(self.machine.pointer(), self.clock.now);
                self.lanes[lane].steps.extend(lane::steps(&beat, calls));
            }
        }
    }

    fn lane(&self, process: usize, tid: u32, steps: VecDeque<Step>, purpose: Purpose) -> Lane {
        let role = &self.cast[process].role;
        let weight = match purpose {
            Purpose::Noise => (u64::from(role.share) / role.threads).max(1),
            Purpose::Life | Purpose::Story => 24,
        };
        Lane { process, tid, ready: self.clock.now, steps, purpose, weight }
    }

    /// Keeps enough threads busy.
    fn refill(&mut self, progress: Ppm) {
        let running = self.cast.iter().filter(|process| process.state == State::Running).count();
        let wanted = (2 + running / 2).min(12);
        let busy = self.lanes.iter().filter(|lane| lane.purpose == Purpose::Noise).count();
        for _ in busy..wanted {
            let Some((process, tid)) = self.choose_thread(progress) else { return };
            let habits = self.cast[process].role.habits;
            let total = habits.iter().map(|habit| u64::from(habit.1)).sum();
            let mut ticket = self.random.below(total);
            let habit = habits.iter().find(|habit| {
                let hit = ticket < u64::from(habit.1);
                ticket = ticket.saturating_sub(u64::from(habit.1));
                hit
            });
            let Some(&(habit, _)) = habit else { return };
            let mut scene = Scene {
                random: &mut self.random,
                paths: &self.paths,
                pointer: self.machine.pointer(),
                now: self.clock.now,
                next_id: &mut self.next_id,
                log_end: &mut self.log_end,
            };
            let steps = scene.run(habit).into();
            self.lanes.push(self.lane(process, tid, steps, Purpose::Noise));
        }
    }

    /// A thread that has nothing to do, of a process chosen by its share.
    fn choose_thread(&mut self, progress: Ppm) -> Option<(usize, u32)> {
        let can_act = |process: &Process| {
            process.state == State::Running
                && process.ends.is_none_or(|end| end > progress)
                && !self.stretches.iter().any(|stretch| {
                    (stretch.from..stretch.to).contains(&progress)
                        && stretch.quiet.contains(&process.role.name)
                })
        };
        let total = self.cast.iter().filter(|p| can_act(p)).map(|p| u64::from(p.role.share)).sum();
        for _ in 0..8 {
            let mut ticket = self.random.below(total);
            let at = self.cast.iter().position(|process| {
                if !can_act(process) {
                    return false;
                }
                let hit = ticket < u64::from(process.role.share);
                ticket = ticket.saturating_sub(u64::from(process.role.share));
                hit
            })?;
            let tid = *self.random.pick(&self.cast[at].tids);
            // The first thread of a process that has several is kept for the story.
            let is_kept = tid == self.cast[at].tids[0] && self.cast[at].tids.len() > 1;
            if !is_kept && !self.lanes.iter().any(|lane| lane.process == at && lane.tid == tid) {
                return Some((at, tid));
            }
        }
        None
    }

    fn choose_lane(&mut self) -> Option<usize> {
        let total = self.lanes.iter().map(|lane| lane.weight).sum();
        let mut ticket = self.random.below(total);
        let mut chosen = None;
        for (at, lane) in self.lanes.iter().enumerate() {
            chosen = Some(at);
            if ticket < lane.weight {
                break;
            }
            ticket -= lane.weight;
        }
        // Rather another thread than one whose last operation is not over yet.
        let is_ready = |lane: &Lane| lane.ready <= self.clock.now;
        match chosen {
            Some(at) if !is_ready(&self.lanes[at]) => self.lanes.iter().position(is_ready).or(chosen),
            _ => chosen,
        }
    }

    /// Adds an operation of a lane to the log.
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
        let actor = &self.cast[process];
        let scope = Scope {
            process,
            kernel: &self.kernel,
            user: &actor.code,
            is_loading: actor.state != State::Running,
        };
        let placed = self.setting.place_call(call);
        let call = placed.as_ref().unwrap_or(call);
        let stack = self.stacks.draw(&mut self.random, scope, call.kind());
        log.add_event(&NewEvent {
            process_index,
            tid,
            class: call.class,
            operation: call.code,
            time,
            duration,
            status: call.status,
            stack,
            details: &call.details,
            extra: call.extra.as_deref(),
        })?;
        Ok(FileTime(time.0 + duration.0))
    }
}
