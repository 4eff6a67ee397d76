//! Boot logs of a Windows that is being updated, as Process Monitor would have captured them.
//!
//! Everything follows from the [`Options`]: the same ones give the same bytes, everywhere. Data
//! flows one way: the cast and the scenario decide who does what (`cast`, `play`, `noise`), the
//! director lets them take turns (`director`, `life`), and each operation becomes an event with a
//! time and a stack (`clock`, `stacks`).
//!
//! ```
//! use pml_parser::{Log, LogSet};
//! use pml_samples::boot::{Amount, Options, generate_in_memory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options { amount: Amount::Events(500), parts: 2, ..Options::default() };
//! let parts = generate_in_memory(&options)?;
//! let logs = parts.into_iter().map(Log::parse).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(LogSet::new(logs).event_count(), 500);
//! # Ok(())
//! # }
//! ```

pub(crate) mod beat;
mod call;
pub(crate) mod cast;
mod clock;
mod director;
pub(crate) mod file_call;
mod images;
mod lane;
mod life;
mod noise;
pub(crate) mod output;
pub(crate) mod paths;
pub(crate) mod play;
mod process;
pub(crate) mod registry_call;
mod stacks;

use cast::Ppm;
use director::Director;
use output::{Directory, Memory, Output};
use play::{Noted, Play, Setting};
use pml_parser::FileTime;
use pml_parser::write::{LogWriter, Machine};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// How long a log becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many events, all parts together.
    Events(u64),
    /// As many events as make up about so many bytes, all parts together.
    Bytes(u64),
}

/// The bitness of the captured Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// 32-bit Windows: pointers and stack frames of four bytes.
    B32,
    /// 64-bit Windows.
    B64,
}

/// What is generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long it becomes. A scenario needs about 4,000 events to be told to its end.
    pub amount: Amount,
    /// Number of files.
    pub parts: u32,
    /// What all chance is drawn from.
    pub seed: u64,
    /// Bitness of the machine.
    pub bits: Bits,
    /// Mean number of stack frames.
    pub frames: u16,
    /// Whether existing files are replaced.
    pub overwrite: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            amount: Amount::Events(100_000),
            parts: 1,
            seed: 1,
            bits: Bits::B64,
            frames: 34,
            overwrite: false,
        }
    }
}

/// Bytes of a usual event, to guess how many there will be.
const USUAL_EVENT: u64 = 430;

impl Options {
    fn machine(&self, setting: &Setting) -> Machine {
        let windows = format!(r"{}:\Windows", setting.drive);
        Machine {
            is_64_bit: self.bits == Bits::B64,
            os_version: (10, 0, setting.reported_build),
            system_root: windows,
            ..Machine::windows_10(&setting.computer)
        }
    }

    /// How many events there will be, or about so many.
    pub(crate) fn events(&self) -> u64 {
        match self.amount {
            Amount::Events(events) => events,
            Amount::Bytes(bytes) => bytes / USUAL_EVENT,
        }
    }
}

/// Generates a boot log as files of a directory, which is made if need be. Returns the paths of
/// the parts in order.
///
/// # Errors
/// When a file cannot be written, or exists already and may not be overwritten.
pub fn generate(options: &Options, directory: &Path) -> io::Result<Vec<PathBuf>> {
    crate::scenario::kept()?.generate_parts(options, directory)
}

/// Generates a boot log in memory: the bytes of each part, in order.
///
/// # Errors
/// When the options ask for what the format cannot hold.
pub fn generate_in_memory(options: &Options) -> io::Result<Vec<Vec<u8>>> {
    Ok(crate::scenario::kept()?.generate_in_memory(options)?.parts)
}

/// Plays it into files of a directory. Returns their paths, and the lines of the text logs.
pub(crate) fn play_to_files(
    options: &Options,
    play: &Play,
    directory: &Path,
) -> io::Result<(Vec<PathBuf>, Vec<Noted>)> {
    let mut output = Directory::new(directory, options.parts.max(1), options.overwrite)?;
    let noted = write_parts(options, play, &mut output)?;
    Ok((output.paths, noted))
}

/// Plays it in memory.
pub(crate) fn play_in_memory(options: &Options, play: &Play) -> io::Result<(Vec<Vec<u8>>, Vec<Noted>)> {
    let mut output = Memory::default();
    let noted = write_parts(options, play, &mut output)?;
    Ok((output.parts, noted))
}

fn write_parts<O: Output>(options: &Options, play: &Play, output: &mut O) -> io::Result<Vec<Noted>> {
    let mut director = Director::new(options, play, options.events());
    let mut done = Done { events: 0, bytes: 0 };
    let parts = u64::from(options.parts.max(1));
    for number in 0..options.parts.max(1) {
        director.part = number;
        let mut log = LogWriter::new(output.begin(number)?, &director.machine)?;
        let start = FileTime(director.clock.now.0 + 1);
        loop {
            let now = done.with(&log);
            let (had, total) = now.of(options.amount);
            if u128::from(had) * u128::from(parts) >= u128::from(total) * u128::from(number + 1) {
                done = now;
                break;
            }
            let progress = u128::from(had) * u128::from(play.cut) / u128::from(total.max(1));
            director.act(&mut log, progress as Ppm)?;
        }
        let part = if play.is_unclosed && number + 1 == options.parts.max(1) {
            log.leave_unclosed()?
        } else {
            add_processes(&director, &mut log, start);
            log.finish()?
        };
        output.end(part)?;
    }
    Ok(director.noted)
}

/// How much has been written.
#[derive(Clone, Copy)]
struct Done {
    events: u64,
    bytes: u64,
}

impl Done {
    /// Together with a part that is not finished; each event takes five bytes of a table too.
    fn with<W: Write + Seek>(self, log: &LogWriter<W>) -> Self {
        let events = u64::from(log.event_count());
        Self { events: self.events + events, bytes: self.bytes + log.position() + 5 * events }
    }

    /// How much there is, and how much there shall be.
    fn of(self, amount: Amount) -> (u64, u64) {
        match amount {
            Amount::Events(events) => (self.events, events),
            Amount::Bytes(bytes) => (self.bytes, bytes),
        }
    }
}

/// The process table of a part: everybody who was there while it was written.
fn add_processes<W: Write + Seek>(director: &Director, log: &mut LogWriter<W>, start: FileTime) {
    for (position, process) in director.cast.iter().enumerate() {
        if process.is_alive_after(start) {
            let parent = (&director.cast[process.parent], director.index(process.parent));
            let index = director.index(position);
            let is_64_bit = director.machine.is_64_bit;
            log.add_process(&process.record(&director.images, index, parent, is_64_bit));
        }
    }
}
