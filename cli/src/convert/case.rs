//! Converts a case: the tables of its boot log, where it has one, and those of its text logs.

use super::Plan;
use crate::args::{ConvertArgs, Format};
use crate::failure::Failure;
use crate::input;
use crate::knowledge;
use crate::outcome::{self, write_failure};
use crate::output::PendingDataset;
use crate::status::{Done, Progress, UntilStopped};
use crate::tables::{self, LazySignatures, labels_of, labels_of_case};
use pml_analyzer::Language;
use pml_analyzer::bundle::{self, FoundCase};
use pml_analyzer::case::{CaseOrigin, CaseReport};
use pml_analyzer::logs::case::Case;
use pml_parser::export::parquet::write_dataset;

/// The case that the arguments name: a folder, a zip file with text logs in it, or a text log. Nothing where they name a
/// capture alone.
pub(super) fn find(args: &ConvertArgs) -> Result<Option<FoundCase>, Failure> {
    let [input] = args.log.logs.as_slice() else { return Ok(None) };
    if !input.exists() {
        return Ok(None);
    }
    let found = bundle::find(std::slice::from_ref(input), args.log.no_set, &UntilStopped)?;
    let count = found.cases.len();
    let Some(case) = found.cases.into_iter().next() else { return Ok(None) };
    if input.is_dir() && count > 1 {
        return Err(Failure::new(format!("{}: {count} cases are in it", input.display()))
            .hint("convert takes one at a time: name its folder or zip file"));
    }
    match case.error {
        Some(error) if input.is_dir() => Err(error.into()),
        Some(_) => Ok(None),
        None if case.logs.is_empty() && !input.is_dir() => Ok(None),
        None => Ok((count == 1).then_some(case)),
    }
}

/// Writes the dataset of a case.
pub(super) fn run(args: &ConvertArgs, format: Format, found: &FoundCase) -> Result<Done, Failure> {
    // Several captures are a fleet; what are several here are copies of one.
    let capture = found.captures.first();
    let signatures = LazySignatures::default();
    let signatures = signatures.get()?;
    let (files, unread) = input::read_logs(&found.logs, signatures)?;
    let path = &args.output;
    let dataset = PendingDataset::create(path, args.run.force)?;
    let mut done = if unread.is_empty() { Done::Whole } else { Done::WithLosses };
    let mut labels = labels_of_case(&args.table, &found.name);
    if let Some(location) = capture {
        let unpacked = location.files(&UntilStopped)?;
        let (no_set, drives) = (args.log.no_set, &args.log.drives);
        let capture = input::open_found(&unpacked, no_set, (&args.recovery).into(), drives)?;
        labels = labels_of(&args.table, &capture);
        let plan = Plan::new(args, format, &capture)?;
        let progress = Progress::new(capture.set.size(), args.run.quiet);
        let written = write_dataset(&capture.set, |name| dataset.create_file(name), &plan.parquet, &progress);
        progress.clear();
        capture.check()?;
        let counts = written.map_err(|error| write_failure(path, error))?;
        if outcome::report(&capture, &counts.damage).any() {
            done = Done::WithLosses;
        }
    }
    let case = Case::new(files, signatures);
    let tool = ("pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let origin = CaseOrigin { name: found.name.clone(), tool, unread };
    let report =
        CaseReport::new(&case, Vec::new(), &origin, signatures, &knowledge::read(None)?, Language::En);
    tables::write_case(&dataset, path, &labels, &found.logs, &case, &report)?;
    tables::finish(dataset, path, args.run.quiet)?;
    Ok(done)
}
