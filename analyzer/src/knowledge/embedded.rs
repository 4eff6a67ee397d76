//! The knowledge that comes with the program.

/// Name and text of each file, as in `analyzer/knowledge`.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../knowledge/", $name))),)*]
    };
}

/// Every table; a knowledge directory replaces a table by its name.
pub(super) static TABLES: &[(&str, &str)] = files![
    "actors.toml",
    "aliases.toml",
    "boots.toml",
    "builds.toml",
    "computed.toml",
    "engine.toml",
    "error-path.toml",
    "hresults.tsv",
    "labels.toml",
    "limits.toml",
    "markers.toml",
    "noise.toml",
    "ntstatus-names.tsv",
    "ntstatus.tsv",
    "paths.toml",
    "phases.toml",
    "ranking.toml",
    "remedies.toml",
    "signals.toml",
];

/// The rules, in the order in which they are tried. The order is significant: of two causes with equal points
/// for the same event, the one of the earlier rule ranks first and takes the failure; notes are reported in this order.
/// A new cause goes beside the one most like it, a new note to the end. A rule of a knowledge directory takes
/// the place of the rule with its id; without such a rule it follows these, and needs no entry here.
pub(super) static RULES: &[(&str, &str)] = files![
    "rules/RB-DISK-ERROR.toml",
    "rules/RB-NTFS-CORRUPT.toml",
    "rules/RB-FILE-TRANSACTIONS-BROKEN.toml",
    "rules/RB-REGISTRY-LOG-FULL.toml",
    "rules/RB-COMPONENTS-HIVE-NOT-LOADED.toml",
    "rules/RB-WRITE-FILTER.toml",
    "rules/RB-BOOT-PARTITION.toml",
    "rules/RB-QUEUE-DISK-FULL.toml",
    "rules/RB-QUEUE-TRANSACTION-LOG-FULL.toml",
    "rules/RB-QUEUE-UNREADABLE.toml",
    "rules/RB-REBOOT-LOOP.toml",
    "rules/RB-PROGRAM-INTERFERED.toml",
    "rules/RB-QUEUE-FILE-IN-USE.toml",
    "rules/RB-QUEUE-ACCESS-DENIED.toml",
    "rules/RB-DELTA-FAILED.toml",
    "rules/RB-QUEUE-FILE-MISSING.toml",
    "rules/RB-DRIVER-QUEUE.toml",
    "rules/RB-ADVANCED-INSTALLER-FAILED.toml",
    "rules/RB-ADVANCED-INSTALLER-CHILD-FAILED.toml",
    "rules/RB-SERVICE-DIED.toml",
    "rules/RB-REGISTERED-FILE-GONE.toml",
    "rules/RB-SERVICE-DISABLED.toml",
    "rules/RB-OTHER-VOLUME.toml",
    "rules/RB-FOLDER-ELSEWHERE.toml",
    "rules/RB-FOLDER-LINK.toml",
    "rules/RB-FILE-REMOVED.toml",
    "rules/RB-FILE-EMPTY.toml",
    "rules/RB-RESTART-PENDING.toml",
    "rules/RB-HANG.toml",
    "rules/RB-INSTALLER-DISABLED.toml",
    "rules/RB-INSTALLER-REPLACED.toml",
    "rules/RB-ONLINE-FAILURE.toml",
    "rules/RB-ONLINE-CHILD-FAILED.toml",
    "rules/RB-ONLINE-GAVE-UP.toml",
    "rules/RB-UNEXPLAINED-FAILURE.toml",
    "rules/RB-NEAREST-FAILURE.toml",
    "rules/RB-FOREIGN-MODULE.toml",
    "rules/INFO-NO-ROLLBACK.toml",
    "rules/INFO-COMPLETED.toml",
    "rules/INFO-FURTHER-REBOOT.toml",
    "rules/INFO-EARLIER-BOOT.toml",
    "rules/INFO-STAGING-SESSION.toml",
    "rules/INFO-REVISION-GAP.toml",
    "rules/INFO-CHKDSK-RAN.toml",
    "rules/INFO-LOG-TRUNCATED.toml",
    "rules/INFO-PARTS-MISSING.toml",
    "rules/INFO-LAST-STEP.toml",
];
