//! Names of functions, from local symbol stores; and `pml symbols`, which says what these lack.

mod image;
mod store;

use crate::args::{SymbolArgs, SymbolsArgs, default_threads};
use crate::failure::Failure;
use crate::input;
use crate::outcome;
use crate::status::{Done, Progress, counted, plain, say, stdout_done, warn};
use image::ImageKey;
use pml_parser::export::frames::ask;
use pml_parser::export::{ScanOptions, WriteError};
use pml_parser::symbols::{Function, SharedSymbols, Symbols};
use pml_parser::{Module, Opened};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use store::{Lack, Store};

/// The variable that names symbol stores for the tools of Windows.
const VARIABLE: &str = "_NT_SYMBOL_PATH";

/// Distinct frames that are looked up, at most; captures have some ten thousands.
const MOST_FRAMES: usize = 1 << 20;

/// The frames of a capture: of each image, offsets.
#[derive(Default)]
struct Frames(Mutex<(BTreeMap<ImageKey, BTreeSet<u32>>, usize)>);

impl Symbols for Frames {
    fn function(&self, module: Module<'_>, offset: u64) -> Option<Function> {
        let (key, offset) = (key_of(module)?, u32::try_from(offset).ok()?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (images, count) = &mut *known;
        if *count < MOST_FRAMES && images.entry(key).or_default().insert(offset) {
            *count += 1;
        }
        None
    }
}

/// The key of a module; nothing for one whose headers the log does not have.
fn key_of(module: Module<'_>) -> Option<ImageKey> {
    let path = module.path().to_string();
    let name = path.rsplit(['\\', '/']).next().unwrap_or(&path).to_lowercase();
    let is_known = module.timestamp != 0 && module.size != 0 && is_file_name(&name);
    is_known.then_some(ImageKey { name, timestamp: module.timestamp, size: module.size })
}

/// Whether a text names a file, and no other place: it comes from a log.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', '/', ':', '\0'])
}

/// The functions that were found.
struct Found(HashMap<ImageKey, HashMap<u32, Function>>);

impl Symbols for Found {
    fn function(&self, module: Module<'_>, offset: u64) -> Option<Function> {
        let functions = self.0.get(&key_of(module)?)?;
        functions.get(&u32::try_from(offset).ok()?).cloned()
    }
}

/// The names of the functions on the stacks of a capture, where the arguments name symbol stores.
pub(crate) fn load(
    args: &SymbolArgs,
    capture: &Opened,
    threads: usize,
    quiet: bool,
) -> Result<Option<SharedSymbols>, Failure> {
    if args.symbols.is_empty() {
        return Ok(None);
    }
    let store = open(&args.symbols)?;
    let images = frames(capture, threads, quiet)?;
    let (mut found, mut lacking) = (HashMap::new(), 0);
    for (key, offsets) in images {
        match store.functions(&key, &offsets) {
            Ok(functions) => drop(found.insert(key, functions.into_iter().collect())),
            Err(Lack::Broken(path, said)) => warn(&format!("{}: {said}: not used", path.display())),
            Err(Lack::Image | Lack::Symbols(_)) => lacking += 1,
            Err(Lack::Nothing) => {}
        }
    }
    if !quiet {
        let (named, lacking) =
            (counted(found.len() as u64, "image", "images"), counted(lacking, "image", "images"));
        say(&format!(
            "functions of {named} have names; the symbols of {lacking} are missing: pml symbols lists them"
        ));
    }
    Ok(Some(SharedSymbols::new(Found(found))))
}

/// The symbol stores that the arguments and the environment name, in words; nothing where the arguments name none.
pub(crate) fn stores(args: &SymbolArgs) -> Result<Option<String>, Failure> {
    if args.symbols.is_empty() {
        return Ok(None);
    }
    open(&args.symbols)?;
    let variable = std::env::var_os(VARIABLE).unwrap_or_default();
    Ok(Some(format!("{:?} {:?}", args.symbols, variable)))
}

/// Runs the command.
pub(crate) fn run(args: &SymbolsArgs) -> Result<Done, Failure> {
    let capture = input::open(&args.log, (&args.recovery).into())?;
    let store = open(&args.symbols.symbols)?;
    let mut text = String::new();
    for (key, offsets) in frames(&capture, default_threads(), args.quiet)? {
        let frames = counted(offsets.len() as u64, "frame", "frames");
        let (path, what) = match store.find(&key) {
            Ok(_) | Err(Lack::Nothing) => continue,
            Err(Lack::Image) => (key.path(), "image".to_owned()),
            Err(Lack::Symbols(symbols)) => (symbols.path(), format!("symbols of {}", key.name)),
            Err(Lack::Broken(path, said)) => (path.display().to_string(), said),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{}\t{frames}\t{}", plain(&path), plain(&what));
    }
    stdout_done(io::stdout().write_all(text.as_bytes()))?;
    Ok(outcome::report(&capture, &pml_parser::Damage::default()).done())
}

/// The stores that the arguments and the environment name.
fn open(named: &[PathBuf]) -> Result<Store, Failure> {
    if let Some(missing) = named.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::new(format!("{}: is not a directory", missing.display()))
            .hint("--symbols takes a local symbol store; nothing is downloaded"));
    }
    // `srv*C:\symbols*https://…;D:\more`: the folders in it.
    let variable = std::env::var_os(VARIABLE).unwrap_or_default();
    let variable = variable.to_string_lossy().into_owned();
    let entries = variable.split([';', '*']).filter(|entry| !entry.is_empty()).map(Path::new);
    let folders = entries.filter(|entry| entry.is_absolute() && entry.is_dir()).map(Path::to_owned);
    Ok(Store::new(named.iter().cloned().chain(folders).collect()))
}

/// The distinct frames of a capture.
fn frames(
    capture: &Opened,
    threads: usize,
    quiet: bool,
) -> Result<BTreeMap<ImageKey, BTreeSet<u32>>, Failure> {
    let (frames, progress) = (Frames::default(), Progress::new(capture.set.size(), quiet));
    let scan = ScanOptions { threads, ..ScanOptions::default() };
    let asked = ask(&capture.set, &scan, &frames, &progress);
    progress.clear();
    capture.check()?;
    match asked {
        Ok(_) => Ok(frames.0.into_inner().unwrap_or_else(PoisonError::into_inner).0),
        Err(WriteError::Cancelled) => Err(Failure::stopped()),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
