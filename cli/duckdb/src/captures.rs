//! The captures that the first argument of a function names.

use crate::host::{Arguments, Kind, Parameter};
use pml_analyzer::bundle::advice::{OptionNames, of_bundle, of_capture, of_fault};
use pml_analyzer::bundle::{
    BundleError, CaptureError, CaptureLocation, Found, FoundCaptures, OpenCapture, capture_ids, find,
    find_capture, is_pattern, matching,
};
use pml_parser::export::WriteError;
use pml_parser::{
    Drives, Filter, LeftOutReason, NoProgress, OpenOptions, Opened, Progress, RecoverMode, any_fault,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the arguments call the options that advice names.
const OPTIONS: OptionNames = OptionNames { recover: "recover := true", alone: "all_parts := false" };

/// The arguments of every function over captures.
pub(crate) const OPENING: [Parameter; 5] = [
    ("on_error", Kind::Text),
    ("recover", Kind::Flag),
    ("all_parts", Kind::Flag),
    ("drives", Kind::Texts),
    ("mmap", Kind::Flag),
];

/// The argument that chooses events.
pub(crate) const FILTER: Parameter = ("filter", Kind::Text);

/// How captures are opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    options: OpenOptions,
    /// Whether what cannot be read is left out, instead of failing the query.
    skips: bool,
}

impl Opening {
    pub(crate) fn new(arguments: &Arguments) -> Result<Self, String> {
        let skips = match arguments.text("on_error") {
            None | Some("fail") => false,
            Some("skip") => true,
            Some(other) => return Err(format!("on_error is 'fail' or 'skip', not '{other}'")),
        };
        let mut drives = Drives::default();
        for text in arguments.texts("drives") {
            let (letter, device) = Drives::split(text).ok_or_else(|| {
                format!(
                    r"drives has '{text}': expected a letter and a device, such as C=\Device\HarddiskVolume3"
                )
            })?;
            drives.add(letter, device);
        }
        let recover = match arguments.flag("recover").unwrap_or_default() {
            true => RecoverMode::Always,
            false => RecoverMode::Never,
        };
        let options = OpenOptions {
            named_only: !arguments.flag("all_parts").unwrap_or(true),
            recover,
            drives,
            in_memory: !arguments.flag("mmap").unwrap_or(true),
        };
        Ok(Self { options, skips })
    }

    /// The same, with everything left out that cannot be read.
    pub(crate) fn skipping(self) -> Self {
        Self { skips: true, ..self }
    }

    /// Opens a capture; nothing where it is left out.
    pub(crate) fn open(&self, location: &CaptureLocation) -> Result<Option<Arc<OpenCapture>>, String> {
        match self.try_open(location) {
            Ok(opened) => Ok(Some(Arc::new(opened))),
            Err(_) if self.skips => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a capture with all parts of it that can be read.
    pub(crate) fn open_all(&self, location: &CaptureLocation) -> Result<OpenCapture, String> {
        location.open(&self.options, &NoProgress).map_err(|error| said(&error))
    }

    fn try_open(&self, location: &CaptureLocation) -> Result<OpenCapture, String> {
        let opened = self.open_all(location)?;
        for left_out in &opened.left_out {
            if let LeftOutReason::Unreadable(error) = &left_out.reason
                && !self.skips
            {
                return Err(format!(
                    "a part of the capture cannot be read: {error}\n  hint: on_error := 'skip' reads the other parts"
                ));
            }
        }
        Ok(opened)
    }

    /// Leaves out what was an error, or passes it on.
    pub(crate) fn tolerate<T>(&self, result: Result<T, String>) -> Result<Option<T>, String> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.skips => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn with_hint(error: &dyn std::fmt::Display, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    }
}

/// An error as `pml` says it.
fn said(error: &CaptureError) -> String {
    with_hint(error, of_capture(error, OPTIONS).as_deref())
}

/// The same for one of a search.
pub(crate) fn said_of_search(error: &BundleError) -> String {
    with_hint(error, of_bundle(error))
}

/// Fails for a capture whose bytes could not be read: zeros were read instead.
pub(crate) fn readable(capture: &OpenCapture) -> Result<(), String> {
    capture.check().map_err(|fault| with_hint(&fault, Some(&of_fault(&fault, OPTIONS))))
}

/// What was read of a capture, unless it could not be read, or causes too much work.
pub(crate) fn checked<T>(capture: &OpenCapture, result: Result<T, WriteError>) -> Result<T, String> {
    readable(capture)?;
    let name = || capture.paths().next().map(|path| path.display().to_string()).unwrap_or_default();
    result.map_err(|error| format!("{}: {error}", name()))
}

/// Ends work on a capture that has become unreadable.
pub(crate) struct WhileReadable<'a>(pub &'a Opened);

impl Progress for WhileReadable<'_> {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        any_fault() && self.0.check().is_err()
    }
}

/// The filter of the arguments.
pub(crate) fn filter(arguments: &Arguments) -> Result<Option<Filter>, String> {
    let parsed = arguments.text(FILTER.0).map(Filter::parse).transpose();
    parsed.map_err(|error| format!("{}: {error}", FILTER.0))
}

/// What the paths lead to.
pub(crate) struct Inputs {
    pub found: Found,
    /// Captures that were named inside an archive.
    pub members: Vec<CaptureLocation>,
    pub paths: Vec<PathBuf>,
}

/// Searches what the paths lead to: files, folders, archives, patterns, and members of archives.
pub(crate) fn search(arguments: &Arguments, opening: &Opening) -> Result<Inputs, String> {
    let (mut paths, mut members) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        let path = Path::new(file);
        let said = |error: BundleError| said_of_search(&error);
        if path.exists() {
            paths.push(path.to_owned());
        } else if let Some(member) =
            opening.tolerate(find_capture(path, &NoProgress).map_err(said))?.flatten()
        {
            members.push(member);
        } else if is_pattern(path) {
            paths.extend(opening.tolerate(matching(path).map_err(said))?.unwrap_or_default());
        } else {
            paths.push(path.to_owned());
        }
    }
    let found = find(&paths, opening.options.named_only, &NoProgress);
    let found = found.map_err(|error| said_of_search(&error))?;
    Ok(Inputs { found, members, paths })
}

/// A capture of a query.
pub(crate) struct Capture {
    /// Its id among others; a capture alone has the id that its log gives.
    pub id: Option<String>,
    pub place: Place,
}

/// Where a capture is.
pub(crate) enum Place {
    /// Opened already.
    Open(Arc<OpenCapture>),
    /// To be opened when it is read, and closed after it.
    Later(CaptureLocation),
}

impl Capture {
    /// Opens it, if it is not open; nothing where it is left out.
    pub(crate) fn open(&self, opening: &Opening) -> Result<Option<Arc<OpenCapture>>, String> {
        match &self.place {
            Place::Open(opened) => Ok(Some(Arc::clone(opened))),
            Place::Later(location) => opening.open(location),
        }
    }
}

/// Captures that are opened before a query runs, at most. More are opened one after the other, so that memory holds few.
const MOST_OPEN: usize = 64;

/// The captures of the arguments. Those that need not be unpacked are opened.
pub(crate) fn captures(arguments: &Arguments, opening: &Opening) -> Result<Vec<Capture>, String> {
    let Inputs { found, members, paths } = search(arguments, opening)?;
    let FoundCaptures { mut captures, .. } = found.into_captures();
    captures.extend(members.into_iter().map(Ok));
    if captures.is_empty() {
        return match opening.skips && paths.is_empty() {
            true => Ok(Vec::new()),
            false => Err(format!("{}: there is no capture in it", arguments.files.join(", "))),
        };
    }
    let is_many = captures.len() > 1;
    let found = FoundCaptures { captures, without_capture: 0 };
    let ids = capture_ids(&found.names(), &paths);
    let mut locations = Vec::new();
    for (capture, id) in found.captures.into_iter().zip(ids) {
        let capture = capture.map_err(|unsearched| match &unsearched.source {
            Some(error) => said_of_search(error),
            None if unsearched.error.starts_with(&unsearched.name) => unsearched.error,
            None => format!("{}: {}", unsearched.name, unsearched.error),
        });
        locations.extend(opening.tolerate(capture)?.map(|location| (location, id)));
    }
    let opens = locations.len() <= MOST_OPEN;
    let mut captures = Vec::new();
    for (location, id) in locations {
        let id = is_many.then_some(id);
        let place = match (opens && !location.is_packed()) || !is_many {
            true => match opening.open(&location)? {
                Some(opened) => Place::Open(opened),
                None => continue,
            },
            false => Place::Later(location),
        };
        captures.push(Capture { id, place });
    }
    Ok(captures)
}

/// The threads that one reading may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
