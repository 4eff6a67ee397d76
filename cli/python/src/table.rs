//! Rows that other libraries take through the C data interface of Arrow, and tables in memory.

use crate::error::error;
use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::sync::Arc;

/// Rows that can be read, each time from the beginning.
pub(crate) trait Rows: Send + Sync {
    fn schema(&self) -> SchemaRef;
    fn reader(&self) -> PyResult<Box<dyn RecordBatchReader + Send>>;
}

/// A stream of Arrow: what [`Table`] and the events of a capture have in common.
#[pyclass(frozen, subclass, module = "procmon_pml")]
pub(crate) struct Stream {
    rows: Arc<dyn Rows>,
}

impl Stream {
    /// An object of a class that extends this one.
    pub(crate) fn extended<'py, T>(py: Python<'py>, rows: Arc<dyn Rows>, more: T) -> PyResult<Bound<'py, T>>
    where
        T: PyClass<BaseType = Self>,
    {
        Bound::new(py, PyClassInitializer::from(Self { rows }).add_subclass(more))
    }
}

#[pymethods]
impl Stream {
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.rows.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.rows.schema().as_ref()).map_err(error)?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a producer to ignore the request.
        drop(requested_schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(self.rows.reader()?), c"arrow_array_stream")
    }
}

/// Batches in memory.
pub(crate) struct Batches {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Rows for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn reader(&self) -> PyResult<Box<dyn RecordBatchReader + Send>> {
        let batches: Vec<_> = self.batches.iter().cloned().map(Ok).collect();
        Ok(Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema))))
    }
}

/// A table in memory.
#[pyclass(frozen, extends = Stream, module = "procmon_pml")]
pub(crate) struct Table {
    batches: Arc<Batches>,
}

impl Table {
    pub(crate) fn new(
        py: Python<'_>,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> PyResult<Bound<'_, Self>> {
        let batches = Arc::new(Batches { schema, batches });
        Stream::extended(py, Arc::clone(&batches) as Arc<dyn Rows>, Self { batches })
    }
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.batches.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn __repr__(&self) -> String {
        format!(
            "<procmon_pml.Table: {} rows, {} columns>",
            self.__len__(),
            self.batches.schema.fields().len()
        )
    }
}
