//! Outputs that appear under their final name only when they are complete.

use crate::failure::Failure;
use crate::status::warn;
use pml_analyzer::tables::{FAILURES, FINDINGS};
use pml_parser::columns::TABLES;
use pml_parser::parts::folder_of;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// The prefix of the names of incomplete outputs.
const HIDDEN: &str = ".pml-";

/// The final path of an output: without a slash at its end, and with a link replaced by the link's target.
fn place(path: &Path) -> Result<PathBuf, Failure> {
    let tidy: PathBuf = path.components().collect();
    if tidy.file_name().is_none() {
        return Err(Failure::new(format!("{}: names no file or directory to make", path.display()))
            .hint("add a name"));
    }
    let beside = folder_of(&tidy);
    if !beside.is_dir() {
        let what = if beside.exists() { "is not a folder" } else { "does not exist" };
        return Err(Failure::new(format!("{}: {} {what}", path.display(), beside.display()))
            .hint("make it first, or choose another place with -o"));
    }
    match fs::symlink_metadata(&tidy) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(&tidy)
            .map_err(|e| Failure::of_io(path, &e).hint("it is a link that leads nowhere; remove it first")),
        _ => Ok(tidy),
    }
}

/// The usual permissions, less the user's mask; temporary files would otherwise be private.
#[cfg(unix)]
fn usual_rights(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(mode)
}

/// Refuses a path that exists, unless it may be replaced.
fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) if !force => Err(Failure::new(format!("{}: exists already", path.display()))
            .hint("choose another name, or replace it with --force")),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::of_io(path, &e)),
    }
}

/// A finished output cannot be moved to its place: most likely another run has made one there since this one began.
fn of_move(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
            Failure::new(format!("{}: another run has made it in the meantime", path.display()))
                .hint("look at that one, choose another name, or replace it with --force")
        }
        _ => Failure::of_io(path, error),
    }
}

/// A file that is written beside its final path and moved there at the end.
pub(crate) struct PendingFile {
    path: PathBuf,
    force: bool,
    file: NamedTempFile,
}

impl PendingFile {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        let path = place(path)?;
        refuse_existing(&path, force)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Failure::new(format!("{}: is a directory", path.display())));
            }
            // A device or pipe would be replaced by a file.
            Ok(metadata) if !metadata.is_file() => {
                return Err(Failure::new(format!("{}: is not a regular file", path.display()))
                    .hint("write to standard output with -o - and redirect that"));
            }
            _ => {}
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o666));
        let file =
            builder.tempfile_in(folder_of(&path)).map_err(|e| Failure::of_io(&path, &e.kind().into()))?;
        Ok(Self { path, force, file })
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
            let path = file.path.clone();
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
        self.file.as_file().sync_all().map_err(|e| Failure::of_io(&self.path, &e))
    }

    fn persist(self) -> Result<u64, Failure> {
        let path = self.path;
        let io = |e: io::Error| Failure::of_io(&path, &e);
        let moved = if self.force { self.file.persist(&path) } else { self.file.persist_noclobber(&path) };
        let file = moved.map_err(|e| of_move(&path, &e.error))?;
        Ok(file.metadata().map_err(io)?.len())
    }
}

/// A directory of tables that is filled beside its final path and moved there at the end.
pub(crate) struct PendingDataset {
    path: PathBuf,
    force: bool,
    folder: TempDir,
}

impl PendingDataset {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        let path = place(path)?;
        refuse_existing(&path, force)?;
        refuse_foreign(&path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o777));
        let folder =
            builder.tempdir_in(folder_of(&path)).map_err(|e| Failure::of_io(&path, &e.kind().into()))?;
        Ok(Self { path, force, folder })
    }

    /// Creates a file of the dataset.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = File::create(self.folder.path().join(name))?;
        Ok(BufWriter::with_capacity(256 << 10, file))
    }

    /// Moves the dataset to its final path; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let path = &self.path;
        let io = |e: io::Error| Failure::of_io(path, &e);
        let mut size = 0;
        for entry in fs::read_dir(self.folder.path()).map_err(io)? {
            // Windows syncs only files that are open for writing.
            let file = File::options().write(true).open(entry.map_err(io)?.path()).map_err(io)?;
            // Write errors must show now, not after the move.
            file.sync_all().map_err(io)?;
            size += file.metadata().map_err(io)?.len();
        }
        // Much time may have passed since the first check of this path.
        refuse_existing(path, self.force)?;
        refuse_foreign(path)?;
        let mut old = None;
        if path.exists() {
            if exchange(self.folder.path(), path) {
                // The old dataset is now at the temporary path of the new one.
                old = Some(self.folder.path().to_owned());
            } else {
                // The old dataset is moved aside first, and moved back if the move of the new one fails.
                let aside = self.folder.path().with_extension("old");
                fs::rename(path, &aside).map_err(io)?;
                if let Err(e) = fs::rename(self.folder.path(), path) {
                    // The error of the move is reported, not that of moving back.
                    let _ = fs::rename(&aside, path);
                    return Err(of_move(path, &e));
                }
                old = Some(aside);
            }
        } else {
            fs::rename(self.folder.path(), path).map_err(|e| of_move(path, &e))?;
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

/// Names of the files of a dataset, including the tables of triage.
fn tables() -> impl Iterator<Item = String> {
    let names = TABLES.iter().map(|table| table.name).chain([FAILURES.name, FINDINGS.name]);
    names.map(|name| format!("{name}.parquet"))
}

/// Refuses to replace a directory that holds anything except a dataset, and a path that exists but is no
/// directory.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Failure::of_io(path, &e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| Failure::of_io(path, &e))?;
        let name = entry.file_name();
        let is_table = tables().any(|table| *name == *table) && entry.file_type().is_ok_and(|t| t.is_file());
        if !is_table {
            let foreign = name.to_string_lossy().into_owned();
            return Err(Failure::new(format!(
                "{}: is not replaced, because it holds {foreign}, which is not a file of a dataset",
                path.display()
            ))
            .hint("choose another name, or empty the directory yourself"));
        }
    }
    Ok(())
}

/// Removes the files of a dataset and its directory, and nothing else.
fn remove_dataset(path: &Path) -> io::Result<()> {
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
