//! Bit masks and small enumerations of the file and registry classes.
//!
//! Order matters: a table is read from the top, an entry is printed when all its bits are set, and its bits
//! are then cleared. Observed in Process Monitor 3.93, bit by bit (docs/format.md, "Flags").

/// A table of bits and their names.
pub(crate) struct Flags {
    /// Generic rights, and the specific rights that replace them before the names are looked up.
    pub generic: &'static [(u32, u32)],
    pub names: &'static [(u32, &'static str)],
    /// The text of a mask that prints no name and no rest.
    pub empty: &'static str,
    /// The text between two names.
    pub separator: &'static str,
    /// The text between a name and the hexadecimal rest.
    pub before_rest: &'static str,
    /// Whether bits without a name are printed.
    pub rest: bool,
}

impl Flags {
    const fn new(names: &'static [(u32, &'static str)]) -> Self {
        Self { generic: &[], names, empty: "", separator: ", ", before_rest: ", ", rest: true }
    }
}

/// Rights of a file or directory.
#[rustfmt::skip]
pub(crate) static FILE_ACCESS: Flags = Flags {
    generic: &[(0x8000_0000, 0x12_0089), (0x4000_0000, 0x12_0116), (0x2000_0000, 0x12_00A0), (0x1000_0000, 0x1F_01FF)],
    empty: "None 0x0",
    ..Flags::new(&[
        (0x1F_01FF, "All Access"),
        (0x12_01BF, "Generic Read/Write/Execute"),
        (0x12_019F, "Generic Read/Write"),
        (0x12_00A9, "Generic Read/Execute"),
        (0x12_01B6, "Generic Write/Execute"),
        (0x12_0089, "Generic Read"),
        (0x12_0116, "Generic Write"),
        (0x12_00A0, "Generic Execute"),
        (0x1, "Read Data/List Directory"),
        (0x2, "Write Data/Add File"),
        (0x4, "Append Data/Add Subdirectory/Create Pipe Instance"),
        (0x8, "Read EA"),
        (0x10, "Write EA"),
        (0x20, "Execute/Traverse"),
        (0x40, "Delete Child"),
        (0x80, "Read Attributes"),
        (0x100, "Write Attributes"),
        (0x1_0000, "Delete"),
        (0x2_0000, "Read Control"),
        (0x4_0000, "Write DAC"),
        (0x8_0000, "Write Owner"),
        (0x10_0000, "Synchronize"),
        (0x100_0000, "Access System Security"),
        (0x200_0000, "Maximum Allowed"),
    ])
};

/// Rights of a registry key.
#[rustfmt::skip]
pub(crate) static KEY_ACCESS: Flags = Flags {
    generic: &[(0x8000_0000, 0x2_0019), (0x4000_0000, 0x2_0006), (0x2000_0000, 0x2_0019), (0x1000_0000, 0xF_003F)],
    empty: "None 0x0",
    ..Flags::new(&[
        (0xF_003F, "All Access"),
        (0x2_001F, "Read/Write"),
        (0x2_0019, "Read"),
        (0x2_0006, "Write"),
        (0x1, "Query Value"),
        (0x2, "Set Value"),
        (0x4, "Create Sub Key"),
        (0x8, "Enumerate Sub Keys"),
        (0x10, "Notify"),
        (0x20, "Create Link"),
        (0x300, "WOW64_Res"),
        (0x200, "WOW64_32Key"),
        (0x100, "WOW64_64Key"),
        (0x1_0000, "Delete"),
        (0x2_0000, "Read Control"),
        (0x4_0000, "Write DAC"),
        (0x8_0000, "Write Owner"),
        (0x10_0000, "Synchronize"),
        (0x100_0000, "Access System Security"),
        (0x200_0000, "Maximum Allowed"),
    ])
};

/// Options of `CreateFile`, and the mode of an open file.
#[rustfmt::skip]
pub(crate) static CREATE_OPTIONS: Flags = Flags::new(&[
    (0x1, "Directory"),
    (0x2, "Write Through"),
    (0x4, "Sequential Access"),
    (0x8, "No Buffering"),
    (0x10, "Synchronous IO Alert"),
    (0x20, "Synchronous IO Non-Alert"),
    (0x40, "Non-Directory File"),
    (0x80, "Create Tree Connection"),
    (0x100, "Complete If Oplocked"),
    (0x200, "No EA Knowledge"),
    (0x400, "Open for Recovery"),
    (0x800, "Random Access"),
    (0x1000, "Delete On Close"),
    (0x2000, "Open By ID"),
    (0x4000, "Open For Backup"),
    (0x8000, "No Compression"),
    (0x10_0000, "Reserve OpFilter"),
    (0x20_0000, "Open Reparse Point"),
    (0x40_0000, "Open No Recall"),
    (0x80_0000, "Open For Free Space Query"),
    (0x1_0000, "Open Requiring Oplock"),
    (0x2_0000, "Disallow Exclusive"),
]);

/// File attributes: letters, written together.
#[rustfmt::skip]
pub(crate) static ATTRIBUTES: Flags = Flags {
    empty: "n/a",
    separator: "",
    before_rest: " ",
    ..Flags::new(&[
        (0x1, "R"),
        (0x2, "H"),
        (0x4, "S"),
        (0x10, "D"),
        (0x20, "A"),
        (0x40, "D"),
        (0x80, "N"),
        (0x100, "T"),
        (0x200, "SF"),
        (0x400, "RP"),
        (0x800, "C"),
        (0x1000, "O"),
        (0x2000, "NCI"),
        (0x4000, "E"),
        (0x1_0000, "V"),
    ])
};

/// Share mode.
pub(crate) static SHARE_MODE: Flags =
    Flags { empty: "None", ..Flags::new(&[(0x1, "Read"), (0x2, "Write"), (0x4, "Delete")]) };

/// The bits of the IRP and stack location flags that are shown.
pub(crate) const IO_FLAGS_SHOWN: u32 = 0xE0_00FF;

/// I/O flags of reads and writes.
#[rustfmt::skip]
pub(crate) static IO_FLAGS: Flags = Flags::new(&[
    (0x10, "Buffered"),
    (0x1, "Non-cached"),
    (0x2, "Paging I/O"),
    (0x4, "Synchronous"),
    (0x40, "Synchronous Paging I/O"),
    (0x40_0000, "Write Through"),
]);

/// The changes that a directory is watched for. Bits without a name are not shown.
#[rustfmt::skip]
pub(crate) static NOTIFY: Flags = Flags {
    empty: "*",
    rest: false,
    ..Flags::new(&[
        (0x1, "FILE_NOTIFY_CHANGE_FILE_NAME"),
        (0x2, "FILE_NOTIFY_CHANGE_DIR_NAME"),
        (0x4, "FILE_NOTIFY_CHANGE_ATTRIBUTES"),
        (0x8, "FILE_NOTIFY_CHANGE_SIZE"),
        (0x10, "FILE_NOTIFY_CHANGE_LAST_WRITE"),
        (0x20, "FILE_NOTIFY_CHANGE_LAST_ACCESS"),
        (0x40, "FILE_NOTIFY_CHANGE_CREATION"),
        (0x80, "FILE_NOTIFY_CHANGE_EA"),
        (0x100, "FILE_NOTIFY_CHANGE_SECURITY"),
        (0x200, "FILE_NOTIFY_CHANGE_STREAM_NAME"),
        (0x400, "FILE_NOTIFY_CHANGE_STREAM_SIZE"),
        (0x800, "FILE_NOTIFY_CHANGE_STREAM_WRITE"),
    ])
};

/// The security information that is queried or set.
#[rustfmt::skip]
pub(crate) static SECURITY: Flags = Flags::new(&[
    (0x1, "Owner"),
    (0x2, "Group"),
    (0x4, "DACL"),
    (0x8, "SACL"),
    (0x10, "Label"),
    (0x8000_0000, "DACL Protected"),
    (0x4000_0000, "SACL Protected"),
    (0x2000_0000, "DACL Unprotected"),
    (0x1000_0000, "SACL Unprotected"),
    (0x20, "Attribute"),
    (0x40, "Scope"),
    (0x80, "Process Trust Label"),
    (0x1_0000, "Backup"),
]);

/// Features of a file system.
#[rustfmt::skip]
pub(crate) static FILE_SYSTEM: Flags = Flags::new(&[
    (0x2, "Case Preserved"),
    (0x1, "Case Sensitive"),
    (0x4, "Unicode"),
    (0x8, "ACLs"),
    (0x10, "Compression"),
    (0x8000, "Compressed"),
    (0x4_0000, "Named Streams"),
    (0x8_0000, "Read Only"),
    (0x2_0000, "EFS"),
    (0x1_0000, "Object IDs"),
    (0x80, "Reparse Points"),
    (0x40, "Sparse Files"),
    (0x20, "Quotas"),
    (0x20_0000, "Transactions"),
]);

/// Characteristics of a device.
#[rustfmt::skip]
pub(crate) static CHARACTERISTICS: Flags = Flags::new(&[
    (0x80, "Autogenerated Name"),
    (0x800, "Plug and Play"),
    (0x20, "Mounted"),
    (0x100, "Secure Open"),
    (0x4, "Floppy Diskette"),
    (0x2, "Read Only"),
    (0x10, "Remote"),
    (0x1, "Removable"),
    (0x40, "Virtual"),
    (0x8, "Write Once"),
]);

/// Flags of `SetDispositionInformationEx`.
pub(crate) static DISPOSITION_EX: Flags = Flags {
    empty: "FILE_DISPOSITION_DO_NOT_DELETE",
    ..Flags::new(&[
        (0x1, "FILE_DISPOSITION_DELETE"),
        (0x2, "FILE_DISPOSITION_POSIX_SEMANTICS"),
        (0x4, "FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK"),
        (0x8, "FILE_DISPOSITION_ON_CLOSE"),
    ])
};

/// Flags of `SetRenameInformationEx`.
pub(crate) static RENAME_EX: Flags = Flags::new(&[
    (0x1, "FILE_RENAME_REPLACE_IF_EXISTS"),
    (0x2, "FILE_RENAME_POSIX_SEMANTICS"),
    (0x4, "FILE_RENAME_SUPPRESS_PIN_STATE_INHERITANCE"),
]);

/// Flags of `RegRestorekey`. Flag 4 has no name; 0x10 and above are not shown.
pub(crate) static RESTORE_KEY: Flags =
    Flags::new(&[(0x1, "REG_WHOLE_HIVE_VOLATILE"), (0x2, "REG_REFRESH_HIVE"), (0x8, "REG_FORCE_RESTORE")]);

/// The bits of `RegRestorekey` that are shown at all.
pub(crate) const RESTORE_KEY_SHOWN: u32 = 0xF;

/// Page protections. The lowest bit that is set gives the name.
pub(crate) static PAGE_PROTECTION: &[(u32, &str)] = &[
    (0x2, "PAGE_READONLY"),
    (0x4, "PAGE_READWRITE"),
    (0x8, "PAGE_WRITECOPY"),
    (0x10, "PAGE_EXECUTE"),
    (0x20, "PAGE_EXECUTE_READ"),
    (0x40, "PAGE_EXECUTE_READWRITE"),
    (0x80, "PAGE_EXECUTE_WRITECOPY"),
];

/// Dispositions of `CreateFile` by number: what to do when the file exists, and when it does not.
pub(crate) static DISPOSITION: &[&str] =
    &["Supersede", "Open", "Create", "OpenIf", "Overwrite", "OverwriteIf"];

/// Results of `CreateFile`, by number.
pub(crate) static OPEN_RESULT: &[&str] =
    &["Superseded", "Opened", "Created", "Overwritten", "Exists", "DoesNotExist"];

/// I/O priorities, by number. Numbers 6 and 7 print as digits; 0 is not shown.
pub(crate) static PRIORITY: &[&str] = &["", "Very Low", "Low", "Normal", "High", "Critical"];

/// Device types, by number. 0 and numbers beyond the table print as hexadecimal.
#[rustfmt::skip]
pub(crate) static DEVICE_TYPE: &[&str] = &[
    "", "Beep", "CD-ROM", "CDFS", "Controller", "Datalink", "DFS", "Disk", "Disk FS", "File System", "Inport Port",
    "Keyboard", "Mailslot", "MIDI In", "MIDI Out", "Mouse", "Multi-UNC Provider", "Named Pipe", "Network",
    "Network Browser", "Network FS", "Null", "Parallel Port", "Physical Netcard", "Printer", "Scanner",
    "Serial Mouse Port", "Serial Port", "Screen", "Sound", "Streams", "Tape", "Tape FS", "Transport", "Unknown",
    "Video", "Virtual Disk", "Wave In", "Wave Out", "8042 Port", "Network Redirector", "Battery", "Bus Extender",
    "Modem", "VDM", "Mass Storage", "SMB", "KS", "Changer", "Smartcard", "ACPI", "DVD", "Fullscreen Video", "DFS FS",
    "DFS Volume", "Serenum", "TermSrv", "KSEC", "FIPS",
];

/// Types of mounted file system devices, by number. Other numbers print as hexadecimal.
#[rustfmt::skip]
pub(crate) static MOUNTED_TYPE: &[&str] = &{
    let mut names = [""; 54];
    names[3] = "CD-ROM";
    names[8] = "Disk";
    names[20] = "Network";
    names[53] = "DFS";
    names
};

/// Buffer alignments, by number. Other numbers print as a count of bytes.
pub(crate) static ALIGNMENT: &[(u32, &str)] =
    &[(0, "Byte"), (1, "Word"), (3, "Long"), (7, "Quad"), (15, "Octa")];
