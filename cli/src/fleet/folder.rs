//! The folder that a run over many captures writes to.

use crate::failure::Failure;
use crate::output::remove_incomplete;
use crate::place::Place;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A folder of outputs that no other run writes to.
pub(crate) struct Folder {
    path: PathBuf,
    lock: Option<File>,
}

/// The file that a run locks while it writes.
const LOCK: &str = ".pml-lock";

/// What may be in the folder before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// Outputs of an earlier run, which stay or are replaced one by one.
    Outputs,
}

impl Folder {
    /// Makes the folder, or takes one that is there. What an earlier run has left incomplete is removed.
    pub(crate) fn open(path: &Path, before: Before) -> Result<Self, Failure> {
        let place = Place::of(path)?;
        match fs::create_dir(place.path()) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|e| place.failure(&e))?,
        }
        let path = place.path().to_owned();
        let entries = fs::read_dir(&path).map_err(|e| place.failure(&e))?.flatten();
        let is_empty = entries.filter(|entry| entry.file_name() != LOCK).count() == 0;
        if before == Before::Nothing && !is_empty {
            return Err(Failure::new(format!("{}: is not empty", path.display()))
                .hint("--resume goes on with what is there, --force makes it again"));
        }
        let file = File::options().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = file.map_err(|e| place.failure(&e))?;
        // Not every file system has locks.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Failure::new(format!("{}: another run writes to it", path.display()))
                .hint("wait for that run, or choose another folder"));
        }
        remove_incomplete(&path).map_err(|e| place.failure(&e))?;
        Ok(Self { path, lock: Some(lock) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Windows removes no file that is open.
        drop(self.lock.take());
        // Where the file remains, the next run takes it.
        let _ = fs::remove_file(self.path.join(LOCK));
    }
}
