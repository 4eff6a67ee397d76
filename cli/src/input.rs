//! Opens the capture that the arguments name, and prints warnings about its parts.

use crate::args::{LogArgs, RecoveryArgs};
use crate::failure::Failure;
use crate::status::{Progress, UntilStopped, warn};
use crate::wildcard;
use pml_analyzer::bundle::{self, CaptureFiles};
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
    let logs = wildcard::expand(&args.logs)?;
    let inside = match &*logs {
        [only] => bundle::find_capture(only, &UntilStopped)?,
        _ => None,
    };
    let files = inside.map(|capture| capture.files(&UntilStopped)).transpose()?;
    let paths = files.as_ref().map_or(&*logs, CaptureFiles::paths);
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
