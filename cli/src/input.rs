//! Opens the capture that the arguments name, and prints warnings about its parts.

use crate::args::{LogArgs, RecoveryArgs};
use crate::failure::Failure;
use crate::status::{Progress, warn};
use pml_parser::export::Provenance;
use pml_parser::{LeftOutReason, LogSet, OpenOptions, Opened, RecoverMode};

impl From<&RecoveryArgs> for RecoverMode {
    fn from(args: &RecoveryArgs) -> Self {
        if args.recover { Self::Always } else { Self::Never }
    }
}

/// Opens the capture that the arguments name.
pub(crate) fn open(args: &LogArgs, recover: RecoverMode) -> Result<Opened, Failure> {
    let options = OpenOptions { named_only: args.no_set, recover };
    let progress = Progress::waiting();
    let opened = LogSet::open_files(&args.logs, options, &progress);
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
