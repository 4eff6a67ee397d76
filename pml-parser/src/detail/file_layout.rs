//! The layout of every file system operation, as lists of fields (docs/format.md, "File system
//! details"). Operations, offsets and keys were asked from Process Monitor 3.93.

use super::field::Kind::*;
use super::field::{Field, custom, details, extra, field, params, silent, trailer};
use super::file;
use super::number::Number;
use crate::names::flags;

/// Which fields of a layout are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All.
    Open,
    /// None without an extra blob, all with one.
    HasExtra,
    /// None without an extra blob; with one, those that begin inside it.
    InExtra,
    /// Those that begin inside the caller's buffer, whose length is the first parameter.
    InBuffer,
}

/// How the details of an operation are laid out.
pub(crate) struct Layout {
    pub gate: Gate,
    pub fields: &'static [Field],
    /// Whether Process Monitor shows nothing of it although the layout is known.
    pub corrected_only: bool,
}

const fn layout(gate: Gate, fields: &'static [Field]) -> Layout {
    Layout { gate, fields, corrected_only: false }
}

/// The layout of an operation, or `None` where nobody knows it.
pub(crate) fn find(code: u16, sub: u8) -> Option<&'static Layout> {
    Some(match (code, sub) {
        (1, _) => &VOLUME_MOUNT,
        (2, _) => &MDL_WRITE_COMPLETE,
        (3 | 5, _) => &MDL_TRANSFER,
        (4, _) => &MDL_READ_COMPLETE,
        (6, _) => &QUERY_OPEN,
        (7, _) => &CHECK_IF_POSSIBLE,
        (0 | 8..=13 | 21 | 35 | 36 | 39 | 42..=44 | 48, _) => &GENERIC,
        (17, _) => &ACQUIRE_FOR_MOD_WRITE,
        (19, _) => &CREATE_FILE_MAPPING,
        (20, _) => &CREATE_FILE,
        (23, _) => &READ_FILE,
        (24, _) => &WRITE_FILE,
        (25, 0x04) => &QUERY_BASIC,
        (25, 0x05) => &QUERY_STANDARD,
        (25, 0x06) => &QUERY_INTERNAL,
        (25, 0x07) => &QUERY_EA,
        (25, 0x08) => &QUERY_ACCESS,
        (25, 0x09) => &QUERY_NAME,
        (25, 0x0E) => &QUERY_POSITION,
        (25, 0x10) => &QUERY_MODE,
        (25, 0x11) => &QUERY_ALIGNMENT,
        (25, 0x12) => &QUERY_ALL,
        (25, 0x16) => &QUERY_STREAM,
        (25, 0x22) => &QUERY_NETWORK_OPEN,
        (25, 0x23) => &QUERY_ATTRIBUTE_TAG,
        (26, 0x04) => &SET_BASIC,
        (26, 0x0A) => &SET_RENAME,
        (26, 0x0B) => &SET_LINK,
        (26, 0x0D) => &SET_DISPOSITION,
        (26, 0x0E) => &SET_POSITION,
        (26, 0x13) => &SET_ALLOCATION,
        (26, 0x14) => &SET_END_OF_FILE,
        (26, 0x27) => &SET_VALID_DATA_LENGTH,
        (26, 0x28) => &SET_SHORT_NAME,
        (26, 0x38) => &SET_RENAME_BYPASS,
        (26, 0x39) => &SET_LINK_BYPASS,
        (26, 0x40) => &SET_DISPOSITION_EX,
        (26, 0x41 | 0x42) => &SET_RENAME_EX,
        (26, 0x48 | 0x49) => &SET_LINK_EX,
        (30, 1) => &VOLUME_INFORMATION,
        (30, 2) => &VOLUME_LABEL,
        (30, 3) => &VOLUME_SIZE,
        (30, 4) => &VOLUME_DEVICE,
        (30, 5) => &VOLUME_ATTRIBUTE,
        (30, 6) => &VOLUME_CONTROL,
        (30, 7) => &VOLUME_FULL_SIZE,
        (30, 8) => &VOLUME_OBJECT_ID,
        (31, 2) => &SET_LABEL,
        (31, 6) => &SET_CONTROL,
        (31, 8) => &SET_OBJECT_ID,
        (32, 1) => &QUERY_DIRECTORY,
        (32, 2) => &NOTIFY_CHANGE_DIRECTORY,
        (33, _) => &FILE_SYSTEM_CONTROL,
        (34, _) => &DEVICE_CONTROL,
        (37, 1) => &LOCK,
        (37, _) => &UNLOCK,
        (40 | 41, _) => &SECURITY,
        (14..=16 | 18 | 22 | 27..=29 | 38 | 45..=47, _) => &EMPTY,
        _ => return None,
    })
}

static EMPTY: Layout = layout(Gate::Open, &[]);

static GENERIC: Layout = layout(
    Gate::Open,
    &[
        custom(file::write_minor),
        field("IRP Flags", details(8), Hex32).is(Number::IoFlags),
        field("Flags", details(12), Hex32),
        field("Arg1", params(0, 0), HexPointer),
        field("Arg2", params(0, 1), HexPointer),
        field("Arg3", params(0, 2), HexPointer),
        field("Arg4", params(0, 3), HexPointer),
        field("Arg5", params(0, 4), HexPointer),
        field("Arg6", params(0, 5), HexPointer),
    ],
);

static VOLUME_MOUNT: Layout =
    layout(Gate::Open, &[field("Device Type", params(0, 0), NamedOrHex32(flags::MOUNTED_TYPE))]);

static MDL_WRITE_COMPLETE: Layout = layout(
    Gate::Open,
    &[
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("MDL", params(8, 0), HexPointer),
    ],
);

static MDL_READ_COMPLETE: Layout = layout(Gate::Open, &[field("MDL", params(0, 0), HexPointer)]);

static MDL_TRANSFER: Layout = layout(
    Gate::Open,
    &[
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("Length", params(8, 0), Thousands32).is(Number::Length),
        field("Key", params(8, 1), Hex32),
        field("MDL", params(8, 2), HexPointer),
    ],
);

static CHECK_IF_POSSIBLE: Layout = layout(
    Gate::Open,
    &[
        custom(file::write_checked_operation),
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("Length", params(8, 0), Thousands32).is(Number::Length),
    ],
);

static ACQUIRE_FOR_MOD_WRITE: Layout = layout(Gate::Open, &[field("EndingOffset", trailer(0), Thousands64)]);

static CREATE_FILE_MAPPING: Layout =
    layout(Gate::Open, &[custom(file::write_section), silent(details(20), 4, Number::PageProtection)]);

static CREATE_FILE: Layout = layout(
    Gate::Open,
    &[
        field("Desired Access", trailer(0), Flags32(&flags::FILE_ACCESS)).is(Number::DesiredAccess),
        field("Disposition", params(3, 1), Named8(flags::DISPOSITION, "<unknown>")).is(Number::Disposition),
        field("Options", params(0, 1), Flags24(&flags::CREATE_OPTIONS)).is(Number::CreateOptions),
        field("Attributes", params(0, 2), Flags16(&flags::ATTRIBUTES)).is(Number::FileAttributes),
        field("ShareMode", params(2, 2), Flags16(&flags::SHARE_MODE)).is(Number::ShareMode),
        custom(file::write_allocation),
        silent(params(0, 5), 8, Number::AllocationSize),
        custom(file::write_impersonation),
        field("OpenResult", extra(0), Named32(flags::OPEN_RESULT, "<unknown>")).is(Number::OpenResult),
    ],
);

static READ_FILE: Layout = layout(
    Gate::Open,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        custom(file::write_read_length),
        silent(params(0, 0), 4, Number::Length),
        silent(extra(0), 4, Number::BytesReturned),
        custom(file::write_io_flags),
        silent(details(8), 4, Number::IoFlags),
    ],
);

static WRITE_FILE: Layout = layout(
    Gate::Open,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", params(0, 0), Thousands32).is(Number::Length),
        custom(file::write_io_flags),
        silent(details(8), 4, Number::IoFlags),
    ],
);

static QUERY_OPEN: Layout = layout(
    Gate::HasExtra,
    &[
        field("CreationTime", extra(0), Date),
        field("LastAccessTime", extra(8), Date),
        field("LastWriteTime", extra(16), Date),
        field("ChangeTime", extra(24), Date),
        field("AllocationSize", extra(32), Thousands64).is(Number::AllocationSize),
        field("EndOfFile", extra(40), Thousands64).is(Number::EndOfFile),
        field("FileAttributes", extra(48), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static QUERY_BASIC: Layout = layout(
    Gate::InExtra,
    &[
        field("CreationTime", extra(0), Date),
        field("LastAccessTime", extra(8), Date),
        field("LastWriteTime", extra(16), Date),
        field("ChangeTime", extra(24), Date),
        field("FileAttributes", extra(32), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static QUERY_STANDARD: Layout = layout(
    Gate::InExtra,
    &[
        field("AllocationSize", extra(0), Thousands64).is(Number::AllocationSize),
        field("EndOfFile", extra(8), Thousands64).is(Number::EndOfFile),
        field("NumberOfLinks", extra(16), Thousands32),
        field("DeletePending", extra(20), Bool8),
        field("Directory", extra(21), Bool8),
    ],
);

static QUERY_INTERNAL: Layout = layout(Gate::InExtra, &[field("IndexNumber", extra(0), Hex64)]);

static QUERY_EA: Layout = layout(Gate::InExtra, &[field("EaSize", extra(0), Thousands32)]);

static QUERY_ACCESS: Layout =
    layout(Gate::InExtra, &[field("Access", extra(0), Flags32(&flags::FILE_ACCESS))]);

static QUERY_NAME: Layout = layout(Gate::InExtra, &[field("Name", extra(0), Counted(4))]);

static QUERY_POSITION: Layout =
    layout(Gate::InExtra, &[field("Position", extra(0), Thousands64).is(Number::ByteOffset)]);

static QUERY_MODE: Layout =
    layout(Gate::InExtra, &[field("Mode", extra(0), Flags32(&flags::CREATE_OPTIONS))]);

static QUERY_ALIGNMENT: Layout = layout(Gate::InExtra, &[field("AlignmentRequirement", extra(0), Alignment)]);

static QUERY_ALL: Layout = layout(
    Gate::InExtra,
    &[
        field("CreationTime", extra(0), Date),
        field("LastAccessTime", extra(8), Date),
        field("LastWriteTime", extra(16), Date),
        field("ChangeTime", extra(24), Date),
        field("FileAttributes", extra(32), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
        field("AllocationSize", extra(40), Thousands64).is(Number::AllocationSize),
        field("EndOfFile", extra(48), Thousands64).is(Number::EndOfFile),
        field("NumberOfLinks", extra(56), Thousands32),
        field("DeletePending", extra(60), Bool8),
        field("Directory", extra(61), Bool8),
        field("IndexNumber", extra(64), Hex64),
        field("EaSize", extra(72), Thousands32),
        field("Access", extra(76), Flags32(&flags::FILE_ACCESS)),
        field("Position", extra(80), Thousands64).is(Number::ByteOffset),
        field("Mode", extra(88), Flags32(&flags::CREATE_OPTIONS)),
        field("AlignmentRequirement", extra(92), Alignment),
    ],
);

static QUERY_STREAM: Layout = layout(Gate::InExtra, &[custom(file::write_streams)]);

static QUERY_NETWORK_OPEN: Layout = layout(
    Gate::InExtra,
    &[
        field("CreationTime", extra(0), Date),
        field("LastAccessTime", extra(8), Date),
        field("LastWriteTime", extra(16), Date),
        field("ChangeTime", extra(24), Date),
        field("AllocationSize", extra(32), ThousandsAsDate).is(Number::AllocationSize),
        field("EndOfFile", extra(40), ThousandsAsDate).is(Number::EndOfFile),
        field("FileAttributes", extra(48), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static QUERY_ATTRIBUTE_TAG: Layout = layout(
    Gate::InExtra,
    &[
        field("Attributes", extra(0), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
        field("ReparseTag", extra(4), Hex32),
    ],
);

static SET_BASIC: Layout = layout(
    Gate::InBuffer,
    &[
        field("CreationTime", trailer(0), Date),
        field("LastAccessTime", trailer(8), Date),
        field("LastWriteTime", trailer(16), Date),
        field("ChangeTime", trailer(24), Date),
        field("FileAttributes", trailer(32), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static SET_RENAME: Layout = layout(Gate::InBuffer, RENAME);
static SET_RENAME_BYPASS: Layout = Layout { corrected_only: true, ..layout(Gate::InBuffer, RENAME) };
static RENAME: &[Field] =
    &[field("ReplaceIfExists", trailer(0), Bool8).is(Number::RenameFlags), custom(file::write_rename_target)];

static SET_RENAME_EX: Layout = layout(
    Gate::InBuffer,
    &[
        field("Flags", trailer(0), Flags32(&flags::RENAME_EX)).is(Number::RenameFlags),
        custom(file::write_rename_target),
    ],
);

static SET_LINK: Layout = layout(Gate::InBuffer, LINK);
static SET_LINK_BYPASS: Layout = Layout { corrected_only: true, ..layout(Gate::InBuffer, LINK) };
static LINK: &[Field] =
    &[field("ReplaceIfExists", trailer(0), Bool8).is(Number::RenameFlags), custom(file::write_link_target)];

static SET_LINK_EX: Layout = Layout {
    corrected_only: true,
    ..layout(
        Gate::InBuffer,
        &[field("Flags", trailer(0), Hex32).is(Number::RenameFlags), custom(file::write_link_target)],
    )
};

static SET_DISPOSITION: Layout =
    layout(Gate::InBuffer, &[field("Delete", trailer(0), Bool8).is(Number::DeleteFlags)]);

static SET_DISPOSITION_EX: Layout = layout(
    Gate::InBuffer,
    &[field("Flags", trailer(0), Flags32(&flags::DISPOSITION_EX)).is(Number::DeleteFlags)],
);

static SET_POSITION: Layout =
    layout(Gate::InBuffer, &[field("Position", trailer(0), Thousands64).is(Number::ByteOffset)]);

static SET_ALLOCATION: Layout =
    layout(Gate::InBuffer, &[field("AllocationSize", trailer(0), Thousands64).is(Number::AllocationSize)]);

static SET_END_OF_FILE: Layout =
    layout(Gate::InBuffer, &[field("EndOfFile", trailer(0), Thousands64).is(Number::EndOfFile)]);

static SET_VALID_DATA_LENGTH: Layout =
    layout(Gate::InBuffer, &[field("ValidDataLength", trailer(0), Thousands64)]);

static SET_SHORT_NAME: Layout = layout(Gate::Open, &[field("ShortName", trailer(0), Counted(4))]);

static VOLUME_INFORMATION: Layout = layout(
    Gate::InExtra,
    &[
        field("VolumeCreationTime", extra(0), Date),
        field("VolumeSerialNumber", extra(8), Serial),
        field("SupportsObjects", extra(16), Bool8),
        field("VolumeLabel", extra(12), Counted(18)),
    ],
);

static VOLUME_LABEL: Layout = layout(Gate::InExtra, &[field("VolumeLabel", extra(0), Counted(4))]);

static VOLUME_SIZE: Layout = layout(
    Gate::InExtra,
    &[
        field("TotalAllocationUnits", extra(0), Thousands64),
        field("AvailableAllocationUnits", extra(8), Thousands64),
        field("SectorsPerAllocationUnit", extra(16), Thousands32),
        field("BytesPerSector", extra(20), Thousands32),
    ],
);

static VOLUME_DEVICE: Layout = layout(
    Gate::InExtra,
    &[
        field("DeviceType", extra(0), NamedOrHex32(flags::DEVICE_TYPE)),
        field("Characteristics", extra(4), Flags32(&flags::CHARACTERISTICS)),
    ],
);

static VOLUME_ATTRIBUTE: Layout = layout(
    Gate::InExtra,
    &[
        field("FileSystemAttributes", extra(0), Flags32(&flags::FILE_SYSTEM)),
        field("MaximumComponentNameLength", extra(4), Thousands32),
        field("FileSystemName", extra(8), Counted(12)),
    ],
);

static VOLUME_CONTROL: Layout = layout(
    Gate::InExtra,
    &[
        field("FreeSpaceStartFiltering", extra(0), Thousands64),
        field("FreeSpaceThreshold", extra(8), Thousands64),
        field("FreeSpaceStopFiltering", extra(16), Thousands64),
        field("DefaultQuotaThreshold", extra(24), Thousands64),
        field("DefaultQuotaLimit", extra(32), Thousands64),
        field("FileSystemControlFlags", extra(40), Hex32),
    ],
);

static VOLUME_FULL_SIZE: Layout = layout(
    Gate::InExtra,
    &[
        field("TotalAllocationUnits", extra(0), Thousands64),
        field("CallerAvailableAllocationUnits", extra(8), Thousands64),
        field("ActualAvailableAllocationUnits", extra(16), Thousands64),
        field("SectorsPerAllocationUnit", extra(24), Thousands32),
        field("BytesPerSector", extra(28), Thousands32),
    ],
);

static VOLUME_OBJECT_ID: Layout = layout(Gate::InExtra, &[field("ObjectId", extra(0), Bytes16)]);

static SET_LABEL: Layout = layout(Gate::Open, &[field("VolumeLabel", trailer(0), Counted(4))]);

static SET_CONTROL: Layout = layout(
    Gate::InBuffer,
    &[
        field("FreeSpaceStartFiltering", trailer(0), Thousands64),
        field("FreeSpaceThreshold", trailer(8), Thousands64),
        field("FreeSpaceStopFiltering", trailer(16), Thousands64),
        field("DefaultQuotaThreshold", trailer(24), Thousands64),
        field("DefaultQuotaLimit", trailer(32), Thousands64),
        field("FileSystemControlFlags", trailer(40), Hex32),
    ],
);

static SET_OBJECT_ID: Layout = layout(Gate::InBuffer, &[field("ObjectId", trailer(0), Bytes16)]);

static QUERY_DIRECTORY: Layout =
    layout(Gate::Open, &[custom(file::write_directory), silent(params(0, 2), 4, Number::InformationClass)]);

static NOTIFY_CHANGE_DIRECTORY: Layout =
    layout(Gate::Open, &[field("Filter", params(0, 1), Flags32(&flags::NOTIFY))]);

static FILE_SYSTEM_CONTROL: Layout = layout(
    Gate::Open,
    &[
        custom(file::write_control),
        custom(file::write_control_arguments),
        silent(params(0, 2), 4, Number::ControlCode),
    ],
);

static DEVICE_CONTROL: Layout =
    layout(Gate::Open, &[custom(file::write_control), silent(params(0, 2), 4, Number::ControlCode)]);

static LOCK: Layout = layout(
    Gate::Open,
    &[
        field("Exclusive", params(9, 3), Bool8),
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", trailer(0), ThousandsLow32).is(Number::Length),
        field("Fail Immediately", params(8, 3), Bool8),
    ],
);

static UNLOCK: Layout = layout(
    Gate::Open,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", trailer(0), ThousandsLow32).is(Number::Length),
    ],
);

static SECURITY: Layout =
    layout(Gate::Open, &[field("Information", params(0, 0), Flags32(&flags::SECURITY))]);
