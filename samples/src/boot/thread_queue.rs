//! The tasks that one thread has before it.

use super::action::{Action, LogText};
use super::call::Call;
use pml_parser::{FileTime, Ticks};
use std::collections::VecDeque;

/// One task of a thread.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Does an operation.
    Call(Call),
    /// Does an operation, and writes lines to text logs.
    LoggedCall(Call, Vec<LogText>),
    /// Does nothing for this time.
    Wait(Ticks),
    /// Loads the next library that the process has not loaded yet, if any.
    LoadNextLibrary,
    /// Switches to another thread of the process, which does the remaining tasks.
    SwitchThread(u32),
    /// Lets the parent create the process.
    CreateProcess,
    /// Runs the first thread of the process.
    StartProcess,
    /// Loads the module with this number.
    LoadModule(usize),
    /// Marks the process as running.
    EnterRunning,
    /// Ends the process.
    ExitProcess,
}

/// Why a queue exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Background activity of a process.
    Background,
    /// A process starts or ends.
    Lifecycle,
    /// The script asks for it.
    Script,
}

/// The tasks of one thread. Queues take turns, which interleaves their events.
#[derive(Clone, Debug)]
pub(crate) struct ThreadQueue {
    /// Position of the process among all processes.
    pub(crate) process: usize,
    pub(crate) tid: u32,
    /// When the last operation is over, and the next one can begin.
    pub(crate) ready: FileTime,
    pub(crate) tasks: VecDeque<Task>,
    pub(crate) purpose: Purpose,
    /// How often the queue gets a turn, relative to the other queues.
    pub(crate) weight: u64,
}

/// The tasks of an action: its operations, repeated, with pauses between them. `calls` are the
/// operations of one time.
pub(crate) fn tasks(action: &Action, mut calls: Vec<Call>) -> Vec<Task> {
    let last = calls.pop();
    let first: Vec<Task> = calls.into_iter().map(Task::Call).collect();
    let mut tasks = Vec::new();
    for _ in 0..action.repeat {
        tasks.extend(first.iter().cloned());
        tasks.extend(last.iter().cloned().map(|call| match action.log_texts.as_slice() {
            [] => Task::Call(call),
            texts => Task::LoggedCall(call, texts.to_vec()),
        }));
        if action.pause.0 > 0 {
            tasks.push(Task::Wait(action.pause));
        }
    }
    tasks
}
