//! Cases: text logs of an input, with the captures beside them.

use super::{Job, Outcome, Printed, Trouble};
use crate::failure::Failure;
use crate::input;
use crate::status::{is_stopped, plain, warn};
use crate::tables;
use pml_analyzer::bundle::{BundleError, CaptureLocation, Found, FoundCase, LogLocation};
use pml_analyzer::case::{CaseOrigin, CaseReport, UnreadInput};
use pml_analyzer::logs::Signatures;
use pml_analyzer::logs::case::Case;
use pml_analyzer::{Format, Knowledge, Redactor, RollbackClass, Screen};
use std::path::PathBuf;

/// What one report is about.
pub(super) enum Subject {
    /// A capture without text logs beside it.
    Capture(CaptureLocation),
    /// The text logs of a case, and its captures.
    Case(Box<CaseFiles>),
    /// An input that cannot be searched, or holds no log.
    Broken { name: String, error: BundleError },
}

impl Subject {
    /// What to call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Capture(capture) => capture.name(),
            Self::Case(files) => &files.name,
            Self::Broken { name, .. } => name,
        }
    }
}

impl Subject {
    /// The names of its captures, or its own where it has none.
    pub(super) fn names(&self, of_captures: bool) -> Vec<&str> {
        match (self, of_captures) {
            (Self::Capture(capture), true) => vec![capture.name()],
            (Self::Case(files), true) => files.captures.iter().map(CaptureLocation::name).collect(),
            (Self::Capture(_), false) | (Self::Broken { .. }, true) => Vec::new(),
            (Self::Case(_) | Self::Broken { .. }, false) => vec![self.name()],
        }
    }
}

impl Subject {
    /// The files that it is made of, by name and size.
    pub(super) fn made_from(&self) -> String {
        let of_capture = |capture: &CaptureLocation| {
            let (file, size) = capture.first_file();
            format!("{}:{file}:{size}", capture.name())
        };
        match self {
            Self::Capture(capture) => of_capture(capture),
            Self::Case(files) => {
                let captures = files.captures.iter().map(of_capture);
                let logs = files.logs.iter().map(|log| format!("{}:{}", log.name(), log.size().unwrap_or(0)));
                captures.chain(logs).collect::<Vec<_>>().join("|")
            }
            Self::Broken { name, .. } => name.clone(),
        }
    }
}

/// The files of a case, read.
pub(super) struct CaseFiles {
    /// What to call the case.
    pub name: String,
    /// Its boot logs.
    captures: Vec<CaptureLocation>,
    /// Where its text logs are.
    logs: Vec<LogLocation>,
    /// What the text logs say.
    pub case: Case,
    /// Files that could not be read.
    unread: Vec<UnreadInput>,
}

/// Reads the text logs of what was found. What has some is a case; otherwise each capture is a subject of its own.
pub(super) fn subjects(found: Found, signatures: &Signatures) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for case in found.cases {
        if let Some(error) = case.error {
            subjects.push(Subject::Broken { name: case.name, error });
            continue;
        }
        let (files, unread) = input::read_logs(&case.logs, signatures)?;
        if !files.is_empty() {
            let FoundCase { name, captures, logs, .. } = case;
            let case = Case::new(files, signatures);
            subjects.push(Subject::Case(Box::new(CaseFiles { name, captures, logs, case, unread })));
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
    /// Writes the report on a case, with those on its captures, and its tables.
    pub(super) fn case(&self, files: &CaseFiles, outcome: &mut Outcome) -> Result<(), Trouble> {
        let mut unread = files.unread.clone();
        // A bundle may hold a packed copy of what lies beside it.
        let mut distinct: Vec<(&CaptureLocation, (String, u64))> = Vec::new();
        for capture in &files.captures {
            let file = capture.first_file();
            if !distinct.iter().any(|known| known.1 == file) {
                distinct.push((capture, file));
            }
        }
        let count = distinct.len();
        let needs_one =
            [("--evidence", self.args.evidence.is_some()), ("--parquet", self.args.parquet.is_some())];
        // Tables over many hold the rows of all captures.
        let needs_one = if self.many { [needs_one[0]; 2] } else { needs_one };
        if let Some((option, _)) = needs_one.iter().find(|(_, given)| *given && count > 1) {
            let failure = Failure::new(format!("{option} goes with one capture, and there are {count}"));
            return Err(Trouble::Capture(failure.hint("name the capture")));
        }
        if self.args.evidence.is_some() && count == 0 {
            let failure = Failure::new("--evidence is cut out of a boot log, and there is none");
            return Err(Trouble::Capture(failure));
        }
        let dataset = self.dataset()?;
        let (mut reports, mut captures) = (Vec::new(), Vec::new());
        let mut own = Outcome::default();
        let outcome_of_run = outcome;
        let outcome = &mut own;
        let mut labels = tables::labels_of_case(&self.args.table, &files.name);
        for (capture, _) in distinct {
            let name = within(capture.name(), &files.name);
            match self.analyze(capture, name, dataset.as_ref(), outcome, |_| Ok(())) {
                Ok((report, of_capture)) => {
                    labels = of_capture;
                    captures.push(capture.name());
                    reports.push(report);
                }
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
        let origin = CaseOrigin { name: files.name.clone(), tool, unread };
        let language = self.args.lang().into();
        let mut report = CaseReport::new(&files.case, reports, &origin, signatures, knowledge, language);
        report.address(self.args.letter(), knowledge);
        outcome.rolled_back |= report.rollback.class >= RollbackClass::Probable;
        outcome_of_run.add(outcome);
        self.write(&report).map_err(Trouble::Output)?;
        if let Some(fleet) = self.fleet {
            let names = (files.name.as_str(), captures.as_slice());
            let record = fleet.rows.borrow().of_case(names, outcome.lost, &files.case, &report, self.link());
            record.and_then(|record| fleet.take(self, record, outcome)).map_err(Trouble::Output)?;
        }
        if let (Some(dataset), Some(path)) = (dataset, &self.args.parquet) {
            tables::write_case(&dataset, path, &labels, &files.logs, &files.case, &report)?;
            tables::finish(dataset, path, self.args.run.quiet)?;
        }
        Ok(())
    }
}

impl Printed for CaseReport {
    fn print(
        &self,
        shared: (&Knowledge, &Signatures),
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        self.render(shared.1, shared.0, format, screen, redactor)
    }
}

/// The name of a capture without that of the case that it lies in.
fn within<'n>(capture: &'n str, case: &str) -> &'n str {
    capture.strip_prefix(case).map_or(capture, |rest| rest.trim_start_matches(['/', '\\', ':']))
}
