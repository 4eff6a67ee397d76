//! The formats of archives: zip and 7z, with one interface.

use super::BundleError;
use super::seven_zip::{self, SevenZip};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// An archive that is open.
#[derive(Debug)]
pub(super) enum Container {
    Zip(Box<ZipArchive<File>>),
    SevenZip(Box<SevenZip>),
}

/// What the directory of an archive says about a member.
pub(super) struct Member {
    /// With slashes between its parts.
    pub name: String,
    pub is_file: bool,
    pub is_encrypted: bool,
    /// Packed bytes; of several members that are packed together, those of all.
    pub packed: u64,
    /// Where the packed bytes of several members are the same.
    pub block: Option<usize>,
}

/// Whether a file begins as archives do.
pub(super) fn is_archive(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
        || start.starts_with(b"PK\x05\x06")
        || start.starts_with(seven_zip::SIGNATURE)
}

impl Container {
    /// Opens a file of `size` bytes by its first bytes.
    pub(super) fn open(mut file: File, size: u64, path: &Path) -> Result<Self, BundleError> {
        use std::io::Seek;
        let mut start = Vec::new();
        let read = (&file).take(8).read_to_end(&mut start).and_then(|_| file.rewind());
        read.map_err(|error| super::io_error(path, error))?;
        if !start.starts_with(seven_zip::SIGNATURE) {
            let zip = ZipArchive::new(file).map_err(|error| zip_error(path, &error))?;
            return Ok(Self::Zip(Box::new(zip)));
        }
        let failed = |reason| BundleError::Zip { path: path.to_owned(), reason };
        Ok(Self::SevenZip(Box::new(SevenZip::open(file, size).map_err(failed)?)))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Zip(zip) => zip.len(),
            Self::SevenZip(seven_zip) => seven_zip.len(),
        }
    }

    /// Whether members share their names: the last of each name counts.
    pub(super) fn has_same_names(&self) -> bool {
        match self {
            Self::Zip(zip) => zip.has_duplicate_names(),
            Self::SevenZip(seven_zip) => seven_zip.has_same_names(),
        }
    }

    /// What the directory says about a member.
    pub(super) fn member(&mut self, number: usize, path: &Path) -> Result<Member, BundleError> {
        match self {
            Self::Zip(zip) => {
                let entry = zip.by_index_raw(number).map_err(|error| zip_error(path, &error))?;
                let decoded = entry.name().map_err(|error| zip_error(path, &error))?.replace('\\', "/");
                Ok(Member {
                    name: zip_name(entry.name_raw(), decoded),
                    is_file: entry.is_file(),
                    is_encrypted: entry.encrypted(),
                    packed: entry.compressed_size(),
                    block: None,
                })
            }
            Self::SevenZip(seven_zip) => Ok(Member {
                name: seven_zip.name(number).replace('\\', "/"),
                is_file: seven_zip.is_file(number),
                is_encrypted: seven_zip.is_encrypted(number),
                packed: seven_zip.packed_size(number),
                block: seven_zip.block_of(number),
            }),
        }
    }

    /// Bytes that a member has when it is unpacked, as the directory claims.
    pub(super) fn size_of(&mut self, number: usize) -> u64 {
        match self {
            Self::Zip(zip) => zip.by_index_raw(number).map_or(u64::MAX, |entry| entry.size()),
            Self::SevenZip(seven_zip) => seven_zip.size(number),
        }
    }

    /// Says which members are going to be read.
    pub(super) fn want(&mut self, numbers: impl IntoIterator<Item = usize>) {
        if let Self::SevenZip(seven_zip) = self {
            seven_zip.want(numbers);
        }
    }

    /// Hands over a member as a stream, with its packed size; `most` bounds what an archive keeps of other members that
    /// are packed together with this one.
    pub(super) fn read<T>(
        &mut self,
        number: usize,
        most: u64,
        (path, name): (&Path, &str),
        read: impl FnOnce(&mut dyn Read, u64) -> T,
    ) -> Result<T, BundleError> {
        match self {
            Self::Zip(zip) => {
                let mut entry = zip.by_index(number).map_err(|error| zip_error(path, &error))?;
                let packed = entry.compressed_size();
                Ok(read(&mut entry, packed))
            }
            Self::SevenZip(seven_zip) => {
                let packed = seven_zip.packed_size(number);
                let failed =
                    |error| BundleError::Member { path: path.to_owned(), name: name.to_owned(), error };
                seven_zip.read(number, most, |stream| read(stream, packed)).map_err(failed)
            }
        }
    }
}

fn zip_error(path: &Path, error: &ZipError) -> BundleError {
    BundleError::Zip { path: path.to_owned(), reason: error.to_string() }
}

/// The name of a member as it was meant: collectors on Chinese systems write GBK without saying so.
fn zip_name(raw: &[u8], decoded: String) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.replace('\\', "/"),
        Err(_) => match encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(raw) {
            Some(name) => name.replace('\\', "/"),
            None => decoded,
        },
    }
}
