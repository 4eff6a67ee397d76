//! Captures and text logs below a folder; links are not followed.

use super::names::{is_log, is_raw_boot_log, is_zip_name, may_be_text_log, name_in, path_in};
use super::packed::{is_packed_log, number_of_packed, set_of_packed};
use super::search::{Branch, Search, Skipped};
use super::{BundleError, CaptureLocation, LogLocation, Place, archive, io_error};
use pml_parser::parts::captures;
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
            } else if is_zip_name(&path) {
                archives.push(path);
            } else if may_be_text_log(&path) {
                texts.push(path);
            }
        }
        if search.progress.is_cancelled() {
            return Err(BundleError::Cancelled);
        }
    }
    // The branch of a file in the folder itself is the folder; a zip file in it is a branch.
    let branch_of = |path: &Path, is_archive: bool| -> Branch {
        let mut parts = path.strip_prefix(folder).unwrap_or(path).components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        (is_archive || parts.next().is_some()).then_some(first)
    };
    // A raw boot log has no parts.
    let (mut raw, logs): (Vec<PathBuf>, Vec<PathBuf>) =
        logs.into_iter().partition(|log| is_raw_boot_log(log));
    raw.sort();
    for files in captures(&logs).into_iter().chain(raw.into_iter().map(|log| vec![log])) {
        let Some(first) = files.first() else { continue };
        let (name, branch) = (path_in(folder, first), branch_of(first, false));
        search.push_capture(&branch, CaptureLocation { name, place: Place::Found(files) });
    }
    packed.sort_by_cached_key(|log| (set_of_packed(log), number_of_packed(log)));
    for files in packed.chunk_by(|a, b| set_of_packed(a) == set_of_packed(b)) {
        let Some(first) = files.first() else { continue };
        let (name, branch) = (path_in(folder, first), branch_of(first, false));
        search.push_capture(&branch, CaptureLocation { name, place: Place::Packed(files.to_vec()) });
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
