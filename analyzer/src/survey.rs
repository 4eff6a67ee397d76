//! What the reports over many inputs are about: captures, and cases of text logs with the captures beside them.

use crate::bundle::{BundleError, CaptureLocation, Found, FoundCase, LogLocation, capture_ids};
use crate::logs::case::Case;
use crate::logs::{LogFile, Signatures};
use crate::report::case::UnreadInput;
#[cfg(feature = "tables")]
use crate::report::case::tables::RecordRow;
use pml_parser::Progress;
use std::collections::HashMap;
#[cfg(feature = "tables")]
use std::collections::HashSet;
use std::path::PathBuf;
#[cfg(feature = "tables")]
use std::sync::Arc;

/// What one report is about.
#[derive(Debug)]
pub enum Subject {
    /// A capture without text logs beside it.
    Capture(CaptureLocation),
    /// The text logs of a case, and its captures.
    Case(Box<CaseFiles>),
    /// An input that cannot be searched, or holds no log.
    Broken {
        /// What to call the input.
        name: String,
        /// Why there is no report.
        error: BundleError,
    },
}

impl Subject {
    /// What to call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Capture(capture) => capture.name(),
            Self::Case(files) => &files.name,
            Self::Broken { name, .. } => name,
        }
    }

    /// The files that it is made of, by name and size.
    pub fn made_from(&self) -> String {
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

    /// The names of its captures, or its own where it has none.
    fn names(&self, of_captures: bool) -> Vec<&str> {
        match (self, of_captures) {
            (Self::Capture(capture), true) => vec![capture.name()],
            (Self::Case(files), true) => files.captures.iter().map(CaptureLocation::name).collect(),
            (Self::Capture(_), false) | (Self::Broken { .. }, true) => Vec::new(),
            (Self::Case(_) | Self::Broken { .. }, false) => vec![self.name()],
        }
    }
}

/// The files of a case, read.
#[derive(Debug)]
pub struct CaseFiles {
    /// What to call the case.
    pub name: String,
    /// Its boot logs.
    pub captures: Vec<CaptureLocation>,
    /// Where its text logs are.
    pub logs: Vec<LogLocation>,
    /// What the text logs say.
    pub case: Case,
    /// Files that could not be read.
    pub unread: Vec<UnreadInput>,
}

impl CaseFiles {
    /// Its boot logs, without copies: a bundle may hold a packed copy of what lies beside it.
    pub fn distinct_captures(&self) -> Vec<&CaptureLocation> {
        let mut distinct: Vec<(&CaptureLocation, (String, u64))> = Vec::new();
        for capture in &self.captures {
            let file = capture.first_file();
            if !distinct.iter().any(|known| known.1 == file) {
                distinct.push((capture, file));
            }
        }
        distinct.into_iter().map(|known| known.0).collect()
    }

    /// The name of a capture without that of the case that it lies in.
    pub fn name_within<'n>(&self, capture: &'n CaptureLocation) -> &'n str {
        let name = capture.name();
        name.strip_prefix(&*self.name).map_or(name, |rest| rest.trim_start_matches(['/', '\\', ':']))
    }
}

/// Reads the text logs of what was found. What has some is a case; otherwise each capture is a subject of its own. `say`
/// gets the error of each text log that is left out.
///
/// # Errors
/// When the caller cancels.
pub fn subjects(
    found: Found,
    signatures: &Signatures,
    progress: &dyn Progress,
    say: &mut dyn FnMut(&BundleError),
) -> Result<Vec<Subject>, BundleError> {
    let mut subjects = Vec::new();
    for case in found.cases {
        let logs = if case.error.is_none() { case.logs.as_slice() } else { &[] };
        let (files, unread) = read_logs(logs, signatures, progress, say)?;
        if files.is_empty() {
            subjects.extend(captures_of(case));
            continue;
        }
        let FoundCase { name, captures, logs, .. } = case;
        let case = Case::new(files, signatures);
        subjects.push(Subject::Case(Box::new(CaseFiles { name, captures, logs, case, unread })));
    }
    Ok(subjects)
}

/// The captures of what was found, without its text logs: where there are none, nobody needs signatures.
pub fn captures(found: Found) -> Vec<Subject> {
    found.cases.into_iter().flat_map(captures_of).collect()
}

fn captures_of(case: FoundCase) -> Vec<Subject> {
    let name = case.name;
    match case.error {
        Some(error) => vec![Subject::Broken { name, error }],
        None if case.captures.is_empty() => {
            let error = BundleError::NoLogs { path: PathBuf::from(&name) };
            vec![Subject::Broken { name, error }]
        }
        None => case.captures.into_iter().map(Subject::Capture).collect(),
    }
}

/// The text logs and event logs of a case, and those that could not be read; `say` gets the errors.
///
/// # Errors
/// When the caller cancels.
pub fn read_logs(
    logs: &[LogLocation],
    signatures: &Signatures,
    progress: &dyn Progress,
    say: &mut dyn FnMut(&BundleError),
) -> Result<(Vec<LogFile>, Vec<UnreadInput>), BundleError> {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for log in logs {
        match log.read(signatures) {
            Ok(read) if read.is_empty() && log.is_empty() => unread.push(UnreadInput::empty(log.name())),
            Ok(read) => files.extend(read),
            Err(error) => {
                say(&error);
                unread.push(UnreadInput::failed(log.name(), &error.to_string()));
            }
        }
        if progress.is_cancelled() {
            return Err(BundleError::Cancelled);
        }
    }
    Ok((files, unread))
}

/// The ids of captures and cases, by name. Captures have the ids that they have among many captures.
pub fn ids(subjects: &[Subject], inputs: &[PathBuf]) -> HashMap<String, String> {
    let mut ids = HashMap::new();
    for of_captures in [true, false] {
        let names: Vec<&str> = subjects.iter().flat_map(|subject| subject.names(of_captures)).collect();
        let found = capture_ids(&names, inputs);
        ids.extend(names.into_iter().map(str::to_owned).zip(found));
    }
    ids
}

/// Hands over the records of all logs of a case, some megabytes at a time. What the case has left out, because it is there
/// twice, is left out here too. Nothing more is handed over once `take` fails.
///
/// # Errors
/// The error of `take`, or that of a log that cannot be opened.
#[cfg(feature = "tables")]
pub fn records<E: From<BundleError>>(
    logs: &[LogLocation],
    case: &Case,
    take: &mut dyn FnMut(&[RecordRow]) -> Result<(), E>,
) -> Result<(), E> {
    const MOST_HELD: usize = 16 << 20;
    let (mut rows, mut held) = (Vec::new(), 0);
    let mut outcome = Ok(());
    let known: HashSet<&str> = case.files.iter().map(|file| file.name.as_str()).collect();
    let mut name: Arc<str> = Arc::from("");
    for log in logs {
        log.visit(&mut |file, kind, record| {
            if outcome.is_err() || !known.contains(file) {
                return;
            }
            if *name != *file {
                name = Arc::from(file);
            }
            let row = RecordRow::new(case, &name, kind, record);
            held += row.size();
            rows.push(row);
            if held > MOST_HELD {
                outcome = take(&rows);
                rows.clear();
                held = 0;
            }
        })?;
        std::mem::replace(&mut outcome, Ok(()))?;
    }
    take(&rows)
}
