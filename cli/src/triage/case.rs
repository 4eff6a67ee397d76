//! Cases: text logs of an input, with the captures beside them.

use super::{Job, Outcome, Printed, Trouble};
use crate::failure::Failure;
use crate::status::{go_on, is_stopped, plain, warn};
use pml_analyzer::bundle::{BundleError, CaptureLocation, Found};
use pml_analyzer::case::{CaseOrigin, CaseReport, UnreadInput};
use pml_analyzer::logs::case::Case;
use pml_analyzer::logs::{LogFile, Signatures};
use pml_analyzer::{Format, Knowledge, Paint, Redactor, RollbackClass};
use std::path::PathBuf;

/// What one report is about.
pub(super) enum Subject {
    /// A capture without text logs beside it.
    Capture(CaptureLocation),
    /// The text logs of a case, and its captures.
    Case { name: String, captures: Vec<CaptureLocation>, case: Box<Case>, unread: Vec<UnreadInput> },
    /// An input that cannot be searched, or holds no log.
    Broken { name: String, error: BundleError },
}

impl Subject {
    /// What to call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Capture(capture) => capture.name(),
            Self::Case { name, .. } | Self::Broken { name, .. } => name,
        }
    }
}

/// The signatures that come with the program.
pub(super) fn signatures() -> Result<Signatures, Failure> {
    Signatures::embedded()
        .map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))
}

/// Reads the text logs of what was found. What has some is a case; otherwise each capture is a subject of its own.
pub(super) fn subjects(found: Found, signatures: &Signatures) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for case in found.cases {
        if let Some(error) = case.error {
            subjects.push(Subject::Broken { name: case.name, error });
            continue;
        }
        let mut files: Vec<LogFile> = Vec::new();
        let mut unread: Vec<UnreadInput> = Vec::new();
        for log in &case.logs {
            match log.read(signatures) {
                Ok(read) if read.is_empty() && log.is_empty() => unread.push(UnreadInput::empty(log.name())),
                Ok(read) => files.extend(read),
                Err(error) => {
                    warn(&format!("left out: {error}"));
                    unread.push(UnreadInput::failed(log.name(), &error.to_string()));
                }
            }
            go_on()?;
        }
        if !files.is_empty() {
            let (name, captures) = (case.name, case.captures);
            let case = Box::new(Case::new(files, signatures));
            subjects.push(Subject::Case { name, captures, case, unread });
        } else if case.captures.is_empty() {
            let error = BundleError::NoLogs { path: PathBuf::from(&case.name) };
            subjects.push(Subject::Broken { name: case.name, error });
        } else {
            subjects.extend(case.captures.into_iter().map(Subject::Capture));
        }
    }
    Ok(subjects)
}

impl Job<'_> {
    /// The report on a case, with those on its captures.
    pub(super) fn case_report(
        &self,
        name: &str,
        captures: &[CaptureLocation],
        case: &Case,
        unread: &[UnreadInput],
        outcome: &mut Outcome,
    ) -> Result<CaseReport, Trouble> {
        let mut unread = unread.to_vec();
        // A bundle may hold a packed copy of what lies beside it.
        let mut distinct: Vec<(&CaptureLocation, (String, u64))> = Vec::new();
        for capture in captures {
            let file = capture.first_file();
            if !distinct.iter().any(|known| known.1 == file) {
                distinct.push((capture, file));
            }
        }
        let one = distinct.len() == 1;
        for (option, given) in
            [("--evidence", self.args.evidence.is_some()), ("--parquet", self.args.parquet.is_some())]
        {
            if given && !one {
                let failure =
                    Failure::new(format!("{option} goes with one capture, and there are {}", distinct.len()));
                return Err(Trouble::Capture(failure.hint("name the capture")));
            }
        }
        let mut reports = Vec::new();
        for (capture, _) in distinct {
            match self.analyze(capture, within(capture.name(), name), outcome, |_| Ok(())) {
                Ok(report) => reports.push(report),
                // The text logs still have their story.
                Err(Trouble::Capture(failure)) if !is_stopped() => {
                    outcome.lost = true;
                    warn(&format!("{}: {failure}", capture.name()));
                    unread.push(UnreadInput::failed(capture.name(), &plain(&failure.to_string())));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        outcome.lost |= !unread.is_empty();
        let (knowledge, signatures) = self.shared;
        let tool = ("pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let origin = CaseOrigin { name: name.to_owned(), tool, unread };
        let report = CaseReport::new(case, reports, &origin, signatures, knowledge, self.args.lang.into());
        outcome.rolled_back |= report.rollback.class >= RollbackClass::Probable;
        Ok(report)
    }
}

impl Printed for CaseReport {
    fn print(
        &self,
        shared: (&Knowledge, &Signatures),
        format: Format,
        paint: Paint,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        self.render(shared.1, shared.0, format, paint, redactor)
    }
}

/// The name of a capture without that of the case that it lies in.
fn within<'n>(capture: &'n str, case: &str) -> &'n str {
    capture.strip_prefix(case).map_or(capture, |rest| rest.trim_start_matches(['/', '\\', ':']))
}
