//! The file header, 936 bytes at offset 0.

use super::bytes::{parse_at, record};
use crate::error::{Error, ErrorKind, Result};
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `PML_`.
pub(crate) const MAGIC: [u8; 4] = *b"PML_";
/// The version of Process Monitor 3.x and 4.x, which is also that of new logs.
pub(crate) const VERSION: u32 = 9;
/// The oldest version that Process Monitor opens.
pub(crate) const OLDEST_VERSION: u32 = 4;

/// Whether logs of a version have names of hosts and ports.
pub(crate) fn has_host_names(version: u32) -> bool {
    version >= 5
}

/// Whether the details of `Process Start` have texts after the PID of the parent.
pub(crate) fn has_start_texts(version: u32) -> bool {
    version >= 8
}

/// Size of the header, and so the offset of the first event record.
pub(crate) const SIZE: usize = 0x3A8;

/// The header, as stored (docs/format.md, "Header").
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawHeader {
    pub magic: [u8; 4],
    pub version: U32,
    pub is64: U32,
    pub computer: [u8; 32],
    pub system_root: [u8; 520],
    pub event_count: U32,
    pub reserved: U64,
    pub events: U64,
    pub offsets: U64,
    pub processes: U64,
    pub strings: U64,
    pub icons: U64,
    pub highest_user_address: U64,
    pub os_info_size: U32,
    pub major: U32,
    pub minor: U32,
    pub build: U32,
    pub platform: U32,
    pub service_pack: [u8; 256],
    pub service_pack_major: U16,
    pub service_pack_minor: U16,
    pub suite_mask: U16,
    pub product_type: u8,
    pub os_reserved: u8,
    pub processors: U32,
    pub memory: U64,
    pub header_size: U64,
    pub hosts: U64,
}

/// The highest address of user mode on Windows.
pub(crate) const fn highest_user_address(is_64_bit: bool) -> u64 {
    if is_64_bit { 0x7FFF_FFFE_FFFF } else { 0x7FFE_FFFF }
}

const _: () = {
    assert!(size_of::<RawHeader>() == SIZE);
    assert!(std::mem::offset_of!(RawHeader, event_count) == 0x234);
    assert!(std::mem::offset_of!(RawHeader, offsets) == 0x248);
    assert!(std::mem::offset_of!(RawHeader, os_info_size) == 0x270);
    assert!(std::mem::offset_of!(RawHeader, service_pack_major) == 0x384);
    assert!(std::mem::offset_of!(RawHeader, hosts) == 0x3A0);
};

/// The name of the header in errors.
const WHAT: &str = "file header";

impl Error {
    /// Whether `Log::recover` can read a log that [`Log::parse`](crate::Log::parse) refuses with this error.
    /// It refuses files of another format, other versions, and files that are shorter than a header.
    pub fn is_recoverable(&self) -> bool {
        match self.kind() {
            ErrorKind::NotPml | ErrorKind::UnsupportedVersion(_) => false,
            _ => self.what() != WHAT || self.offset() != 0,
        }
    }
}

/// The header, unchecked.
pub(crate) fn overlay(file: &[u8]) -> Result<&RawHeader> {
    parse_at(file, 0, WHAT, record).map_err(|_| Error::truncated(WHAT, 0, SIZE as u64, file.len() as u64))
}

/// Reads and checks the header. Refuses a header that leads to no tables.
pub(crate) fn read(file: &[u8]) -> Result<&RawHeader> {
    // Even a file that is shorter than a header may show that it has another format.
    if file.len() >= MAGIC.len() && !file.starts_with(&MAGIC) {
        return Err(Error::new(ErrorKind::NotPml, WHAT, 0));
    }
    let header = overlay(file)?;
    check(header)?;
    Ok(header)
}

/// Refuses a header that leads to no tables: another format or version, or a capture that was never closed.
pub(crate) fn check(header: &RawHeader) -> Result<()> {
    if header.magic != MAGIC {
        return Err(Error::new(ErrorKind::NotPml, WHAT, 0));
    }
    if !(OLDEST_VERSION..=VERSION).contains(&header.version.get()) {
        return Err(Error::new(ErrorKind::UnsupportedVersion(header.version.get()), WHAT, 4));
    }
    if header.is64.get() > 1 {
        return Err(Error::new(ErrorKind::BadBitness(header.is64.get()), WHAT, 8));
    }
    if header.offsets.get() == 0 || header.processes.get() == 0 || header.strings.get() == 0 {
        return Err(Error::new(ErrorKind::NotClosed, WHAT, 0x248));
    }
    Ok(())
}
