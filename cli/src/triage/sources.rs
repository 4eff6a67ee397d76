//! Where captures are: named files, directories, zip files.

use crate::failure::Failure;
use crate::status::{go_on, is_stopped, warn};
use pml_parser::parts::{capture_name, folder_of, part_number_of};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tempfile::TempDir;
use zip::ZipArchive;

/// A capture that was found.
pub(super) struct Found {
    /// What to call it.
    pub name: String,
    place: Place,
}

enum Place {
    /// Its files, or those of them that were named.
    Files { paths: Vec<PathBuf> },
    /// Members of a zip file.
    Zip { path: PathBuf, archive: Rc<RefCell<ZipArchive<File>>>, members: Vec<(usize, String)> },
}

/// Folders below a directory that are looked into.
const DEEPEST: usize = 16;
/// Entries of a directory tree or a zip file that are looked at.
const MOST_ENTRIES: usize = 1_000_000;

/// All captures of the inputs, in the order in which they were named.
pub(super) fn find(inputs: &[PathBuf], no_set: bool) -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    let mut named: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    for input in inputs {
        let metadata = fs::metadata(input).map_err(|e| Failure::of_io(input, &e))?;
        if metadata.is_dir() {
            found.extend(in_directory(input)?);
        } else if metadata.is_file() && is_zip(input)? {
            found.extend(in_zip(input)?);
        } else {
            // Parts that are named one by one are one capture.
            let set = folder_of(input).join(capture_name(input));
            match named.iter_mut().find(|known| known.0 == set && !no_set) {
                Some((_, paths)) => paths.push(input.clone()),
                None => {
                    named.push((set, vec![input.clone()]));
                    found.push(Found {
                        name: input.display().to_string(),
                        place: Place::Files { paths: Vec::new() },
                    });
                }
            }
        }
    }
    let mut named = named.into_iter();
    for capture in &mut found {
        if let Place::Files { paths, .. } = &mut capture.place
            && paths.is_empty()
            && let Some((_, named)) = named.next()
        {
            *paths = named;
        }
    }
    Ok(found)
}

fn is_log(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pml"))
}

/// Whether a file begins as zip files do.
fn is_zip(path: &Path) -> Result<bool, Failure> {
    let mut start = [0; 4];
    let read =
        File::open(path).and_then(|mut file| file.read(&mut start)).map_err(|e| Failure::of_io(path, &e))?;
    Ok(read == 4 && start == *b"PK\x03\x04")
}

/// The captures below a directory; links are not followed.
fn in_directory(directory: &Path) -> Result<Vec<Found>, Failure> {
    let mut logs: Vec<PathBuf> = Vec::new();
    let mut folders = vec![(directory.to_owned(), 0)];
    let mut entries = 0;
    while let Some((path, depth)) = folders.pop() {
        let listing = match fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(e) if depth == 0 => return Err(Failure::of_io(&path, &e)),
            Err(e) => {
                warn(&format!("not looked into: {}: {e}", path.display()));
                continue;
            }
        };
        for entry in listing.flatten() {
            entries += 1;
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < DEEPEST {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && is_log(&entry.path()) {
                logs.push(entry.path());
            }
        }
        go_on()?;
        if entries > MOST_ENTRIES {
            return Err(Failure::new(format!(
                "{}: holds too many files to look for logs",
                directory.display()
            ))
            .hint("name the folders of the captures"));
        }
    }
    if logs.is_empty() {
        return Err(Failure::new(format!("{}: no log (*.pml) is in it", directory.display())));
    }
    logs.sort_by_key(|log| (folder_of(log).to_owned(), capture_name(log), part_number_of(log)));
    // Parts of one capture stand side by side now; the first one leads to the others, and what only looks
    // like a part is left out with a warning.
    logs.dedup_by_key(|log| (folder_of(log).to_owned(), capture_name(log)));
    let found = logs.into_iter().map(|log| {
        let name = log.display().to_string();
        Found { name, place: Place::Files { paths: vec![log] } }
    });
    Ok(found.collect())
}

/// The captures inside a zip file.
fn in_zip(path: &Path) -> Result<Vec<Found>, Failure> {
    let mut archive = open_zip(path)?;
    if archive.len() > MOST_ENTRIES {
        return Err(Failure::new(format!("{}: holds too many files", path.display())));
    }
    if archive.has_duplicate_names() {
        warn(&format!("{}: several files in it have one name; the last one of each counts", path.display()));
    }
    let mut packed = 0u64;
    let mut sets: BTreeMap<PathBuf, Vec<(usize, String)>> = BTreeMap::new();
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number).map_err(|e| of_zip(path, &e))?;
        let name = entry.name().map_err(|e| of_zip(path, &e))?.replace('\\', "/");
        let inner = PathBuf::from(&name);
        if entry.is_file() && is_log(&inner) {
            packed = packed.saturating_add(entry.compressed_size());
            sets.entry(folder_of(&inner).join(capture_name(&inner))).or_default().push((number, name));
        }
    }
    if sets.is_empty() {
        return Err(Failure::new(format!("{}: no log (*.pml) is in it", path.display())));
    }
    if packed > size_of_zip(path)? {
        // One packed log that all members share would be unpacked once for each.
        return Err(Failure::new(format!("{}: the files in it lie over one another", path.display())));
    }
    // Opened once: its directory is as long as it has members.
    let archive = Rc::new(RefCell::new(archive));
    let found = sets.into_values().map(|mut members| {
        members.sort_by_key(|member| part_number_of(Path::new(&member.1)));
        let first = members.first().map(|member| member.1.as_str()).unwrap_or_default();
        let name = format!("{}:{first}", path.display());
        Found { name, place: Place::Zip { path: path.to_owned(), archive: Rc::clone(&archive), members } }
    });
    Ok(found.collect())
}

fn size_of_zip(path: &Path) -> Result<u64, Failure> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(|e| Failure::of_io(path, &e))
}

fn open_zip(path: &Path) -> Result<ZipArchive<File>, Failure> {
    let file = File::open(path).map_err(|e| Failure::of_io(path, &e))?;
    ZipArchive::new(file).map_err(|e| of_zip(path, &e))
}

fn of_zip(path: &Path, error: &zip::result::ZipError) -> Failure {
    Failure::new(format!("{}: {error}", path.display())).hint("unpack it yourself and name the folder")
}

impl Found {
    /// How to name it on a command line.
    pub(super) fn argument(&self) -> String {
        match &self.place {
            Place::Files { paths, .. } => {
                paths.first().map(|path| path.display().to_string()).unwrap_or_default()
            }
            Place::Zip { members, .. } => {
                members.first().map(|member| file_name(&member.1).to_owned()).unwrap_or_default()
            }
        }
    }

    /// The name of a file for its report, in letters that any file system takes: what it is called and where
    /// it lies, as far as that fits, and where another one has that name, a number.
    pub(super) fn file_stem(&self, taken: &mut HashSet<String>) -> String {
        /// Bytes that leave room for a number and an ending in what file systems allow.
        const LONGEST: usize = 180;
        let name = self.name.strip_suffix(".pml").or(self.name.strip_suffix(".PML")).unwrap_or(&self.name);
        let plain: String =
            name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        // The end says more than the beginning: it names the log.
        let cut = (0..plain.len()).find(|&at| plain.is_char_boundary(at) && plain.len() - at <= LONGEST);
        let stem = plain.get(cut.unwrap_or(0)..).unwrap_or_default().trim_start_matches(['_', '.', '-']);
        let mut names =
            std::iter::once(stem.to_owned()).chain((2..).map(|number| format!("{stem}-{number}")));
        // File systems that do not tell case apart would take two names for one.
        names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default()
    }

    /// Its files, and the temporary folder that they lie in.
    pub(super) fn files(&self) -> Result<(Vec<PathBuf>, Option<TempDir>), Failure> {
        match &self.place {
            Place::Files { paths, .. } => Ok((paths.clone(), None)),
            Place::Zip { path, archive, members } => {
                let folder = tempfile::Builder::new().prefix("pml-").tempdir();
                let folder = folder.map_err(|e| Failure::new(format!("a temporary folder: {e}")))?;
                let mut archive = archive.borrow_mut();
                let mut left = most_unpacked(size_of_zip(path)?);
                let mut files = Vec::new();
                for (number, name) in members {
                    let entry = archive.by_index(*number).map_err(|e| of_zip(path, &e))?;
                    // The name alone: a path inside a zip file may lead anywhere.
                    let target = folder.path().join(safe_name(file_name(name)));
                    let unpacked = unpack(entry, &target, &mut left);
                    go_on()?;
                    unpacked.map_err(|e| {
                        Failure::new(format!("{}: {name}: {e}", path.display()))
                            .hint("unpack it yourself and name the folder")
                    })?;
                    files.push(target);
                }
                Ok((files, Some(folder)))
            }
        }
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The name of a member as any file system takes it, so that it names a file and nothing else.
fn safe_name(name: &str) -> String {
    /// Bytes that file systems allow, less some.
    const LONGEST: usize = 180;
    /// Names of devices on Windows, whatever stands behind the first dot.
    const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' }).collect();
    // The end says which part it is.
    let cut = (0..plain.len()).find(|&at| plain.is_char_boundary(at) && plain.len() - at <= LONGEST);
    let plain = plain.get(cut.unwrap_or(0)..).unwrap_or_default();
    let stem = plain.split('.').next().unwrap_or_default().trim_end();
    let is_port = |port: &str| {
        let stem = stem.to_ascii_uppercase();
        stem.strip_prefix(port).is_some_and(|digit| digit.chars().count() == 1)
    };
    let is_device = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    let mark = if is_device || is_port("COM") || is_port("LPT") { "_" } else { "" };
    format!("{mark}{plain}")
}

/// Bytes that the logs of one capture may have when they are unpacked. Sound ones shrink to a tenth or a
/// thirtieth, so those of 100 GB come in a zip file of 3 GB or more.
fn most_unpacked(zip: u64) -> u64 {
    const GROWS: u64 = 200;
    const SPARE: u64 = 256 << 20;
    zip.saturating_mul(GROWS).saturating_add(SPARE)
}

/// Unpacks a member, of which all together have `left` bytes. What does not begin as a log does is not unpacked at all, and one that grows a
/// thousandfold is no log either: those shrink to a tenth or a thirtieth.
fn unpack(entry: zip::read::ZipFile<'_, File>, target: &Path, left: &mut u64) -> io::Result<()> {
    const GROWS: u64 = 1_000;
    let most = entry.compressed_size().saturating_mul(GROWS).max(1 << 20).min(*left);
    let mut entry = entry.take(most.saturating_add(1));
    let mut start = [0; 4];
    entry.read_exact(&mut start)?;
    if start != *b"PML_" {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "is not a Process Monitor log"));
    }
    // Two members may come to have one name.
    let mut file = File::create_new(target).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => io::Error::new(e.kind(), "another file of the capture has this name"),
        _ => e,
    })?;
    io::copy(&mut start.as_slice(), &mut file)?;
    let mut size = 0;
    loop {
        // A member may be large: it is unpacked a piece at a time, between which one may stop.
        const PIECE: u64 = 4 << 20;
        let piece = io::copy(&mut (&mut entry).take(PIECE), &mut file)?;
        size += piece;
        if piece == 0 {
            break;
        }
        if is_stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    *left = left.saturating_sub(size + 4);
    if size + 4 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "is packed too tightly for a log"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn names_of_members_are_names_of_files() {
        for (name, safe) in [
            ("Bootlog-1.pml", "Bootlog-1.pml"),
            ("..pml", "..pml"),
            ("a\0b\n\u{1b}[2J.pml", "a_b___2J.pml"),
            ("x:y.pml", "x_y.pml"),
            ("con.pml", "_con.pml"),
            ("COM1.pml", "_COM1.pml"),
            ("Console.pml", "Console.pml"),
            ("日志.pml", "日志.pml"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}-2.pml", "日".repeat(200)));
        assert!(long.len() <= 180 && long.ends_with("日-2.pml"));
    }

    #[test]
    fn captures_of_any_size_may_be_unpacked() {
        const GB: u64 = 1_000_000_000;
        assert!(most_unpacked(3 * GB) > 100 * GB);
        assert!(most_unpacked(100_000) < 300 << 20);
        assert_eq!(most_unpacked(u64::MAX), u64::MAX);
    }

    #[test]
    fn logs_of_a_capture_share_what_may_be_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in ["a.pml", "a-1.pml"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"PML_").unwrap();
            zip.write_all(&[0; 100_000]).unwrap();
        }
        zip.finish().unwrap();
        let (mut archive, mut left) = (open_zip(&path).unwrap(), 150_000);
        unpack(archive.by_index(0).unwrap(), &folder.path().join("0"), &mut left).unwrap();
        assert_eq!(left, 150_000 - 100_004);
        let refused = unpack(archive.by_index(1).unwrap(), &folder.path().join("1"), &mut left).unwrap_err();
        assert_eq!(refused.to_string(), "is packed too tightly for a log");
        assert!(fs::metadata(folder.path().join("1")).unwrap().len() < 60_000);
    }
}
