//! Captures and text logs inside a zip file: found by its directory, unpacked within bounds.

use super::names::{file_name, is_log, may_be_text_log, safe_name, set_of};
use super::{
    BundleError, CaptureLocation, Found, LogLocation, MOST_ENTRIES, MOST_TEXTS, Place, Skipped, io_error,
};
use crate::logs::{LogFile, Signatures};
use pml_parser::Progress;
use pml_parser::parts::part_number_of;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// A zip file, opened once for all of its captures: its directory is as long as it has members.
#[derive(Debug)]
pub(super) struct Archive {
    path: PathBuf,
    /// Size of the zip file in bytes.
    size: u64,
    zip: Mutex<ZipArchive<File>>,
}

/// Whether a file begins as zip files do.
pub(super) fn is_zip(path: &Path) -> Result<bool, BundleError> {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    Ok(read.map_err(|error| io_error(path, error))? == 4 && start == *b"PK\x03\x04")
}

/// Adds the captures inside a zip file.
pub(super) fn find(path: &Path, input: usize, found: &mut Found) -> Result<(), BundleError> {
    let mut zip = open(path)?;
    let size = path.metadata().map_err(|error| io_error(path, error))?.len();
    let path = path.to_owned();
    if zip.len() > MOST_ENTRIES {
        return Err(BundleError::ZipTooLarge { path });
    }
    if zip.has_duplicate_names() {
        found.skipped.push(Skipped::SameNames { path: path.clone() });
    }
    let mut packed = 0u64;
    let mut sets: BTreeMap<PathBuf, Vec<(usize, String)>> = BTreeMap::new();
    let mut texts: Vec<(usize, String)> = Vec::new();
    for number in 0..zip.len() {
        let entry = zip.by_index_raw(number).map_err(|e| zip_error(&path, &e))?;
        let name = entry.name().map_err(|e| zip_error(&path, &e))?.replace('\\', "/");
        let inner = Path::new(&name);
        if entry.is_file() && is_log(inner) {
            packed = packed.saturating_add(entry.compressed_size());
            sets.entry(set_of(inner)).or_default().push((number, name));
        } else if entry.is_file() && may_be_text_log(inner) && texts.len() < MOST_TEXTS {
            packed = packed.saturating_add(entry.compressed_size());
            texts.push((number, member_name(entry.name_raw(), name)));
        }
    }
    if sets.is_empty() && texts.is_empty() {
        return Err(BundleError::NoLogs { path });
    }
    if packed > size {
        // One packed log that all members share would be unpacked once for each.
        return Err(BundleError::Overlapping { path });
    }
    let archive = Arc::new(Archive { path, size, zip: Mutex::new(zip) });
    found.captures.extend(sets.into_values().map(|mut members| {
        members.sort_by_key(|member| part_number_of(Path::new(&member.1)));
        let first = members.first().map(|member| member.1.as_str()).unwrap_or_default();
        let name = format!("{}:{first}", archive.path.display());
        CaptureLocation { name, input, place: Place::Zip { archive: Arc::clone(&archive), members } }
    }));
    found.logs.extend(
        texts
            .into_iter()
            .map(|(number, name)| LogLocation::member(Arc::clone(&archive), number, name, input)),
    );
    Ok(())
}

fn open(path: &Path) -> Result<ZipArchive<File>, BundleError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    ZipArchive::new(file).map_err(|e| zip_error(path, &e))
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
    /// Reads a member as a text log, without a file in between.
    pub(super) fn read_log(
        &self,
        number: usize,
        name: &str,
        signatures: &Signatures,
    ) -> Result<Vec<LogFile>, BundleError> {
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = zip.by_index(number).map_err(|e| zip_error(&self.path, &e))?;
        let most = entry.compressed_size().saturating_mul(GROWS).max(1 << 20).min(most_unpacked(self.size));
        Ok(LogFile::read_stream(name, &mut entry.take(most), signatures))
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
        let (mut archive, mut left) = (open(&path).unwrap(), 150_000);
        unpack(archive.by_index(0).unwrap(), &folder.path().join("0"), &mut left, &NoProgress).unwrap();
        assert_eq!(left, 150_000 - 100_004);
        let refused = unpack(archive.by_index(1).unwrap(), &folder.path().join("1"), &mut left, &NoProgress)
            .unwrap_err();
        assert_eq!(refused.to_string(), "is packed too tightly for a log");
        assert!(fs::metadata(folder.path().join("1")).unwrap().len() < 60_000);
    }
}
