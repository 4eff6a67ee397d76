//! What one thread is about to do.

use super::beat::{Beat, Note};
use super::call::Call;
use pml_parser::{FileTime, Ticks};
use std::collections::VecDeque;

/// One thing a thread does next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// An operation.
    Call(Call),
    /// One that text logs tell of too.
    Noted(Call, Vec<Note>),
    /// Nothing, for so long.
    Wait(Ticks),
    /// The next library that the process has not loaded yet, if any.
    LoadLibrary,
    /// From here on another thread of the process is at work.
    Become(u32),
    /// The parent creates the process.
    Create,
    /// Its first thread runs.
    Start,
    /// It loads the module of this number.
    Load(usize),
    /// It is set up.
    Ready,
    /// It ends.
    Exit,
}

/// Why a lane is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Noise,
    Life,
    Story,
}

/// A run of steps of one thread. Several lanes take turns, so that their events are interleaved.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// Position in the cast.
    pub(crate) process: usize,
    pub(crate) tid: u32,
    /// When the last operation is over and the next one can begin.
    pub(crate) ready: FileTime,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) purpose: Purpose,
    /// How often it gets its turn, compared with the other lanes.
    pub(crate) weight: u64,
}

/// The steps of a beat: its operations as often as it is told, with waits between them.
pub(crate) fn steps(beat: &Beat, mut calls: Vec<Call>) -> Vec<Step> {
    let last = calls.pop();
    let first: Vec<Step> = calls.into_iter().map(Step::Call).collect();
    let mut steps = Vec::new();
    for _ in 0..beat.repeat {
        steps.extend(first.iter().cloned());
        steps.extend(last.iter().cloned().map(|call| match beat.notes.as_slice() {
            [] => Step::Call(call),
            notes => Step::Noted(call, notes.to_vec()),
        }));
        if beat.every.0 > 0 {
            steps.push(Step::Wait(beat.every));
        }
    }
    steps
}
