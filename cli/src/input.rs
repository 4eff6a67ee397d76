//! Opens the capture that the arguments name, and reads the logs beside it; prints warnings about what is left out.

use crate::args::{DriveArgs, LogArgs, RecoveryArgs};
use crate::failure::Failure;
use crate::status::{Progress, UntilStopped, go_on, say, warn};
use crate::wildcard;
use pml_analyzer::bundle::{self, BundleError, CaptureFiles, LogLocation};
use pml_analyzer::case::UnreadInput;
use pml_analyzer::logs::{LogFile, Signatures};
use pml_analyzer::survey;
use pml_parser::export::Provenance;
use pml_parser::{LeftOutReason, LogSet, OpenOptions, Opened, RecoverMode};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::PathBuf;
use tempfile::TempDir;

impl From<&RecoveryArgs> for RecoverMode {
    fn from(args: &RecoveryArgs) -> Self {
        if args.recover { Self::Always } else { Self::Never }
    }
}

/// A capture that is open. What was unpacked for it goes away with this value.
pub(crate) struct Capture {
    opened: Opened,
    _files: Option<CaptureFiles>,
    _stream: Option<StandardInput>,
}

impl Deref for Capture {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        &self.opened
    }
}

/// Opens the capture that the arguments name: files, packed files, standard input, or one in a zip file.
pub(crate) fn open(args: &LogArgs, recover: RecoverMode) -> Result<Capture, Failure> {
    let (logs, stream) = with_standard_input(&wildcard::expand(&args.logs)?)?;
    let inside = match logs.as_slice() {
        [only] => bundle::find_capture(only, &UntilStopped)?,
        _ => None,
    };
    let files = match inside {
        Some(capture) => Some(capture.files(&UntilStopped)?),
        None => bundle::unpack_named(&logs, args.no_set, &UntilStopped)?,
    };
    let opened = match &files {
        Some(files) => open_found(files, args.no_set, recover, &args.drives),
        None => open_files(&logs, args.no_set, recover, &args.drives),
    };
    let opened = opened.map_err(|failure| match &stream {
        Some(stream) => failure.rename(&stream.path(), StandardInput::SAID),
        None => failure,
    })?;
    Ok(Capture { opened, _files: files, _stream: stream })
}

/// A folder with what standard input held; it goes away with this value.
pub(crate) struct StandardInput {
    folder: TempDir,
}

impl StandardInput {
    /// What the argument is called that leads to standard input.
    const ARGUMENT: &str = "-";
    /// What messages call it.
    pub(crate) const SAID: &str = "standard input";
    /// What the file is called. A log is mapped, so that a stream needs a file.
    const NAME: &str = "standard-input.pml";

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::NAME)
    }
}

/// The arguments, with a file in place of `-`, and the file if there is one.
pub(crate) fn with_standard_input(
    arguments: &[PathBuf],
) -> Result<(Vec<PathBuf>, Option<StandardInput>), Failure> {
    let is_stream = |argument: &&PathBuf| argument.as_os_str() == StandardInput::ARGUMENT;
    match arguments.iter().filter(is_stream).count() {
        0 => return Ok((arguments.to_vec(), None)),
        1 => {}
        _ => return Err(Failure::new("standard input (-) is named twice")),
    }
    let failed = |error: &io::Error| Failure::new(format!("standard input: {error}"));
    let folder = tempfile::Builder::new().prefix("pml-").tempdir().map_err(|e| failed(&e))?;
    let stream = StandardInput { folder };
    let mut file = File::create_new(stream.path()).map_err(|e| failed(&e))?;
    let mut input = io::stdin().lock();
    loop {
        const PIECE: u64 = 4 << 20;
        go_on()?;
        let piece = io::copy(&mut (&mut input).take(PIECE), &mut file).map_err(|e| failed(&e))?;
        if piece == 0 {
            break;
        }
    }
    let path = |argument: &PathBuf| match is_stream(&argument) {
        true => stream.path(),
        false => argument.clone(),
    };
    Ok((arguments.iter().map(path).collect(), Some(stream)))
}

/// Opens the capture of files that a search has found.
pub(crate) fn open_found(
    files: &CaptureFiles,
    no_set: bool,
    recover: RecoverMode,
    drives: &DriveArgs,
) -> Result<Opened, Failure> {
    if !files.is_complete() {
        return open_files(files.paths(), no_set, recover, drives);
    }
    let options = OpenOptions { named_only: no_set, recover, drives: drives.all(), ..OpenOptions::default() };
    let progress = Progress::waiting();
    let opened = LogSet::open_found(files.paths(), &options, &progress);
    progress.clear();
    Ok(said(opened?))
}

/// Opens the capture of some files.
fn open_files(
    paths: &[PathBuf],
    no_set: bool,
    recover: RecoverMode,
    drives: &DriveArgs,
) -> Result<Opened, Failure> {
    let options = OpenOptions { named_only: no_set, recover, drives: drives.all(), ..OpenOptions::default() };
    let progress = Progress::waiting();
    let opened = LogSet::open_files(paths, options, &progress);
    progress.clear();
    Ok(said(opened?))
}

/// The capture, once everything about its parts is said.
fn said(mut opened: Opened) -> Opened {
    for joined in &opened.joined {
        let path = joined.display();
        say(&format!(
            "{path} continues the capture and is read with it (--no-set reads the named log alone)"
        ));
    }
    for (folder, error) in &opened.unsearched {
        warn(&format!("other parts could not be looked for: {}: {error}", folder.display()));
    }
    for left_out in std::mem::take(&mut opened.left_out) {
        match left_out.reason {
            LeftOutReason::Unreadable(error) => {
                let failure = Failure::from(error);
                warn(&format!("a part of the capture cannot be read and is left out: {failure}"));
            }
            LeftOutReason::Mismatch(reason) => {
                warn(&format!("{} is left out: {reason}", left_out.path.display()));
            }
        }
    }
    for (first, last) in &opened.missing {
        if first == last {
            warn(&format!("{first} is missing: its events are not in the output"));
        } else {
            warn(&format!("{first} to {last} are missing: their events are not in the output"));
        }
    }
    opened
}

/// What a dataset records about its origin: the version of the program, and the names of the parts.
pub(crate) fn provenance(capture: &Opened) -> Provenance {
    let tool_version = concat!("pml ", env!("CARGO_PKG_VERSION")).to_owned();
    Provenance { tool_version, part_names: capture.names() }
}

/// The text logs and event logs of a case, and those that could not be read.
pub(crate) fn read_logs(
    logs: &[LogLocation],
    signatures: &Signatures,
) -> Result<(Vec<LogFile>, Vec<UnreadInput>), Failure> {
    let mut say = |error: &BundleError| warn(&format!("left out: {error}"));
    Ok(survey::read_logs(logs, signatures, &UntilStopped, &mut say)?)
}
