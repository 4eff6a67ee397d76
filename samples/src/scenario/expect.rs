//! What an analysis of a generated log has to find, and what it must not find.

use super::error::ScenarioError;
use serde::Deserialize;
use std::path::Path;

/// The expected verdict on one variant of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectation {
    /// Variant it holds for; the plain scenario where there is none.
    pub variant: Option<String>,
    /// Which boot was captured.
    pub boot: Boot,
    /// How sure it is that the update is taken back.
    pub rollback: Rollback,
    /// Findings, the most important first.
    #[serde(default)]
    pub finding: Vec<Finding>,
    /// What must not be found.
    #[serde(default)]
    pub never: Vec<Finding>,
    /// Notes the report has to carry, by their ids.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Which boot was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// The update is brought forward.
    Forward,
    /// The update is taken back by this boot.
    Rollback,
    /// Nothing is serviced.
    Healthy,
    /// An update is prepared without a restart.
    Staging,
    /// The same boot comes again and again.
    Loop,
    /// Something else.
    Other,
}

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rollback {
    /// Certain.
    Confirmed,
    /// Very likely.
    Probable,
    /// It may be.
    Possible,
    /// Nothing speaks for it.
    None,
}

/// One finding. Everything given has to be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finding {
    /// Rule or bucket.
    pub id: Option<String>,
    /// Part of a path of the log.
    pub path: Option<String>,
    /// Component directory.
    pub component: Option<String>,
    /// NTSTATUS as a number.
    pub status: Option<u32>,
    /// Program that met it.
    pub process: Option<String>,
    /// Program that is to blame.
    pub blames: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    verdict: Vec<Expectation>,
}

/// The verdicts of the file beside a scenario, the plain one first.
///
/// # Errors
/// When it cannot be read, or is not what is expected of it.
pub fn expectations(path: &Path) -> Result<Vec<Expectation>, ScenarioError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| ScenarioError::new(&name, "", e.to_string()))?;
    let document: Document =
        toml::from_str(&text).map_err(|e| ScenarioError::new(&name, "", e.to_string()))?;
    Ok(document.verdict)
}
