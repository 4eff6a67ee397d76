//! The usual courses of a boot, on which scenarios are based. Each is made of files with steps.

use super::error::ScenarioError;
use super::model::{Base, Body, Phase};

/// Names and texts of the files of a base.
macro_rules! parts {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../scenarios/base/", $name, ".toml")))),*]
    };
}

impl Base {
    /// Names and texts of its files.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Healthy => parts!["idle", "logon", "shutdown"],
            Self::Servicing => parts!["start", "success", "logon", "shutdown"],
            Self::Rollback => parts!["start", "rollback", "shutdown"],
            Self::Unfinished => parts!["start", "shutdown"],
            Self::Staging => parts!["idle", "logon", "staging", "shutdown"],
        }
    }

    /// Its steps and changes, file by file.
    pub(crate) fn bodies(self) -> Result<Vec<Body>, ScenarioError> {
        let parse = |&(name, text): &(&str, &str)| {
            let file = format!("base/{name}.toml");
            toml::from_str::<Body>(text).map_err(|e| ScenarioError::new(&file, "", e.to_string()))
        };
        self.files().iter().map(parse).collect()
    }
}

impl Phase {
    /// Begin and end of the phase as shares of the boot.
    pub(crate) fn span(self) -> (f64, f64) {
        match self {
            Self::Kernel => (0.0, 0.03),
            Self::SessionManager => (0.03, 0.065),
            Self::Queue => (0.065, 0.24),
            Self::Services => (0.265, 0.335),
            Self::Worker => (0.345, 0.955),
            Self::Shutdown => (0.966, 1.0),
        }
    }
}
