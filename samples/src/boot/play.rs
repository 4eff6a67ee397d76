//! All that makes one log different from another of the same options: machine, cast and beats.

use super::beat::{Beat, Note};
use super::call::Call;
use super::cast::{Ppm, Role};
use pml_parser::{FileTime, Ticks};
use std::collections::BTreeMap;

/// The machine that is captured.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) computer: String,
    /// Build of Windows, as its components name it: 19041.
    pub(crate) build: u32,
    /// Build that Windows itself reports, which an enablement package can raise.
    pub(crate) reported_build: u32,
    /// Revision that the update brings.
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

impl Setting {
    /// A path that is written with the usual drive letter, as it is on this machine.
    pub(crate) fn place(&self, path: &str) -> String {
        match self.drive {
            'C' => path.to_owned(),
            drive => path.replace(r"C:\", &format!(r"{drive}:\")),
        }
    }

    /// The same for an operation, unless it can stay as it is.
    pub(crate) fn place_call(&self, call: &Call) -> Option<Call> {
        if self.drive == 'C' {
            return None;
        }
        let mut call = call.clone();
        self.place_bytes(&mut call.details);
        if let Some(extra) = &mut call.extra {
            self.place_bytes(extra);
        }
        Some(call)
    }

    /// The length does not change, so that no field of what is encoded does.
    fn place_bytes(&self, bytes: &mut [u8]) {
        let Ok(drive) = u8::try_from(self.drive) else { return };
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(br"C:\") || bytes[at..].starts_with(b"C\0:\0\\\0") {
                bytes[at] = drive;
            }
        }
    }
}

/// What is different about a role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) starts: Option<Ppm>,
    pub(crate) ends: Option<Ppm>,
    pub(crate) exit: Option<u32>,
    pub(crate) absent: Option<bool>,
    /// It does nothing but what is told.
    pub(crate) quiet: Option<bool>,
}

/// A process that the usual cast does not have.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    pub(crate) name: String,
    /// The role it is like in all that is not said here.
    pub(crate) like: String,
    pub(crate) folder: Option<String>,
    pub(crate) arguments: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<u32>,
}

impl Extra {
    /// Its role: that of another, where nothing else is said.
    pub(crate) fn role<'a>(&'a self, like: &Role<'a>) -> Role<'a> {
        Role {
            name: &self.name,
            folder: self.folder.as_deref().unwrap_or(like.folder),
            arguments: self.arguments.as_deref().unwrap_or(like.arguments),
            parent: self.parent.as_deref().unwrap_or(like.parent),
            user: self.user.as_deref().unwrap_or(like.user),
            session: self.session.unwrap_or(like.session),
            ..*like
        }
    }
}

/// A part of the log that takes a time of its own.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub(crate) from: Ppm,
    pub(crate) to: Ppm,
    pub(crate) lasts: Ticks,
    /// Roles that do nothing meanwhile.
    pub(crate) quiet: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    pub(crate) setting: Setting,
    /// In the order of time.
    pub(crate) beats: Vec<Beat>,
    pub(crate) changes: BTreeMap<String, Change>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) stretches: Vec<Stretch>,
    /// Where the capture ends before the boot does.
    pub(crate) cut: Ppm,
    /// Whether the capture was never closed.
    pub(crate) is_unclosed: bool,
}

impl Play {
    /// Whether somebody must be there for this to be told.
    pub(crate) fn needs(&self, role: &str) -> bool {
        self.changes.contains_key(role)
            || self.beats.iter().any(|beat| beat.actor == role)
            || self.extras.iter().any(|extra| extra.parent.as_deref() == Some(role))
    }
}

/// A line of a text log and when it was written.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) time: FileTime,
    /// Start of the process that carries out the queue.
    pub(crate) start: FileTime,
    pub(crate) note: Note,
}
