//! The captures and cases that the functions of triage are about.

use crate::captures::{Inputs, Opening, said_of_search, search};
use crate::host::Arguments;
use pml_analyzer::bundle::{OpenCapture, Skipped};
use pml_analyzer::logs::Signatures;
use pml_analyzer::survey::{Subject, ids, subjects};
use pml_analyzer::tables::RowLabels;
use pml_parser::NoProgress;
use pml_parser::arrow::labels::capture_id;
use pml_parser::arrow::types::Types;
use std::collections::{HashMap, VecDeque};

/// Captures and cases that were found.
pub(crate) struct Cases {
    pub subjects: VecDeque<Subject>,
    /// What could not be searched: its name, and why.
    pub unsearched: Vec<(String, String)>,
    /// Ids by name; nothing where there is one capture, whose log gives its id.
    ids: Option<HashMap<String, String>>,
}

/// The signatures that come with the extension.
pub(crate) fn signatures() -> Result<Signatures, String> {
    Signatures::embedded().map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())
}

/// Searches what the arguments name, and reads the text logs.
pub(crate) fn find(
    arguments: &Arguments,
    opening: &Opening,
    signatures: &Signatures,
) -> Result<Cases, String> {
    let Inputs { mut found, members, paths } = search(arguments, opening)?;
    let skipped = std::mem::take(&mut found.skipped).into_iter().filter_map(Skipped::into_unsearched);
    let unsearched = skipped.map(|skipped| (skipped.name, skipped.error)).collect();
    let subjects = subjects(found, signatures, &NoProgress, &mut |_| {});
    let mut subjects = subjects.map_err(|error| said_of_search(&error))?;
    subjects.extend(members.into_iter().map(Subject::Capture));
    let captures = |subject: &Subject| match subject {
        Subject::Case(files) => files.distinct_captures().len().max(1),
        Subject::Capture(_) | Subject::Broken { .. } => 1,
    };
    let are_many = subjects.iter().map(captures).sum::<usize>() > 1;
    let ids = are_many.then(|| ids(&subjects, &paths));
    Ok(Cases { subjects: subjects.into(), unsearched, ids })
}

impl Cases {
    fn labels(capture: String, computer: String) -> RowLabels {
        RowLabels { capture, computer, types: Types::Exact }
    }

    /// The labels of rows about a capture of this name.
    pub(crate) fn of_capture(&self, name: &str, capture: &OpenCapture) -> RowLabels {
        let computer = capture.set.part(0).map(|log| log.computer().to_string()).unwrap_or_default();
        let id = self.ids.as_ref().and_then(|ids| ids.get(name).cloned());
        Self::labels(id.unwrap_or_else(|| capture_id(&capture.set)), computer)
    }

    /// Those of rows about something of this name that is no capture, or cannot be opened.
    pub(crate) fn of_name(&self, name: &str, computer: &str) -> RowLabels {
        let id = self.ids.as_ref().and_then(|ids| ids.get(name).cloned());
        Self::labels(id.unwrap_or_else(|| name.to_owned()), computer.to_owned())
    }
}
