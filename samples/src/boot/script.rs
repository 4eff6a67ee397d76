//! A script: everything that makes one log differ from another one with the same options.

use super::action::{Action, LogText};
use super::machine::MachineProfile;
use super::progress::{Ppm, Stretch};
use super::roles::Role;
use pml_parser::FileTime;
use std::collections::BTreeMap;

/// Changes to a role.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleChange {
    pub(crate) starts: Option<Ppm>,
    pub(crate) ends: Option<Ppm>,
    /// Exit status.
    pub(crate) exit: Option<u32>,
    pub(crate) absent: Option<bool>,
    /// Whether its process does nothing but the actions of the script.
    pub(crate) quiet: Option<bool>,
}

/// A process that no usual role has.
#[derive(Clone, Debug)]
pub(crate) struct ExtraProcess {
    pub(crate) name: String,
    /// The role that gives everything which is not set here.
    pub(crate) like: String,
    pub(crate) folder: Option<String>,
    pub(crate) arguments: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<u32>,
}

impl ExtraProcess {
    /// The role of the process: `like`, with what is set here.
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

/// Machine, processes and actions of one log.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) machine: MachineProfile,
    /// Actions in the order of time.
    pub(crate) actions: Vec<Action>,
    /// Changes by the name of the role.
    pub(crate) changes: BTreeMap<String, RoleChange>,
    pub(crate) extras: Vec<ExtraProcess>,
    pub(crate) stretches: Vec<Stretch>,
    /// Where the capture ends, as a share of the boot.
    pub(crate) cut: Ppm,
    /// Whether the capture was never closed.
    pub(crate) is_unclosed: bool,
}

impl Script {
    /// Whether the script needs a process with this role.
    pub(crate) fn needs(&self, role: &str) -> bool {
        self.changes.contains_key(role)
            || self.actions.iter().any(|action| action.role == role)
            || self.extras.iter().any(|extra| extra.parent.as_deref() == Some(role))
    }

    /// Whether the script takes this role out.
    pub(crate) fn is_absent(&self, role: &str) -> bool {
        self.changes.get(role).is_some_and(|change| change.absent == Some(true))
    }
}

/// A line of a text log.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// When the line was written.
    pub(crate) time: FileTime,
    /// Start of the process that executes the queue of pending operations.
    pub(crate) queue_start: FileTime,
    pub(crate) text: LogText,
}
