//! The report on a case: text logs, with the captures beside them.

use super::{Job, Outcome, Printed, Trouble};
use crate::chinese;
use crate::failure::Failure;
use crate::status::{is_stopped, plain, warn};
use crate::tables::{self, LazySignatures, labels_of_case};
use pml_analyzer::case::{CaseOrigin, CaseReport, UnreadInput};
use pml_analyzer::survey::CaseFiles;
use pml_analyzer::{Format, Knowledge, Redactor, RollbackClass, Screen};

impl Job<'_> {
    /// Writes the report on a case, with those on its captures, and its tables.
    pub(super) fn case(&self, files: &CaseFiles, outcome: &mut Outcome) -> Result<(), Trouble> {
        let mut unread = files.unread.clone();
        let distinct = files.distinct_captures();
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
        let mut labels = labels_of_case(&self.args.table, &files.name);
        for capture in distinct {
            let name = files.name_within(capture);
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
                    let said = plain(&chinese::said(&failure.to_string()));
                    unread.push(UnreadInput::failed(capture.name(), &said));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        outcome.lost |= !unread.is_empty();
        let (knowledge, signatures) = (self.shared.0, self.shared.1.get().map_err(Trouble::Output)?);
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
        shared: (&Knowledge, &LazySignatures),
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        let signatures = shared.1.get().map_err(|failure| failure.to_string())?;
        self.render(signatures, shared.0, format, screen, redactor)
    }
}
