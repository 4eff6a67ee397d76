//! Captures and text logs inside a zip or 7z file, and inside the archives in it: found by its directory, unpacked
//! within bounds.

use super::container::{Container, is_archive as begins_as_archive};
use super::names::{file_name, is_archive_name, is_log, is_raw_boot_log, may_be_text_log, safe_name};
use super::packed::{is_packed_log, unpacked, unpacked_name};
use super::search::{Branch, Search, Skipped};
use super::{BundleError, CaptureLocation, LogLocation, Place, io_error};
use crate::logs::{LogFile, Signatures};
use pml_parser::Progress;
use pml_parser::parts::{Candidate, folder_of, group};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// Entries of one archive, at most.
const MOST_ENTRIES: usize = 1_000_000;

/// Archives inside each other that are searched, at most.
const DEEPEST: usize = 4;

/// Archives that one search opens, at most.
const MOST_ARCHIVES: usize = 1_000;

/// Bytes of logs that stay unpacked from the search to the reading, at most: a large one is unpacked twice.
const MOST_KEPT: u64 = 4 << 30;

/// An archive, opened once for all of its captures: its directory is as long as it has members.
#[derive(Debug)]
pub(super) struct Archive {
    /// Its path; of one inside another, the path of that, a colon and its name.
    path: PathBuf,
    /// Size of the outermost archive in bytes.
    size: u64,
    container: Mutex<Container>,
    /// What the names of its members begin with, where it lies in another one.
    prefix: String,
    /// Bytes that all texts and inner archives of the outermost archive may still have when they are unpacked.
    left: Arc<AtomicU64>,
    kept: Mutex<Kept>,
}

/// Logs that the search has unpacked.
#[derive(Debug, Default)]
struct Kept {
    folder: Option<TempDir>,
    files: HashMap<usize, PathBuf>,
    size: u64,
}

/// Whether a file begins as archives do.
pub(super) fn is_archive(path: &Path) -> Result<bool, BundleError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
    read.map_err(|error| io_error(path, error))?;
    Ok(begins_as_archive(&start))
}

/// Adds the captures and text logs inside an archive that is an input.
pub(super) fn find(path: &Path, search: &mut Search<'_>) -> Result<(), BundleError> {
    find_in(path, "", None, search)
}

/// The same for an archive below an input: the names of its members begin with `prefix`.
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

/// What is known of an archive before it is opened.
struct Outer {
    path: PathBuf,
    prefix: String,
    /// Size of the outermost archive.
    size: u64,
    left: Arc<AtomicU64>,
    depth: usize,
}

/// The number of a member, and its name.
type Numbered = (usize, String);

/// The members of an archive that are looked at.
#[derive(Default)]
struct Members {
    /// Logs of Process Monitor, by folder.
    logs: BTreeMap<PathBuf, Vec<Numbered>>,
    raw_boot_logs: Vec<Numbered>,
    texts: Vec<Numbered>,
    archives: Vec<Numbered>,
}

impl Members {
    /// Chooses the members to look at.
    fn of(
        container: &mut Container,
        own_size: u64,
        path: &Path,
        search: &mut Search<'_>,
    ) -> Result<Self, BundleError> {
        let mut members = Self::default();
        let (mut encrypted, mut first_encrypted) = (0, None);
        let (mut packed, mut blocks) = (0u64, HashSet::new());
        for number in 0..container.len() {
            let member = container.member(number, path)?;
            let place = Path::new(&member.name);
            let is_capture = is_log(place) || is_packed_log(place);
            let is_archive = is_archive_name(place);
            if !member.is_file || !(is_capture || is_archive || may_be_text_log(&unpacked_name(place))) {
                continue;
            }
            if member.block.is_none_or(|block| blocks.insert(block)) {
                packed = packed.saturating_add(member.packed);
            }
            let name = member.name;
            // Nothing but an error comes of an encrypted capture, and the error says so.
            if member.is_encrypted && !is_capture {
                encrypted += 1;
                first_encrypted.get_or_insert(name);
            } else if is_raw_boot_log(&unpacked_name(Path::new(&name))) {
                members.raw_boot_logs.push((number, name));
            } else if is_capture {
                let folder = folder_of(Path::new(&name)).to_owned();
                members.logs.entry(folder).or_default().push((number, name));
            } else if is_archive {
                members.archives.push((number, name));
            } else {
                members.texts.push((number, name));
            }
        }
        if let Some(first) = first_encrypted {
            search.skipped.push(Skipped::Encrypted { path: path.to_owned(), first, count: encrypted });
        }
        if packed > own_size {
            // One packed log that all members share would be unpacked once for each.
            return Err(BundleError::Overlapping { path: path.to_owned() });
        }
        let all = members.logs.values().flatten().chain(&members.raw_boot_logs);
        container.want(all.chain(&members.texts).chain(&members.archives).map(|member| member.0));
        Ok(members)
    }
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
    let mut container = Container::open(file, own_size, path)?;
    if container.len() > MOST_ENTRIES || !search.count(container.len()) {
        return Err(BundleError::ZipTooLarge { path: path.clone() });
    }
    if container.has_same_names() {
        search.skipped.push(Skipped::SameNames { path: path.clone() });
    }
    let members = Members::of(&mut container, own_size, path, search)?;
    let archive = Arc::new(Archive {
        path: path.clone(),
        size: outer.size,
        container: Mutex::new(container),
        prefix: outer.prefix.clone(),
        left: Arc::clone(&outer.left),
        kept: Mutex::default(),
    });
    // Of an archive that is an input itself, the folders in it are branches.
    let branch_of = |name: &str, is_archive: bool| -> Branch {
        match branch {
            Some(branch) => branch.clone(),
            None => match name.split_once('/') {
                Some((first, _)) => Some(first.to_owned()),
                None => is_archive.then(|| name.to_owned()),
            },
        }
    };
    let mut captures: Vec<Vec<Numbered>> = Vec::new();
    for logs in members.logs.into_values() {
        captures.extend(archive.captures(logs, search.progress)?);
    }
    captures.extend(members.raw_boot_logs.into_iter().map(|log| vec![log]));
    captures.sort_by(|a, b| a.first().map(|log| &log.1).cmp(&b.first().map(|log| &log.1)));
    for members in captures {
        let first = members.first().map(|member| member.1.as_str()).unwrap_or_default();
        let (name, branch) = (format!("{}:{first}", path.display()), branch_of(first, false));
        let place = Place::Archived { archive: Arc::clone(&archive), members };
        search.push_capture(&branch, CaptureLocation { name, place });
    }
    for (number, name) in members.texts {
        let branch = branch_of(&name, false);
        let name = format!("{}{name}", outer.prefix);
        search.push_log(&branch, LogLocation::member(Arc::clone(&archive), number, name));
    }
    for (number, name) in members.archives {
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

/// Searches an archive that is a member of another one: it is unpacked to a file without a name.
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
    let left = outer.left.load(Ordering::Relaxed);
    let copied = archive
        .stream(number, name, |stream, _| io::copy(&mut stream.take(left.saturating_add(1)), &mut file))?;
    let size = copied.map_err(|error| archive.member_error(name, error))?;
    if size > left {
        return Err(BundleError::Nested { path });
    }
    outer.left.store(left - size, Ordering::Relaxed);
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

impl Archive {
    /// Whether a member, or the same with the archives that it lies in, has a name.
    pub(super) fn is_named(&self, member: &str, name: &str) -> bool {
        member == name || format!("{}{member}", self.prefix) == name
    }

    fn container(&self) -> std::sync::MutexGuard<'_, Container> {
        // A panic while a member is read leaves the archive usable.
        self.container.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn member_error(&self, name: &str, error: io::Error) -> BundleError {
        BundleError::Member { path: self.path.clone(), name: name.to_owned(), error }
    }

    /// Bytes that a member has when it is unpacked, as its header claims.
    pub(super) fn size_of(&self, number: usize) -> u64 {
        self.container().size_of(number)
    }

    /// Hands over a member as a stream, with its packed size.
    fn stream<T>(
        &self,
        number: usize,
        name: &str,
        read: impl FnOnce(&mut dyn Read, u64) -> T,
    ) -> Result<T, BundleError> {
        self.container().read(number, most_unpacked(self.size), (&self.path, name), read)
    }

    /// Hands over a member as a stream, bounded and unpacked where it is packed by itself too; says whether the bound was
    /// reached.
    pub(super) fn read<T>(
        &self,
        number: usize,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> Result<(T, bool), BundleError> {
        let taken = self.stream(number, name, |stream, packed| {
            let left = self.left.load(Ordering::Relaxed);
            let most = packed.saturating_mul(GROWS).max(1 << 20).min(left);
            let mut outer = stream.take(most);
            let (taken, unread) = {
                let mut inner = unpacked(&mut outer)?.take(most);
                (read(&mut inner), inner.limit())
            };
            let unread = unread.min(outer.limit());
            self.left.store(left.saturating_sub(most - unread), Ordering::Relaxed);
            Ok((taken, unread == 0))
        })?;
        taken.map_err(|error: io::Error| self.member_error(name, error))
    }

    /// Reads a member as a text log, without a file in between.
    pub(super) fn read_log(
        &self,
        number: usize,
        name: &str,
        signatures: &Signatures,
    ) -> Result<Vec<LogFile>, BundleError> {
        let (mut files, is_cut) =
            self.read(number, name, |mut stream| LogFile::read_stream(name, &mut stream, signatures))?;
        if let Some(file) = files.first_mut().filter(|_| is_cut) {
            file.reading.damage.unreadable.push(0);
        }
        Ok(files)
    }

    /// Divides the logs of one folder into captures. Where there are several, their contents decide, for which each is
    /// unpacked.
    fn captures(
        &self,
        logs: Vec<Numbered>,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<Numbered>>, BundleError> {
        if logs.len() == 1 {
            return Ok(vec![logs]);
        }
        let folder =
            tempfile::Builder::new().prefix("pml-").tempdir().map_err(BundleError::TemporaryFolder)?;
        let mut left = most_unpacked(self.size);
        let (mut known, mut captures, mut candidates) = (HashMap::new(), Vec::new(), Vec::new());
        let mut kept = Kept::default();
        for (number, name) in logs {
            let path = folder_of(Path::new(&name)).join(unpacked_name(Path::new(&name)));
            if known.contains_key(&path) {
                // A log, and a packed copy of it.
                captures.push(vec![(number, name)]);
                continue;
            }
            let target = folder.path().join(number.to_string());
            let unpacked = self.unpack_one(number, &name, &target, &mut left, progress);
            if progress.is_cancelled() {
                return Err(BundleError::Cancelled);
            }
            candidates.push(match unpacked {
                Ok(()) => Candidate::read(&target, path.clone()),
                Err(_) => Candidate::unreadable(path.clone()),
            });
            let size = fs::metadata(&target).map_or(0, |metadata| metadata.len());
            if unpacked.is_ok() && kept.size.saturating_add(size) <= MOST_KEPT {
                kept.size += size;
                kept.files.insert(number, target);
            } else {
                // One that is not there is gone as well.
                let _ = fs::remove_file(&target);
            }
            known.insert(path, (number, name));
        }
        kept.folder = Some(folder);
        self.keep(kept);
        for paths in group(candidates) {
            captures.push(paths.iter().filter_map(|path| known.remove(path)).collect());
        }
        Ok(captures)
    }

    /// Keeps unpacked logs until they are read, as long as they are not too many.
    fn keep(&self, mut new: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Of the folders of one archive, the first one that has several logs is usually the only one.
        if kept.files.is_empty() {
            std::mem::swap(&mut *kept, &mut new);
        }
    }

    /// Unpacks members to a folder; gives their files.
    pub(super) fn unpack(
        &self,
        members: &[Numbered],
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>, BundleError> {
        let mut left = most_unpacked(self.size);
        let mut files = Vec::new();
        for (number, name) in members {
            // The last component alone: a path inside an archive may lead anywhere.
            let name_of_file = unpacked_name(Path::new(file_name(name))).to_string_lossy().into_owned();
            let target = folder.join(safe_name(&name_of_file));
            if !self.take_kept(*number, &target) {
                let unpacked = self.unpack_one(*number, name, &target, &mut left, progress);
                if progress.is_cancelled() {
                    return Err(BundleError::Cancelled);
                }
                unpacked?;
            }
            files.push(target);
        }
        Ok(files)
    }

    /// Moves a log that the search has unpacked to its place, if it is there.
    fn take_kept(&self, number: usize, target: &Path) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let file = kept.files.remove(&number);
        // Two members may come to have one name.
        file.is_some_and(|file| !target.exists() && fs::rename(file, target).is_ok())
    }

    /// Unpacks a member to a file; `left` is what all members together may still have in bytes.
    fn unpack_one(
        &self,
        number: usize,
        name: &str,
        target: &Path,
        left: &mut u64,
        progress: &dyn Progress,
    ) -> Result<(), BundleError> {
        let is_raw = is_raw_boot_log(&unpacked_name(Path::new(name)));
        let unpacked = self.stream(number, name, |stream, packed| {
            unpack((stream, packed), is_raw, target, left, progress)
        })?;
        unpacked.map_err(|error| self.member_error(name, error))
    }
}

/// Bytes that the logs of one capture may have when they are unpacked. Sound ones shrink to a tenth or a
/// thirtieth, so those of 100 GB come in an archive of 3 GB or more.
fn most_unpacked(archive: u64) -> u64 {
    const GROWS: u64 = 200;
    const SPARE: u64 = 256 << 20;
    archive.saturating_mul(GROWS).saturating_add(SPARE)
}

/// A member that grows by more than this is no log.
const GROWS: u64 = 1_000;

/// Unpacks a member, whose packed size is given; `left` is what all members together may still have in bytes. What does
/// not begin as a log does is not unpacked at all, and a member that grows a thousandfold is no log either: those shrink
/// to a tenth or a thirtieth.
fn unpack(
    (stream, packed): (&mut dyn Read, u64),
    is_raw: bool,
    target: &Path,
    left: &mut u64,
    progress: &dyn Progress,
) -> io::Result<()> {
    let most = packed.saturating_mul(GROWS).max(1 << 20).min(*left);
    let mut entry = unpacked(stream.take(most.saturating_add(1)))?.take(most.saturating_add(1));
    let mut start = [0; 4];
    entry.read_exact(&mut start)?;
    // A raw boot log has no signature: opening the log decides.
    if start != *b"PML_" && !is_raw {
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
        let (mut archive, mut left) = (zip::ZipArchive::new(File::open(&path).unwrap()).unwrap(), 150_000);
        let mut unpack = |number: usize| {
            let mut entry = archive.by_index(number).unwrap();
            let packed = entry.compressed_size();
            super::unpack(
                (&mut entry, packed),
                false,
                &folder.path().join(number.to_string()),
                &mut left,
                &NoProgress,
            )
        };
        unpack(0).unwrap();
        let refused = unpack(1).unwrap_err();
        assert_eq!(refused.to_string(), "is packed too tightly for a log");
        assert!(fs::metadata(folder.path().join("1")).unwrap().len() < 60_000);
    }
}
