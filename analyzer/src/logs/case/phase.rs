//! How far an update got, by its text logs. The phases of a boot are others (`phases.toml`, `judge/phase.rs`).

use serde::{Deserialize, Serialize};

/// The phases of an update in order. What is proved of the furthest one says where an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The update client looks for updates.
    Scan,
    /// The update client evaluates updates: nothing was handed to the servicing stack.
    Client,
    /// Files are downloaded.
    Download,
    /// The update client has handed the update to the servicing stack.
    Install,
    /// The servicing stack plans, resolves, unpacks and installs what can be done while Windows runs.
    Staging,
    /// The machine shuts down to complete the update.
    Shutdown,
    /// The machine starts and completes the update.
    Boot,
    /// The update was undone after a restart.
    RolledBack,
}

impl Phase {
    /// Whether a boot log can show what happened.
    pub fn is_in_a_boot_log(self) -> bool {
        self >= Self::Shutdown
    }
}
