//! Boot logs from scenario files: a scenario is a machine, a usual course of a boot, and what
//! happens in addition.
//!
//! ```
//! use pml_samples::boot::{Amount, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = pml_samples::scenario::default_scenario()?;
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
#[cfg(test)]
mod tests;

pub use companion::{Companion, Companions};
pub use error::ScenarioError;
pub use expect::{Boot, Expectation, Finding, Rollback, expectations};

use crate::boot::action::ActionKind;
use crate::boot::call::Call;
use crate::boot::paths::Paths;
use crate::boot::progress::WHOLE;
use crate::boot::script::Script;
use crate::boot::{self, Bits, Options};
use crate::story::Zone;
use compile::Compiler;
use model::{Document, Variant};
use pml_parser::NtStatus;
use std::collections::{BTreeMap, BTreeSet};
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

/// One operation of a scenario's script, as a log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedOperation {
    /// File name of the program.
    pub process: String,
    /// Name of the role, which is unique; several roles may have the same program.
    pub role: String,
    /// Which of its threads.
    pub thread: usize,
    /// The operation as Process Monitor names it.
    pub operation: &'static str,
    /// The path, as the Path column shows it.
    pub path: String,
    /// The second path of a rename or a link.
    pub target: Option<String>,
    /// The result.
    pub status: NtStatus,
}

/// How the names of files of expectations end.
const EXPECTATIONS: &str = ".expect.toml";

/// The directory of the scenarios that come with this crate.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The scenario of all logs for which no other is named: a file of the update is missing.
///
/// # Errors
/// When the scenario is not valid.
pub fn default_scenario() -> Result<Scenario, ScenarioError> {
    let text = include_str!("../../scenarios/S00-default.toml");
    Scenario::parse("S00-default.toml", text)
}

/// Reads a scenario from a file.
///
/// # Errors
/// When the file cannot be read or is not a valid scenario; the error names the key.
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| ScenarioError::new(&file, "", e.to_string()))?;
    Scenario::parse(&file, &text)
}

/// All scenarios that come with this crate, in the order of their ids.
///
/// # Errors
/// When [`load_directory`] refuses their directory.
pub fn all() -> Result<Vec<Scenario>, ScenarioError> {
    load_directory(&directory())
}

/// All scenarios of a directory, in the order of their file names.
///
/// # Errors
/// When the directory cannot be read, a scenario is not valid, two scenarios have one id, or a file
/// of expectations belongs to no scenario.
pub fn load_directory(directory: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    let shown = directory.display().to_string();
    let failed = |e: io::Error| ScenarioError::new(&shown, "", e.to_string());
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        names.insert(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    for name in names.iter().filter(|name| name.ends_with(".toml")) {
        if let Some(stem) = name.strip_suffix(EXPECTATIONS) {
            let scenario = format!("{stem}.toml");
            if !names.contains(&scenario) {
                let reason = format!("{name} belongs to no scenario: there is no {scenario}");
                return Err(ScenarioError::new(&shown, "", reason));
            }
            continue;
        }
        let scenario = load(&directory.join(name))?;
        if let Some(other) = files.insert(scenario.id().to_owned(), name) {
            let reason = format!("two scenarios are called {}: {other} and {name}", scenario.id());
            return Err(ScenarioError::new(&shown, "", reason));
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

/// Generates the default scenario as files of a directory, without its text logs. The directory is
/// created if it does not exist. Returns the paths of the parts in order.
///
/// # Errors
/// When a file cannot be written, or exists already and may not be overwritten.
pub fn generate(options: &Options, directory: &Path) -> io::Result<Vec<PathBuf>> {
    let script = default_scenario()?.script(options.bits)?;
    Ok(boot::simulate_to_files(options, &script, directory)?.0)
}

/// Generates the default scenario in memory: the bytes of each part, in order.
///
/// # Errors
/// When the options ask for what the format cannot hold.
///
/// ```
/// use pml_parser::{Log, LogSet};
/// use pml_samples::boot::{Amount, Options};
/// use pml_samples::scenario::generate_in_memory;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = Options { amount: Amount::Events(500), parts: 2, ..Options::default() };
/// let parts = generate_in_memory(&options)?;
/// let logs = parts.into_iter().map(Log::parse).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(LogSet::new(logs).event_count(), 500);
/// # Ok(())
/// # }
/// ```
pub fn generate_in_memory(options: &Options) -> io::Result<Vec<Vec<u8>>> {
    Ok(default_scenario()?.generate_in_memory(options)?.parts)
}

impl Scenario {
    /// Reads a scenario from its text; errors name `file`.
    ///
    /// # Errors
    /// When the scenario or one of its variants is not valid.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let document: Document =
            toml::from_str(text).map_err(|e| ScenarioError::new(file, "", e.to_string()))?;
        let scenario = Self { file: file.to_owned(), document, variant: None };
        if !matches!(scenario.document.machine.bits, None | Some(32 | 64)) {
            return Err(ScenarioError::new(file, "machine.bits", "neither 32 nor 64"));
        }
        scenario.script(scenario.options().bits)?;
        for (number, name) in scenario.variants().enumerate() {
            if scenario.variants().take(number).any(|other| other == name) {
                return Err(ScenarioError::new(file, "variant", format!("two variants are called {name:?}")));
            }
            let variant = scenario.variant(name)?;
            variant.script(variant.options().bits)?;
        }
        Ok(scenario)
    }

    /// Its id, such as `S05`.
    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// The title of the scenario or variant.
    pub fn title(&self) -> &str {
        self.variant.as_ref().map_or(&self.document.title, |variant| &variant.title)
    }

    /// The file from which it was read.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of its variants.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.document.variant.iter().map(|variant| variant.name.as_str())
    }

    /// One of its variants.
    ///
    /// # Errors
    /// When no variant has this name.
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

    /// The same scenario with other spellings of the paths in its actions: pairs of a beginning of a
    /// path and its replacement.
    #[must_use]
    pub fn spelled(mut self, spell: &[(&str, &str)]) -> Self {
        let target = match &mut self.variant {
            Some(variant) => &mut variant.spell,
            None => &mut self.document.spell,
        };
        target.extend(spell.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
        self
    }

    /// The same scenario in a capture that ends after this share of the boot, unless the capture ends
    /// earlier already.
    #[must_use]
    pub fn cut_at(mut self, share: f64) -> Self {
        let cut = match &mut self.variant {
            Some(variant) if variant.cut.is_some() => &mut variant.cut,
            _ => &mut self.document.cut,
        };
        *cut = Some(cut.map_or(share, |own| own.min(share)));
        self
    }

    /// The default options, with the bitness of its machine.
    pub fn options(&self) -> Options {
        let machine = |variant: &Variant| variant.machine.bits;
        let bits = self.variant.as_ref().and_then(machine).or(self.document.machine.bits);
        Options { bits: if bits == Some(32) { Bits::B32 } else { Bits::B64 }, ..Options::default() }
    }

    /// Whether the capture is never closed, so that its last part has no tables.
    ///
    /// # Errors
    /// When the scenario is not valid.
    pub fn is_unclosed(&self) -> Result<bool, ScenarioError> {
        Ok(self.script(self.options().bits)?.is_unclosed)
    }

    /// The captured share of the boot, in millionths.
    ///
    /// # Errors
    /// When the scenario is not valid.
    pub fn captured(&self) -> Result<u32, ScenarioError> {
        Ok(self.script(self.options().bits)?.cut)
    }

    /// The operations of its script that a capture contains, each thread's in order.
    ///
    /// # Errors
    /// When the scenario is not valid.
    pub fn scripted(&self, bits: Bits) -> Result<Vec<ScriptedOperation>, ScenarioError> {
        let script = self.script(bits)?;
        let pointer = if bits == Bits::B64 { 8 } else { 4 };
        let mut scripted = Vec::new();
        // An action that begins just before the capture is cut off may be incomplete.
        let end = if script.cut == WHOLE { WHOLE } else { script.cut.saturating_sub(50_000) };
        for action in script.actions.iter().filter(|action| action.at < end) {
            // Process Monitor appends the pattern of a listing to the directory.
            let pattern = if matches!(action.kind, ActionKind::List(_)) { r"\*" } else { "" };
            let entry = |call: &Call| ScriptedOperation {
                process: action.role.split('#').next().unwrap_or(&action.role).to_owned(),
                role: action.role.clone(),
                thread: action.thread,
                operation: call.operation.name(),
                path: script.machine.relocate(&action.path) + pattern,
                target: action.kind.target().map(|target| script.machine.relocate(target)),
                status: call.status,
            };
            for _ in 0..action.repeat {
                let calls = action.calls(pointer, pml_parser::FileTime(0));
                scripted.extend(calls.iter().map(entry));
            }
        }
        Ok(scripted)
    }

    /// Generates the capture as files of a directory, which is created if it does not exist. Returns
    /// the paths of the parts, then those of the text logs.
    ///
    /// # Errors
    /// When a file cannot be written, or exists already and may not be overwritten.
    pub fn generate(
        &self,
        options: &Options,
        companions: Companions,
        directory: &Path,
    ) -> io::Result<Vec<PathBuf>> {
        let script = self.script(options.bits)?;
        // The check comes first: a large log takes hours.
        if !options.overwrite {
            self.check_companions(companions, directory)?;
        }
        let (mut paths, lines) = boot::simulate_to_files(options, &script, directory)?;
        paths.extend(self.write_companions(companions, options, &script, lines, directory)?);
        Ok(paths)
    }

    /// Generates the capture in memory.
    ///
    /// # Errors
    /// When the options ask for what the format cannot hold.
    pub fn generate_in_memory(&self, options: &Options) -> io::Result<Capture> {
        let script = self.script(options.bits)?;
        let (parts, lines) = boot::simulate_in_memory(options, &script)?;
        Ok(Capture { parts, companions: companion::of_lines(&lines, self.zone()).collect() })
    }

    /// The zone of the machine's clock.
    fn zone(&self) -> Zone {
        let own = self.variant.as_ref().and_then(|variant| variant.machine.zone);
        Zone(own.or(self.document.machine.zone).unwrap_or(8))
    }

    fn script(&self, bits: Bits) -> Result<Script, ScenarioError> {
        let variant = self.variant.as_ref();
        let machine = compile::machine(&self.document, variant);
        // A script uses no paths of background activity, so their number does not matter.
        let paths = Paths::new(bits == Bits::B64, 0, &machine);
        Compiler { file: &self.file, document: &self.document, variant, paths: &paths }.script(machine)
    }
}
