//! Expectations: what an analysis of a generated log must find, and what it must not find.

use super::error::ScenarioError;
use serde::Deserialize;
use std::path::Path;

/// The expected verdict on one variant of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectation {
    /// Variant to which it applies; the plain scenario where none is named.
    pub variant: Option<String>,
    /// Which boot was captured.
    pub boot: Boot,
    /// How certain it is that the update is rolled back.
    pub rollback: Rollback,
    /// Findings, the most important first.
    #[serde(default)]
    pub finding: Vec<Finding>,
    /// Findings that the report must not have.
    #[serde(default)]
    pub never: Vec<Finding>,
    /// Ids of notes that the report must have.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Which boot was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// The update is completed, or fails on the way.
    Forward,
    /// This boot rolls the update back.
    Rollback,
    /// Nothing is serviced.
    Healthy,
    /// An update is staged without a restart.
    Staging,
    /// The same boot repeats.
    Loop,
    /// Something else.
    Other,
}

/// How certain a rollback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rollback {
    /// Certain.
    Confirmed,
    /// Very likely.
    Probable,
    /// There are signs of it.
    Possible,
    /// Nothing suggests it.
    None,
}

/// One finding. It must match everything that is given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finding {
    /// Rule or bucket.
    pub id: Option<String>,
    /// Part of a path of its events.
    pub path: Option<String>,
    /// Component directory.
    pub component: Option<String>,
    /// NTSTATUS as a number.
    pub status: Option<u32>,
    /// Program that failed.
    pub process: Option<String>,
    /// Program that is to blame.
    pub blames: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    verdict: Vec<Expectation>,
}

/// Reads the expectations for a scenario and its variants from a file.
///
/// # Errors
/// When the file cannot be read, or is not valid.
pub fn expectations(path: &Path) -> Result<Vec<Expectation>, ScenarioError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| ScenarioError::new(&name, "", e.to_string()))?;
    let document: Document =
        toml::from_str(&text).map_err(|e| ScenarioError::new(&name, "", e.to_string()))?;
    Ok(document.verdict)
}
