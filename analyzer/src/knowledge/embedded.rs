//! The knowledge that comes with the program.

/// Name and text of each file, as in `analyzer/knowledge`.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../knowledge/", $name))),)*]
    };
}

/// Everything but the rules; a directory of one's own replaces a file by its name.
pub(super) static TABLES: &[(&str, &str)] = files![
    "actors.toml",
    "boots.toml",
    "builds.toml",
    "hresults.tsv",
    "labels.toml",
    "limits.toml",
    "markers.toml",
    "noise.toml",
    "ntstatus.tsv",
    "paths.toml",
    "phases.toml",
    "ranking.toml",
    "remedies.toml",
    "signals.toml",
];

/// The rules; one of one's own replaces the one with its id.
pub(super) static RULES: &[(&str, &str)] = files![
    "rules/RB-DISK-IOERR.toml",
    "rules/RB-NTFS-CORRUPT.toml",
    "rules/RB-TXF-RM-DEAD.toml",
    "rules/RB-TXR-LOGFULL.toml",
    "rules/RB-COMPONENTS-LOADFAIL.toml",
    "rules/RB-WRITEFILTER.toml",
    "rules/RB-BOOTPART.toml",
    "rules/RB-POQ-DISKFULL.toml",
    "rules/RB-POQ-TXN-LOGFULL.toml",
    "rules/RB-PENDINGXML-BAD.toml",
    "rules/RB-REBOOT-LOOP.toml",
    "rules/RB-AV-INTERFERENCE.toml",
    "rules/RB-POQ-SHARING.toml",
    "rules/RB-POQ-ACCESS.toml",
    "rules/RB-PSFX-DELTA.toml",
    "rules/RB-POQ-MISSING-PAYLOAD.toml",
    "rules/RB-DRIVER-QUEUE.toml",
    "rules/RB-AI-GENERIC.toml",
    "rules/RB-AI-CHILD-FAILED.toml",
    "rules/RB-HANG.toml",
    "rules/RB-TI-DISABLED.toml",
    "rules/INFO-NO-ROLLBACK.toml",
    "rules/INFO-COMPLETED.toml",
    "rules/INFO-FURTHER-REBOOT.toml",
    "rules/INFO-EARLIER-BOOT.toml",
    "rules/INFO-STAGING-SESSION.toml",
    "rules/INFO-UBR-GAP.toml",
    "rules/INFO-CHKDSK-RAN.toml",
    "rules/INFO-LOG-TRUNCATED.toml",
    "rules/INFO-PARTS-MISSING.toml",
];
