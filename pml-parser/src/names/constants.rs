//! A constant of [`Operation`] for every operation with a known number.

use super::operation::{EventClass, Operation};

/// Operation numbers of the file system class whose sub-operation is the first byte of the details.
pub(crate) mod major {
    /// `IRP_MJ_QUERY_INFORMATION`; sub-operations are information classes of files.
    pub(crate) const QUERY_INFORMATION: u16 = 25;
    /// `IRP_MJ_SET_INFORMATION`; sub-operations are information classes of files.
    pub(crate) const SET_INFORMATION: u16 = 26;
    /// `IRP_MJ_QUERY_VOLUME_INFORMATION`; sub-operations are information classes of volumes.
    pub(crate) const QUERY_VOLUME_INFORMATION: u16 = 30;
    /// `IRP_MJ_SET_VOLUME_INFORMATION`; sub-operations are information classes of volumes.
    pub(crate) const SET_VOLUME_INFORMATION: u16 = 31;
    /// `IRP_MJ_DIRECTORY_CONTROL`; sub-operations are minor functions.
    pub(crate) const DIRECTORY_CONTROL: u16 = 32;
    /// `IRP_MJ_LOCK_CONTROL`; sub-operations are minor functions.
    pub(crate) const LOCK_CONTROL: u16 = 37;
    /// `IRP_MJ_PNP`; sub-operations are minor functions.
    pub(crate) const PNP: u16 = 47;

    /// Whether an operation number has sub-operations.
    pub(crate) const fn has_subs(code: u16) -> bool {
        matches!(
            code,
            QUERY_INFORMATION
                | SET_INFORMATION
                | QUERY_VOLUME_INFORMATION
                | SET_VOLUME_INFORMATION
                | DIRECTORY_CONTROL
                | LOCK_CONTROL
                | PNP
        )
    }
}

macro_rules! operations {
    ($($name:ident $text:literal $class:ident $code:expr, $sub:literal;)*) => {
        impl Operation {
            $(
                #[doc = concat!("`", $text, "`: ", stringify!($class), " class, number ", stringify!($code), ", sub-operation ", stringify!($sub), ".")]
                pub const $name: Self = Self { class: EventClass::$class, code: $code, sub: $sub };
            )*
        }

        /// Constant, its name in this file, and the text that Process Monitor shows.
        #[cfg(test)]
        static ALL: &[(Operation, &str, &str)] = &[$((Operation::$name, stringify!($name), $text)),*];
    };
}

#[rustfmt::skip]
operations! {
    // Process class.
    PROCESS_DEFINED "Process Defined" Process 0, 0;
    PROCESS_CREATE "Process Create" Process 1, 0;
    PROCESS_EXIT "Process Exit" Process 2, 0;
    THREAD_CREATE "Thread Create" Process 3, 0;
    THREAD_EXIT "Thread Exit" Process 4, 0;
    LOAD_IMAGE "Load Image" Process 5, 0;
    THREAD_PROFILE "Thread Profile" Process 6, 0;
    PROCESS_START "Process Start" Process 7, 0;
    PROCESS_STATISTICS "Process Statistics" Process 8, 0;
    SYSTEM_STATISTICS "System Statistics" Process 9, 0;
    // Registry class.
    REG_OPEN_KEY "RegOpenKey" Registry 0, 0;
    REG_CREATE_KEY "RegCreateKey" Registry 1, 0;
    REG_CLOSE_KEY "RegCloseKey" Registry 2, 0;
    REG_QUERY_KEY "RegQueryKey" Registry 3, 0;
    REG_SET_VALUE "RegSetValue" Registry 4, 0;
    REG_QUERY_VALUE "RegQueryValue" Registry 5, 0;
    REG_ENUM_VALUE "RegEnumValue" Registry 6, 0;
    REG_ENUM_KEY "RegEnumKey" Registry 7, 0;
    REG_SET_INFO_KEY "RegSetInfoKey" Registry 8, 0;
    REG_DELETE_KEY "RegDeleteKey" Registry 9, 0;
    REG_DELETE_VALUE "RegDeleteValue" Registry 10, 0;
    REG_FLUSH_KEY "RegFlushKey" Registry 11, 0;
    REG_LOAD_KEY "RegLoadKey" Registry 12, 0;
    REG_UNLOAD_KEY "RegUnloadKey" Registry 13, 0;
    REG_RENAME_KEY "RegRenameKey" Registry 14, 0;
    REG_QUERY_MULTIPLE_VALUE_KEY "RegQueryMultipleValueKey" Registry 15, 0;
    REG_SET_KEY_SECURITY "RegSetKeySecurity" Registry 16, 0;
    REG_QUERY_KEY_SECURITY "RegQueryKeySecurity" Registry 17, 0;
    REG_RESTORE_KEY "RegRestorekey" Registry 19, 0;
    REG_SAVE_KEY "RegSaveKey" Registry 20, 0;
    REG_REPLACE_KEY "RegReplaceKey" Registry 21, 0;
    // File system class: operations.
    VOLUME_DISMOUNT "VolumeDismount" FileSystem 0, 0;
    VOLUME_MOUNT "VolumeMount" FileSystem 1, 0;
    FASTIO_MDL_WRITE_COMPLETE "FASTIO_MDL_WRITE_COMPLETE" FileSystem 2, 0;
    PREPARE_MDL_WRITE "WriteFile" FileSystem 3, 0;
    FASTIO_MDL_READ_COMPLETE "FASTIO_MDL_READ_COMPLETE" FileSystem 4, 0;
    MDL_READ "ReadFile" FileSystem 5, 0;
    QUERY_OPEN "QueryOpen" FileSystem 6, 0;
    FASTIO_CHECK_IF_POSSIBLE "FASTIO_CHECK_IF_POSSIBLE" FileSystem 7, 0;
    IRP_MJ_12 "IRP_MJ_12" FileSystem 8, 0;
    IRP_MJ_11 "IRP_MJ_11" FileSystem 9, 0;
    IRP_MJ_10 "IRP_MJ_10" FileSystem 10, 0;
    IRP_MJ_9 "IRP_MJ_9" FileSystem 11, 0;
    IRP_MJ_8 "IRP_MJ_8" FileSystem 12, 0;
    FASTIO_NOTIFY_STREAM_FO_CREATION "FASTIO_NOTIFY_STREAM_FO_CREATION" FileSystem 13, 0;
    FASTIO_RELEASE_FOR_CC_FLUSH "FASTIO_RELEASE_FOR_CC_FLUSH" FileSystem 14, 0;
    FASTIO_ACQUIRE_FOR_CC_FLUSH "FASTIO_ACQUIRE_FOR_CC_FLUSH" FileSystem 15, 0;
    FASTIO_RELEASE_FOR_MOD_WRITE "FASTIO_RELEASE_FOR_MOD_WRITE" FileSystem 16, 0;
    FASTIO_ACQUIRE_FOR_MOD_WRITE "FASTIO_ACQUIRE_FOR_MOD_WRITE" FileSystem 17, 0;
    FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION "FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION" FileSystem 18, 0;
    CREATE_FILE_MAPPING "CreateFileMapping" FileSystem 19, 0;
    CREATE_FILE "CreateFile" FileSystem 20, 0;
    CREATE_PIPE "CreatePipe" FileSystem 21, 0;
    IRP_MJ_CLOSE "IRP_MJ_CLOSE" FileSystem 22, 0;
    READ_FILE "ReadFile" FileSystem 23, 0;
    WRITE_FILE "WriteFile" FileSystem 24, 0;
    QUERY_EA_FILE "QueryEAFile" FileSystem 27, 0;
    SET_EA_FILE "SetEAFile" FileSystem 28, 0;
    FLUSH_BUFFERS_FILE "FlushBuffersFile" FileSystem 29, 0;
    FILE_SYSTEM_CONTROL "FileSystemControl" FileSystem 33, 0;
    DEVICE_IO_CONTROL "DeviceIoControl" FileSystem 34, 0;
    INTERNAL_DEVICE_IO_CONTROL "InternalDeviceIoControl" FileSystem 35, 0;
    SHUTDOWN "Shutdown" FileSystem 36, 0;
    CLOSE_FILE "CloseFile" FileSystem 38, 0;
    CREATE_MAIL_SLOT "CreateMailSlot" FileSystem 39, 0;
    QUERY_SECURITY_FILE "QuerySecurityFile" FileSystem 40, 0;
    SET_SECURITY_FILE "SetSecurityFile" FileSystem 41, 0;
    POWER "Power" FileSystem 42, 0;
    SYSTEM_CONTROL "SystemControl" FileSystem 43, 0;
    DEVICE_CHANGE "DeviceChange" FileSystem 44, 0;
    QUERY_FILE_QUOTA "QueryFileQuota" FileSystem 45, 0;
    SET_FILE_QUOTA "SetFileQuota" FileSystem 46, 0;
    IRP_MJ_MAXIMUM_FUNCTION "" FileSystem 48, 0;
    // `IRP_MJ_QUERY_INFORMATION`, by information class.
    QUERY_BASIC_INFORMATION_FILE "QueryBasicInformationFile" FileSystem major::QUERY_INFORMATION, 0x04;
    QUERY_STANDARD_INFORMATION_FILE "QueryStandardInformationFile" FileSystem major::QUERY_INFORMATION, 0x05;
    QUERY_FILE_INTERNAL_INFORMATION_FILE "QueryFileInternalInformationFile" FileSystem major::QUERY_INFORMATION, 0x06;
    QUERY_EA_INFORMATION_FILE "QueryEaInformationFile" FileSystem major::QUERY_INFORMATION, 0x07;
    QUERY_NAME_INFORMATION_FILE "QueryNameInformationFile" FileSystem major::QUERY_INFORMATION, 0x09;
    QUERY_POSITION_INFORMATION_FILE "QueryPositionInformationFile" FileSystem major::QUERY_INFORMATION, 0x0E;
    QUERY_ALL_INFORMATION_FILE "QueryAllInformationFile" FileSystem major::QUERY_INFORMATION, 0x12;
    QUERY_END_OF_FILE "QueryEndOfFile" FileSystem major::QUERY_INFORMATION, 0x14;
    QUERY_STREAM_INFORMATION_FILE "QueryStreamInformationFile" FileSystem major::QUERY_INFORMATION, 0x16;
    QUERY_COMPRESSION_INFORMATION_FILE "QueryCompressionInformationFile" FileSystem major::QUERY_INFORMATION, 0x1C;
    QUERY_ID "QueryId" FileSystem major::QUERY_INFORMATION, 0x1D;
    QUERY_MOVE_CLUSTER_INFORMATION_FILE "QueryMoveClusterInformationFile" FileSystem major::QUERY_INFORMATION, 0x1F;
    QUERY_NETWORK_OPEN_INFORMATION_FILE "QueryNetworkOpenInformationFile" FileSystem major::QUERY_INFORMATION, 0x22;
    QUERY_ATTRIBUTE_TAG_FILE "QueryAttributeTagFile" FileSystem major::QUERY_INFORMATION, 0x23;
    QUERY_ID_BOTH_DIRECTORY "QueryIdBothDirectory" FileSystem major::QUERY_INFORMATION, 0x25;
    QUERY_VALID_DATA_LENGTH "QueryValidDataLength" FileSystem major::QUERY_INFORMATION, 0x27;
    QUERY_SHORT_NAME_INFORMATION_FILE "QueryShortNameInformationFile" FileSystem major::QUERY_INFORMATION, 0x28;
    QUERY_IO_PIORITY_HINT "QueryIoPiorityHint" FileSystem major::QUERY_INFORMATION, 0x2B;
    QUERY_LINKS "QueryLinks" FileSystem major::QUERY_INFORMATION, 0x2E;
    QUERY_NORMALIZED_NAME_INFORMATION_FILE "QueryNormalizedNameInformationFile" FileSystem major::QUERY_INFORMATION, 0x30;
    QUERY_NETWORK_PHYSICAL_NAME_INFORMATION_FILE "QueryNetworkPhysicalNameInformationFile" FileSystem major::QUERY_INFORMATION, 0x31;
    QUERY_ID_GLOBAL_TX_DIRECTORY_INFORMATION "QueryIdGlobalTxDirectoryInformation" FileSystem major::QUERY_INFORMATION, 0x32;
    QUERY_IS_REMOTE_DEVICE_INFORMATION "QueryIsRemoteDeviceInformation" FileSystem major::QUERY_INFORMATION, 0x33;
    QUERY_ATTRIBUTE_CACHE_INFORMATION "QueryAttributeCacheInformation," FileSystem major::QUERY_INFORMATION, 0x34;
    QUERY_NUMA_NODE_INFORMATION "QueryNumaNodeInformation" FileSystem major::QUERY_INFORMATION, 0x35;
    QUERY_STANDARD_LINK_INFORMATION "QueryStandardLinkInformation" FileSystem major::QUERY_INFORMATION, 0x36;
    QUERY_REMOTE_PROTOCOL_INFORMATION "QueryRemoteProtocolInformation" FileSystem major::QUERY_INFORMATION, 0x37;
    QUERY_RENAME_INFORMATION_BYPASS_ACCESS_CHECK "QueryRenameInformationBypassAccessCheck" FileSystem major::QUERY_INFORMATION, 0x38;
    QUERY_LINK_INFORMATION_BYPASS_ACCESS_CHECK "QueryLinkInformationBypassAccessCheck" FileSystem major::QUERY_INFORMATION, 0x39;
    QUERY_VOLUME_NAME_INFORMATION "QueryVolumeNameInformation" FileSystem major::QUERY_INFORMATION, 0x3A;
    QUERY_ID_INFORMATION "QueryIdInformation" FileSystem major::QUERY_INFORMATION, 0x3B;
    QUERY_ID_EXTD_DIRECTORY_INFORMATION "QueryIdExtdDirectoryInformation" FileSystem major::QUERY_INFORMATION, 0x3C;
    QUERY_HARD_LINK_FULL_ID_INFORMATION "QueryHardLinkFullIdInformation" FileSystem major::QUERY_INFORMATION, 0x3E;
    QUERY_ID_EXTD_BOTH_DIRECTORY_INFORMATION "QueryIdExtdBothDirectoryInformation" FileSystem major::QUERY_INFORMATION, 0x3F;
    QUERY_DESIRED_STORAGE_CLASS_INFORMATION "QueryDesiredStorageClassInformation" FileSystem major::QUERY_INFORMATION, 0x43;
    QUERY_STAT_INFORMATION "QueryStatInformation" FileSystem major::QUERY_INFORMATION, 0x44;
    QUERY_MEMORY_PARTITION_INFORMATION "QueryMemoryPartitionInformation" FileSystem major::QUERY_INFORMATION, 0x45;
    QUERY_SAT_LX_INFORMATION "QuerySatLxInformation" FileSystem major::QUERY_INFORMATION, 0x46;
    QUERY_CASE_SENSITIVE_INFORMATION "QueryCaseSensitiveInformation" FileSystem major::QUERY_INFORMATION, 0x47;
    QUERY_LINK_INFORMATION_EX "QueryLinkInformationEx" FileSystem major::QUERY_INFORMATION, 0x48;
    QUERY_LINK_INFOMRAITON_BYPASS_ACCESS_CHECK "QueryLinkInfomraitonBypassAccessCheck" FileSystem major::QUERY_INFORMATION, 0x49;
    QUERY_STORAGE_RESERVED_ID_INFORMATION "QueryStorageReservedIdInformation" FileSystem major::QUERY_INFORMATION, 0x4A;
    QUERY_CASE_SENSITIVE_INFORMATION_FORCE_ACCESS_CHECK "QueryCaseSensitiveInformationForceAccessCheck" FileSystem major::QUERY_INFORMATION, 0x4B;
    QUERY_ACCESS_INFORMATION_FILE "<Unknown>" FileSystem major::QUERY_INFORMATION, 0x08;
    QUERY_MODE_INFORMATION_FILE "<Unknown>" FileSystem major::QUERY_INFORMATION, 0x10;
    QUERY_ALIGNMENT_INFORMATION_FILE "<Unknown>" FileSystem major::QUERY_INFORMATION, 0x11;
    // `IRP_MJ_SET_INFORMATION`, by information class.
    SET_BASIC_INFORMATION_FILE "SetBasicInformationFile" FileSystem major::SET_INFORMATION, 0x04;
    SET_RENAME_INFORMATION_FILE "SetRenameInformationFile" FileSystem major::SET_INFORMATION, 0x0A;
    SET_LINK_INFORMATION_FILE "SetLinkInformationFile" FileSystem major::SET_INFORMATION, 0x0B;
    SET_DISPOSITION_INFORMATION_FILE "SetDispositionInformationFile" FileSystem major::SET_INFORMATION, 0x0D;
    SET_POSITION_INFORMATION_FILE "SetPositionInformationFile" FileSystem major::SET_INFORMATION, 0x0E;
    SET_ALLOCATION_INFORMATION_FILE "SetAllocationInformationFile" FileSystem major::SET_INFORMATION, 0x13;
    SET_END_OF_FILE_INFORMATION_FILE "SetEndOfFileInformationFile" FileSystem major::SET_INFORMATION, 0x14;
    SET_FILE_STREAM_INFORMATION "SetFileStreamInformation" FileSystem major::SET_INFORMATION, 0x16;
    SET_PIPE_INFORMATION "SetPipeInformation" FileSystem major::SET_INFORMATION, 0x17;
    SET_VALID_DATA_LENGTH_INFORMATION_FILE "SetValidDataLengthInformationFile" FileSystem major::SET_INFORMATION, 0x27;
    SET_SHORT_NAME_INFORMATION "SetShortNameInformation" FileSystem major::SET_INFORMATION, 0x28;
    SET_REPLACE_COMPLETION_INFORMATION "SetReplaceCompletionInformation" FileSystem major::SET_INFORMATION, 0x3D;
    SET_DISPOSITION_INFORMATION_EX "SetDispositionInformationEx" FileSystem major::SET_INFORMATION, 0x40;
    SET_RENAME_INFORMATION_EX "SetRenameInformationEx" FileSystem major::SET_INFORMATION, 0x41;
    SET_RENAME_INFORMATION_EX_BYPASS_ACCESS_CHECK "SetRenameInformationExBypassAccessCheck" FileSystem major::SET_INFORMATION, 0x42;
    SET_STORAGE_RESERVED_ID_INFORMATION "SetStorageReservedIdInformation" FileSystem major::SET_INFORMATION, 0x4A;
    SET_RENAME_INFORMATION_BYPASS_ACCESS_CHECK "<Unknown>" FileSystem major::SET_INFORMATION, 0x38;
    SET_LINK_INFORMATION_BYPASS_ACCESS_CHECK "<Unknown>" FileSystem major::SET_INFORMATION, 0x39;
    SET_LINK_INFORMATION_EX "<Unknown>" FileSystem major::SET_INFORMATION, 0x48;
    SET_LINK_INFORMATION_EX_BYPASS_ACCESS_CHECK "<Unknown>" FileSystem major::SET_INFORMATION, 0x49;
    // `IRP_MJ_QUERY_VOLUME_INFORMATION`, by information class.
    QUERY_INFORMATION_VOLUME "QueryInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x01;
    QUERY_LABEL_INFORMATION_VOLUME "QueryLabelInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x02;
    QUERY_SIZE_INFORMATION_VOLUME "QuerySizeInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x03;
    QUERY_DEVICE_INFORMATION_VOLUME "QueryDeviceInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x04;
    QUERY_ATTRIBUTE_INFORMATION_VOLUME "QueryAttributeInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x05;
    QUERY_CONTROL_INFORMATION_VOLUME "QueryControlInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x06;
    QUERY_FULL_SIZE_INFORMATION_VOLUME "QueryFullSizeInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x07;
    QUERY_OBJECT_ID_INFORMATION_VOLUME "QueryObjectIdInformationVolume" FileSystem major::QUERY_VOLUME_INFORMATION, 0x08;
    // `IRP_MJ_SET_VOLUME_INFORMATION`, by information class.
    SET_LABEL_INFORMATION_VOLUME "SetVolumeInformation" FileSystem major::SET_VOLUME_INFORMATION, 0x02;
    SET_CONTROL_INFORMATION_VOLUME "SetVolumeInformation" FileSystem major::SET_VOLUME_INFORMATION, 0x06;
    SET_OBJECT_ID_INFORMATION_VOLUME "SetVolumeInformation" FileSystem major::SET_VOLUME_INFORMATION, 0x08;
    // `IRP_MJ_DIRECTORY_CONTROL`, by minor function.
    QUERY_DIRECTORY "QueryDirectory" FileSystem major::DIRECTORY_CONTROL, 0x01;
    NOTIFY_CHANGE_DIRECTORY "NotifyChangeDirectory" FileSystem major::DIRECTORY_CONTROL, 0x02;
    // `IRP_MJ_LOCK_CONTROL`, by minor function.
    LOCK_FILE "LockFile" FileSystem major::LOCK_CONTROL, 0x01;
    UNLOCK_FILE_SINGLE "UnlockFileSingle" FileSystem major::LOCK_CONTROL, 0x02;
    UNLOCK_FILE_ALL "UnlockFileAll" FileSystem major::LOCK_CONTROL, 0x03;
    UNLOCK_FILE_BY_KEY "UnlockFileByKey" FileSystem major::LOCK_CONTROL, 0x04;
    // `IRP_MJ_PNP`, by minor function.
    PNP_START_DEVICE "StartDevice" FileSystem major::PNP, 0;
    PNP_QUERY_REMOVE_DEVICE "QueryRemoveDevice" FileSystem major::PNP, 0x01;
    PNP_REMOVE_DEVICE "RemoveDevice" FileSystem major::PNP, 0x02;
    PNP_CANCEL_REMOVE_DEVICE "CancelRemoveDevice" FileSystem major::PNP, 0x03;
    PNP_STOP_DEVICE "StopDevice" FileSystem major::PNP, 0x04;
    PNP_QUERY_STOP_DEVICE "QueryStopDevice" FileSystem major::PNP, 0x05;
    PNP_CANCEL_STOP_DEVICE "CancelStopDevice" FileSystem major::PNP, 0x06;
    PNP_QUERY_DEVICE_RELATIONS "QueryDeviceRelations" FileSystem major::PNP, 0x07;
    PNP_QUERY_INTERFACE "QueryInterface" FileSystem major::PNP, 0x08;
    PNP_QUERY_CAPABILITIES "QueryCapabilities" FileSystem major::PNP, 0x09;
    PNP_QUERY_RESOURCES "QueryResources" FileSystem major::PNP, 0x0A;
    PNP_QUERY_RESOURCE_REQUIREMENTS "QueryResourceRequirements" FileSystem major::PNP, 0x0B;
    PNP_QUERY_DEVICE_TEXT "QueryDeviceText" FileSystem major::PNP, 0x0C;
    PNP_FILTER_RESOURCE_REQUIREMENTS "FilterResourceRequirements" FileSystem major::PNP, 0x0D;
    PNP_READ_CONFIG "ReadConfig" FileSystem major::PNP, 0x0F;
    PNP_WRITE_CONFIG "WriteConfig" FileSystem major::PNP, 0x10;
    PNP_EJECT "Eject" FileSystem major::PNP, 0x11;
    PNP_SET_LOCK "SetLock" FileSystem major::PNP, 0x12;
    PNP_QUERY_ID "QueryId" FileSystem major::PNP, 0x13;
    PNP_QUERY_PNP_DEVICE_STATE "QueryPnpDeviceState" FileSystem major::PNP, 0x14;
    PNP_QUERY_BUS_INFORMATION "QueryBusInformation" FileSystem major::PNP, 0x15;
    PNP_DEVICE_USAGE_NOTIFICATION "DeviceUsageNotification" FileSystem major::PNP, 0x16;
    PNP_SURPRISE_REMOVAL "SurpriseRemoval" FileSystem major::PNP, 0x17;
    PNP_QUERY_LEGACY_BUS_INFORMATION "QueryLegacyBusInformation" FileSystem major::PNP, 0x18;
    // Profiling class.
    THREAD_PROFILING "Thread Profiling" Profiling 0, 0;
    PROCESS_PROFILING "Process Profiling" Profiling 1, 0;
    DEBUG_OUTPUT_PROFILING "Debug Output Profiling" Profiling 2, 0;
    // Network class.
    UDP_UNKNOWN "UDP Unknown" Network 0, 0;
    UDP_OTHER "UDP Other" Network 1, 0;
    UDP_SEND "UDP Send" Network 2, 0;
    UDP_RECEIVE "UDP Receive" Network 3, 0;
    UDP_ACCEPT "UDP Accept" Network 4, 0;
    UDP_CONNECT "UDP Connect" Network 5, 0;
    UDP_DISCONNECT "UDP Disconnect" Network 6, 0;
    UDP_RECONNECT "UDP Reconnect" Network 7, 0;
    UDP_RETRANSMIT "UDP Retransmit" Network 8, 0;
    UDP_TCP_COPY "UDP TCPCopy" Network 9, 0;
    TCP_UNKNOWN "TCP Unknown" Network 0, 1;
    TCP_OTHER "TCP Other" Network 1, 1;
    TCP_SEND "TCP Send" Network 2, 1;
    TCP_RECEIVE "TCP Receive" Network 3, 1;
    TCP_ACCEPT "TCP Accept" Network 4, 1;
    TCP_CONNECT "TCP Connect" Network 5, 1;
    TCP_DISCONNECT "TCP Disconnect" Network 6, 1;
    TCP_RECONNECT "TCP Reconnect" Network 7, 1;
    TCP_RETRANSMIT "TCP Retransmit" Network 8, 1;
    TCP_COPY "TCP TCPCopy" Network 9, 1;
}

impl Operation {
    /// Whether the operation renames a file: [`Event::target_path`](crate::Event::target_path) is the new
    /// path.
    pub const fn is_rename(self) -> bool {
        matches!(
            self,
            Self::SET_RENAME_INFORMATION_FILE
                | Self::SET_RENAME_INFORMATION_BYPASS_ACCESS_CHECK
                | Self::SET_RENAME_INFORMATION_EX
                | Self::SET_RENAME_INFORMATION_EX_BYPASS_ACCESS_CHECK
        )
    }

    /// Whether the operation makes a hard link: [`Event::target_path`](crate::Event::target_path) is the
    /// link.
    pub const fn is_link(self) -> bool {
        matches!(
            self,
            Self::SET_LINK_INFORMATION_FILE
                | Self::SET_LINK_INFORMATION_BYPASS_ACCESS_CHECK
                | Self::SET_LINK_INFORMATION_EX
                | Self::SET_LINK_INFORMATION_EX_BYPASS_ACCESS_CHECK
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::file_operation::FILE;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn constants_have_the_names_of_their_operations() {
        for &(operation, constant, text) in ALL {
            assert_eq!(operation.name(), text, "{constant}");
        }
        let distinct: HashSet<Operation> = ALL.iter().map(|entry| entry.0).collect();
        assert_eq!(distinct.len(), ALL.len());
    }

    #[test]
    fn operations_with_sub_operations_are_those_of_the_table() {
        for (code, operation) in FILE.iter().enumerate() {
            assert_eq!(major::has_subs(code as u16), operation.subs.is_some(), "{}", operation.irp);
        }
    }

    #[test]
    fn every_operation_with_a_name_has_a_constant() {
        let known: HashSet<Operation> = ALL.iter().map(|entry| entry.0).collect();
        for class in EventClass::NAMED {
            for code in 0..64 {
                for sub in 0..=u8::MAX {
                    let operation = Operation::of(class, code, sub);
                    let is_named = !matches!(operation.name(), "" | "<Unknown>" | "SetVolumeInformation");
                    assert!(!is_named || known.contains(&operation), "{operation:?} {}", operation.name());
                }
            }
        }
    }
}
