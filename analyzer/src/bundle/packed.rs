//! Logs that are packed one by one, as gzip or Zstandard: `Bootlog.pml.gz`, `Bootlog-1.pml.zst`.

use super::names::{file_name, is_log, safe_name};
use super::{BundleError, CaptureFiles, io_error};
use pml_parser::Progress;
use pml_parser::parts::{folder_of, part_number_of, set_name};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstandard,
}

/// The first bytes of each, and the endings of names.
const PACKINGS: [(Packing, &[u8], &[&str]); 2] = [
    (Packing::Gzip, b"\x1F\x8B", &["gz", "gzip"]),
    (Packing::Zstandard, b"\x28\xB5\x2F\xFD", &["zst", "zstd"]),
];

/// Bytes that a packed log may have when it is unpacked: those of real logs are 10 to 30 times as many.
fn most_unpacked(packed: u64) -> u64 {
    const GROWS: u64 = 200;
    const SPARE: u64 = 256 << 20;
    packed.saturating_mul(GROWS).saturating_add(SPARE)
}

/// How a file is packed, from its first bytes.
fn packing_of(head: &[u8]) -> Option<Packing> {
    PACKINGS.iter().find(|(_, start, _)| head.starts_with(start)).map(|entry| entry.0)
}

fn packing(path: &Path) -> Result<Option<Packing>, BundleError> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4).read_to_end(&mut head));
    read.map_err(|error| io_error(path, error))?;
    Ok(packing_of(&head))
}

/// What is in a stream: the bytes that it has when it is unpacked, where its first bytes say that it is packed.
pub(super) fn unpacked<'s>(mut stream: impl Read + 's) -> io::Result<Box<dyn Read + 's>> {
    let mut head = Vec::new();
    (&mut stream).take(4).read_to_end(&mut head)?;
    let packing = packing_of(&head);
    let whole = io::Cursor::new(head).chain(stream);
    Ok(match packing {
        None => Box::new(whole),
        Some(Packing::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Some(Packing::Zstandard) => Box::new(zstd::stream::read::Decoder::new(whole)?),
    })
}

/// A file as a stream, unpacked where it is packed, and within bounds.
pub(super) fn open_unpacked(path: &Path) -> io::Result<io::Take<Box<dyn Read>>> {
    let file = File::open(path)?;
    let most = most_unpacked(file.metadata()?.len());
    Ok(unpacked(file)?.take(most))
}

/// Whether a file is packed.
pub(super) fn is_packed(path: &Path) -> Result<bool, BundleError> {
    Ok(packing(path)?.is_some())
}

/// Whether a file has the name of a packed log.
pub(super) fn is_packed_log(path: &Path) -> bool {
    let inner = unpacked_name(path);
    inner.as_os_str() != path.file_name().unwrap_or_default() && is_log(&inner)
}

/// The name of what is in a packed file.
pub(super) fn unpacked_name(path: &Path) -> PathBuf {
    let is_ending = |ending: &std::ffi::OsStr| {
        PACKINGS.iter().flat_map(|entry| entry.2).any(|known| ending.eq_ignore_ascii_case(known))
    };
    let name = PathBuf::from(path.file_name().unwrap_or_default());
    if path.extension().is_some_and(is_ending) { name.with_extension("") } else { name }
}

/// The set of packed logs to which a file belongs: its folder, and the name of the set.
pub(super) fn set_of_packed(path: &Path) -> PathBuf {
    folder_of(path).join(set_name(&unpacked_name(path)))
}

/// Number of the part in a packed file.
pub(super) fn number_of_packed(path: &Path) -> u64 {
    part_number_of(&unpacked_name(path))
}

/// The packed parts in the folder of one of them whose names are those of parts of the same capture, that one included.
pub(super) fn packed_beside(path: &Path) -> Vec<PathBuf> {
    let set = set_of_packed(path);
    let mut parts: Vec<PathBuf> = fs::read_dir(folder_of(path))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| path.with_file_name(entry.file_name()))
        .filter(|other| {
            other != path && is_packed_log(other) && set_of_packed(other) == set && other.is_file()
        })
        .collect();
    parts.push(path.to_owned());
    parts.sort_by_key(|part| number_of_packed(part));
    parts
}

/// Makes files ready to be opened as one capture: packed ones are unpacked to a temporary folder.
pub(super) fn unpack(paths: &[PathBuf], progress: &dyn Progress) -> Result<CaptureFiles, BundleError> {
    let folder = tempfile::Builder::new().prefix("pml-").tempdir().map_err(BundleError::TemporaryFolder)?;
    let mut files = Vec::new();
    for path in paths {
        files.push(match is_packed(path)? {
            true => unpack_one(path, folder.path(), progress)?,
            false => path.clone(),
        });
    }
    Ok(CaptureFiles { paths: files, is_complete: true, _folder: Some(folder) })
}

/// Unpacks a file to a folder; gives the new file.
pub(super) fn unpack_one(
    path: &Path,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, BundleError> {
    let name = unpacked_name(path).to_string_lossy().into_owned();
    let mut name = safe_name(file_name(&name));
    if Path::new(&name).extension().is_none() {
        name.push_str(".pml");
    }
    let target = folder.join(name);
    let failed = |error| BundleError::Packed { path: path.to_owned(), error };
    let source = File::open(path).map_err(|error| io_error(path, error))?;
    let most = most_unpacked(source.metadata().map_err(|error| io_error(path, error))?.len());
    let file = File::create_new(&target).map_err(failed)?;
    let copied = unpacked(source).and_then(|stream| copy(stream, file, most, progress));
    if progress.is_cancelled() {
        return Err(BundleError::Cancelled);
    }
    copied.map_err(failed)?;
    Ok(target)
}

/// Copies a stream piece by piece, between which the caller may cancel.
fn copy(mut stream: impl Read, mut file: File, most: u64, progress: &dyn Progress) -> io::Result<()> {
    const PIECE: u64 = 4 << 20;
    let mut size = 0;
    loop {
        let piece = io::copy(&mut (&mut stream).take(PIECE), &mut file)?;
        size += piece;
        if piece == 0 {
            return file.flush();
        }
        if size > most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is packed too tightly for a log"));
        }
        if progress.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}
