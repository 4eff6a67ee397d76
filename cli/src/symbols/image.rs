//! What identifies images and their symbols: the names of both in a symbol store.

use object::read::ReadCache;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};
use object::{Object, pe};
use std::fs::File;
use std::path::Path;

/// An image, as a log and a symbol store identify it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ImageKey {
    /// File name.
    pub name: String,
    /// `TimeDateStamp` of its header.
    pub timestamp: u32,
    /// `SizeOfImage` of its header.
    pub size: u32,
}

impl ImageKey {
    /// The folder of the image in that of its name.
    pub(super) fn folder(&self) -> String {
        format!("{:08X}{:x}", self.timestamp, self.size)
    }

    /// Where a symbol store has the image.
    pub(super) fn path(&self) -> String {
        format!("{0}/{1}/{0}", self.name, self.folder())
    }
}

/// The symbols of an image, as the image and a symbol store identify them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PdbKey {
    /// File name.
    pub name: String,
    guid: [u8; 16],
    pub age: u32,
}

impl PdbKey {
    /// The GUID as a number of 32 digits: its first three fields are little-endian.
    pub(super) fn guid(&self) -> String {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        ORDER.iter().filter_map(|at| self.guid.get(*at)).map(|byte| format!("{byte:02X}")).collect()
    }

    /// The folder of the symbols in that of their name.
    pub(super) fn folder(&self) -> String {
        format!("{}{:x}", self.guid(), self.age)
    }

    /// Where a symbol store has the symbols.
    pub(super) fn path(&self) -> String {
        format!("{0}/{1}/{0}", self.name, self.folder())
    }
}

/// What an image says of itself: its timestamp, its size, and its symbols, if it names any.
pub(super) struct Image {
    pub timestamp: u32,
    pub size: u32,
    pub symbols: Option<PdbKey>,
}

/// Reads the headers of an image.
pub(super) fn read(path: &Path) -> Result<Image, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let cache = ReadCache::new(file);
    match object::FileKind::parse(&cache) {
        Ok(object::FileKind::Pe64) => of::<pe::ImageNtHeaders64>(&cache),
        Ok(object::FileKind::Pe32) => of::<pe::ImageNtHeaders32>(&cache),
        _ => Err("is not a Windows program".to_owned()),
    }
}

fn of<Pe: ImageNtHeaders>(cache: &ReadCache<File>) -> Result<Image, String> {
    let failed = |error: object::Error| error.to_string();
    let file = PeFile::<Pe, _>::parse(cache).map_err(failed)?;
    let headers = file.nt_headers();
    let symbols = file.pdb_info().map_err(failed)?.map(|info| {
        let path = String::from_utf8_lossy(info.path()).into_owned();
        let name = path.rsplit(['\\', '/']).next().unwrap_or(&path).to_owned();
        PdbKey { name, guid: info.guid(), age: info.age() }
    });
    Ok(Image {
        timestamp: headers.file_header().time_date_stamp.get(object::LittleEndian),
        size: headers.optional_header().size_of_image(),
        symbols,
    })
}
