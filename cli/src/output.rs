//! Outputs that appear under their name only when they are complete.

use crate::failure::Failure;
use crate::status::warn;
use pml_analyzer::tables::{FAILURES, FINDINGS};
use pml_parser::arrow::schema::TABLES;
use pml_parser::parts::folder_of;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// Begins the names of outputs that are not complete.
const HIDDEN: &str = ".pml-";

/// The place that an output will have: without a slash at its end, and where it is a link, the
/// place that it leads to.
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

/// The usual rights, less the user's mask; temporary files would otherwise be private.
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

/// A file that is written beside its place and moved there at the end.
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

    /// What to write to.
    pub(crate) fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 20, self.file.reopen()?))
    }

    /// Moves the file to its place; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        self.sync()?;
        self.persist()
    }

    /// Moves all files to their places; gives the sum of their sizes. Where one cannot be moved, those
    /// that were are removed: a part of a set is not left under a name that looks whole.
    pub(crate) fn finish_all(files: Vec<Self>) -> Result<u64, Failure> {
        files.iter().try_for_each(Self::sync)?;
        let mut size = 0;
        let mut moved = Vec::new();
        // The first one, by whose name all are known, comes last.
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

    /// What the system could not write after all shows now, not after the move.
    fn sync(&self) -> Result<(), Failure> {
        self.file.as_file().sync_all().map_err(|e| Failure::of_io(&self.path, &e))
    }

    fn persist(self) -> Result<u64, Failure> {
        let path = self.path;
        let io = |e: io::Error| Failure::of_io(&path, &e);
        let moved = if self.force { self.file.persist(&path) } else { self.file.persist_noclobber(&path) };
        let file = moved.map_err(|e| io(e.error))?;
        Ok(file.metadata().map_err(io)?.len())
    }
}

/// A directory of tables that is filled beside its place and moved there at the end.
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

    /// Moves the dataset to its place; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let path = &self.path;
        let io = |e: io::Error| Failure::of_io(path, &e);
        let mut size = 0;
        for entry in fs::read_dir(self.folder.path()).map_err(io)? {
            // Windows syncs only what is open for writing.
            let file = File::options().write(true).open(entry.map_err(io)?.path()).map_err(io)?;
            // What the system could not write after all shows now, not after the move.
            file.sync_all().map_err(io)?;
            size += file.metadata().map_err(io)?.len();
        }
        // Much time may have passed since the place was looked at.
        refuse_existing(path, self.force)?;
        refuse_foreign(path)?;
        let mut old = None;
        if path.exists() {
            if exchange(self.folder.path(), path) {
                // The older dataset is now where this one was made.
                old = Some(self.folder.path().to_owned());
            } else {
                // It steps aside first, and back again if the move fails.
                let aside = self.folder.path().with_extension("old");
                fs::rename(path, &aside).map_err(io)?;
                if let Err(e) = fs::rename(self.folder.path(), path) {
                    // The move is what failed; that is what gets reported.
                    let _ = fs::rename(&aside, path);
                    return Err(io(e));
                }
                old = Some(aside);
            }
        } else {
            fs::rename(self.folder.path(), path).map_err(io)?;
        }
        // It is no longer where it was made, so there is nothing left to remove.
        let _ = self.folder.keep();
        if let Some(old) = &old
            && let Err(e) = remove_dataset(old)
        {
            warn(&format!("the replaced dataset stays behind as {}: {e}", old.display()));
        }
        Ok(size)
    }
}

/// Lets two directories change places in one step, so that there is one of that name at any moment.
/// Whether that was possible: few systems and not all file systems know how.
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

/// Names of the files of a dataset, those of triage among them.
fn tables() -> impl Iterator<Item = String> {
    let names = TABLES.iter().map(|table| table.name).chain([FAILURES.name, FINDINGS.name]);
    names.map(|name| format!("{name}.parquet"))
}

/// Refuses to replace a directory that holds anything but a dataset, and anything that is neither
/// a directory nor missing.
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
                "{}: is not replaced, because it holds {foreign}, which is not of a dataset",
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
