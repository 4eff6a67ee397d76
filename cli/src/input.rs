//! Opens the capture that the arguments name, and reads the logs beside it; prints warnings about what is left out.

use crate::args::{LogArgs, RecoveryArgs};
use crate::failure::Failure;
use crate::status::{Progress, UntilStopped, go_on, warn};
use pml_analyzer::bundle::{self, CaptureFiles, LogLocation};
use pml_analyzer::case::UnreadInput;
use pml_analyzer::logs::{LogFile, Signatures};
use pml_parser::export::Provenance;
use pml_parser::{LeftOutReason, LogSet, OpenOptions, Opened, RecoverMode};
use std::ops::Deref;
use std::path::PathBuf;

impl From<&RecoveryArgs> for RecoverMode {
    fn from(args: &RecoveryArgs) -> Self {
        if args.recover { Self::Always } else { Self::Never }
    }
}

/// A capture that is open. What was unpacked for it goes away with this value.
pub(crate) struct Capture {
    opened: Opened,
    _files: Option<CaptureFiles>,
}

impl Deref for Capture {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        &self.opened
    }
}

/// Opens the capture that the arguments name: files, or one in a zip file.
pub(crate) fn open(args: &LogArgs, recover: RecoverMode) -> Result<Capture, Failure> {
    let inside = match args.logs.as_slice() {
        [only] => bundle::find_capture(only, &UntilStopped)?,
        _ => None,
    };
    let files = inside.map(|capture| capture.files(&UntilStopped)).transpose()?;
    let paths = files.as_ref().map_or(args.logs.as_slice(), CaptureFiles::paths);
    let opened = open_files(paths, args.no_set, recover)?;
    Ok(Capture { opened, _files: files })
}

/// Opens the capture of some files.
pub(crate) fn open_files(paths: &[PathBuf], no_set: bool, recover: RecoverMode) -> Result<Opened, Failure> {
    let options = OpenOptions { named_only: no_set, recover };
    let progress = Progress::waiting();
    let opened = LogSet::open_files(paths, options, &progress);
    progress.clear();
    let mut opened = opened?;
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
    Ok(opened)
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
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for log in logs {
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
    Ok((files, unread))
}
