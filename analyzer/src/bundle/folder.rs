//! Captures and text logs below a folder; links are not followed.

use super::names::{is_log, may_be_text_log};
use super::{
    BundleError, CaptureLocation, Found, LogLocation, MOST_ENTRIES, MOST_TEXTS, Place, Skipped, io_error,
};
use pml_parser::Progress;
use pml_parser::parts::{capture_name, folder_of, part_number_of};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders inside each other that are searched, at most.
const DEEPEST: usize = 16;

/// Adds the captures below a folder.
pub(super) fn find(
    folder: &Path,
    input: usize,
    progress: &dyn Progress,
    found: &mut Found,
) -> Result<(), BundleError> {
    let mut logs: Vec<PathBuf> = Vec::new();
    let mut texts: Vec<PathBuf> = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut entries = 0;
    while let Some((path, depth)) = folders.pop() {
        let listing = match fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(error) if depth == 0 => return Err(io_error(&path, error)),
            Err(error) => {
                found.skipped.push(Skipped::Folder { path, error });
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
            } else if kind.is_file() && may_be_text_log(&entry.path()) && texts.len() < MOST_TEXTS {
                texts.push(entry.path());
            }
        }
        if progress.is_cancelled() {
            return Err(BundleError::Cancelled);
        }
        if entries > MOST_ENTRIES {
            return Err(BundleError::FolderTooLarge { path: folder.to_owned() });
        }
    }
    if logs.is_empty() && texts.is_empty() {
        return Err(BundleError::NoLogs { path: folder.to_owned() });
    }
    logs.sort_by_cached_key(|log| (folder_of(log).to_owned(), capture_name(log), part_number_of(log)));
    // Parts of one capture are side by side now; the first one leads to the others when it is opened.
    logs.dedup_by(|b, a| folder_of(a) == folder_of(b) && capture_name(a) == capture_name(b));
    found.captures.extend(logs.into_iter().map(|log| {
        let name = log.display().to_string();
        CaptureLocation { name, input, place: Place::Files(vec![log]) }
    }));
    texts.sort();
    found.logs.extend(texts.into_iter().map(|path| {
        // The name is shown beside every line that is cited: the part below the folder says enough.
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        LogLocation::file(path, name, input)
    }));
    Ok(())
}
