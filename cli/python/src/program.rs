//! The program `pml`, which comes with the package.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the program. It takes over Ctrl-C and failing reads, so the process is to be its own.
#[pyfunction]
pub(crate) fn program(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| pml_cli::run(arguments))
}
