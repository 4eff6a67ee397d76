//! Outputs that appear under their final name only when they are complete.

use crate::failure::Failure;
use crate::place::Place;
use crate::status::warn;
use pml_analyzer::case::tables as case_tables;
use pml_analyzer::tables::{FAILURES, FINDINGS};
use pml_analyzer::verdicts::VERDICTS;
use pml_parser::columns::TABLES;
use pml_parser::parts::folder_of;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::Duration;
use tempfile::{NamedTempFile, TempDir};

/// The prefix of the names of incomplete outputs.
const HIDDEN: &str = ".pml-";

/// The table of how captures ended.
pub(crate) const STATUS: &str = "status";

/// The usual permissions, less the user's mask; temporary files would otherwise be private.
#[cfg(unix)]
fn usual_rights(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(mode)
}

/// A file that is written beside its final path and moved there at the end.
pub(crate) struct PendingFile {
    place: Place,
    force: bool,
    file: NamedTempFile,
}

impl PendingFile {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        let place = Place::of(path)?;
        place.refuse_existing(force)?;
        match fs::metadata(place.path()) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Failure::new(format!("{}: is a directory", place.shown())));
            }
            // A device or pipe would be replaced by a file.
            Ok(metadata) if !metadata.is_file() => {
                return Err(Failure::new(format!("{}: is not a regular file", place.shown()))
                    .hint("write to standard output with -o - and redirect that"));
            }
            _ => {}
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o666));
        let file = builder.tempfile_in(folder_of(place.path())).map_err(|e| place.failure(&plain(e)))?;
        Ok(Self { place, force, file })
    }

    /// A buffered writer to the temporary file.
    pub(crate) fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 20, self.file.reopen()?))
    }

    /// Moves the file to its final path; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        self.sync()?;
        self.persist()
    }

    /// Moves all files to their final paths; gives the sum of their sizes. Where a file cannot be moved,
    /// the files moved before it are removed: an incomplete set must not look complete.
    pub(crate) fn finish_all(files: Vec<Self>) -> Result<u64, Failure> {
        files.iter().try_for_each(Self::sync)?;
        let mut size = 0;
        let mut moved = Vec::new();
        // The first file has the name that the user gave, so it comes last.
        for file in files.into_iter().rev() {
            let path = file.place.path().to_owned();
            match file.persist() {
                Ok(bytes) => size += bytes,
                Err(failure) => {
                    moved.iter().for_each(|path| drop(fs::remove_file(path)));
                    return Err(failure);
                }
            }
            moved.push(path);
        }
        Ok(size)
    }

    /// Writes the file through to the disk, so that write errors show before the move.
    fn sync(&self) -> Result<(), Failure> {
        self.file.as_file().sync_all().map_err(|e| self.place.failure(&e))
    }

    fn persist(self) -> Result<u64, Failure> {
        let Self { place, force, file } = self;
        let mut pending = Some(file);
        let moved = patiently(|| {
            // The file is there until it has been moved.
            let Some(file) = pending.take() else { return Err(io::ErrorKind::NotFound.into()) };
            let moved = if force { file.persist(place.path()) } else { file.persist_noclobber(place.path()) };
            moved.map_err(|e| {
                pending = Some(e.file);
                e.error
            })
        });
        let file = moved.map_err(|e| place.failure_of_move(&e))?;
        Ok(file.metadata().map_err(|e| place.failure(&e))?.len())
    }
}

/// An error of the system without the temporary path that the error names: the user knows the final path.
fn plain(error: io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Moves an output. On Windows, a virus scanner or an indexer that has just opened the file refuses the move for a
/// moment, so the move is tried for a second there.
fn patiently<T>(mut move_it: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pause = Duration::from_millis(10);
    loop {
        match move_it() {
            Err(e) if cfg!(windows) && is_in_use(&e) && pause < Duration::from_secs(1) => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            moved => return moved,
        }
    }
}

/// Whether Windows refuses a move because a program has the file open, or a file in the folder.
fn is_in_use(error: &io::Error) -> bool {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    matches!(error.raw_os_error(), Some(ACCESS_DENIED | SHARING_VIOLATION))
}

/// A directory of tables that is filled beside its final path and moved there at the end.
pub(crate) struct PendingDataset {
    place: Place,
    force: bool,
    folder: TempDir,
}

impl PendingDataset {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        let place = Place::of(path)?;
        place.refuse_existing(force)?;
        refuse_foreign(&place)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o777));
        let folder = builder.tempdir_in(folder_of(place.path())).map_err(|e| place.failure(&plain(e)))?;
        Ok(Self { place, force, folder })
    }

    /// Creates a file of the dataset.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = File::create(self.folder.path().join(name))?;
        Ok(BufWriter::with_capacity(256 << 10, file))
    }

    /// Moves the dataset to its final path; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let (place, path) = (&self.place, self.place.path());
        let io = |e: io::Error| place.failure(&e);
        let mut size = 0;
        for entry in fs::read_dir(self.folder.path()).map_err(io)? {
            // Windows syncs only files that are open for writing.
            let file = File::options().write(true).open(entry.map_err(io)?.path()).map_err(io)?;
            // Write errors must show now, not after the move.
            file.sync_all().map_err(io)?;
            size += file.metadata().map_err(io)?.len();
        }
        // Much time may have passed since the first check of this path.
        place.refuse_existing(self.force)?;
        refuse_foreign(place)?;
        let mut old = None;
        if path.exists() {
            if exchange(self.folder.path(), path) {
                // The old dataset is now at the temporary path of the new one.
                old = Some(self.folder.path().to_owned());
            } else {
                // The old dataset is moved aside first, and moved back if the move of the new one fails.
                let aside = self.folder.path().with_extension("old");
                patiently(|| fs::rename(path, &aside)).map_err(|e| match io(e) {
                    failure if cfg!(windows) => failure.hint(
                        "close the programs that have a file of the old dataset open; it remains as it was",
                    ),
                    failure => failure,
                })?;
                if let Err(e) = patiently(|| fs::rename(self.folder.path(), path)) {
                    // The error of the move is reported, not that of moving back.
                    let _ = fs::rename(&aside, path);
                    return Err(place.failure_of_move(&e));
                }
                old = Some(aside);
            }
        } else {
            patiently(|| fs::rename(self.folder.path(), path)).map_err(|e| place.failure_of_move(&e))?;
        }
        // The new dataset has left the temporary path, so the temporary directory must not be removed on drop.
        let _ = self.folder.keep();
        if let Some(old) = &old
            && let Err(e) = remove_dataset(old)
        {
            warn(&format!("the old dataset could not be removed and remains as {}: {e}", old.display()));
        }
        Ok(size)
    }
}

/// Exchanges two directories in one step, so that each name exists at any moment. Gives whether that was
/// possible: only Linux offers it here, and not for all file systems.
fn exchange(a: &Path, b: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).is_ok()
    };
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (a, b);
        false
    }
}

/// Names of the files of a dataset, including the tables of triage and of a case.
fn tables() -> impl Iterator<Item = String> {
    let of_capture = TABLES.iter().map(|table| table.name).chain([FAILURES.name, FINDINGS.name]);
    let of_case = case_tables::pages().into_iter().map(|page| page.0);
    of_capture.chain(of_case).chain([STATUS, VERDICTS.name]).map(|name| format!("{name}.parquet"))
}

/// Refuses to replace a directory that holds anything except a dataset, and a path that exists but is no
/// directory.
fn refuse_foreign(place: &Place) -> Result<(), Failure> {
    let entries = match fs::read_dir(place.path()) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(place.failure(&e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| place.failure(&e))?;
        let name = entry.file_name();
        let is_table = tables().any(|table| *name == *table) && entry.file_type().is_ok_and(|t| t.is_file());
        if !is_table {
            let foreign = name.to_string_lossy().into_owned();
            return Err(Failure::new(format!(
                "{}: is not replaced, because it holds {foreign}, which is not a file of a dataset",
                place.shown()
            ))
            .hint("choose another name, or empty the directory yourself"));
        }
    }
    Ok(())
}

/// Removes what runs that were killed have left in a folder. No other run may write to the folder.
pub(crate) fn remove_incomplete(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(HIDDEN) || !(name.ends_with(".tmp") || name.ends_with(".old")) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => remove_dataset(&entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Removes the files of a dataset and its directory, and nothing else.
pub(crate) fn remove_dataset(path: &Path) -> io::Result<()> {
    for table in tables() {
        match fs::remove_file(path.join(table)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_another_run_has_made_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let said = |failure: Failure| failure.to_string();
        let path = folder.path().join("a.csv");
        let pending = PendingFile::create(&path, false).unwrap();
        fs::write(&path, "other").unwrap();
        let failure = said(pending.finish().unwrap_err());
        assert!(failure.contains("another run has made it") && failure.contains("hint: "), "{failure}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");

        let path = folder.path().join("dataset");
        let pending = PendingDataset::create(&path, false).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("events.parquet"), "other").unwrap();
        let failure = said(pending.finish().unwrap_err());
        assert!(failure.contains("hint: "), "{failure}");
        assert_eq!(fs::read_to_string(path.join("events.parquet")).unwrap(), "other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary remains");
    }
}
