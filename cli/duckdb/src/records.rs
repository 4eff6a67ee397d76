//! `pml_records`: the records of the text logs and event logs of cases.

use crate::captures::{OPENING, Opening};
use crate::cases::{Cases, find, signatures};
use crate::host::{Arguments, Bound, Function, Parameter, Query, Scan, Started, panic_text};
use crate::small::projected;
use arrow::array::RecordBatch;
use pml_analyzer::bundle::BundleError;
use pml_analyzer::case::tables::RECORDS;
use pml_analyzer::survey::{self, CaseFiles, Subject};
use pml_analyzer::tables::RowLabels;
use pml_parser::arrow::types::Types;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// The function.
pub(crate) struct Records;

impl Function for Records {
    fn name(&self) -> &str {
        "pml_records"
    }

    fn parameters(&self) -> &[Parameter] {
        &OPENING
    }

    fn bind(&self, arguments: &Arguments) -> Result<Bound, String> {
        let labels = RowLabels { capture: String::new(), computer: String::new(), types: Types::Exact };
        let schema = labels.batch(&RECORDS, &[]).map_err(|error| error.to_string())?.schema();
        let query = Wanted { arguments: arguments.clone(), opening: Opening::new(arguments)? };
        Ok(Bound { schema, rows: None, query: Box::new(query) })
    }
}

struct Wanted {
    arguments: Arguments,
    opening: Opening,
}

impl Query for Wanted {
    fn start(&self, columns: &[usize]) -> Result<Started, String> {
        let cases = find(&self.arguments, &self.opening, &signatures()?)?;
        let opening = self.opening.clone();
        // The reader of logs hands over records, so it has a thread; two batches wait, at most.
        let (sender, batches) = sync_channel(1);
        let read = move || {
            let read = || read_all(cases, &opening, &sender);
            let result = catch_unwind(AssertUnwindSafe(read));
            let error = match result {
                Ok(Ok(()) | Err(End::NotWanted)) => return,
                Ok(Err(End::Failed(error))) => error,
                Err(panic) => panic_text(&*panic),
            };
            // Nobody may be there any more.
            let _ = sender.send(Err(error));
        };
        let spawned = std::thread::Builder::new().name("pml records".to_owned()).spawn(read);
        spawned.map_err(|error| error.to_string())?;
        let reading = Reading { batches: Mutex::new(batches), columns: columns.to_vec() };
        Ok(Started { scan: Box::new(reading), threads: 1 })
    }
}

/// Batches that a thread hands over, or why it cannot go on.
struct Reading {
    batches: Mutex<Receiver<Result<RecordBatch, String>>>,
    columns: Vec<usize>,
}

impl Scan for Reading {
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
        match self.batches.lock().unwrap_or_else(PoisonError::into_inner).recv() {
            Ok(batch) => projected(vec![batch?], &self.columns).map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// Why reading ends early.
enum End {
    Failed(String),
    /// The query has ended.
    NotWanted,
}

impl From<BundleError> for End {
    fn from(error: BundleError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn read_all(
    mut cases: Cases,
    opening: &Opening,
    sender: &SyncSender<Result<RecordBatch, String>>,
) -> Result<(), End> {
    let broken: Vec<String> =
        cases.unsearched.drain(..).map(|(name, error)| format!("{name}: {error}")).collect();
    for error in broken {
        opening.tolerate::<()>(Err(error)).map_err(End::Failed)?;
    }
    while let Some(subject) = cases.subjects.pop_front() {
        match subject {
            // A capture without text logs has no records.
            Subject::Capture(_) => {}
            Subject::Broken { error, .. } => {
                opening.tolerate::<()>(Err(error.to_string())).map_err(End::Failed)?;
            }
            Subject::Case(files) => {
                let labels = labels(&cases, &files, opening);
                survey::records(&files.logs, &files.case, &mut |rows| {
                    let batch = labels.batch(&RECORDS, rows).map_err(|error| error.to_string());
                    sender.send(batch).map_err(|_| End::NotWanted)
                })?;
            }
        }
    }
    Ok(())
}

/// The labels of a case: those of its capture, if it has one.
fn labels(cases: &Cases, files: &CaseFiles, opening: &Opening) -> RowLabels {
    let opened = files
        .distinct_captures()
        .into_iter()
        .find_map(|location| Some(cases.of_capture(location.name(), &opening.open_all(location).ok()?)));
    opened.unwrap_or_else(|| cases.of_name(&files.name, ""))
}
