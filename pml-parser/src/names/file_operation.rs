//! The operations of the file system class and their sub-operations.
//!
//! Names, categories and raw names were observed in Process Monitor 3.93 for every number (docs/format.md,
//! "File system operations").

use super::category::Category::{Empty, Read, ReadMetadata, Write, WriteMetadata};
use super::category::Rule::{self, ByControlCode, ByDeleteBit, ByDeleteByte, ByOpenResult, Fixed};

/// One operation number of the class.
#[derive(Clone, Copy)]
pub(crate) struct FileOperation {
    /// The text of the Operation column. For an operation with sub-operations, the text of a sub-operation
    /// that is not listed.
    pub name: &'static str,
    /// The raw name of calls that came as an IRP.
    pub irp: &'static str,
    /// The raw name of calls that came as fast I/O.
    pub fast_io: &'static str,
    pub category: Rule,
    /// The sub-operations, where byte 0 of the details is the number of one.
    pub subs: Option<&'static [SubOperation]>,
}

/// One sub-operation: a minor function or an information class.
#[derive(Clone, Copy)]
pub(crate) struct SubOperation {
    pub sub: u8,
    pub name: &'static str,
    /// The name that raw output shows as the first property.
    pub label: &'static str,
    /// The raw name, where it differs from that of the operation.
    pub irp: Option<&'static str>,
    /// The fast I/O name, where it differs from that of the operation.
    pub fast_io: Option<&'static str>,
    /// The category, where it differs from that of the operation.
    pub category: Option<Rule>,
}

impl FileOperation {
    /// The sub-operation with number `sub`, where the operation has one.
    pub(crate) fn sub(&self, sub: u8) -> Option<&'static SubOperation> {
        let subs = self.subs?;
        subs.binary_search_by_key(&sub, |entry| entry.sub).ok().and_then(|at| subs.get(at))
    }
}

const fn fast(name: &'static str, irp: &'static str, fast_io: &'static str, category: Rule) -> FileOperation {
    FileOperation { name, irp, fast_io, category, subs: None }
}

const fn irp(name: &'static str, irp: &'static str, category: Rule) -> FileOperation {
    fast(name, irp, irp, category)
}

const fn raw(name: &'static str) -> FileOperation {
    fast(name, name, name, Fixed(Empty))
}

const fn sub(sub: u8, name: &'static str) -> SubOperation {
    SubOperation { sub, name, label: name, irp: None, fast_io: None, category: None }
}

/// A query that raw output spells as a minor function.
const fn minor(sub: u8, name: &'static str) -> SubOperation {
    SubOperation { irp: Some("IRP_MN_QUERY_INFORMATION"), ..self::sub(sub, name) }
}

/// The operations of the file system class, by number: IRP major function + 20, and below 20 the
/// fast I/O calls. The spelling mistakes are Process Monitor's.
#[rustfmt::skip]
pub(crate) static FILE: [FileOperation; 49] = [
    irp("VolumeDismount", "IRP_MJ_VOLUME_DISMOUNT", Fixed(Empty)),
    irp("VolumeMount", "IRP_MJ_VOLUME_MOUNT", Fixed(Empty)),
    raw("FASTIO_MDL_WRITE_COMPLETE"),
    irp("WriteFile", "FASTIO_PREPARE_MDL_WRITE", Fixed(Write)),
    raw("FASTIO_MDL_READ_COMPLETE"),
    irp("ReadFile", "FASTIO_MDL_READ", Fixed(Read)),
    irp("QueryOpen", "FASTIO_NETWORK_QUERY_OPEN", Fixed(Empty)),
    raw("FASTIO_CHECK_IF_POSSIBLE"),
    raw("IRP_MJ_12"),
    raw("IRP_MJ_11"),
    raw("IRP_MJ_10"),
    raw("IRP_MJ_9"),
    raw("IRP_MJ_8"),
    raw("FASTIO_NOTIFY_STREAM_FO_CREATION"),
    raw("FASTIO_RELEASE_FOR_CC_FLUSH"),
    raw("FASTIO_ACQUIRE_FOR_CC_FLUSH"),
    raw("FASTIO_RELEASE_FOR_MOD_WRITE"),
    raw("FASTIO_ACQUIRE_FOR_MOD_WRITE"),
    raw("FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION"),
    irp("CreateFileMapping", "FASTIO_ACQUIRE_FOR_SECTION_SYNCHRONIZATION", Fixed(Empty)),
    irp("CreateFile", "IRP_MJ_CREATE", ByOpenResult),
    irp("CreatePipe", "IRP_MJ_CREATE_NAMED_PIPE", Fixed(Empty)),
    raw("IRP_MJ_CLOSE"),
    fast("ReadFile", "IRP_MJ_READ", "FASTIO_READ", Fixed(Read)),
    fast("WriteFile", "IRP_MJ_WRITE", "FASTIO_WRITE", Fixed(Write)),
    FileOperation { subs: Some(QUERY_INFORMATION), ..fast("<Unknown>", "IRP_MJ_QUERY_INFORMATION", "FASTIO_QUERY_INFORMATION", Fixed(ReadMetadata)) },
    FileOperation { subs: Some(SET_INFORMATION), ..fast("<Unknown>", "IRP_MJ_SET_INFORMATION", "FASTIO_SET_INFORMATION", Fixed(WriteMetadata)) },
    irp("QueryEAFile", "IRP_MJ_QUERY_EA", Fixed(ReadMetadata)),
    irp("SetEAFile", "IRP_MJ_SET_EA", Fixed(WriteMetadata)),
    irp("FlushBuffersFile", "IRP_MJ_FLUSH_BUFFERS", Fixed(Empty)),
    FileOperation { subs: Some(QUERY_VOLUME), ..fast("<Unknown>", "IRP_MJ_QUERY_VOLUME_INFORMATION", "FASTIO_QUERY_VOLUME_INFORMATION", Fixed(Empty)) },
    FileOperation { subs: Some(SET_VOLUME), ..fast("SetVolumeInformation", "IRP_MJ_SET_VOLUME_INFORMATION", "IRP_MJ_SET_VOLUME_INFORMATION", Fixed(WriteMetadata)) },
    FileOperation { subs: Some(DIRECTORY), ..fast("<Unknown>", "IRP_MJ_DIRECTORY_CONTROL", "FASTIO_DIRECTORY_CONTROL", Fixed(ReadMetadata)) },
    irp("FileSystemControl", "IRP_MJ_FILE_SYSTEM_CONTROL", ByControlCode),
    irp("DeviceIoControl", "IRP_MJ_DEVICE_CONTROL", ByControlCode),
    irp("InternalDeviceIoControl", "IRP_MJ_INTERNAL_DEVICE_CONTROL", Fixed(Empty)),
    irp("Shutdown", "IRP_MJ_SHUTDOWN", Fixed(Empty)),
    FileOperation { subs: Some(LOCK), ..fast("<Unknown>", "IRP_MJ_LOCK_CONTROL", "IRP_MJ_LOCK_CONTROL", Fixed(Empty)) },
    irp("CloseFile", "IRP_MJ_CLEANUP", Fixed(Empty)),
    irp("CreateMailSlot", "IRP_MJ_CREATE_MAILSLOT", Fixed(Empty)),
    irp("QuerySecurityFile", "IRP_MJ_QUERY_SECURITY", Fixed(ReadMetadata)),
    irp("SetSecurityFile", "IRP_MJ_SET_SECURITY", Fixed(WriteMetadata)),
    irp("Power", "IRP_MJ_POWER", Fixed(Empty)),
    irp("SystemControl", "IRP_MJ_SYSTEM_CONTROL", Fixed(Empty)),
    irp("DeviceChange", "IRP_MJ_DEVICE_CHANGE", Fixed(Empty)),
    irp("QueryFileQuota", "IRP_MJ_QUERY_QUOTA", Fixed(ReadMetadata)),
    irp("SetFileQuota", "IRP_MJ_SET_QUOTA", Fixed(WriteMetadata)),
    FileOperation { subs: Some(PNP), ..fast("<Unknown>", "IRP_MJ_PNP ", "IRP_MJ_PNP ", Fixed(Empty)) },
    irp("", "IRP_MJ_MAXIMUM_FUNCTION", Fixed(Empty)),
];

#[rustfmt::skip]
static QUERY_INFORMATION: &[SubOperation] = &[
    sub(0x04, "QueryBasicInformationFile"),
    sub(0x05, "QueryStandardInformationFile"),
    sub(0x06, "QueryFileInternalInformationFile"),
    sub(0x07, "QueryEaInformationFile"),
    sub(0x09, "QueryNameInformationFile"),
    sub(0x0E, "QueryPositionInformationFile"),
    sub(0x12, "QueryAllInformationFile"),
    minor(0x14, "QueryEndOfFile"),
    sub(0x16, "QueryStreamInformationFile"),
    sub(0x1C, "QueryCompressionInformationFile"),
    minor(0x1D, "QueryId"),
    sub(0x1F, "QueryMoveClusterInformationFile"),
    sub(0x22, "QueryNetworkOpenInformationFile"),
    sub(0x23, "QueryAttributeTagFile"),
    minor(0x25, "QueryIdBothDirectory"),
    minor(0x27, "QueryValidDataLength"),
    minor(0x28, "QueryShortNameInformationFile"),
    minor(0x2B, "QueryIoPiorityHint"),
    minor(0x2E, "QueryLinks"),
    minor(0x30, "QueryNormalizedNameInformationFile"),
    minor(0x31, "QueryNetworkPhysicalNameInformationFile"),
    minor(0x32, "QueryIdGlobalTxDirectoryInformation"),
    minor(0x33, "QueryIsRemoteDeviceInformation"),
    minor(0x34, "QueryAttributeCacheInformation,"),
    minor(0x35, "QueryNumaNodeInformation"),
    minor(0x36, "QueryStandardLinkInformation"),
    minor(0x37, "QueryRemoteProtocolInformation"),
    minor(0x38, "QueryRenameInformationBypassAccessCheck"),
    minor(0x39, "QueryLinkInformationBypassAccessCheck"),
    minor(0x3A, "QueryVolumeNameInformation"),
    minor(0x3B, "QueryIdInformation"),
    minor(0x3C, "QueryIdExtdDirectoryInformation"),
    minor(0x3E, "QueryHardLinkFullIdInformation"),
    minor(0x3F, "QueryIdExtdBothDirectoryInformation"),
    minor(0x43, "QueryDesiredStorageClassInformation"),
    minor(0x44, "QueryStatInformation"),
    minor(0x45, "QueryMemoryPartitionInformation"),
    minor(0x46, "QuerySatLxInformation"),
    minor(0x47, "QueryCaseSensitiveInformation"),
    minor(0x48, "QueryLinkInformationEx"),
    minor(0x49, "QueryLinkInfomraitonBypassAccessCheck"),
    minor(0x4A, "QueryStorageReservedIdInformation"),
    minor(0x4B, "QueryCaseSensitiveInformationForceAccessCheck"),
];

#[rustfmt::skip]
static SET_INFORMATION: &[SubOperation] = &[
    sub(0x04, "SetBasicInformationFile"),
    SubOperation { category: Some(Fixed(Write)), ..sub(0x0A, "SetRenameInformationFile") },
    sub(0x0B, "SetLinkInformationFile"),
    SubOperation { category: Some(ByDeleteBit), ..sub(0x0D, "SetDispositionInformationFile") },
    sub(0x0E, "SetPositionInformationFile"),
    sub(0x13, "SetAllocationInformationFile"),
    sub(0x14, "SetEndOfFileInformationFile"),
    sub(0x16, "SetFileStreamInformation"),
    sub(0x17, "SetPipeInformation"),
    sub(0x27, "SetValidDataLengthInformationFile"),
    sub(0x28, "SetShortNameInformation"),
    sub(0x3D, "SetReplaceCompletionInformation"),
    SubOperation { category: Some(ByDeleteByte), ..sub(0x40, "SetDispositionInformationEx") },
    SubOperation { category: Some(Fixed(Write)), ..sub(0x41, "SetRenameInformationEx") },
    SubOperation { category: Some(Fixed(Write)), ..sub(0x42, "SetRenameInformationExBypassAccessCheck") },
    sub(0x4A, "SetStorageReservedIdInformation"),
];

#[rustfmt::skip]
static QUERY_VOLUME: &[SubOperation] = &[
    sub(0x01, "QueryInformationVolume"),
    sub(0x02, "QueryLabelInformationVolume"),
    sub(0x03, "QuerySizeInformationVolume"),
    sub(0x04, "QueryDeviceInformationVolume"),
    sub(0x05, "QueryAttributeInformationVolume"),
    sub(0x06, "QueryControlInformationVolume"),
    sub(0x07, "QueryFullSizeInformationVolume"),
    sub(0x08, "QueryObjectIdInformationVolume"),
];

#[rustfmt::skip]
static SET_VOLUME: &[SubOperation] = &[
    SubOperation { label: "SetControlInformationVolume", ..sub(0x01, "SetVolumeInformation") },
    SubOperation { label: "SetLabelInformationVolume", ..sub(0x02, "SetVolumeInformation") },
    SubOperation { label: "SetObjectIdInformationVolume", ..sub(0x08, "SetVolumeInformation") },
];

#[rustfmt::skip]
static DIRECTORY: &[SubOperation] = &[
    sub(0x01, "QueryDirectory"),
    sub(0x02, "NotifyChangeDirectory"),
];

#[rustfmt::skip]
static LOCK: &[SubOperation] = &[
    SubOperation { fast_io: Some("FASTIO_LOCK"), label: "Lock", ..sub(0x01, "LockFile") },
    SubOperation { fast_io: Some("FASTIO_UNLOCK_SINGLE"), label: "UnlockSingle", ..sub(0x02, "UnlockFileSingle") },
    SubOperation { fast_io: Some("FASTIO_UNLOCK_ALL"), label: "UnlockAll", ..sub(0x03, "UnlockFileAll") },
    SubOperation { fast_io: Some("FASTIO_UNLOCK_ALL_BY_KEY"), label: "UnlockAllByKey", ..sub(0x04, "UnlockFileByKey") },
];

#[rustfmt::skip]
static PNP: &[SubOperation] = &[
    sub(0x00, "StartDevice"),
    sub(0x01, "QueryRemoveDevice"),
    sub(0x02, "RemoveDevice"),
    sub(0x03, "CancelRemoveDevice"),
    sub(0x04, "StopDevice"),
    sub(0x05, "QueryStopDevice"),
    sub(0x06, "CancelStopDevice"),
    sub(0x07, "QueryDeviceRelations"),
    sub(0x08, "QueryInterface"),
    sub(0x09, "QueryCapabilities"),
    sub(0x0A, "QueryResources"),
    sub(0x0B, "QueryResourceRequirements"),
    sub(0x0C, "QueryDeviceText"),
    sub(0x0D, "FilterResourceRequirements"),
    sub(0x0F, "ReadConfig"),
    sub(0x10, "WriteConfig"),
    sub(0x11, "Eject"),
    sub(0x12, "SetLock"),
    sub(0x13, "QueryId"),
    sub(0x14, "QueryPnpDeviceState"),
    sub(0x15, "QueryBusInformation"),
    sub(0x16, "DeviceUsageNotification"),
    sub(0x17, "SurpriseRemoval"),
    sub(0x18, "QueryLegacyBusInformation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_operations_ascend() {
        for operation in &FILE {
            if let Some(subs) = operation.subs {
                assert!(subs.is_sorted_by(|a, b| a.sub < b.sub), "{}", operation.irp);
            }
        }
        assert_eq!(FILE[26].sub(0x41).map(|s| s.name), Some("SetRenameInformationEx"));
        assert!(FILE[25].sub(0x10).is_none());
    }
}
