//! The verdict on a boot log.

use crate::error::error;
use crate::table::Table;
use pml_analyzer::case::tables::{CaseRows, PHASES, SIGNALS};
use pml_analyzer::tables::{FAILURES, FINDINGS};
use pml_analyzer::{Format, Knowledge, Paint, Report as Verdict};
use pml_parser::arrow::types::Types;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// A report.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct Report {
    pub(crate) verdict: Verdict,
    pub(crate) knowledge: Arc<Knowledge>,
}

impl Report {
    fn render(&self, format: Format) -> PyResult<String> {
        self.verdict.render(&self.knowledge, format, Paint::Plain).map_err(error)
    }

    fn table<T>(&self, table: &pml_analyzer::tables::Table<T>, rows: &[T]) -> PyResult<Table> {
        let batch = table.batch(rows).and_then(|batch| Types::Exact.batch(batch)).map_err(error)?;
        Ok(Table::new(batch.schema(), vec![batch]))
    }
}

#[pymethods]
impl Report {
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let text = serde_json::to_string(&self.verdict).map_err(error)?;
        Ok(py.import("json")?.call_method1("loads", (text,))?.cast_into::<PyDict>()?)
    }

    #[getter]
    fn headline(&self) -> &str {
        &self.verdict.headline
    }

    #[getter]
    fn findings(&self) -> PyResult<Table> {
        self.table(&FINDINGS, &self.verdict.findings)
    }

    #[getter]
    fn failures(&self) -> PyResult<Table> {
        self.table(&FAILURES, &self.verdict.failures)
    }

    #[getter]
    fn phases(&self) -> PyResult<Table> {
        self.table(&PHASES, &CaseRows::of_boot_log(&self.verdict).phases)
    }

    #[getter]
    fn signals(&self) -> PyResult<Table> {
        self.table(&SIGNALS, &CaseRows::of_boot_log(&self.verdict).signals)
    }

    fn text(&self) -> PyResult<String> {
        self.render(Format::Text)
    }

    fn markdown(&self) -> PyResult<String> {
        self.render(Format::Markdown)
    }

    fn html(&self) -> PyResult<String> {
        self.render(Format::Html)
    }

    fn __repr__(&self) -> String {
        format!("<procmon_pml.Report: {}>", self.verdict.headline)
    }
}
