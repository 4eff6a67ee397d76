//! The machine that is captured: its Windows, its drive and its users.

use pml_parser::Ticks;

/// The machine that is captured.
#[derive(Clone, Debug)]
pub(crate) struct MachineProfile {
    /// Computer name.
    pub(crate) computer: String,
    /// Build of Windows, as its components name it: 19041.
    pub(crate) build: u32,
    /// Build that Windows itself reports, which an enablement package can raise.
    pub(crate) reported_build: u32,
    /// Revision that the update installs.
    pub(crate) revision: u32,
    /// Revision before the update.
    pub(crate) older: u32,
    /// Letter of the drive Windows is on.
    pub(crate) drive: char,
    /// Names of the two users, where they are not the usual ones.
    pub(crate) users: Vec<String>,
    /// Ticks from the usual begin of a capture to the begin of this one.
    pub(crate) later: Ticks,
}

impl MachineProfile {
    /// A path that is written with drive C, on the drive of this machine.
    pub(crate) fn relocate(&self, path: &str) -> String {
        match self.drive {
            'C' => path.to_owned(),
            drive => path.replace(r"C:\", &format!(r"{drive}:\")),
        }
    }

    /// Relocates all paths in encoded bytes. Their length does not change, so that no encoded
    /// length changes either.
    pub(crate) fn relocate_encoded(&self, bytes: &mut [u8]) {
        let Ok(drive) = u8::try_from(self.drive) else { return };
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(br"C:\") || bytes[at..].starts_with(b"C\0:\0\\\0") {
                bytes[at] = drive;
            }
        }
    }
}
