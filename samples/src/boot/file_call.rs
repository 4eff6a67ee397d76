//! File system operations.

use super::call::Call;
use super::call::status::{END_OF_FILE, NAME_NOT_FOUND};
use pml_parser::write::details::{self, Create, FileDetails};
use pml_parser::{EventClass, FileTime};

/// Access for reading attributes only.
pub(crate) const ATTRIBUTES: Create =
    Create { desired_access: 0x80, disposition: 1, options: 0x20_0000, attributes: 0, share_mode: 7 };

/// Access for reading a directory.
pub(crate) const DIRECTORY: Create =
    Create { desired_access: 0x10_0001, disposition: 1, options: 0x4021, attributes: 0, share_mode: 7 };

/// Access for executing: what the loader asks for.
pub(crate) const EXECUTE: Create =
    Create { desired_access: 0x10_0021, disposition: 1, options: 0x60, attributes: 0, share_mode: 5 };

/// Access for deleting or renaming.
pub(crate) const DELETE: Create =
    Create { desired_access: 0x11_0080, disposition: 1, options: 0x20_4020, attributes: 0, share_mode: 7 };

/// Access for linking: attributes are read and written.
pub(crate) const LINK: Create =
    Create { desired_access: 0x10_0180, disposition: 1, options: 0x20_4020, attributes: 0, share_mode: 7 };

/// Access for replacing a file.
pub(crate) const REPLACE: Create =
    Create { desired_access: 0x12_0196, disposition: 5, options: 0x60, attributes: 0x80, share_mode: 1 };

/// Flags of an IRP that reads or writes pages for the memory manager.
pub(crate) const PAGING: u32 = 0x6_0043;

fn file(code: u16, details: Vec<u8>) -> Call {
    Call::new(EventClass::FileSystem, code, details)
}

pub(crate) fn open(pointer: usize, path: &str, how: &Create) -> Call {
    let result = match how.disposition {
        2 => 2,
        5 => 3,
        _ => 1,
    };
    file(20, details::create_file(pointer, path, how)).returning(details::open_result(pointer, result))
}

/// An attempt to open a missing file.
pub(crate) fn probe(pointer: usize, path: &str, how: &Create) -> Call {
    open(pointer, path, how).ending(NAME_NOT_FOUND)
}

/// `QueryOpen`: attributes without a handle.
pub(crate) fn query_open(pointer: usize, path: &str, time: FileTime, size: u64) -> Call {
    file(6, details::close_file(pointer, path)).returning(network_open(time, size))
}

pub(crate) fn close(pointer: usize, path: &str) -> Call {
    file(38, details::close_file(pointer, path))
}

pub(crate) fn read(pointer: usize, path: &str, offset: u64, length: u32, flags: u32) -> Call {
    let mut returned = vec![0; pointer];
    returned[..4].copy_from_slice(&length.to_le_bytes());
    file(23, details::transfer(pointer, path, offset as i64, length, flags)).returning(returned)
}

pub(crate) fn read_at_end(pointer: usize, path: &str, offset: u64) -> Call {
    read(pointer, path, offset, 0x1000, 0).ending(END_OF_FILE)
}

pub(crate) fn write(pointer: usize, path: &str, offset: u64, length: u32, flags: u32) -> Call {
    file(24, details::transfer(pointer, path, offset as i64, length, flags))
}

pub(crate) fn query_basic(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut extra = times(time);
    extra.extend_from_slice(&0x20u64.to_le_bytes());
    file(25, details::query_information(pointer, path, 0x04, 40)).returning(extra)
}

pub(crate) fn query_standard(pointer: usize, path: &str, size: u64) -> Call {
    let mut extra = Vec::with_capacity(24);
    extra.extend_from_slice(&size.next_multiple_of(4096).to_le_bytes());
    extra.extend_from_slice(&size.to_le_bytes());
    extra.extend_from_slice(&1u64.to_le_bytes());
    file(25, details::query_information(pointer, path, 0x05, 24)).returning(extra)
}

pub(crate) fn query_network_open(pointer: usize, path: &str, time: FileTime, size: u64) -> Call {
    file(25, details::query_information(pointer, path, 0x22, 56)).returning(network_open(time, size))
}

pub(crate) fn query_attribute_tag(pointer: usize, path: &str) -> Call {
    file(25, details::query_information(pointer, path, 0x23, 8)).returning(0x20u64.to_le_bytes().to_vec())
}

/// `QueryInformationVolume`: creation time, serial number, no label.
pub(crate) fn query_volume(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut extra = time.0.to_le_bytes().to_vec();
    extra.extend_from_slice(&0x7A3C_19E4u32.to_le_bytes());
    extra.extend_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0]);
    file(30, details::query_information(pointer, path, 1, 24)).returning(extra)
}

/// `QueryAttributeInformationVolume`: attributes and name of the file system.
pub(crate) fn query_volume_attributes(pointer: usize, path: &str) -> Call {
    let mut extra = 0x03E7_2EFFu32.to_le_bytes().to_vec();
    extra.extend_from_slice(&255u32.to_le_bytes());
    extra.extend_from_slice(&8u32.to_le_bytes());
    extra.extend("NTFS".encode_utf16().flat_map(u16::to_le_bytes));
    file(30, details::query_information(pointer, path, 5, 0x210)).returning(extra)
}

/// `QueryFullSizeInformationVolume`: all units, free units, sectors of a unit, bytes of a sector.
pub(crate) fn query_volume_size(pointer: usize, path: &str, free: u64) -> Call {
    let mut extra = Vec::with_capacity(32);
    for units in [31_130_111, free, free] {
        extra.extend_from_slice(&units.to_le_bytes());
    }
    extra.extend_from_slice(&8u32.to_le_bytes());
    extra.extend_from_slice(&512u32.to_le_bytes());
    file(30, details::query_information(pointer, path, 7, 32)).returning(extra)
}

/// Setting times and attributes.
pub(crate) fn set_basic(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut buffer = times(time);
    buffer.extend_from_slice(&0x20u64.to_le_bytes());
    file(26, details::set_information(pointer, path, 0x04, &buffer))
}

pub(crate) fn set_end_of_file(pointer: usize, path: &str, size: u64) -> Call {
    file(26, details::set_information(pointer, path, 0x14, &size.to_le_bytes()))
}

/// Marks an open file to be deleted when it is closed.
pub(crate) fn delete(pointer: usize, path: &str) -> Call {
    file(26, details::set_information(pointer, path, 0x0D, &[1]))
}

/// Marks an open file to be deleted, as newer callers do: delete, POSIX semantics, ignore read-only.
pub(crate) fn delete_extended(pointer: usize, path: &str) -> Call {
    file(26, details::set_information(pointer, path, 0x40, &0x13u32.to_le_bytes()))
}

pub(crate) fn rename(pointer: usize, path: &str, target: &str) -> Call {
    file(26, details::rename(pointer, path, target, true))
}

pub(crate) fn link(pointer: usize, path: &str, target: &str) -> Call {
    file(26, details::link(pointer, path, target, true))
}

pub(crate) fn query_directory(pointer: usize, path: &str, pattern: &str, names: &[&str]) -> Call {
    let call = file(32, details::query_directory(pointer, path, pattern));
    if names.is_empty() { call } else { call.returning(details::directory_entries(names)) }
}

/// `NotifyChangeDirectory`: the operation is pending until something changes.
pub(crate) fn watch_directory(pointer: usize, path: &str) -> Call {
    let details = FileDetails::new(pointer, 2, path).param(0, 0, &0x800u32.to_le_bytes()).param(
        0,
        1,
        &0x17u32.to_le_bytes(),
    );
    file(32, details.build()).ending(pml_parser::NtStatus::PENDING)
}

/// `FileSystemControl`.
pub(crate) fn control(pointer: usize, path: &str, code: u32) -> Call {
    file(33, details::control(pointer, path, code))
}

/// `DeviceIoControl`.
pub(crate) fn device_control(pointer: usize, path: &str, code: u32) -> Call {
    file(34, details::control(pointer, path, code))
}

pub(crate) fn map(pointer: usize, path: &str, protection: u32) -> Call {
    file(19, details::create_file_mapping(pointer, path, protection))
}

pub(crate) fn flush(pointer: usize, path: &str) -> Call {
    file(29, details::close_file(pointer, path))
}

/// `QuerySecurityFile`: owner, group and rights.
pub(crate) fn query_security(pointer: usize, path: &str) -> Call {
    file(40, FileDetails::new(pointer, 0, path).param(0, 0, &7u32.to_le_bytes()).build())
}

/// `Shutdown` of a device, at the very end.
pub(crate) fn shutdown(pointer: usize, path: &str) -> Call {
    file(36, details::close_file(pointer, path))
}

/// Creation, access, write and change time.
fn times(time: FileTime) -> Vec<u8> {
    let spread = [0, 9_000_000_000, 3_000_000_000, 3_000_000_000];
    spread.iter().flat_map(|ticks| time.0.wrapping_add(*ticks).to_le_bytes()).collect()
}

fn network_open(time: FileTime, size: u64) -> Vec<u8> {
    let mut extra = times(time);
    extra.extend_from_slice(&size.next_multiple_of(4096).to_le_bytes());
    extra.extend_from_slice(&size.to_le_bytes());
    extra.extend_from_slice(&0x20u64.to_le_bytes());
    extra
}
