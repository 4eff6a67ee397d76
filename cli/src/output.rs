//! Outputs that appear under their name only when they are complete.

use crate::failure::Failure;
use pml_parser::arrow::schema::TABLES;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// The folder an output is created in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Why something could not be created beside a path.
fn not_created(path: &Path, error: &io::Error) -> Failure {
    let place = folder(path);
    if place.is_dir() {
        return Failure::of_io(path, error);
    }
    Failure::new(format!("{}: the folder {} does not exist", path.display(), place.display()))
        .hint("make it first, or choose another place with -o")
}

fn hidden_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
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
    file: NamedTempFile,
}

impl PendingFile {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        refuse_existing(path, force)?;
        if path.is_dir() {
            return Err(Failure::new(format!("{}: is a directory", path.display())));
        }
        let prefix = hidden_prefix(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o666));
        let file = builder.tempfile_in(folder(path)).map_err(|e| not_created(path, &e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// What to write to.
    pub(crate) fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 20, self.file.reopen()?))
    }

    /// Moves the file to its place; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let path = self.path;
        let file = self.file.persist(&path).map_err(|e| Failure::of_io(&path, &e.error))?;
        Ok(file.metadata().map(|m| m.len()).unwrap_or(0))
    }
}

/// A directory of tables that is filled beside its place and moved there at the end.
pub(crate) struct PendingDataset {
    path: PathBuf,
    folder: TempDir,
}

impl PendingDataset {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        refuse_existing(path, force)?;
        if path.exists() {
            refuse_foreign(path)?;
        }
        let prefix = hidden_prefix(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(usual_rights(0o777));
        let folder = builder.tempdir_in(folder(path)).map_err(|e| not_created(path, &e))?;
        Ok(Self { path: path.to_owned(), folder })
    }

    /// Creates a file of the dataset.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = File::create(self.folder.path().join(name))?;
        Ok(BufWriter::with_capacity(256 << 10, file))
    }

    /// Moves the dataset to its place; gives its size.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let path = self.path;
        let io = |e: io::Error| Failure::of_io(&path, &e);
        let mut size = 0;
        for entry in fs::read_dir(self.folder.path()).map_err(io)? {
            size += entry.and_then(|entry| entry.metadata()).map_err(io)?.len();
        }
        // An older dataset steps aside first, and back again if the move fails.
        let old = path.exists().then(|| self.folder.path().with_extension("old"));
        if let Some(old) = &old {
            fs::rename(&path, old).map_err(io)?;
        }
        if let Err(e) = fs::rename(self.folder.path(), &path) {
            if let Some(old) = &old {
                // The move is what failed; that is what gets reported.
                let _ = fs::rename(old, &path);
            }
            return Err(io(e));
        }
        // It is no longer where it was made, so there is nothing left to remove.
        let _ = self.folder.keep();
        if let Some(old) = &old {
            fs::remove_dir_all(old).map_err(io)?;
        }
        Ok(size)
    }
}

/// Refuses to replace a directory that holds anything but a dataset.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(path).map_err(|e| Failure::of_io(path, &e))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_table = TABLES.iter().any(|table| *name == *format!("{}.parquet", table.name));
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
