//! File system operations.

use super::call::Call;
use super::call::status::{END_OF_FILE, NAME_NOT_FOUND};
use pml_parser::write::details::{self, Create, FileDetailsBuilder};
use pml_parser::{FileTime, NtStatus, Operation};

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

/// A query of file or volume information. The information class is the sub-operation.
fn query(operation: Operation, pointer: usize, path: &str, length: u32) -> Call {
    Call::new(operation, details::query_information(pointer, path, operation.sub, length))
}

/// Setting of file information. The information class is the sub-operation.
fn set(operation: Operation, pointer: usize, path: &str, buffer: &[u8]) -> Call {
    Call::new(operation, details::set_information(pointer, path, operation.sub, buffer))
}

pub(crate) fn open(pointer: usize, path: &str, how: &Create) -> Call {
    let result = match how.disposition {
        2 => 2,
        5 => 3,
        _ => 1,
    };
    Call::new(Operation::CREATE_FILE, details::create_file(pointer, path, how))
        .returning(details::open_result(pointer, result))
}

/// An attempt to open a missing file.
pub(crate) fn probe(pointer: usize, path: &str, how: &Create) -> Call {
    open(pointer, path, how).ending(NAME_NOT_FOUND)
}

/// `QueryOpen`: attributes without a handle.
pub(crate) fn query_open(pointer: usize, path: &str, time: FileTime, size: u64) -> Call {
    Call::new(Operation::QUERY_OPEN, details::close_file(pointer, path)).returning(network_open(time, size))
}

pub(crate) fn close(pointer: usize, path: &str) -> Call {
    Call::new(Operation::CLOSE_FILE, details::close_file(pointer, path))
}

pub(crate) fn read(pointer: usize, path: &str, offset: u64, length: u32, flags: u32) -> Call {
    let mut returned = vec![0; pointer];
    returned[..4].copy_from_slice(&length.to_le_bytes());
    Call::new(Operation::READ_FILE, details::transfer(pointer, path, offset as i64, length, flags))
        .returning(returned)
}

pub(crate) fn read_at_end(pointer: usize, path: &str, offset: u64) -> Call {
    read(pointer, path, offset, 0x1000, 0).ending(END_OF_FILE)
}

pub(crate) fn write(pointer: usize, path: &str, offset: u64, length: u32, flags: u32) -> Call {
    Call::new(Operation::WRITE_FILE, details::transfer(pointer, path, offset as i64, length, flags))
}

pub(crate) fn query_basic(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut extra = times(time);
    extra.extend_from_slice(&0x20u64.to_le_bytes());
    query(Operation::QUERY_BASIC_INFORMATION_FILE, pointer, path, 40).returning(extra)
}

pub(crate) fn query_standard(pointer: usize, path: &str, size: u64) -> Call {
    let mut extra = Vec::with_capacity(24);
    extra.extend_from_slice(&size.next_multiple_of(4096).to_le_bytes());
    extra.extend_from_slice(&size.to_le_bytes());
    extra.extend_from_slice(&1u64.to_le_bytes());
    query(Operation::QUERY_STANDARD_INFORMATION_FILE, pointer, path, 24).returning(extra)
}

pub(crate) fn query_network_open(pointer: usize, path: &str, time: FileTime, size: u64) -> Call {
    query(Operation::QUERY_NETWORK_OPEN_INFORMATION_FILE, pointer, path, 56)
        .returning(network_open(time, size))
}

pub(crate) fn query_attribute_tag(pointer: usize, path: &str) -> Call {
    query(Operation::QUERY_ATTRIBUTE_TAG_FILE, pointer, path, 8).returning(0x20u64.to_le_bytes().to_vec())
}

/// `QueryInformationVolume`: creation time, serial number, no label.
pub(crate) fn query_volume(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut extra = time.0.to_le_bytes().to_vec();
    extra.extend_from_slice(&0x7A3C_19E4u32.to_le_bytes());
    extra.extend_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0]);
    query(Operation::QUERY_INFORMATION_VOLUME, pointer, path, 24).returning(extra)
}

/// `QueryAttributeInformationVolume`: attributes and name of the file system.
pub(crate) fn query_volume_attributes(pointer: usize, path: &str) -> Call {
    let mut extra = 0x03E7_2EFFu32.to_le_bytes().to_vec();
    extra.extend_from_slice(&255u32.to_le_bytes());
    extra.extend_from_slice(&8u32.to_le_bytes());
    extra.extend("NTFS".encode_utf16().flat_map(u16::to_le_bytes));
    query(Operation::QUERY_ATTRIBUTE_INFORMATION_VOLUME, pointer, path, 0x210).returning(extra)
}

/// `QueryFullSizeInformationVolume`: all units, free units, sectors of a unit, bytes of a sector.
pub(crate) fn query_volume_size(pointer: usize, path: &str, free: u64) -> Call {
    let mut extra = Vec::with_capacity(32);
    for units in [31_130_111, free, free] {
        extra.extend_from_slice(&units.to_le_bytes());
    }
    extra.extend_from_slice(&8u32.to_le_bytes());
    extra.extend_from_slice(&512u32.to_le_bytes());
    query(Operation::QUERY_FULL_SIZE_INFORMATION_VOLUME, pointer, path, 32).returning(extra)
}

/// Setting times and attributes.
pub(crate) fn set_basic(pointer: usize, path: &str, time: FileTime) -> Call {
    let mut buffer = times(time);
    buffer.extend_from_slice(&0x20u64.to_le_bytes());
    set(Operation::SET_BASIC_INFORMATION_FILE, pointer, path, &buffer)
}

pub(crate) fn set_end_of_file(pointer: usize, path: &str, size: u64) -> Call {
    set(Operation::SET_END_OF_FILE_INFORMATION_FILE, pointer, path, &size.to_le_bytes())
}

/// Marks an open file to be deleted when it is closed.
pub(crate) fn delete(pointer: usize, path: &str) -> Call {
    set(Operation::SET_DISPOSITION_INFORMATION_FILE, pointer, path, &[1])
}

/// Marks an open file to be deleted, as newer callers do: delete, POSIX semantics, ignore read-only.
pub(crate) fn delete_extended(pointer: usize, path: &str) -> Call {
    set(Operation::SET_DISPOSITION_INFORMATION_EX, pointer, path, &0x13u32.to_le_bytes())
}

pub(crate) fn rename(pointer: usize, path: &str, target: &str) -> Call {
    Call::new(Operation::SET_RENAME_INFORMATION_FILE, details::rename(pointer, path, target, true))
}

pub(crate) fn link(pointer: usize, path: &str, target: &str) -> Call {
    Call::new(Operation::SET_LINK_INFORMATION_FILE, details::link(pointer, path, target, true))
}

pub(crate) fn query_directory(pointer: usize, path: &str, pattern: &str, names: &[&str]) -> Call {
    let call = Call::new(Operation::QUERY_DIRECTORY, details::query_directory(pointer, path, pattern));
    if names.is_empty() { call } else { call.returning(details::directory_entries(names)) }
}

/// `NotifyChangeDirectory`: the operation is pending until something changes.
pub(crate) fn watch_directory(pointer: usize, path: &str) -> Call {
    let details = FileDetailsBuilder::new(pointer, Operation::NOTIFY_CHANGE_DIRECTORY.sub, path)
        .param(0, 0, &0x800u32.to_le_bytes())
        .param(0, 1, &0x17u32.to_le_bytes());
    Call::new(Operation::NOTIFY_CHANGE_DIRECTORY, details.build()).ending(NtStatus::PENDING)
}

/// `FileSystemControl`.
pub(crate) fn control(pointer: usize, path: &str, code: u32) -> Call {
    Call::new(Operation::FILE_SYSTEM_CONTROL, details::control(pointer, path, code))
}

/// `DeviceIoControl`.
pub(crate) fn device_control(pointer: usize, path: &str, code: u32) -> Call {
    Call::new(Operation::DEVICE_IO_CONTROL, details::control(pointer, path, code))
}

pub(crate) fn map(pointer: usize, path: &str, protection: u32) -> Call {
    Call::new(Operation::CREATE_FILE_MAPPING, details::create_file_mapping(pointer, path, protection))
}

pub(crate) fn flush(pointer: usize, path: &str) -> Call {
    Call::new(Operation::FLUSH_BUFFERS_FILE, details::close_file(pointer, path))
}

/// `QuerySecurityFile`: owner, group and rights.
pub(crate) fn query_security(pointer: usize, path: &str) -> Call {
    Call::new(
        Operation::QUERY_SECURITY_FILE,
        FileDetailsBuilder::new(pointer, 0, path).param(0, 0, &7u32.to_le_bytes()).build(),
    )
}

/// `Shutdown` of a device, at the very end.
pub(crate) fn shutdown(pointer: usize, path: &str) -> Call {
    Call::new(Operation::SHUTDOWN, details::close_file(pointer, path))
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
