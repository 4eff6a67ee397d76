//! Accounts that have the same security identifier on every Windows.
//!
//! Process Monitor looks an account up on the machine where it runs. The accounts of this table are the same
//! on every English Windows. Other identifiers are printed unchanged.

/// Identifier and account, as Process Monitor prints them. An account without a domain keeps the backslash.
#[rustfmt::skip]
static ACCOUNTS: &[(&str, &str)] = &[
    ("S-1-1-0",      r"\Everyone"),
    ("S-1-5",        r"NT Pseudo Domain\NT Pseudo Domain"),
    ("S-1-5-2",      r"NT AUTHORITY\NETWORK"),
    ("S-1-5-3",      r"NT AUTHORITY\BATCH"),
    ("S-1-5-4",      r"NT AUTHORITY\INTERACTIVE"),
    ("S-1-5-6",      r"NT AUTHORITY\SERVICE"),
    ("S-1-5-7",      r"NT AUTHORITY\ANONYMOUS LOGON"),
    ("S-1-5-11",     r"NT AUTHORITY\Authenticated Users"),
    ("S-1-5-18",     r"NT AUTHORITY\SYSTEM"),
    ("S-1-5-19",     r"NT AUTHORITY\LOCAL SERVICE"),
    ("S-1-5-20",     r"NT AUTHORITY\NETWORK SERVICE"),
    ("S-1-5-32-544", r"BUILTIN\Administrators"),
    ("S-1-5-32-545", r"BUILTIN\Users"),
    ("S-1-5-32-546", r"BUILTIN\Guests"),
    ("S-1-5-32-547", r"BUILTIN\Power Users"),
    ("S-1-15-2-1",   r"APPLICATION PACKAGE AUTHORITY\ALL APPLICATION PACKAGES"),
];

/// The account of a well-known identifier.
pub(crate) fn account(sid: &str) -> Option<&'static str> {
    ACCOUNTS.iter().find(|(known, _)| *known == sid).map(|(_, account)| *account)
}

/// Mandatory labels and the integrity levels that Process Monitor shows for them.
#[rustfmt::skip]
static LEVELS: &[(&str, &str)] = &[
    ("S-1-16-4096",  "Low"),
    ("S-1-16-8192",  "Medium"),
    ("S-1-16-8448",  "Medium Plus"),
    ("S-1-16-12288", "High"),
    ("S-1-16-16384", "System"),
    ("S-1-16-20480", "Protected"),
];

/// The integrity level of a mandatory label.
pub(crate) fn integrity(sid: &str) -> Option<&'static str> {
    LEVELS.iter().find(|(known, _)| *known == sid).map(|(_, level)| *level)
}
