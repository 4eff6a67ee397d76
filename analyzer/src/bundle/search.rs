//! What a search for logs finds: the captures and text logs of each case, and what was skipped.

use super::packed::unpacked_name;
use super::{BundleError, CaptureLocation, LogLocation, names};
use pml_parser::Progress;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Entries of folders and archives that one search looks at, at most.
const MOST_ENTRIES: usize = 1_000_000;

/// Files of one case that may be text logs, at most: those whose names say so come first.
const MOST_LOGS: usize = 5_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The cases, in the order in which the inputs name them.
    pub cases: Vec<FoundCase>,
    /// What was not searched, or not taken.
    pub skipped: Vec<Skipped>,
}

impl Found {
    /// Number of captures that are not copies of each other: their first files differ in name or size.
    pub fn distinct_captures(&self) -> usize {
        let captures = self.cases.iter().flat_map(|case| &case.captures);
        captures.map(CaptureLocation::first_file).collect::<BTreeSet<_>>().len()
    }

    /// Whether there is a text log or an event log.
    pub fn has_logs(&self) -> bool {
        self.cases.iter().any(|case| !case.logs.is_empty())
    }

    /// The captures of all cases, after what could not be searched.
    pub fn into_captures(self) -> FoundCaptures {
        let skipped = self.skipped.into_iter().filter_map(Skipped::into_unsearched);
        let mut found = FoundCaptures { captures: skipped.map(Err).collect(), without_capture: 0 };
        for case in self.cases {
            match case.error {
                Some(error) => found.captures.push(Err(Unsearched {
                    name: case.name,
                    error: error.to_string(),
                    source: Some(error),
                })),
                None if case.captures.is_empty() => found.without_capture += 1,
                None => found.captures.extend(case.captures.into_iter().map(Ok)),
            }
        }
        found
    }

    /// Gives what was found in a file another name than that of the file.
    pub fn rename(&mut self, file: &Path, name: &str) {
        let path = file.display().to_string();
        let renamed = |old: &str| old.strip_prefix(&*path).map(|rest| format!("{name}{rest}"));
        for case in &mut self.cases {
            case.name = renamed(&case.name).unwrap_or_else(|| std::mem::take(&mut case.name));
            for capture in &mut case.captures {
                capture.name = renamed(&capture.name).unwrap_or_else(|| std::mem::take(&mut capture.name));
            }
            for log in &mut case.logs {
                if let Some(new) = renamed(log.name()) {
                    log.rename(new);
                }
            }
        }
    }
}

/// Something that was not searched, and may hold captures.
#[derive(Debug)]
pub struct Unsearched {
    /// The input, folder or archive.
    pub name: String,
    /// Why not; it begins with the name of what cannot be read.
    pub error: String,
    /// The error itself, if it is one of an input.
    pub source: Option<BundleError>,
}

/// The captures that were found, whatever case they belong to.
#[derive(Debug, Default)]
pub struct FoundCaptures {
    /// The captures, and what may hold more.
    pub captures: Vec<Result<CaptureLocation, Unsearched>>,
    /// Cases of text logs alone.
    pub without_capture: usize,
}

impl FoundCaptures {
    /// The name of each capture, or of what may hold some.
    pub fn names(&self) -> Vec<&str> {
        self.captures.iter().map(name_of).collect()
    }
}

fn name_of(found: &Result<CaptureLocation, Unsearched>) -> &str {
    match found {
        Ok(capture) => capture.name(),
        Err(unsearched) => &unsearched.name,
    }
}

/// Files that belong together.
#[derive(Debug)]
pub struct FoundCase {
    /// What to call the case: the input, or the folder or archive in it.
    pub name: String,
    /// Its captures, in order.
    pub captures: Vec<CaptureLocation>,
    /// Files that may be text logs or event logs: their content decides, and it is not read yet.
    pub logs: Vec<LogLocation>,
    /// Why the input could not be searched; it has no files then.
    pub error: Option<BundleError>,
}

impl FoundCase {
    pub(super) fn new(name: String) -> Self {
        Self { name, captures: Vec::new(), logs: Vec::new(), error: None }
    }

    pub(super) fn failed(name: String, error: BundleError) -> Self {
        Self { error: Some(error), ..Self::new(name) }
    }
}

/// What was not searched, or not taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped {
    /// A folder below an input that cannot be read.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Members of an archive that share their name with a later one: the last one counts.
    SameNames {
        /// The archive.
        path: PathBuf,
    },
    /// An archive inside an input that cannot be read, or lies too deep.
    Archive(BundleError),
    /// Members of an archive that are encrypted.
    Encrypted {
        /// The archive.
        path: PathBuf,
        /// The first of them.
        first: String,
        /// Number of them.
        count: usize,
    },
    /// More files than are read: those whose names say least are left out.
    TooManyLogs {
        /// The case.
        name: String,
        /// Number of files that are left out.
        count: usize,
    },
}

impl Skipped {
    /// What may hold captures; `None` for what concerns text logs, or is read all the same.
    pub fn into_unsearched(self) -> Option<Unsearched> {
        let (name, error) = match self {
            Self::Folder { path, error } => (path.display().to_string(), error.to_string()),
            Self::Archive(error) => {
                let text = error.to_string();
                let name = match &error {
                    BundleError::Io { path, .. } | BundleError::Zip { path, .. } => {
                        path.display().to_string()
                    }
                    _ => text.split(": ").next().unwrap_or_default().to_owned(),
                };
                (name, text)
            }
            Self::Encrypted { path, first, count } => {
                let are = if count == 1 { "file is" } else { "files are" };
                (path.display().to_string(), format!("{count} {are} encrypted: {first}"))
            }
            _ => return None,
        };
        Some(Unsearched { name, error, source: None })
    }
}

/// A search below one input.
pub(super) struct Search<'p> {
    pub progress: &'p dyn Progress,
    pub skipped: Vec<Skipped>,
    /// Entries that were looked at.
    entries: usize,
    /// Zip files that were opened.
    pub archives: usize,
    items: Vec<(Branch, Item)>,
}

/// The folder or archive directly below the input in which something lies; nothing for the input itself.
pub(super) type Branch = Option<String>;

enum Item {
    Capture(CaptureLocation),
    Log(LogLocation),
}

impl<'p> Search<'p> {
    pub(super) fn new(progress: &'p dyn Progress) -> Self {
        Self { progress, skipped: Vec::new(), entries: 0, archives: 0, items: Vec::new() }
    }

    /// Counts an entry; says whether the search may go on.
    pub(super) fn count(&mut self, entries: usize) -> bool {
        self.entries = self.entries.saturating_add(entries);
        self.entries <= MOST_ENTRIES
    }

    pub(super) fn push_capture(&mut self, branch: &Branch, capture: CaptureLocation) {
        self.items.push((branch.clone(), Item::Capture(capture)));
    }

    pub(super) fn push_log(&mut self, branch: &Branch, log: LogLocation) {
        self.items.push((branch.clone(), Item::Log(log)));
    }

    pub(super) fn into_captures(self) -> Vec<CaptureLocation> {
        let capture = |(_, item)| match item {
            Item::Capture(capture) => Some(capture),
            Item::Log(_) => None,
        };
        self.items.into_iter().filter_map(capture).collect()
    }

    /// Makes cases of what was found.
    ///
    /// # Errors
    /// When nothing was found.
    pub(super) fn finish(mut self, input: &Path, found: &mut Found) -> Result<(), BundleError> {
        found.skipped.append(&mut self.skipped);
        if self.items.is_empty() {
            return Err(BundleError::NoLogs { path: input.to_owned() });
        }
        let separate = self.are_separate();
        let mut cases: BTreeMap<Branch, FoundCase> = BTreeMap::new();
        for (branch, item) in self.items {
            let branch = branch.filter(|_| separate);
            let name = match &branch {
                Some(branch) => names::path_in(input, &input.join(branch)),
                None => input.display().to_string(),
            };
            let case = cases.entry(branch).or_insert_with(|| FoundCase::new(name));
            match item {
                Item::Capture(capture) => case.captures.push(capture),
                Item::Log(log) => case.logs.push(log),
            }
        }
        for mut case in cases.into_values() {
            // What is packed comes last: of two copies, the first is cited.
            let order = |log: &LogLocation| {
                (
                    names::unlikely(&unpacked_name(Path::new(log.name())).to_string_lossy()),
                    log.name().contains(':'),
                    log.name().to_owned(),
                )
            };
            case.logs.sort_by_cached_key(order);
            if case.logs.len() > MOST_LOGS {
                let count = case.logs.len() - MOST_LOGS;
                found.skipped.push(Skipped::TooManyLogs { name: case.name.clone(), count });
                case.logs.truncate(MOST_LOGS);
            }
            found.cases.push(case);
        }
        Ok(())
    }

    /// Whether the folders and archives directly below the input are cases of their own: no log lies beside them,
    /// and two of them hold a log that a computer has once, or a boot log with other logs.
    fn are_separate(&self) -> bool {
        let mut once: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let (mut with_captures, mut with_logs) = (BTreeSet::new(), BTreeSet::new());
        for (branch, item) in &self.items {
            let Some(branch) = branch else { return false };
            match item {
                Item::Capture(_) => {
                    with_captures.insert(branch.as_str());
                }
                Item::Log(log) => {
                    with_logs.insert(branch.as_str());
                    if let Some(name) = names::once_on_a_computer(log.name()) {
                        once.entry(name).or_default().insert(branch);
                    }
                }
            }
        }
        with_captures.intersection(&with_logs).count() > 1 || once.values().any(|branches| branches.len() > 1)
    }
}
