//! What a person can do about an input that cannot be read, in one sentence. The words are those of whatever opens the
//! capture: a program calls its options otherwise than a function of a database.

use super::{BundleError, CaptureError, kind_of};
use pml_parser::{Error, ErrorKind, Fault, OpenError};
use std::io;
use std::path::Path;

/// How a caller writes the options that advice names.
#[derive(Clone, Copy, Debug)]
pub struct OptionNames {
    /// The option that recovers a broken log.
    pub recover: &'static str,
    /// The option that opens each named file alone.
    pub alone: &'static str,
}

/// What an error of the operating system means for the user, by its number.
#[derive(Clone, Copy)]
struct Meaning {
    numbers: &'static [i32],
    hint: &'static str,
}

/// A device failed.
const DEVICE_FAILED: &str = "the disk or the share failed; copy what can be read of it to a sound disk first";

/// The system could not read bytes of the mapped log that a write was to copy.
const LOG_UNREADABLE: &str =
    "the log became unreadable while its bytes were written; copy it to a sound disk first";

/// The meanings of numbers whose [`io::ErrorKind`] says too little.
const MEANINGS: &[Meaning] = if cfg!(windows) {
    &[
        // ERROR_CRC, ERROR_SECTOR_NOT_FOUND, ERROR_GEN_FAILURE, ERROR_DEV_NOT_EXIST, ERROR_UNEXP_NET_ERR,
        // ERROR_NETNAME_DELETED, ERROR_IO_DEVICE.
        Meaning { numbers: &[23, 27, 31, 55, 59, 64, 1117], hint: DEVICE_FAILED },
        // ERROR_NOACCESS, ERROR_SWAPERROR.
        Meaning { numbers: &[998, 999], hint: LOG_UNREADABLE },
        // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
        Meaning {
            numbers: &[32, 33],
            hint: "another program has the file open; close it there, or stop the capture in Process Monitor",
        },
    ]
} else if cfg!(unix) {
    // EIO, EFAULT.
    &[Meaning { numbers: &[5], hint: DEVICE_FAILED }, Meaning { numbers: &[14], hint: LOG_UNREADABLE }]
} else {
    &[]
};

/// What to do about an error of the operating system.
pub fn of_io(error: &io::Error) -> Option<&'static str> {
    let of_number = |number| MEANINGS.iter().find(|meaning| meaning.numbers.contains(&number));
    match error.raw_os_error().and_then(of_number) {
        Some(meaning) => Some(meaning.hint),
        None if error.kind() == io::ErrorKind::PermissionDenied => {
            Some("check the rights on the file and its folder")
        }
        None => None,
    }
}

/// What to do about a log that cannot be read.
pub fn of_log(path: &Path, error: Error, names: OptionNames) -> Option<String> {
    if error.kind() == ErrorKind::NotPml
        && let Some(hint) = kind_of(path)
    {
        return Some(hint.to_owned());
    }
    let hint = error.hint()?;
    Some(match error.is_recoverable() {
        true => format!("{hint}; `pml info` says what is left of it, {} reads that", names.recover),
        false => hint.to_owned(),
    })
}

/// What to do about a place of a file that cannot be read.
pub fn of_fault(_: &Fault, names: OptionNames) -> String {
    format!(
        "copy the log to a sound disk first; of a disk with bad sectors make an image first (ddrescue), and read the copy with {}",
        names.recover
    )
}

/// What to do about files that are no capture.
pub fn of_open(error: &OpenError, names: OptionNames) -> Option<String> {
    let hint = match error {
        OpenError::Io { error, .. } => of_io(error)?,
        OpenError::Log { path, error } => return of_log(path, *error, names),
        OpenError::Fault(fault) => return Some(of_fault(fault, names)),
        OpenError::Directory { .. } => "name one of the logs in it",
        OpenError::NotRegular { .. } => "a log is read in place; save it to a file first",
        OpenError::Empty { .. } => "the capture or the copy failed; copy the file again",
        OpenError::NotOneCapture { .. } => {
            let alone = names.alone;
            return Some(format!("convert them one by one, with {alone} if their names look like parts"));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about an input that cannot be searched or unpacked.
pub fn of_bundle(error: &BundleError) -> Option<&'static str> {
    match error {
        BundleError::Io { error, .. } => of_io(error),
        BundleError::Zip { .. } | BundleError::Member { .. } | BundleError::Packed { .. } => {
            Some("unpack it yourself and name the folder")
        }
        BundleError::FolderTooLarge { .. } => Some("name the folders of the captures"),
        BundleError::SeveralCaptures { .. } => Some("name one of them"),
        _ => None,
    }
}

/// What to do about a capture that cannot be opened.
pub fn of_capture(error: &CaptureError, names: OptionNames) -> Option<String> {
    match error {
        CaptureError::Bundle(error) => of_bundle(error).map(str::to_owned),
        CaptureError::Open(error) => of_open(error, names),
    }
}
