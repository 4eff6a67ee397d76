//! A capture, and its events.

use crate::error::{error, of_arrow, of_bundle, of_open, of_write};
use crate::interrupt::{Cancel, interruptible};
use crate::place::{PendingFiles, PendingFolder};
use crate::report::{self, Report};
use crate::table::{Rows, Stream, Table};
use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pml_analyzer::bundle::{self, CaptureFiles};
use pml_parser::arrow::events::EventCounts;
use pml_parser::arrow::labels::{capture_id, log_hash};
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::arrow::types::Types;
use pml_parser::columns::{CAPTURE, EVENTS, FRAMES, MODULES, PROCESSES, STACKS, TABLES};
use pml_parser::export::batches::{EventBatches, Share, read_share};
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::ipc::write_ipc;
use pml_parser::export::jsonl::write_jsonl;
use pml_parser::export::parquet::{ParquetOptions, write_dataset, write_events};
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::export::xml::write_xml;
use pml_parser::export::{Provenance, ScanOptions, TableOptions, WriteError, small_tables};
use pml_parser::{Filter, LogSet, OpenOptions, Opened, RecoverMode};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The most threads by default; each takes up to 50 MiB.
const MOST_THREADS: usize = 4;

pub(crate) fn threads(given: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, Into::into).min(MOST_THREADS);
    given.unwrap_or_else(cores).clamp(1, 256)
}

pub(crate) fn types(name: &str) -> PyResult<Types> {
    [Types::Exact, Types::Portable]
        .into_iter()
        .find(|types| types.name() == name)
        .ok_or_else(|| error(format!("there are no types {name:?}: they are \"exact\" or \"portable\"")))
}

fn filter(text: Option<&str>) -> PyResult<Option<Filter>> {
    text.map(|text| Filter::parse(text).map_err(error)).transpose()
}

/// The events that a call wants, and the threads that read them.
fn scan(r#where: Option<&str>, given: Option<usize>) -> PyResult<ScanOptions> {
    Ok(ScanOptions { threads: threads(given), filter: filter(r#where)?, ..ScanOptions::default() })
}

fn column_set(names: Option<&[String]>) -> PyResult<EventColumnSet> {
    let Some(names) = names else { return Ok(EventColumnSet::default()) };
    EventColumnSet::named(names.iter().map(String::as_str)).map_err(|name| {
        let known: Vec<_> = EVENTS.columns.iter().map(|column| column.name).collect();
        error(format!("the events table has no column {name:?}\n  its columns are: {}", known.join(", ")))
    })
}

/// A fault that the map of a log had.
pub(crate) fn check(opened: &Opened) -> PyResult<()> {
    opened.check().map_err(|fault| PyOSError::new_err(fault.to_string()))
}

/// The columns of the events table.
#[pyfunction]
pub(crate) fn columns() -> Vec<&'static str> {
    EVENTS.columns.iter().map(|column| column.name).collect()
}

/// Opens a capture.
#[pyfunction]
#[pyo3(signature = (path, *, all_parts = true, recover = false, mmap = false))]
pub(crate) fn open(
    py: Python<'_>,
    path: PathBuf,
    all_parts: bool,
    recover: bool,
    mmap: bool,
) -> PyResult<Log> {
    let options = open_options(all_parts, recover, mmap);
    interruptible(py, |stop| {
        let inside = bundle::find_capture(&path, stop).map_err(of_bundle)?;
        let files = match inside {
            Some(capture) => Some(capture.files(stop)),
            None => bundle::unpack_named(std::slice::from_ref(&path), !all_parts, stop).transpose(),
        };
        let files = files.transpose().map_err(of_bundle)?;
        let opened = match &files {
            Some(files) => open_found(files, &options, stop)?,
            None => LogSet::open_files(&[path], options, stop).map_err(of_open)?,
        };
        Ok(Log { opened: Arc::new(Held { opened, _files: files }) })
    })
}

pub(crate) fn open_options(all_parts: bool, recover: bool, mmap: bool) -> OpenOptions {
    OpenOptions {
        named_only: !all_parts,
        recover: if recover { RecoverMode::Always } else { RecoverMode::Never },
        in_memory: !mmap,
        ..OpenOptions::default()
    }
}

/// Opens the capture of files that were found or unpacked.
fn open_found(files: &CaptureFiles, options: &OpenOptions, stop: &Cancel<'_>) -> PyResult<Opened> {
    let opened = match files.is_complete() {
        true => LogSet::open_found(files.paths(), options, stop),
        false => LogSet::open_files(files.paths(), options.clone(), stop),
    };
    opened.map_err(of_open)
}

/// The tables, by name.
pub(crate) fn table_names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name).chain(report::table_names())
}

/// The names of all tables.
#[pyfunction]
pub(crate) fn tables() -> Vec<&'static str> {
    table_names().collect()
}

/// A table without rows, for its schema.
#[pyfunction]
#[pyo3(signature = (table, *, types = "exact"))]
pub(crate) fn empty<'py>(py: Python<'py>, table: &str, types: &str) -> PyResult<Bound<'py, Table>> {
    let types = self::types(types)?;
    let of_capture = TABLES.iter().find(|known| known.name == table).map(|known| known.schema(types));
    let schema = of_capture.or_else(|| report::schema(table, types));
    let known = || table_names().collect::<Vec<_>>().join(", ");
    let schema =
        schema.ok_or_else(|| error(format!("there is no table {table:?}: the tables are {}", known())))?;
    Table::new(py, schema, Vec::new())
}

/// A capture that is open. What was unpacked for it goes away with this value.
pub(crate) struct Held {
    opened: Opened,
    _files: Option<CaptureFiles>,
}

impl std::ops::Deref for Held {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        &self.opened
    }
}

/// A capture.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct Log {
    opened: Arc<Held>,
}

impl Log {
    fn options(&self, types: Types, capture: Option<String>, threads: usize) -> TableOptions {
        let scan = ScanOptions { threads, ..ScanOptions::default() };
        TableOptions { scan, types, capture, ..TableOptions::default() }
    }

    fn facts(&self) -> Provenance {
        let tool_version = concat!("procmon-pml ", env!("CARGO_PKG_VERSION")).to_owned();
        Provenance { tool_version, part_names: self.opened.names() }
    }

    fn small<'py>(
        &self,
        py: Python<'py>,
        schema: SchemaRef,
        make: impl FnOnce(&LogSet<pml_parser::Map>) -> Result<Vec<RecordBatch>, WriteError> + Send,
    ) -> PyResult<Bound<'py, Table>> {
        let opened = &self.opened;
        let batches = interruptible(py, |_| {
            let batches = make(&opened.set);
            check(opened)?;
            batches.map_err(|failed| of_write(Path::new("log"), failed))
        })?;
        Table::new(py, schema, batches)
    }
}

#[pymethods]
impl Log {
    #[getter]
    fn event_count(&self) -> u64 {
        self.opened.set.event_count()
    }

    #[getter]
    fn size(&self) -> u64 {
        self.opened.set.size()
    }

    #[getter]
    fn parts(&self) -> Vec<String> {
        self.opened.names()
    }

    #[getter]
    fn missing(&self) -> Vec<(String, String)> {
        self.opened.missing.clone()
    }

    #[getter]
    fn left_out(&self) -> Vec<String> {
        self.opened.left_out.iter().map(|left_out| left_out.path.display().to_string()).collect()
    }

    #[getter]
    fn computer(&self) -> String {
        self.opened.set.part(0).map(|log| log.computer().to_string()).unwrap_or_default()
    }

    #[getter]
    fn capture_id(&self) -> String {
        capture_id(&self.opened.set)
    }

    #[getter]
    fn log_hash(&self) -> String {
        log_hash(&self.opened.set)
    }

    #[pyo3(signature = (columns = None, r#where = None, *, types = "exact", capture_id = None, threads = None, share = None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn events<'py>(
        &self,
        py: Python<'py>,
        columns: Option<Vec<String>>,
        r#where: Option<&str>,
        types: &str,
        capture_id: Option<String>,
        threads: Option<usize>,
        share: Option<(u32, u32)>,
    ) -> PyResult<Bound<'py, Events>> {
        let scan = scan(r#where, threads)?;
        let columns = column_set(columns.as_deref())?;
        let share = match share {
            None => Share::default(),
            Some((number, of)) if number < of => Share { number, of },
            Some((number, of)) => {
                return Err(error(format!("there is no share {number} of {of}: shares count from 0")));
            }
        };
        let export = TableOptions { scan, columns, types: self::types(types)?, capture: capture_id };
        if share != Share::default() && export.schema().column_with_name("stack_id").is_some() {
            return Err(error(
                "a share has no column stack_id: its numbers are those of the whole capture\n  hint: name the columns",
            ));
        }
        let rows = Arc::new(EventRows { opened: Arc::clone(&self.opened), export, share });
        Stream::extended(py, Arc::clone(&rows) as Arc<dyn Rows>, Events { rows })
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn processes<'py>(
        &self,
        py: Python<'py>,
        types: &str,
        capture_id: Option<String>,
    ) -> PyResult<Bound<'py, Table>> {
        let options = self.options(self::types(types)?, capture_id, 1);
        self.small(py, PROCESSES.schema(options.types), |set| small_tables::processes(set, &options))
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn modules<'py>(
        &self,
        py: Python<'py>,
        types: &str,
        capture_id: Option<String>,
    ) -> PyResult<Bound<'py, Table>> {
        let options = self.options(self::types(types)?, capture_id, 1);
        self.small(py, MODULES.schema(options.types), |set| small_tables::modules(set, &options))
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn capture<'py>(
        &self,
        py: Python<'py>,
        types: &str,
        capture_id: Option<String>,
    ) -> PyResult<Bound<'py, Table>> {
        let options = self.options(self::types(types)?, capture_id, 1);
        let facts = self.facts();
        self.small(py, CAPTURE.schema(options.types), |set| {
            Ok(vec![small_tables::capture(set, &options, &facts, &EventCounts::default())?])
        })
    }

    #[pyo3(signature = (r#where = None, *, types = "exact", capture_id = None, threads = None))]
    fn stacks<'py>(
        &self,
        py: Python<'py>,
        r#where: Option<&str>,
        types: &str,
        capture_id: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, Table>, Bound<'py, Table>)> {
        let mut options = self.options(self::types(types)?, capture_id, self::threads(threads));
        options.scan.filter = filter(r#where)?;
        let opened = &self.opened;
        let found = interruptible(py, |stop| {
            let found = small_tables::stacks_and_frames(&opened.set, &options, stop);
            check(opened)?;
            found.map_err(|failed| of_write(Path::new("log"), failed))
        })?;
        Ok((
            Table::new(py, STACKS.schema(options.types), found.stacks)?,
            Table::new(py, FRAMES.schema(options.types), found.frames)?,
        ))
    }

    #[pyo3(signature = (*, lang = "en", threads = None))]
    fn triage(&self, py: Python<'_>, lang: &str, threads: Option<usize>) -> PyResult<Report> {
        let reader = report::Reader::new(lang, self::threads(threads))?;
        let opened = &self.opened;
        let boot = interruptible(py, |stop| {
            let first = opened.paths().next().map(|path| path.display().to_string()).unwrap_or_default();
            reader.analyze(opened, (&first, &first), stop)
        })?;
        Ok(reader.of_boot(boot))
    }

    #[pyo3(signature = (output, *, to = "dataset", columns = None, r#where = None, types = "exact", capture_id = None, threads = None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn convert(
        &self,
        py: Python<'_>,
        output: PathBuf,
        to: &str,
        columns: Option<Vec<String>>,
        r#where: Option<&str>,
        types: &str,
        capture_id: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<u64> {
        let scan = scan(r#where, threads)?;
        let is_text = matches!(to, "csv" | "xml");
        if is_text && columns.is_some() {
            return Err(error("csv and xml have the columns that Process Monitor shows"));
        }
        let columns = column_set(columns.as_deref())?;
        let export =
            TableOptions { scan: scan.clone(), columns, types: self::types(types)?, capture: capture_id };
        let options = ParquetOptions { export, facts: self.facts(), ..ParquetOptions::default() };
        let text = TextExport { scan, ..TextExport::default() };
        let opened = &self.opened;
        let set = &opened.set;
        interruptible(py, |stop| {
            let failed = |failed| of_write(&output, failed);
            if to == "dataset" {
                let folder = PendingFolder::new(&output)?;
                let counts = write_dataset(set, |name| folder.create(name), &options, stop);
                check(opened)?;
                let counts = counts.map_err(failed)?;
                folder.finish()?;
                return Ok(counts.events());
            }
            let mut files = PendingFiles::new(&output)?;
            let mut out = files.create(0).map_err(|error| failed(error.into()))?;
            let counts = match to {
                "parquet" => write_events(set, out, &options, stop),
                "arrow" => write_ipc(set, out, &options.export, &options.facts, stop),
                "jsonl" => write_jsonl(set, &mut out, &options.export, stop),
                "csv" => write_csv(set, &mut out, &text, false, stop),
                "xml" => write_xml(set, &mut out, &text, false, stop),
                _ => {
                    let known = "dataset, parquet, arrow, jsonl, csv, xml";
                    return Err(error(format!("there is no format {to:?}: the formats are {known}")));
                }
            };
            check(opened)?;
            let counts = counts.map_err(failed)?;
            files.finish()?;
            Ok(counts.events())
        })
    }

    #[pyo3(signature = (output, r#where = None, *, threads = None))]
    fn slice(
        &self,
        py: Python<'_>,
        output: PathBuf,
        r#where: Option<&str>,
        threads: Option<usize>,
    ) -> PyResult<u64> {
        let scan = scan(r#where, threads)?;
        let options = SliceOptions { scan, part_bytes: SliceOptions::PART_BYTES };
        let opened = &self.opened;
        interruptible(py, |stop| {
            let mut files = PendingFiles::new(&output)?;
            let counts = slice(&opened.set, &options, |part| files.create(part), stop);
            check(opened)?;
            let counts = counts.map_err(|failed| of_write(&output, failed))?;
            files.finish()?;
            Ok(counts.kept)
        })
    }

    fn __len__(&self) -> usize {
        self.opened.set.event_count() as usize
    }

    fn __repr__(&self) -> String {
        format!("<procmon_pml.Log: {}, {} events>", self.opened.names().join(", "), self.event_count())
    }
}

/// Events of a capture, and how they are read.
struct EventRows {
    opened: Arc<Held>,
    export: TableOptions,
    share: Share,
}

impl EventRows {
    fn batches(&self) -> PyResult<Checked> {
        let opened = Arc::clone(&self.opened);
        let (export, share) = (self.export.clone(), self.share);
        let batches =
            EventBatches::share_of(Arc::clone(&opened), |opened| &opened.opened.set, export, share)?;
        Ok(Checked { batches, opened, is_done: false })
    }
}

impl Rows for EventRows {
    fn schema(&self) -> SchemaRef {
        self.export.schema()
    }

    fn reader(&self) -> PyResult<Box<dyn RecordBatchReader + Send>> {
        Ok(Box::new(self.batches()?))
    }
}

/// Batches of a log that can still be read.
struct Checked {
    batches: EventBatches,
    opened: Arc<Held>,
    is_done: bool,
}

impl Iterator for Checked {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = self.batches.next();
        // Where nothing can be read, there is no batch at all.
        self.is_done = batch.is_none();
        match self.opened.check() {
            Ok(()) => batch,
            Err(fault) => {
                self.is_done = true;
                // The C interface passes on that it is an error of reading, which others raise as OSError.
                Some(Err(ArrowError::IoError(fault.to_string(), std::io::Error::other(fault))))
            }
        }
    }
}

impl RecordBatchReader for Checked {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

/// An iterator over events.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct EventIterator {
    batches: Mutex<Checked>,
}

#[pymethods]
impl EventIterator {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Table>>> {
        let next = py.detach(|| self.batches.lock().unwrap_or_else(PoisonError::into_inner).next());
        let batch = next.transpose().map_err(of_arrow)?;
        batch.map(|batch| Table::new(py, batch.schema(), vec![batch])).transpose()
    }
}

/// The events of a capture. Each reading starts again.
#[pyclass(frozen, extends = Stream, module = "procmon_pml")]
pub(crate) struct Events {
    rows: Arc<EventRows>,
}

#[pymethods]
impl Events {
    /// The first batch of events.
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        let batches = self.rows.batches()?;
        let schema = batches.schema();
        let first = interruptible(py, move |_| {
            let mut batches = batches;
            batches.next().transpose().map_err(of_arrow)
        })?;
        Table::new(py, schema, first.into_iter().collect())
    }

    /// No events.
    fn empty<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        Table::new(py, self.rows.schema(), Vec::new())
    }

    fn __iter__(&self) -> PyResult<EventIterator> {
        Ok(EventIterator { batches: Mutex::new(self.rows.batches()?) })
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        let EventRows { opened, export, share } = &*self.rows;
        let export = TableOptions { columns: column_set(Some(&["event_id".to_owned()]))?, ..export.clone() };
        interruptible(py, |stop| {
            let counts = read_share(&opened.set, &export, *share, stop, |_| Ok(()));
            check(opened)?;
            Ok(counts.map_err(|failed| of_write(Path::new("log"), failed))?.events())
        })
    }

    fn __repr__(&self) -> String {
        let schema = self.rows.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        format!("<procmon_pml.Events: {}>", names.join(", "))
    }
}
