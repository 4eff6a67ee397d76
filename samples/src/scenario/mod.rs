//! Boot logs that tell what files say: a scenario is a machine, a usual course of a boot, and
//! what happens besides.
//!
//! ```
//! use pml_samples::boot::{Amount, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = pml_samples::scenario::kept()?;
//! let options = Options { amount: Amount::Events(2_000), ..scenario.options() };
//! let capture = scenario.generate_in_memory(&options)?;
//! assert_eq!(capture.parts.len(), 1);
//! # Ok(())
//! # }
//! ```

mod base;
mod companion;
mod compile;
mod error;
mod expect;
mod model;
mod names;
mod operations;

pub use companion::Companion;
pub use error::ScenarioError;
pub use expect::{Boot, Expectation, Finding, Rollback, expectations};

use crate::boot::beat::Action;
use crate::boot::paths::Paths;
use crate::boot::play::Play;
use crate::boot::{self, Bits, Options};
use compile::Compiler;
use model::{Document, Variant};
use pml_parser::NtStatus;
use std::io;
use std::path::{Path, PathBuf};

/// A scenario, or one variant of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    file: String,
    document: Document,
    variant: Option<Variant>,
}

/// A generated capture.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The bytes of each part.
    pub parts: Vec<Vec<u8>>,
    /// The text logs that belong to it.
    pub companions: Vec<Companion>,
}

/// One operation that a scenario tells, as a log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// File name of the program.
    pub process: String,
    /// Which of the processes of that name: a name that no other has.
    pub role: String,
    /// Which of its threads.
    pub thread: usize,
    /// The operation as Process Monitor names it.
    pub operation: &'static str,
    /// The path.
    pub path: String,
    /// The second path of a rename or a link.
    pub target: Option<String>,
    /// How it ends.
    pub status: NtStatus,
}

/// The directory of the scenarios that come with this crate.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The scenario of the log that is kept in the repository, and of all plain logs.
///
/// # Errors
/// When it is not valid.
pub fn kept() -> Result<Scenario, ScenarioError> {
    let text = include_str!("../../scenarios/S00-kept-sample.toml");
    Scenario::parse("S00-kept-sample.toml", text)
}

/// Reads a scenario from a file.
///
/// # Errors
/// When the file cannot be read or is not a valid scenario; the error tells where.
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| ScenarioError::new(&file, "", e.to_string()))?;
    Scenario::parse(&file, &text)
}

/// All scenarios that come with this crate, in the order of their ids.
///
/// # Errors
/// When the directory cannot be read or one of them is not valid.
pub fn all() -> Result<Vec<Scenario>, ScenarioError> {
    let directory = directory();
    let failed = |e: io::Error| ScenarioError::new(&directory.display().to_string(), "", e.to_string());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".toml") && !name.ends_with(".expect.toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

impl Scenario {
    /// Reads a scenario from its text; `file` names it in errors.
    ///
    /// # Errors
    /// When it is not valid, in any of its variants.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let document: Document =
            toml::from_str(text).map_err(|e| ScenarioError::new(file, "", e.to_string()))?;
        let scenario = Self { file: file.to_owned(), document, variant: None };
        if !matches!(scenario.document.machine.bits, None | Some(32 | 64)) {
            return Err(ScenarioError::new(file, "machine.bits", "neither 32 nor 64"));
        }
        scenario.play(scenario.options().bits)?;
        for name in scenario.variants() {
            let variant = scenario.variant(name)?;
            variant.play(variant.options().bits)?;
        }
        Ok(scenario)
    }

    /// Its id, such as `S05`.
    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// What it is about, in one sentence.
    pub fn title(&self) -> &str {
        self.variant.as_ref().map_or(&self.document.title, |variant| &variant.title)
    }

    /// The file it was read from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Names of its variants.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.document.variant.iter().map(|variant| variant.name.as_str())
    }

    /// One of its variants.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn variant(&self, name: &str) -> Result<Self, ScenarioError> {
        let found = self.document.variant.iter().find(|variant| variant.name == name);
        let known: Vec<&str> = self.variants().collect();
        let reason = || format!("no variant {name:?}; there are: {}", known.join(", "));
        let variant = found.cloned().ok_or_else(|| ScenarioError::new(&self.file, "variant", reason()))?;
        Ok(Self { variant: Some(variant), ..self.clone() })
    }

    /// The same scenario with Windows on another drive.
    #[must_use]
    pub fn on_drive(mut self, drive: char) -> Self {
        match &mut self.variant {
            Some(variant) => variant.machine.drive = Some(drive),
            None => self.document.machine.drive = Some(drive),
        }
        self
    }

    /// The same scenario with what is told spelled in another way: beginnings of paths, and what stands
    /// there instead.
    #[must_use]
    pub fn spelled(mut self, spell: &[(&str, &str)]) -> Self {
        let of = match &mut self.variant {
            Some(variant) => &mut variant.spell,
            None => &mut self.document.spell,
        };
        of.extend(spell.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
        self
    }

    /// The same scenario in a capture that ends after this share of the boot, unless it ends earlier.
    #[must_use]
    pub fn cut_at(mut self, share: f64) -> Self {
        let of = match &mut self.variant {
            Some(variant) if variant.cut.is_some() => &mut variant.cut,
            _ => &mut self.document.cut,
        };
        *of = Some(of.map_or(share, |own| own.min(share)));
        self
    }

    /// The usual options, for the bitness of its machine.
    pub fn options(&self) -> Options {
        let machine = |variant: &Variant| variant.machine.bits;
        let bits = self.variant.as_ref().and_then(machine).or(self.document.machine.bits);
        Options { bits: if bits == Some(32) { Bits::B32 } else { Bits::B64 }, ..Options::default() }
    }

    /// Whether the last part of the capture is meant to have no tables.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn is_unclosed(&self) -> Result<bool, ScenarioError> {
        Ok(self.play(self.options().bits)?.is_unclosed)
    }

    /// Share of the boot that is captured, in millionths.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn captured(&self) -> Result<u32, ScenarioError> {
        Ok(self.play(self.options().bits)?.cut)
    }

    /// What it tells while the capture runs, in the order of each thread.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn told(&self, bits: Bits) -> Result<Vec<Told>, ScenarioError> {
        let play = self.play(bits)?;
        let pointer = if bits == Bits::B64 { 8 } else { 4 };
        let mut told = Vec::new();
        // What begins just before a capture is cut off is not told to its end.
        let end = if play.cut == 1_000_000 { play.cut } else { play.cut.saturating_sub(50_000) };
        for beat in play.beats.iter().filter(|beat| beat.at < end) {
            // Process Monitor puts the pattern of a listing behind the directory.
            let pattern = if matches!(beat.action, Action::List(_)) { r"\*" } else { "" };
            let entry = |status| Told {
                process: beat.actor.split('#').next().unwrap_or(&beat.actor).to_owned(),
                role: beat.actor.clone(),
                thread: beat.thread,
                operation: beat.action.operation(),
                path: play.setting.place(&beat.path) + pattern,
                target: beat.action.target().map(|target| play.setting.place(target)),
                status,
            };
            for _ in 0..beat.repeat {
                let calls = beat.calls(pointer, pml_parser::FileTime(0));
                told.extend(calls.iter().map(|call| entry(call.status)));
            }
        }
        Ok(told)
    }

    /// Generates it as files of a directory, which is made if need be: the parts, whose paths are
    /// returned first, and the text logs that belong to them.
    ///
    /// # Errors
    /// When a file cannot be written, or exists already and may not be overwritten.
    pub fn generate(&self, options: &Options, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let play = self.play(options.bits)?;
        // Refused before hours of work, not after them.
        for name in companion::NAMES.iter().filter(|_| !options.overwrite) {
            let path = directory.join(name);
            if path.exists() {
                let text = format!("{} exists already; --force overwrites it", path.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
        }
        let (mut paths, noted) = boot::play_to_files(options, &play, directory)?;
        for companion in companion::companions(&noted, self.zone()) {
            let path = directory.join(companion.name);
            boot::output::write_text(&path, &companion.text, options.overwrite)?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// The same without the text logs.
    pub(crate) fn generate_parts(&self, options: &Options, directory: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(boot::play_to_files(options, &self.play(options.bits)?, directory)?.0)
    }

    /// Generates it in memory.
    ///
    /// # Errors
    /// When the options ask for what the format cannot hold.
    pub fn generate_in_memory(&self, options: &Options) -> io::Result<Capture> {
        let play = self.play(options.bits)?;
        let (parts, noted) = boot::play_in_memory(options, &play)?;
        Ok(Capture { parts, companions: companion::companions(&noted, self.zone()) })
    }

    /// Hours that the clock of the machine is ahead of UTC.
    fn zone(&self) -> i32 {
        let own = self.variant.as_ref().and_then(|variant| variant.machine.zone);
        own.or(self.document.machine.zone).unwrap_or(8)
    }

    fn play(&self, bits: Bits) -> Result<Play, ScenarioError> {
        let variant = self.variant.as_ref();
        let setting = compile::setting(&self.document, variant);
        // How many different paths the background has does not matter here.
        let paths = Paths::new(bits == Bits::B64, 0, &setting);
        Compiler { file: &self.file, document: &self.document, variant, paths: &paths }.play(setting)
    }
}
