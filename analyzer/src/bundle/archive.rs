//! Captures and text logs inside a zip file, and inside the zip files in it: found by its directory, unpacked
//! within bounds.

use super::names::{file_name, is_log, is_raw_boot_log, is_zip_name, may_be_text_log, safe_name, set_of};
use super::search::{Branch, Search, Skipped};
use super::{BundleError, CaptureLocation, LogLocation, Place, io_error};
use crate::logs::{LogFile, Signatures};
use pml_parser::Progress;
use pml_parser::parts::part_number_of;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// Entries of one zip file, at most.
const MOST_ENTRIES: usize = 1_000_000;

/// Zip files inside each other that are searched, at most.
const DEEPEST: usize = 4;

/// Zip files that one search opens, at most.
const MOST_ARCHIVES: usize = 1_000;

/// A zip file, opened once for all of its captures: its directory is as long as it has members.
#[derive(Debug)]
pub(super) struct Archive {
    /// Its path; of one inside another, the path of that, a colon and its name.
    path: PathBuf,
    /// Size of the outermost zip file in bytes.
    size: u64,
    zip: Mutex<ZipArchive<File>>,
    /// What the names of its members begin with, where it lies in another one.
    prefix: String,
    /// Bytes that all texts and inner zip files of the outermost zip file may still have when they are unpacked.
    left: Arc<AtomicU64>,
}

/// Whether a file begins as zip files do.
pub(super) fn is_zip(path: &Path) -> Result<bool, BundleError> {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    let is_zip = |read| read == 4 && (start == *b"PK\x03\x04" || start == *b"PK\x05\x06");
    Ok(is_zip(read.map_err(|error| io_error(path, error))?))
}

/// Adds the captures and text logs inside a zip file that is an input.
pub(super) fn find(path: &Path, search: &mut Search<'_>) -> Result<(), BundleError> {
    find_in(path, "", None, search)
}

/// The same for a zip file below an input: the names of its members begin with `prefix`.
pub(super) fn find_below(
    path: &Path,
    prefix: &str,
    branch: &Branch,
    search: &mut Search<'_>,
) -> Result<(), BundleError> {
    find_in(path, prefix, Some(branch), search)
}

fn find_in(
    path: &Path,
    prefix: &str,
    branch: Option<&Branch>,
    search: &mut Search<'_>,
) -> Result<(), BundleError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let size = file.metadata().map_err(|error| io_error(path, error))?.len();
    let left = Arc::new(AtomicU64::new(most_unpacked(size)));
    let outer = Outer { path: path.to_owned(), prefix: prefix.to_owned(), size, left, depth: 0 };
    search_archive(file, size, &outer, branch, search)
}

/// What is known of a zip file before it is opened.
struct Outer {
    path: PathBuf,
    prefix: String,
    /// Size of the outermost zip file.
    size: u64,
    left: Arc<AtomicU64>,
    depth: usize,
}

fn search_archive(
    file: File,
    own_size: u64,
    outer: &Outer,
    branch: Option<&Branch>,
    search: &mut Search<'_>,
) -> Result<(), BundleError> {
    let path = &outer.path;
    search.archives += 1;
    if search.archives > MOST_ARCHIVES {
        return Err(BundleError::Nested { path: path.clone() });
    }
    let mut zip = ZipArchive::new(file).map_err(|e| zip_error(path, &e))?;
    if zip.len() > MOST_ENTRIES || !search.count(zip.len()) {
        return Err(BundleError::ZipTooLarge { path: path.clone() });
    }
    if zip.has_duplicate_names() {
        search.skipped.push(Skipped::SameNames { path: path.clone() });
    }
    let mut packed = 0u64;
    let mut sets: BTreeMap<PathBuf, Vec<(usize, String)>> = BTreeMap::new();
    let mut texts: Vec<(usize, String)> = Vec::new();
    let mut inner: Vec<(usize, String)> = Vec::new();
    let (mut encrypted, mut first_encrypted) = (0, None);
    for number in 0..zip.len() {
        let entry = zip.by_index_raw(number).map_err(|e| zip_error(path, &e))?;
        let decoded = entry.name().map_err(|e| zip_error(path, &e))?.replace('\\', "/");
        let name = member_name(entry.name_raw(), decoded);
        let place = Path::new(&name);
        let (is_capture, is_zip) = (is_log(place), is_zip_name(place));
        if !entry.is_file() || !(is_capture || is_zip || may_be_text_log(place)) {
            continue;
        }
        packed = packed.saturating_add(entry.compressed_size());
        // Nothing but an error comes of an encrypted capture, and the error says so.
        if entry.encrypted() && !is_capture {
            encrypted += 1;
            first_encrypted.get_or_insert(name);
        } else if is_capture {
            sets.entry(set_of(place)).or_default().push((number, name));
        } else if is_zip {
            inner.push((number, name));
        } else {
            texts.push((number, name));
        }
    }
    if let Some(first) = first_encrypted {
        search.skipped.push(Skipped::Encrypted { path: path.clone(), first, count: encrypted });
    }
    if packed > own_size {
        // One packed log that all members share would be unpacked once for each.
        return Err(BundleError::Overlapping { path: path.clone() });
    }
    let archive = Arc::new(Archive {
        path: path.clone(),
        size: outer.size,
        zip: Mutex::new(zip),
        prefix: outer.prefix.clone(),
        left: Arc::clone(&outer.left),
    });
    // Of a zip file that is an input itself, the folders in it are branches.
    let branch_of = |name: &str, is_archive: bool| -> Branch {
        match branch {
            Some(branch) => branch.clone(),
            None => match name.split_once('/') {
                Some((first, _)) => Some(first.to_owned()),
                None => is_archive.then(|| name.to_owned()),
            },
        }
    };
    for mut members in sets.into_values() {
        members.sort_by_key(|member| part_number_of(Path::new(&member.1)));
        let first = members.first().map(|member| member.1.as_str()).unwrap_or_default();
        let (name, branch) = (format!("{}:{first}", path.display()), branch_of(first, false));
        let place = Place::Zip { archive: Arc::clone(&archive), members };
        search.push_capture(&branch, CaptureLocation { name, place });
    }
    for (number, name) in texts {
        let branch = branch_of(&name, false);
        let name = format!("{}{name}", outer.prefix);
        search.push_log(&branch, LogLocation::member(Arc::clone(&archive), number, name));
    }
    for (number, name) in inner {
        if search.progress.is_cancelled() {
            return Err(BundleError::Cancelled);
        }
        let branch = branch_of(&name, true);
        match search_inner(&archive, number, &name, outer, &branch, search) {
            Err(BundleError::Cancelled) => return Err(BundleError::Cancelled),
            Err(error) => search.skipped.push(Skipped::Archive(error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Searches a zip file that is a member of another one: it is unpacked to a file without a name.
fn search_inner(
    archive: &Archive,
    number: usize,
    name: &str,
    outer: &Outer,
    branch: &Branch,
    search: &mut Search<'_>,
) -> Result<(), BundleError> {
    let path = PathBuf::from(format!("{}:{name}", outer.path.display()));
    if outer.depth + 1 >= DEEPEST {
        return Err(BundleError::Nested { path });
    }
    let mut file = tempfile::tempfile().map_err(BundleError::TemporaryFolder)?;
    let size = {
        let mut zip = archive.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = zip.by_index(number).map_err(|e| zip_error(&outer.path, &e))?;
        let left = outer.left.load(Ordering::Relaxed);
        let unpacked = io::copy(&mut entry.take(left.saturating_add(1)), &mut file);
        let size = unpacked.map_err(|error| BundleError::Member {
            path: outer.path.clone(),
            name: name.to_owned(),
            error,
        })?;
        if size > left {
            return Err(BundleError::Nested { path });
        }
        outer.left.store(left - size, Ordering::Relaxed);
        size
    };
    file.rewind().map_err(BundleError::TemporaryFolder)?;
    let inner = Outer {
        prefix: format!("{}{name}:", outer.prefix),
        path,
        size: outer.size,
        left: Arc::clone(&outer.left),
        depth: outer.depth + 1,
    };
    search_archive(file, size, &inner, Some(branch), search)
}

fn zip_error(path: &Path, error: &ZipError) -> BundleError {
    BundleError::Zip { path: path.to_owned(), reason: error.to_string() }
}

/// The name of a member as it was meant: collectors on Chinese systems write GBK without saying so.
fn member_name(raw: &[u8], decoded: String) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.replace('\\', "/"),
        Err(_) => match encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(raw) {
            Some(name) => name.replace('\\', "/"),
            None => decoded,
        },
    }
}

impl Archive {
    /// Whether a member, or the same with the zip files that it lies in, has a name.
    pub(super) fn is_named(&self, member: &str, name: &str) -> bool {
        member == name || format!("{}{member}", self.prefix) == name
    }

    /// Bytes that a member has when it is unpacked, as its header claims.
    pub(super) fn size_of(&self, number: usize) -> u64 {
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        zip.by_index_raw(number).map_or(u64::MAX, |entry| entry.size())
    }

    /// Hands over a member as a stream, bounded; says whether the bound was reached.
    pub(super) fn read<T>(
        &self,
        number: usize,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> Result<(T, bool), BundleError> {
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = zip.by_index(number).map_err(|e| zip_error(&self.path, &e))?;
        let left = self.left.load(Ordering::Relaxed);
        let most = entry.compressed_size().saturating_mul(GROWS).max(1 << 20).min(left);
        let mut stream = entry.take(most);
        let taken = read(&mut stream);
        let unread = stream.limit();
        self.left.store(left.saturating_sub(most - unread), Ordering::Relaxed);
        Ok((taken, unread == 0 && most > 0 || most == 0))
    }

    /// Reads a member as a text log, without a file in between.
    pub(super) fn read_log(
        &self,
        number: usize,
        name: &str,
        signatures: &Signatures,
    ) -> Result<Vec<LogFile>, BundleError> {
        let (mut files, is_cut) =
            self.read(number, |mut stream| LogFile::read_stream(name, &mut stream, signatures))?;
        if let Some(file) = files.first_mut().filter(|_| is_cut) {
            file.reading.damage.unreadable.push(0);
        }
        Ok(files)
    }

    /// Unpacks members to a folder; gives their files.
    pub(super) fn unpack(
        &self,
        members: &[(usize, String)],
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>, BundleError> {
        // A panic while a member is read leaves the archive usable.
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = most_unpacked(self.size);
        let mut files = Vec::new();
        for (number, name) in members {
            let entry = zip.by_index(*number).map_err(|e| zip_error(&self.path, &e))?;
            // The last component alone: a path inside a zip file may lead anywhere.
            let target = folder.join(safe_name(file_name(name)));
            let unpacked = unpack(entry, &target, &mut left, progress);
            if progress.is_cancelled() {
                return Err(BundleError::Cancelled);
            }
            unpacked.map_err(|error| BundleError::Member {
                path: self.path.clone(),
                name: name.clone(),
                error,
            })?;
            files.push(target);
        }
        Ok(files)
    }
}

/// Bytes that the logs of one capture may have when they are unpacked. Sound ones shrink to a tenth or a
/// thirtieth, so those of 100 GB come in a zip file of 3 GB or more.
fn most_unpacked(zip: u64) -> u64 {
    const GROWS: u64 = 200;
    const SPARE: u64 = 256 << 20;
    zip.saturating_mul(GROWS).saturating_add(SPARE)
}

/// A member that grows by more than this is no log.
const GROWS: u64 = 1_000;

/// Unpacks a member; `left` is what all members together may still have in bytes. What does not begin as a log
/// does is not unpacked at all, and a member that grows a thousandfold is no log either: those shrink to a tenth
/// or a thirtieth.
fn unpack(
    entry: ZipFile<'_, File>,
    target: &Path,
    left: &mut u64,
    progress: &dyn Progress,
) -> io::Result<()> {
    let most = entry.compressed_size().saturating_mul(GROWS).max(1 << 20).min(*left);
    let mut entry = entry.take(most.saturating_add(1));
    let mut start = [0; 4];
    entry.read_exact(&mut start)?;
    // A raw boot log has no signature: opening the log decides.
    if start != *b"PML_" && !is_raw_boot_log(target) {
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
        // A member may be large: it is unpacked a piece at a time, between which the caller may cancel.
        const PIECE: u64 = 4 << 20;
        let piece = io::copy(&mut (&mut entry).take(PIECE), &mut file)?;
        size += piece;
        if piece == 0 {
            break;
        }
        if progress.is_cancelled() {
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
    use pml_parser::NoProgress;
    use std::fs;
    use std::io::Write;

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
        let (mut archive, mut left) = (ZipArchive::new(File::open(&path).unwrap()).unwrap(), 150_000);
        unpack(archive.by_index(0).unwrap(), &folder.path().join("0"), &mut left, &NoProgress).unwrap();
        assert_eq!(left, 150_000 - 100_004);
        let refused = unpack(archive.by_index(1).unwrap(), &folder.path().join("1"), &mut left, &NoProgress)
            .unwrap_err();
        assert_eq!(refused.to_string(), "is packed too tightly for a log");
        assert!(fs::metadata(folder.path().join("1")).unwrap().len() < 60_000);
    }
}
