//! The layout of every file system operation, as lists of fields (docs/format.md, "File system details").
//! Operations, offsets and keys were observed in Process Monitor 3.93.

use super::call::Presence;
use super::custom;
use super::field::Kind::*;
use super::field::{Field, details, extra, field, params, silent, trailer, written};
use crate::columns::Number;
use crate::names::constants::major;
use crate::names::flags;
use crate::names::operation::{EventClass, Operation};

/// The layout of the details of an operation.
pub(crate) struct Layout {
    pub presence: Presence,
    pub fields: &'static [Field],
    /// Whether Process Monitor shows no details of the operation, although the layout is known.
    pub corrected_only: bool,
}

const fn layout(presence: Presence, fields: &'static [Field]) -> Layout {
    Layout { presence, fields, corrected_only: false }
}

/// The layout of an operation, or `None` where it is unknown.
pub(crate) fn find(operation: Operation) -> Option<&'static Layout> {
    Some(match operation {
        Operation::VOLUME_MOUNT => &VOLUME_MOUNT,
        Operation::FASTIO_MDL_WRITE_COMPLETE => &MDL_WRITE_COMPLETE,
        Operation::PREPARE_MDL_WRITE | Operation::MDL_READ => &MDL_TRANSFER,
        Operation::FASTIO_MDL_READ_COMPLETE => &MDL_READ_COMPLETE,
        Operation::QUERY_OPEN => &QUERY_OPEN,
        Operation::FASTIO_CHECK_IF_POSSIBLE => &CHECK_IF_POSSIBLE,
        Operation::VOLUME_DISMOUNT
        | Operation::IRP_MJ_12
        | Operation::IRP_MJ_11
        | Operation::IRP_MJ_10
        | Operation::IRP_MJ_9
        | Operation::IRP_MJ_8
        | Operation::FASTIO_NOTIFY_STREAM_FO_CREATION
        | Operation::CREATE_PIPE
        | Operation::INTERNAL_DEVICE_IO_CONTROL
        | Operation::SHUTDOWN
        | Operation::CREATE_MAIL_SLOT
        | Operation::POWER
        | Operation::SYSTEM_CONTROL
        | Operation::DEVICE_CHANGE
        | Operation::IRP_MJ_MAXIMUM_FUNCTION => &GENERIC,
        Operation::FASTIO_ACQUIRE_FOR_MOD_WRITE => &ACQUIRE_FOR_MOD_WRITE,
        Operation::CREATE_FILE_MAPPING => &CREATE_FILE_MAPPING,
        Operation::CREATE_FILE => &CREATE_FILE,
        Operation::READ_FILE => &READ_FILE,
        Operation::WRITE_FILE => &WRITE_FILE,
        Operation::QUERY_BASIC_INFORMATION_FILE => &QUERY_BASIC,
        Operation::QUERY_STANDARD_INFORMATION_FILE => &QUERY_STANDARD,
        Operation::QUERY_FILE_INTERNAL_INFORMATION_FILE => &QUERY_INTERNAL,
        Operation::QUERY_EA_INFORMATION_FILE => &QUERY_EA,
        Operation::QUERY_ACCESS_INFORMATION_FILE => &QUERY_ACCESS,
        Operation::QUERY_NAME_INFORMATION_FILE => &QUERY_NAME,
        Operation::QUERY_POSITION_INFORMATION_FILE => &QUERY_POSITION,
        Operation::QUERY_MODE_INFORMATION_FILE => &QUERY_MODE,
        Operation::QUERY_ALIGNMENT_INFORMATION_FILE => &QUERY_ALIGNMENT,
        Operation::QUERY_ALL_INFORMATION_FILE => &QUERY_ALL,
        Operation::QUERY_STREAM_INFORMATION_FILE => &QUERY_STREAM,
        Operation::QUERY_NETWORK_OPEN_INFORMATION_FILE => &QUERY_NETWORK_OPEN,
        Operation::QUERY_ATTRIBUTE_TAG_FILE => &QUERY_ATTRIBUTE_TAG,
        Operation::SET_BASIC_INFORMATION_FILE => &SET_BASIC,
        Operation::SET_RENAME_INFORMATION_FILE => &SET_RENAME,
        Operation::SET_LINK_INFORMATION_FILE => &SET_LINK,
        Operation::SET_DISPOSITION_INFORMATION_FILE => &SET_DISPOSITION,
        Operation::SET_POSITION_INFORMATION_FILE => &SET_POSITION,
        Operation::SET_ALLOCATION_INFORMATION_FILE => &SET_ALLOCATION,
        Operation::SET_END_OF_FILE_INFORMATION_FILE => &SET_END_OF_FILE,
        Operation::SET_VALID_DATA_LENGTH_INFORMATION_FILE => &SET_VALID_DATA_LENGTH,
        Operation::SET_SHORT_NAME_INFORMATION => &SET_SHORT_NAME,
        Operation::SET_RENAME_INFORMATION_BYPASS_ACCESS_CHECK => &SET_RENAME_BYPASS,
        Operation::SET_LINK_INFORMATION_BYPASS_ACCESS_CHECK => &SET_LINK_BYPASS,
        Operation::SET_DISPOSITION_INFORMATION_EX => &SET_DISPOSITION_EX,
        Operation::SET_RENAME_INFORMATION_EX | Operation::SET_RENAME_INFORMATION_EX_BYPASS_ACCESS_CHECK => {
            &SET_RENAME_EX
        }
        Operation::SET_LINK_INFORMATION_EX | Operation::SET_LINK_INFORMATION_EX_BYPASS_ACCESS_CHECK => {
            &SET_LINK_EX
        }
        Operation::QUERY_INFORMATION_VOLUME => &VOLUME_INFORMATION,
        Operation::QUERY_LABEL_INFORMATION_VOLUME => &VOLUME_LABEL,
        Operation::QUERY_SIZE_INFORMATION_VOLUME => &VOLUME_SIZE,
        Operation::QUERY_DEVICE_INFORMATION_VOLUME => &VOLUME_DEVICE,
        Operation::QUERY_ATTRIBUTE_INFORMATION_VOLUME => &VOLUME_ATTRIBUTE,
        Operation::QUERY_CONTROL_INFORMATION_VOLUME => &VOLUME_CONTROL,
        Operation::QUERY_FULL_SIZE_INFORMATION_VOLUME => &VOLUME_FULL_SIZE,
        Operation::QUERY_OBJECT_ID_INFORMATION_VOLUME => &VOLUME_OBJECT_ID,
        Operation::SET_LABEL_INFORMATION_VOLUME => &SET_LABEL,
        Operation::SET_CONTROL_INFORMATION_VOLUME => &SET_CONTROL,
        Operation::SET_OBJECT_ID_INFORMATION_VOLUME => &SET_OBJECT_ID,
        Operation::QUERY_DIRECTORY => &QUERY_DIRECTORY,
        Operation::NOTIFY_CHANGE_DIRECTORY => &NOTIFY_CHANGE_DIRECTORY,
        Operation::FILE_SYSTEM_CONTROL => &FILE_SYSTEM_CONTROL,
        Operation::DEVICE_IO_CONTROL => &DEVICE_CONTROL,
        Operation::LOCK_FILE => &LOCK,
        Operation { class: EventClass::FileSystem, code: major::LOCK_CONTROL, .. } => &UNLOCK,
        Operation::QUERY_SECURITY_FILE | Operation::SET_SECURITY_FILE => &SECURITY,
        Operation::FASTIO_RELEASE_FOR_CC_FLUSH
        | Operation::FASTIO_ACQUIRE_FOR_CC_FLUSH
        | Operation::FASTIO_RELEASE_FOR_MOD_WRITE
        | Operation::FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION
        | Operation::IRP_MJ_CLOSE
        | Operation::QUERY_EA_FILE
        | Operation::SET_EA_FILE
        | Operation::FLUSH_BUFFERS_FILE
        | Operation::CLOSE_FILE
        | Operation::QUERY_FILE_QUOTA
        | Operation::SET_FILE_QUOTA
        | Operation { class: EventClass::FileSystem, code: major::PNP, .. } => &EMPTY,
        _ => return None,
    })
}

static EMPTY: Layout = layout(Presence::Always, &[]);

static GENERIC: Layout = layout(
    Presence::Always,
    &[
        written(custom::write_minor),
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
    layout(Presence::Always, &[field("Device Type", params(0, 0), NamedOrHex32(flags::MOUNTED_TYPE))]);

static MDL_WRITE_COMPLETE: Layout = layout(
    Presence::Always,
    &[
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("MDL", params(8, 0), HexPointer),
    ],
);

static MDL_READ_COMPLETE: Layout = layout(Presence::Always, &[field("MDL", params(0, 0), HexPointer)]);

static MDL_TRANSFER: Layout = layout(
    Presence::Always,
    &[
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("Length", params(8, 0), Thousands32).is(Number::Length),
        field("Key", params(8, 1), Hex32),
        field("MDL", params(8, 2), HexPointer),
    ],
);

static CHECK_IF_POSSIBLE: Layout = layout(
    Presence::Always,
    &[
        written(custom::write_checked_operation),
        field("Offset", params(0, 0), Thousands64).is(Number::ByteOffset),
        field("Length", params(8, 0), Thousands32).is(Number::Length),
    ],
);

static ACQUIRE_FOR_MOD_WRITE: Layout =
    layout(Presence::Always, &[field("EndingOffset", trailer(0), Thousands64)]);

static CREATE_FILE_MAPPING: Layout = layout(
    Presence::Always,
    &[written(custom::write_section), silent(details(20), 4, Number::PageProtection)],
);

static CREATE_FILE: Layout = layout(
    Presence::Always,
    &[
        field("Desired Access", trailer(0), Flags32(&flags::FILE_ACCESS)).is(Number::DesiredAccess),
        field("Disposition", params(3, 1), Named8(flags::DISPOSITION, "<unknown>")).is(Number::Disposition),
        field("Options", params(0, 1), Flags24(&flags::CREATE_OPTIONS)).is(Number::CreateOptions),
        field("Attributes", params(0, 2), Flags16(&flags::ATTRIBUTES)).is(Number::FileAttributes),
        field("ShareMode", params(2, 2), Flags16(&flags::SHARE_MODE)).is(Number::ShareMode),
        written(custom::write_allocation),
        silent(params(0, 5), 8, Number::AllocationSize),
        written(custom::write_impersonation),
        field("OpenResult", extra(0), Named32(flags::OPEN_RESULT, "<unknown>")).is(Number::OpenResult),
    ],
);

static READ_FILE: Layout = layout(
    Presence::Always,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        written(custom::write_read_length),
        silent(params(0, 0), 4, Number::Length),
        silent(extra(0), 4, Number::BytesReturned),
        written(custom::write_io_flags),
        silent(details(8), 4, Number::IoFlags),
    ],
);

static WRITE_FILE: Layout = layout(
    Presence::Always,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", params(0, 0), Thousands32).is(Number::Length),
        written(custom::write_io_flags),
        silent(details(8), 4, Number::IoFlags),
    ],
);

static QUERY_OPEN: Layout = layout(
    Presence::HasExtra,
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
    Presence::InExtra,
    &[
        field("CreationTime", extra(0), Date),
        field("LastAccessTime", extra(8), Date),
        field("LastWriteTime", extra(16), Date),
        field("ChangeTime", extra(24), Date),
        field("FileAttributes", extra(32), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static QUERY_STANDARD: Layout = layout(
    Presence::InExtra,
    &[
        field("AllocationSize", extra(0), Thousands64).is(Number::AllocationSize),
        field("EndOfFile", extra(8), Thousands64).is(Number::EndOfFile),
        field("NumberOfLinks", extra(16), Thousands32),
        field("DeletePending", extra(20), Bool8),
        field("Directory", extra(21), Bool8),
    ],
);

static QUERY_INTERNAL: Layout = layout(Presence::InExtra, &[field("IndexNumber", extra(0), Hex64)]);

static QUERY_EA: Layout = layout(Presence::InExtra, &[field("EaSize", extra(0), Thousands32)]);

static QUERY_ACCESS: Layout =
    layout(Presence::InExtra, &[field("Access", extra(0), Flags32(&flags::FILE_ACCESS))]);

static QUERY_NAME: Layout = layout(Presence::InExtra, &[field("Name", extra(0), Counted(4))]);

static QUERY_POSITION: Layout =
    layout(Presence::InExtra, &[field("Position", extra(0), Thousands64).is(Number::ByteOffset)]);

static QUERY_MODE: Layout =
    layout(Presence::InExtra, &[field("Mode", extra(0), Flags32(&flags::CREATE_OPTIONS))]);

static QUERY_ALIGNMENT: Layout =
    layout(Presence::InExtra, &[field("AlignmentRequirement", extra(0), Alignment)]);

static QUERY_ALL: Layout = layout(
    Presence::InExtra,
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

static QUERY_STREAM: Layout = layout(Presence::InExtra, &[written(custom::write_streams)]);

static QUERY_NETWORK_OPEN: Layout = layout(
    Presence::InExtra,
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
    Presence::InExtra,
    &[
        field("Attributes", extra(0), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
        field("ReparseTag", extra(4), Hex32),
    ],
);

static SET_BASIC: Layout = layout(
    Presence::InBuffer,
    &[
        field("CreationTime", trailer(0), Date),
        field("LastAccessTime", trailer(8), Date),
        field("LastWriteTime", trailer(16), Date),
        field("ChangeTime", trailer(24), Date),
        field("FileAttributes", trailer(32), Flags32(&flags::ATTRIBUTES)).is(Number::FileAttributes),
    ],
);

static SET_RENAME: Layout = layout(Presence::InBuffer, RENAME);
static SET_RENAME_BYPASS: Layout = Layout { corrected_only: true, ..layout(Presence::InBuffer, RENAME) };
static RENAME: &[Field] = &[
    field("ReplaceIfExists", trailer(0), Bool8).is(Number::RenameFlags),
    written(custom::write_rename_target),
];

static SET_RENAME_EX: Layout = layout(
    Presence::InBuffer,
    &[
        field("Flags", trailer(0), Flags32(&flags::RENAME_EX)).is(Number::RenameFlags),
        written(custom::write_rename_target),
    ],
);

static SET_LINK: Layout = layout(Presence::InBuffer, LINK);
static SET_LINK_BYPASS: Layout = Layout { corrected_only: true, ..layout(Presence::InBuffer, LINK) };
static LINK: &[Field] = &[
    field("ReplaceIfExists", trailer(0), Bool8).is(Number::RenameFlags),
    written(custom::write_link_target),
];

static SET_LINK_EX: Layout = Layout {
    corrected_only: true,
    ..layout(
        Presence::InBuffer,
        &[field("Flags", trailer(0), Hex32).is(Number::RenameFlags), written(custom::write_link_target)],
    )
};

static SET_DISPOSITION: Layout =
    layout(Presence::InBuffer, &[field("Delete", trailer(0), Bool8).is(Number::DeleteFlags)]);

static SET_DISPOSITION_EX: Layout = layout(
    Presence::InBuffer,
    &[field("Flags", trailer(0), Flags32(&flags::DISPOSITION_EX)).is(Number::DeleteFlags)],
);

static SET_POSITION: Layout =
    layout(Presence::InBuffer, &[field("Position", trailer(0), Thousands64).is(Number::ByteOffset)]);

static SET_ALLOCATION: Layout = layout(
    Presence::InBuffer,
    &[field("AllocationSize", trailer(0), Thousands64).is(Number::AllocationSize)],
);

static SET_END_OF_FILE: Layout =
    layout(Presence::InBuffer, &[field("EndOfFile", trailer(0), Thousands64).is(Number::EndOfFile)]);

static SET_VALID_DATA_LENGTH: Layout =
    layout(Presence::InBuffer, &[field("ValidDataLength", trailer(0), Thousands64)]);

static SET_SHORT_NAME: Layout = layout(Presence::Always, &[field("ShortName", trailer(0), Counted(4))]);

static VOLUME_INFORMATION: Layout = layout(
    Presence::InExtra,
    &[
        field("VolumeCreationTime", extra(0), Date),
        field("VolumeSerialNumber", extra(8), Serial),
        field("SupportsObjects", extra(16), Bool8),
        field("VolumeLabel", extra(12), Counted(18)),
    ],
);

static VOLUME_LABEL: Layout = layout(Presence::InExtra, &[field("VolumeLabel", extra(0), Counted(4))]);

static VOLUME_SIZE: Layout = layout(
    Presence::InExtra,
    &[
        field("TotalAllocationUnits", extra(0), Thousands64),
        field("AvailableAllocationUnits", extra(8), Thousands64),
        field("SectorsPerAllocationUnit", extra(16), Thousands32),
        field("BytesPerSector", extra(20), Thousands32),
    ],
);

static VOLUME_DEVICE: Layout = layout(
    Presence::InExtra,
    &[
        field("DeviceType", extra(0), NamedOrHex32(flags::DEVICE_TYPE)),
        field("Characteristics", extra(4), Flags32(&flags::CHARACTERISTICS)),
    ],
);

static VOLUME_ATTRIBUTE: Layout = layout(
    Presence::InExtra,
    &[
        field("FileSystemAttributes", extra(0), Flags32(&flags::FILE_SYSTEM)),
        field("MaximumComponentNameLength", extra(4), Thousands32),
        field("FileSystemName", extra(8), Counted(12)),
    ],
);

static VOLUME_CONTROL: Layout = layout(
    Presence::InExtra,
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
    Presence::InExtra,
    &[
        field("TotalAllocationUnits", extra(0), Thousands64),
        field("CallerAvailableAllocationUnits", extra(8), Thousands64),
        field("ActualAvailableAllocationUnits", extra(16), Thousands64),
        field("SectorsPerAllocationUnit", extra(24), Thousands32),
        field("BytesPerSector", extra(28), Thousands32),
    ],
);

static VOLUME_OBJECT_ID: Layout = layout(Presence::InExtra, &[field("ObjectId", extra(0), Bytes16)]);

static SET_LABEL: Layout = layout(Presence::Always, &[field("VolumeLabel", trailer(0), Counted(4))]);

static SET_CONTROL: Layout = layout(
    Presence::InBuffer,
    &[
        field("FreeSpaceStartFiltering", trailer(0), Thousands64),
        field("FreeSpaceThreshold", trailer(8), Thousands64),
        field("FreeSpaceStopFiltering", trailer(16), Thousands64),
        field("DefaultQuotaThreshold", trailer(24), Thousands64),
        field("DefaultQuotaLimit", trailer(32), Thousands64),
        field("FileSystemControlFlags", trailer(40), Hex32),
    ],
);

static SET_OBJECT_ID: Layout = layout(Presence::InBuffer, &[field("ObjectId", trailer(0), Bytes16)]);

static QUERY_DIRECTORY: Layout = layout(
    Presence::Always,
    &[written(custom::write_directory), silent(params(0, 2), 4, Number::InformationClass)],
);

static NOTIFY_CHANGE_DIRECTORY: Layout =
    layout(Presence::Always, &[field("Filter", params(0, 1), Flags32(&flags::NOTIFY))]);

static FILE_SYSTEM_CONTROL: Layout = layout(
    Presence::Always,
    &[
        written(custom::write_control),
        written(custom::write_control_arguments),
        silent(params(0, 2), 4, Number::ControlCode),
    ],
);

static DEVICE_CONTROL: Layout =
    layout(Presence::Always, &[written(custom::write_control), silent(params(0, 2), 4, Number::ControlCode)]);

static LOCK: Layout = layout(
    Presence::Always,
    &[
        field("Exclusive", params(9, 3), Bool8),
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", trailer(0), ThousandsLow32).is(Number::Length),
        field("Fail Immediately", params(8, 3), Bool8),
    ],
);

static UNLOCK: Layout = layout(
    Presence::Always,
    &[
        field("Offset", params(0, 2), Thousands64).is(Number::ByteOffset),
        field("Length", trailer(0), ThousandsLow32).is(Number::Length),
    ],
);

static SECURITY: Layout =
    layout(Presence::Always, &[field("Information", params(0, 0), Flags32(&flags::SECURITY))]);

#[cfg(test)]
mod tests {
    use super::super::field::column_bits;
    use super::{EventClass, Field, Number, Operation, find};
    use std::collections::BTreeMap;

    /// Every field of every layout, with the name of an operation that has the layout.
    fn fields() -> Vec<(&'static str, &'static Field)> {
        let mut found = Vec::new();
        for code in 0..64 {
            for sub in 0..=u8::MAX {
                let operation = Operation::of(EventClass::FileSystem, code, sub);
                let fields = find(operation).map_or(&[][..], |layout| layout.fields);
                found.extend(fields.iter().map(|field| (operation.name(), field)));
            }
        }
        assert!(found.len() > 200);
        found
    }

    /// A column that lacks some of the operations that have its field misleads: queries take NULL for "not so".
    #[test]
    fn a_field_that_one_layout_marks_is_marked_in_every_layout() {
        let mut numbers: BTreeMap<&str, Vec<Number>> = BTreeMap::new();
        for (_, field) in fields() {
            numbers.entry(field.key).or_default().extend(field.number);
        }
        // Flags are a number of their own in each operation.
        numbers.retain(|key, of_key| {
            !key.is_empty() && of_key.iter().all(|other| Some(other) == of_key.first())
        });
        for (operation, field) in fields() {
            let key = field.key;
            if let Some(number) = numbers.get(key).and_then(|of_key| of_key.first()) {
                assert!(
                    field.number == Some(*number),
                    "{operation} has the field {key:?} without .is(Number::{number:?}), which other layouts have: \
                     mark it in every layout of pml-parser/src/detail/file/layout.rs"
                );
            }
        }
    }

    /// A column that is wider than its widest field wastes room; a narrower one does not compile.
    #[test]
    fn the_type_of_a_column_is_that_of_its_widest_field() {
        let mut widest: BTreeMap<usize, (Number, u32, &str)> = BTreeMap::new();
        for (operation, field) in fields() {
            if let Some(number) = field.number {
                let entry = widest.entry(number as usize).or_insert((number, 0, operation));
                entry.1 = entry.1.max(field.bits());
            }
        }
        for (number, bits, operation) in widest.into_values() {
            let column = column_bits(number);
            assert!(
                bits == column,
                "the column of Number::{number:?} has {column} bits, its widest field {bits} (see {operation}): \
                 correct the type in event_columns! of pml-parser/src/columns.rs"
            );
        }
    }

    /// A row of `event_columns!` that nothing reads is a column that is always NULL.
    #[test]
    fn every_number_is_read_from_some_operation() {
        let others = [
            include_str!("mod.rs"),
            include_str!("../registry.rs"),
            include_str!("../process.rs"),
            include_str!("../network.rs"),
        ];
        for &number in Number::ALL {
            let name = format!("Number::{number:?},");
            let is_read = fields().iter().any(|(_, field)| field.number == Some(number))
                || others.iter().any(|text| text.contains(&name));
            assert!(
                is_read,
                "no operation has Number::{number:?}: mark its field with .is(Number::{number:?}) in \
                 pml-parser/src/detail/file/layout.rs, or set it in `numbers` of pml-parser/src/detail"
            );
        }
    }
}
