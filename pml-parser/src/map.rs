//! Mapping a file into memory: the one unsafe function of the workspace's libraries.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Maps a file for reading.
///
/// # Safety
/// The file must not be changed or cut while the map lives: the bytes are handed out as slices
/// that are assumed not to change, and touching a page that is gone ends the program (SIGBUS,
/// in-page error). Only a program can promise that, so every program that calls this says why it
/// may.
///
/// # Errors
/// When the file cannot be opened or mapped.
#[allow(unsafe_code)]
pub unsafe fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: passed on to the caller, see above.
    let map = unsafe { Mmap::map(&file)? };
    // Logs are read once, from front to back; whether the advice is taken does not matter.
    #[cfg(unix)]
    let _ = map.advise(memmap2::Advice::Sequential);
    Ok(map)
}
