//! Errors as Python knows them.

use arrow::error::ArrowError;
use pml_analyzer::TriageError;
use pml_analyzer::bundle::{BundleError, CaptureError};
use pml_parser::export::WriteError;
use pml_parser::{Exceeded, OpenError};
use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use std::io;
use std::path::Path;

create_exception!(
    procmon_pml,
    PmlError,
    PyValueError,
    "A log that cannot be read, or a mistake in an argument."
);

/// An error with a message.
pub(crate) fn error(message: impl ToString) -> PyErr {
    PmlError::new_err(message.to_string())
}

/// An error of the system. Python chooses the class by the number: `FileNotFoundError`, `PermissionError`, ….
pub(crate) fn of_io(path: &Path, failed: &io::Error) -> PyErr {
    let text = failed.to_string();
    match failed.raw_os_error() {
        Some(number) => {
            let text = text.split(" (os error").next().unwrap_or_default().to_owned();
            PyErr::new::<PyOSError, _>((number, text, path.display().to_string()))
        }
        None => PyOSError::new_err(format!("{}: {text}", path.display())),
    }
}

/// A log cannot be opened.
pub(crate) fn of_open(failed: OpenError) -> PyErr {
    match failed {
        OpenError::Io { path, error } => of_io(&path, &error),
        OpenError::Fault(fault) => PyOSError::new_err(fault.to_string()),
        OpenError::Log { path, error: failed } => {
            let hint = failed.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            error(format!("{}: {failed}{hint}", path.display()))
        }
        other => error(other),
    }
}

/// An input cannot be searched.
pub(crate) fn of_bundle(failed: BundleError) -> PyErr {
    match failed {
        BundleError::Io { path, error } => of_io(&path, &error),
        other => error(other),
    }
}

/// A capture that was found cannot be opened.
pub(crate) fn of_capture(failed: CaptureError) -> PyErr {
    match failed {
        CaptureError::Bundle(failed) => of_bundle(failed),
        CaptureError::Open(failed) => of_open(failed),
        other => error(other),
    }
}

/// An export failed.
pub(crate) fn of_write(path: &Path, failed: WriteError) -> PyErr {
    match failed {
        WriteError::Io(failed) if failed.get_ref().is_some_and(|inner| inner.is::<Exceeded>()) => {
            error(failed)
        }
        WriteError::Io(failed) => of_io(path, &failed),
        WriteError::Arrow(ArrowError::IoError(_, failed)) => of_io(path, &failed),
        other => error(other),
    }
}

/// There is no verdict.
pub(crate) fn of_triage(failed: TriageError) -> PyErr {
    error(failed)
}

/// Events cannot be read.
pub(crate) fn of_arrow(failed: ArrowError) -> PyErr {
    match failed {
        ArrowError::IoError(text, _) => PyOSError::new_err(text),
        other => error(other),
    }
}
