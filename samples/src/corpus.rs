//! The corpus of real logs with Process Monitor's own exports. It is not part of this project;
//! tests that need it are skipped where it is missing.

use std::io;
use std::path::PathBuf;

/// The environment variable that names the directory of the corpus; the default is
/// `../shared/corpus` beside the workspace.
pub const VARIABLE: &str = "PML_CORPUS";

/// The five real logs, without their extension.
pub const LOGS: [&str; 5] = [
    "LogFileUTC32Filesystem",
    "LogFileUTC64Filesystem",
    "LogFileUTC64Process",
    "LogFileUTC64Registry",
    "LogfileTests32bitUTC",
];

/// The directory of the corpus, or `None` if it does not exist.
pub fn directory() -> Option<PathBuf> {
    let directory = match std::env::var_os(VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
    };
    directory.is_dir().then_some(directory)
}

/// The decompressed bytes of a file of the corpus, for example `LogFileUTC64Process.pml`.
///
/// # Errors
/// When the corpus or the file is missing, or the file cannot be read.
pub fn read(name: &str) -> io::Result<Vec<u8>> {
    let directory = directory().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no corpus"))?;
    let packed = directory.join(format!("{name}.zst"));
    if packed.exists() {
        zstd::decode_all(std::fs::File::open(packed)?)
    } else {
        std::fs::read(directory.join(name))
    }
}
