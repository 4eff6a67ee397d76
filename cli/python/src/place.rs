//! Outputs that appear under their names only when they are complete.

use crate::error::{error, of_io};
use pyo3::prelude::*;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// The prefix of the names of incomplete outputs.
const HIDDEN: &str = ".pml-";

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refuse_existing(path: &Path) -> PyResult<()> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(of_io(path, &std::io::Error::from_raw_os_error(17))),
        Err(failed) => Err(of_io(path, &failed)),
    }
}

/// A file, or several: the parts of a large log.
pub(crate) struct PendingFiles {
    path: PathBuf,
    files: Vec<(PathBuf, NamedTempFile)>,
}

impl PendingFiles {
    pub(crate) fn new(path: &Path) -> PyResult<Self> {
        refuse_existing(path)?;
        Ok(Self { path: path.to_owned(), files: Vec::new() })
    }

    /// Part `part` of the output: `X.pml`, `X-1.pml`, ….
    pub(crate) fn create(&mut self, part: u32) -> std::io::Result<BufWriter<File>> {
        let place = match part {
            0 => self.path.clone(),
            _ => {
                let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
                let ending = self.path.extension().unwrap_or_default().to_string_lossy();
                self.path.with_file_name(format!("{stem}-{part}.{ending}"))
            }
        };
        let file = tempfile::Builder::new().prefix(HIDDEN).suffix(".tmp").tempfile_in(folder_of(&place))?;
        let out = BufWriter::with_capacity(1 << 20, file.reopen()?);
        self.files.push((place, file));
        Ok(out)
    }

    /// Moves the files to their places.
    pub(crate) fn finish(self) -> PyResult<()> {
        for (place, file) in self.files.into_iter().rev() {
            file.as_file().sync_all().map_err(|failed| of_io(&place, &failed))?;
            file.persist_noclobber(&place).map_err(|failed| of_io(&place, &failed.error))?;
        }
        Ok(())
    }
}

/// A directory.
pub(crate) struct PendingFolder {
    path: PathBuf,
    folder: TempDir,
}

impl PendingFolder {
    pub(crate) fn new(path: &Path) -> PyResult<Self> {
        refuse_existing(path)?;
        let folder = tempfile::Builder::new().prefix(HIDDEN).suffix(".tmp").tempdir_in(folder_of(path));
        Ok(Self { path: path.to_owned(), folder: folder.map_err(|failed| of_io(folder_of(path), &failed))? })
    }

    pub(crate) fn create(&self, name: &str) -> std::io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(256 << 10, File::create(self.folder.path().join(name))?))
    }

    /// Moves the directory to its place.
    pub(crate) fn finish(self) -> PyResult<()> {
        if self.path.exists() {
            return Err(error(format!(
                "{}: another program has made it in the meantime",
                self.path.display()
            )));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary directories are private.
            let rights = fs::Permissions::from_mode(0o755);
            let _ = fs::set_permissions(self.folder.path(), rights);
        }
        let folder = self.folder.keep();
        fs::rename(&folder, &self.path).map_err(|failed| {
            let _ = fs::remove_dir_all(&folder);
            of_io(&self.path, &failed)
        })
    }
}
