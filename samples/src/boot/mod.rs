//! Simulates the boot of a Windows that is being updated, and writes the log that Process Monitor
//! would have captured.
//!
//! The [`Options`] and a script decide every byte: the same ones give the same log on every
//! machine. Data flows one way. The script and the roles say what each process does (`script`,
//! `roles`, `activity`). The simulation lets their threads take turns (`simulation`, `lifecycle`).
//! Each operation then becomes an event with a time and a stack (`state`, `clock`, `stacks`).
//!
//! The layers, from the lowest: `progress`, `machine`, `options`; `paths`, `images`, `stacks`; `call`,
//! `process_call`, `file_call`, `registry_call`; `clock`, `action`, `thread_queue`, `activity`; `roles`,
//! `script`, `process`; `state`, `lifecycle`, `simulation`; `output`. Each file uses earlier ones alone.

pub(crate) mod action;
mod activity;
pub(crate) mod call;
mod clock;
pub(crate) mod file_call;
mod images;
mod lifecycle;
pub(crate) mod machine;
mod options;
pub(crate) mod output;
pub(crate) mod paths;
mod process;
mod process_call;
pub(crate) mod progress;
pub(crate) mod registry_call;
pub(crate) mod roles;
pub(crate) mod script;
mod simulation;
mod stacks;
mod state;
mod thread_queue;

pub(crate) use clock::BOOT;
pub use options::{Amount, Bits, Options, Repetition};

use output::{Directory, Memory, Output};
use pml_parser::FileTime;
use pml_parser::write::LogWriter;
use progress::Ppm;
use script::{LogLine, Script};
use simulation::Simulation;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// Simulates a script and writes the log as files of a directory. Returns the paths of the files,
/// and the lines of the text logs.
pub(crate) fn simulate_to_files(
    options: &Options,
    script: &Script,
    directory: &Path,
) -> io::Result<(Vec<PathBuf>, Vec<LogLine>)> {
    let mut output = Directory::new(directory, options.parts.max(1), options.overwrite)?;
    let lines = write_parts(options, script, &mut output)?;
    Ok((output.paths, lines))
}

/// Simulates a script in memory. Returns the bytes of each part, and the lines of the text logs.
pub(crate) fn simulate_in_memory(
    options: &Options,
    script: &Script,
) -> io::Result<(Vec<Vec<u8>>, Vec<LogLine>)> {
    let mut output = Memory::default();
    let lines = write_parts(options, script, &mut output)?;
    Ok((output.parts, lines))
}

fn write_parts<O: Output>(options: &Options, script: &Script, output: &mut O) -> io::Result<Vec<LogLine>> {
    let mut simulation = Simulation::new(options, script, options.events());
    let mut finished = Written { events: 0, bytes: 0 };
    let parts = u64::from(options.parts.max(1));
    for number in 0..options.parts.max(1) {
        simulation.state.part = number;
        let mut log = LogWriter::new(output.begin(number)?, &simulation.state.machine)?;
        let start = FileTime(simulation.state.clock.now.0 + 1);
        loop {
            let written = finished.with(&log);
            let (done, total) = written.of(options.amount);
            if u128::from(done) * u128::from(parts) >= u128::from(total) * u128::from(number + 1) {
                finished = written;
                break;
            }
            let progress = u128::from(done) * u128::from(script.cut) / u128::from(total.max(1));
            simulation.step(&mut log, progress as Ppm)?;
        }
        let part = if script.is_unclosed && number + 1 == options.parts.max(1) {
            log.leave_unclosed()?
        } else {
            simulation.state.add_processes(&mut log, start);
            log.finish()?
        };
        output.end(part)?;
    }
    Ok(simulation.state.log_lines)
}

/// What has been written so far.
#[derive(Clone, Copy)]
struct Written {
    events: u64,
    bytes: u64,
}

impl Written {
    /// Together with an unfinished part. Each of its events adds five bytes to a table.
    fn with<W: Write + Seek>(self, log: &LogWriter<W>) -> Self {
        let events = u64::from(log.event_count());
        Self { events: self.events + events, bytes: self.bytes + log.position() + 5 * events }
    }

    /// What is written, and what is asked for, in the unit of the amount.
    fn of(self, amount: Amount) -> (u64, u64) {
        match amount {
            Amount::Events(events) => (self.events, events),
            Amount::Bytes(bytes) => (self.bytes, bytes),
        }
    }
}
