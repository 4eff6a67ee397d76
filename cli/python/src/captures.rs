//! The captures in folders, archives and lists.

use crate::error::{error, of_bundle};
use crate::interrupt::interruptible;
use pml_analyzer::bundle::{self, CaptureLocation, Unsearched};
use pml_parser::Filter;
use pyo3::prelude::*;
use std::path::PathBuf;

/// A capture that was found, or an input that cannot be searched.
#[pyclass(frozen, get_all, module = "procmon_pml")]
pub(crate) struct Capture {
    name: String,
    id: String,
    size: u64,
    error: Option<String>,
}

#[pymethods]
impl Capture {
    fn __repr__(&self) -> String {
        format!("<procmon_pml.Capture: {}>", self.name)
    }
}

/// Names of files, those of one capture together, by their names alone where the files are not on this machine.
#[pyfunction]
pub(crate) fn parts(names: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    pml_parser::parts::captures(&names)
}

/// The ids that `pml convert` gives to captures with these names.
#[pyfunction]
pub(crate) fn ids(names: Vec<String>) -> Vec<String> {
    let inputs: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bundle::capture_ids(&names, &inputs)
}

/// Refuses a filter that cannot be read.
#[pyfunction]
pub(crate) fn check(r#where: &str) -> PyResult<()> {
    Filter::parse(r#where).map(drop).map_err(error)
}

/// The captures of the inputs. No event is read.
#[pyfunction]
#[pyo3(signature = (inputs, *, all_parts = true))]
pub(crate) fn captures(py: Python<'_>, inputs: Vec<PathBuf>, all_parts: bool) -> PyResult<Vec<Capture>> {
    interruptible(py, |stop| {
        let found = bundle::find(&inputs, !all_parts, stop).map_err(of_bundle)?.into_captures();
        let ids = bundle::capture_ids(&found.names(), &inputs);
        let capture = |(id, found): (String, Result<CaptureLocation, Unsearched>)| match found {
            Ok(capture) => Capture { name: capture.name().to_owned(), id, size: capture.size(), error: None },
            Err(Unsearched { name, error, .. }) => Capture { name, id, size: 0, error: Some(error) },
        };
        Ok(ids.into_iter().zip(found.captures).map(capture).collect())
    })
}
