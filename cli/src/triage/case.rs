//! Cases: text logs of an input, with the captures beside them.

use super::{Job, Outcome, Printed, Trouble, bundle_failure};
use crate::failure::Failure;
use crate::status::{go_on, is_stopped, warn};
use pml_analyzer::bundle::{BundleError, CaptureLocation, Found};
use pml_analyzer::case::CaseReport;
use pml_analyzer::logs::case::{Case, CaseOutcome, Phase};
use pml_analyzer::logs::{LogFile, Signatures};
use pml_analyzer::{Format, Knowledge, Paint};
use std::path::PathBuf;

/// What one report is about.
pub(super) enum Subject<'a> {
    /// A capture without text logs beside it.
    Capture(&'a CaptureLocation),
    /// The text logs of an input, and its captures.
    Case { name: String, captures: Vec<&'a CaptureLocation>, case: Box<Case> },
}

impl Subject<'_> {
    /// What to call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Capture(capture) => capture.name(),
            Self::Case { name, .. } => name,
        }
    }
}

/// The signatures that come with the program.
pub(super) fn signatures() -> Result<Signatures, Failure> {
    Signatures::embedded()
        .map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))
}

/// Reads the text logs of each input. An input that has some is a case; of others, each capture is a subject of
/// its own.
pub(super) fn subjects<'a>(
    found: &'a Found,
    inputs: &[PathBuf],
    signatures: &Signatures,
) -> Result<Vec<Subject<'a>>, Failure> {
    let mut subjects = Vec::new();
    for (input, path) in inputs.iter().enumerate() {
        let mut files: Vec<LogFile> = Vec::new();
        for log in found.logs.iter().filter(|log| log.input() == input) {
            match log.read(signatures) {
                Ok(read) => files.extend(read),
                Err(error) => warn(&format!("left out: {}", bundle_failure(error))),
            }
            go_on()?;
        }
        let captures = found.captures.iter().filter(|capture| capture.input() == input);
        if files.is_empty() {
            let before = subjects.len();
            subjects.extend(captures.map(Subject::Capture));
            if subjects.len() == before {
                return Err(bundle_failure(BundleError::NoLogs { path: path.clone() }));
            }
            continue;
        }
        let case = Box::new(Case::new(files, signatures));
        subjects.push(Subject::Case { name: path.display().to_string(), captures: captures.collect(), case });
    }
    Ok(subjects)
}

impl Job<'_> {
    /// The report on a case, with those on its captures.
    pub(super) fn case_report(
        &self,
        name: &str,
        captures: &[&CaptureLocation],
        case: &Case,
        outcome: &mut Outcome,
    ) -> Result<CaseReport, Trouble> {
        let one = captures.len() == 1;
        for (option, given) in
            [("--evidence", self.args.evidence.is_some()), ("--parquet", self.args.parquet.is_some())]
        {
            if given && !one {
                let failure =
                    Failure::new(format!("{option} goes with one capture, and there are {}", captures.len()));
                return Err(Trouble::Capture(failure.hint("name the capture")));
            }
        }
        let mut reports = Vec::new();
        for capture in captures {
            match self.analyze(capture, outcome, |_| Ok(())) {
                Ok(report) => reports.push(report),
                // The text logs still have their story.
                Err(Trouble::Capture(failure)) if !is_stopped() => {
                    outcome.lost = true;
                    warn(&format!("{}: {failure}", capture.name()));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        outcome.rolled_back |= case.outcome == CaseOutcome::Failed && case.phase == Some(Phase::RolledBack);
        let tool = ("pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let (knowledge, signatures) = self.shared;
        Ok(CaseReport::new(case, reports, name, tool, signatures, knowledge, self.args.lang.into()))
    }
}

impl Printed for CaseReport {
    fn print(
        &self,
        shared: (&Knowledge, &Signatures),
        format: Format,
        paint: Paint,
    ) -> Result<String, String> {
        self.render(shared.1, shared.0, format, paint)
    }
}
