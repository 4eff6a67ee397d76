//! Local symbol stores: folders in which images and their symbols lie under their keys. Nothing is downloaded, and nothing
//! is used whose own headers do not have the key.

use super::image::{self, ImageKey, PdbKey};
use pdb_addr2line::pdb::PDB;
use pdb_addr2line::{ContextPdbData, TypeFormatterFlags};
use pml_parser::symbols::Function;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Folders with symbols.
pub(super) struct Store {
    folders: Vec<PathBuf>,
}

/// What the stores lack for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The image itself, which names its symbols.
    Image,
    /// The symbols that the image names.
    Symbols(PdbKey),
    /// The image names no symbols.
    Nothing,
    /// Symbols that cannot be read.
    Broken(PathBuf, String),
}

/// The functions of an image at some offsets.
pub(super) type Functions = Vec<(u32, Function)>;

impl Store {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The symbols of an image.
    pub(super) fn find(&self, key: &ImageKey) -> Result<PathBuf, Lack> {
        let is_image = |path: &Path| {
            image::read(path).ok().filter(|image| (image.timestamp, image.size) == (key.timestamp, key.size))
        };
        let images = self.candidates(&key.name, &key.folder());
        let image = images.iter().find_map(|path| is_image(path)).ok_or(Lack::Image)?;
        let symbols = image.symbols.ok_or(Lack::Nothing)?;
        let found = self.candidates(&symbols.name, &symbols.folder());
        found.into_iter().find(|path| is_of(path, &symbols)).ok_or(Lack::Symbols(symbols))
    }

    /// Where a file may lie: under its name and key, in a store of two levels too, or as it is.
    fn candidates(&self, name: &str, key: &str) -> Vec<PathBuf> {
        let level: String = name.chars().take(2).collect();
        let places: [&[&str]; 3] = [&[name, key, name], &[&level, name, key, name], &[name]];
        let all = self.folders.iter().flat_map(|folder| places.map(|place| descend(folder, place)));
        all.flatten().collect()
    }

    /// The functions of an image at some offsets from its base.
    pub(super) fn functions(&self, key: &ImageKey, offsets: &BTreeSet<u32>) -> Result<Functions, Lack> {
        let path = self.find(key)?;
        // The reader of symbols is made for sound files.
        let read = catch_unwind(AssertUnwindSafe(|| functions(&path, offsets)));
        match read {
            Ok(Ok(functions)) => Ok(functions),
            Ok(Err(said)) => Err(Lack::Broken(path, said)),
            Err(_) => Err(Lack::Broken(path, "is damaged".to_owned())),
        }
    }
}

/// A file below a folder, with names in any case.
fn descend(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for name in names {
        let exact = path.join(name);
        path = if exact.exists() {
            exact
        } else {
            let is_it = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().eq_ignore_ascii_case(name);
            fs::read_dir(&path).ok()?.flatten().find(is_it)?.path()
        };
    }
    path.is_file().then_some(path)
}

/// Whether a file has the symbols with this key.
fn is_of(path: &Path, key: &PdbKey) -> bool {
    let read = || -> Option<bool> {
        let mut pdb = PDB::open(File::open(path).ok()?).ok()?;
        let information = pdb.pdb_information().ok()?;
        let guid = information.guid.as_simple().to_string();
        // What strips symbols raises the age of the file, and keeps that of the debug information.
        let age = pdb.debug_information().ok()?.age().unwrap_or(information.age);
        Some(guid.eq_ignore_ascii_case(&key.guid()) && age == key.age)
    };
    catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or(false)
}

/// Names as debuggers show them: without types of arguments and results.
const NAMES: TypeFormatterFlags = TypeFormatterFlags::NAME_ONLY
    .union(TypeFormatterFlags::NO_ARGUMENTS)
    .union(TypeFormatterFlags::NO_FUNCTION_RETURN)
    .union(TypeFormatterFlags::NO_MEMBER_FUNCTION_STATIC);

fn functions(path: &Path, offsets: &BTreeSet<u32>) -> Result<Functions, String> {
    let failed = |error: pdb_addr2line::Error| error.to_string();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let pdb = PDB::open(file).map_err(|error| error.to_string())?;
    let data = ContextPdbData::try_from_pdb(pdb).map_err(failed)?;
    let context = data.make_context_with_formatter_flags(NAMES).map_err(failed)?;
    let mut functions = Vec::new();
    for &offset in offsets {
        // An address of a stack is where a call returns to: the call itself lies before, perhaps at the end of another
        // function, which never returns.
        let at = |offset: u32| context.find_frames(offset).ok().flatten();
        let Some(found) = offset.checked_sub(1).and_then(at).or_else(|| at(offset)) else { continue };
        // Inlined functions come before the one that contains them.
        let Some(frame) = found.frames.last() else { continue };
        let Some(name) = frame.function.clone() else { continue };
        let source = frame.file.as_ref().zip(frame.line).map(|(file, line)| format!("{file}:{line}"));
        let from_start = offset.saturating_sub(found.start_rva);
        functions.push((offset, Function { name, offset: from_start.into(), source }));
    }
    Ok(functions)
}
