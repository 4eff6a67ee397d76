//! `pml rules RULE --why LOG`: why a rule does not fire in a log.

use crate::args::LogArgs;
use crate::failure::Failure;
use crate::input;
use crate::status::{Progress, plain};
use pml_analyzer::{Knowledge, TriageError, TriageOptions, triage};
use pml_parser::RecoverMode;
use std::path::Path;

/// The answer: the failures that come nearest to the rule, and the conditions that do not hold for each.
pub(super) fn answer(knowledge: &Knowledge, rule: &str, log: &Path) -> Result<String, Failure> {
    let capture = input::open(&LogArgs::of(log), RecoverMode::IfNeeded)?;
    let progress = Progress::new(capture.set.size(), false);
    let options = TriageOptions { threads: 2, parts_missing: capture.lost_parts };
    let result = triage(&capture.set, knowledge, options, &progress);
    progress.clear();
    capture.check()?;
    let result = result.map_err(|error| match error {
        TriageError::Cancelled => Failure::new("stopped"),
        error => Failure::new(format!("{}: {error}", log.display())),
    })?;
    let silence = result.why_silent(&capture.set, knowledge, rule);
    // Events of failures were read again.
    capture.check()?;
    let said = silence.map_or_else(|| format!("{rule} fires in this log"), |silence| silence.to_string());
    Ok(plain(&(said + "\n")))
}
