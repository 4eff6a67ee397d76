//! Captures and text logs below a folder; links are not followed.

use super::names::{is_archive_name, is_log, is_raw_boot_log, may_be_text_log, name_in, path_in};
use super::packed::{is_packed_log, unpack_one, unpacked_name};
use super::search::{Branch, Search, Skipped};
use super::{BundleError, CaptureLocation, LogLocation, Place, archive, io_error};
use pml_parser::parts::{Candidate, captures, folder_of, group};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders inside each other that are searched, at most.
const DEEPEST: usize = 16;

/// Adds the captures and text logs below a folder.
pub(super) fn find(folder: &Path, search: &mut Search<'_>) -> Result<(), BundleError> {
    let mut logs: Vec<PathBuf> = Vec::new();
    let mut texts: Vec<PathBuf> = Vec::new();
    let mut archives: Vec<PathBuf> = Vec::new();
    let mut packed: Vec<PathBuf> = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = folders.pop() {
        let listing = match fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(error) if depth == 0 => return Err(io_error(&path, error)),
            Err(error) => {
                search.skipped.push(Skipped::Folder { path, error });
                continue;
            }
        };
        for entry in listing.flatten() {
            if !search.count(1) {
                return Err(BundleError::FolderTooLarge { path: folder.to_owned() });
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() && depth < DEEPEST {
                folders.push((path, depth + 1));
            } else if !kind.is_file() {
            } else if is_log(&path) {
                logs.push(path);
            } else if is_packed_log(&path) {
                packed.push(path);
            } else if is_archive_name(&path) {
                archives.push(path);
            } else if may_be_text_log(&unpacked_name(&path)) {
                texts.push(path);
            }
        }
        if search.progress.is_cancelled() {
            return Err(BundleError::Cancelled);
        }
    }
    // The branch of a file in the folder itself is the folder; an archive in it is a branch.
    let branch_of = |path: &Path, is_archive: bool| -> Branch {
        let mut parts = path.strip_prefix(folder).unwrap_or(path).components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        (is_archive || parts.next().is_some()).then_some(first)
    };
    // A raw boot log has no parts.
    let (mut raw, logs): (Vec<PathBuf>, Vec<PathBuf>) =
        logs.into_iter().partition(|log| is_raw_boot_log(log));
    raw.sort();
    let (logs, packed_captures) = with_packed(logs, packed, search)?;
    for files in captures(&logs).into_iter().chain(raw.into_iter().map(|log| vec![log])) {
        let Some(first) = files.first() else { continue };
        let (name, branch) = (path_in(folder, first), branch_of(first, false));
        search.push_capture(&branch, CaptureLocation { name, place: Place::Found(files) });
    }
    for files in packed_captures {
        let Some(first) = files.first() else { continue };
        let (name, branch) = (path_in(folder, first), branch_of(first, false));
        search.push_capture(&branch, CaptureLocation { name, place: Place::Packed(files) });
    }
    texts.sort();
    for path in texts {
        // The name is shown beside every line that is cited: the part below the folder says enough.
        let (name, branch) = (name_in(folder, &path), branch_of(&path, false));
        search.push_log(&branch, LogLocation::file(path, name));
    }
    archives.sort();
    for path in archives {
        let (prefix, branch) = (format!("{}:", name_in(folder, &path)), branch_of(&path, true));
        match archive::find_below(&path, &prefix, &branch, search) {
            Err(BundleError::Cancelled) => return Err(BundleError::Cancelled),
            Err(error) => search.skipped.push(Skipped::Archive(error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The logs in folders that hold no packed one, and the captures of the other folders. The contents of packed logs decide
/// too, for which each is unpacked.
fn with_packed(
    logs: Vec<PathBuf>,
    packed: Vec<PathBuf>,
    search: &Search<'_>,
) -> Result<(Vec<PathBuf>, Vec<Vec<PathBuf>>), BundleError> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for log in packed {
        folders.entry(folder_of(&log).to_owned()).or_default().push(log);
    }
    let mut plain = Vec::new();
    for log in logs {
        match folders.get_mut(folder_of(&log)) {
            // A plain file comes before a packed copy of it.
            Some(packed) => packed.insert(0, log),
            None => plain.push(log),
        }
    }
    let mut found = Vec::new();
    for logs in folders.into_values() {
        if logs.len() == 1 {
            found.push(logs);
            continue;
        }
        let (mut known, mut candidates) = (HashMap::new(), Vec::new());
        for log in logs {
            let path = folder_of(&log).join(unpacked_name(&log));
            if known.contains_key(&path) {
                found.push(vec![log]);
                continue;
            }
            candidates.push(if path == log {
                Candidate::read(&log, path.clone())
            } else {
                candidate(&log, &path, search)?
            });
            known.insert(path, log);
        }
        for paths in group(candidates) {
            found.push(paths.iter().filter_map(|path| known.remove(path)).collect());
        }
    }
    found.sort();
    Ok((plain, found))
}

/// A packed log in the search for captures; it is unpacked for as long as it is looked at.
fn candidate(log: &Path, path: &Path, search: &Search<'_>) -> Result<Candidate, BundleError> {
    let folder = tempfile::Builder::new().prefix("pml-").tempdir().map_err(BundleError::TemporaryFolder)?;
    Ok(match unpack_one(log, folder.path(), search.progress) {
        Ok(file) => Candidate::read(&file, path.to_owned()),
        Err(BundleError::Cancelled) => return Err(BundleError::Cancelled),
        Err(_) => Candidate::unreadable(path.to_owned()),
    })
}
