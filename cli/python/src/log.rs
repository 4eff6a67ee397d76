//! A capture, and its events.

use crate::error::{error, of_arrow, of_open, of_triage, of_write};
use crate::interrupt::interruptible;
use crate::place::{PendingFiles, PendingFolder};
use crate::report::Report;
use crate::table::{Table, schema, stream};
use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pml_analyzer::{Knowledge, Language, Origin, Report as Verdict, TriageOptions, triage};
use pml_parser::arrow::events::EventCounts;
use pml_parser::arrow::labels::{capture_id, log_hash};
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::arrow::types::Types;
use pml_parser::columns::{CAPTURE, EVENTS, FRAMES, MODULES, PROCESSES, STACKS};
use pml_parser::export::batches::EventBatches;
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
use pyo3::types::PyCapsule;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The most threads by default; each takes up to 50 MiB.
const MOST_THREADS: usize = 4;

fn threads(given: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, Into::into).min(MOST_THREADS);
    given.unwrap_or_else(cores).clamp(1, 256)
}

fn types(name: &str) -> PyResult<Types> {
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
fn check(opened: &Opened) -> PyResult<()> {
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
    let options = OpenOptions {
        named_only: !all_parts,
        recover: if recover { RecoverMode::Always } else { RecoverMode::Never },
        in_memory: !mmap,
        ..OpenOptions::default()
    };
    let opened = interruptible(py, |stop| LogSet::open_files(&[path], options, stop).map_err(of_open))?;
    Ok(Log { opened: Arc::new(opened) })
}

/// A capture.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct Log {
    opened: Arc<Opened>,
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

    fn small(
        &self,
        py: Python<'_>,
        schema: SchemaRef,
        make: impl FnOnce(
            &LogSet<pml_parser::Map>,
            &crate::interrupt::Cancel<'_>,
        ) -> Result<Vec<RecordBatch>, WriteError>
        + Send,
    ) -> PyResult<Table> {
        let opened = &self.opened;
        interruptible(py, |stop| {
            let batches = make(&opened.set, stop);
            check(opened)?;
            Ok(Table::new(schema, batches.map_err(|failed| of_write(Path::new("log"), failed))?))
        })
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

    #[pyo3(signature = (columns = None, r#where = None, *, types = "exact", capture_id = None, threads = None))]
    fn events(
        &self,
        columns: Option<Vec<String>>,
        r#where: Option<&str>,
        types: &str,
        capture_id: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<Events> {
        let scan = scan(r#where, threads)?;
        let columns = column_set(columns.as_deref())?;
        let export = TableOptions { scan, columns, types: self::types(types)?, capture: capture_id };
        Ok(Events { opened: Arc::clone(&self.opened), export })
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn processes(&self, py: Python<'_>, types: &str, capture_id: Option<String>) -> PyResult<Table> {
        let options = self.options(self::types(types)?, capture_id, 1);
        self.small(py, PROCESSES.schema(options.types), |set, _| small_tables::processes(set, &options))
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn modules(&self, py: Python<'_>, types: &str, capture_id: Option<String>) -> PyResult<Table> {
        let options = self.options(self::types(types)?, capture_id, 1);
        self.small(py, MODULES.schema(options.types), |set, _| small_tables::modules(set, &options))
    }

    #[pyo3(signature = (*, types = "exact", capture_id = None))]
    fn capture(&self, py: Python<'_>, types: &str, capture_id: Option<String>) -> PyResult<Table> {
        let options = self.options(self::types(types)?, capture_id, 1);
        let facts = self.facts();
        self.small(py, CAPTURE.schema(options.types), |set, _| {
            Ok(vec![small_tables::capture(set, &options, &facts, &EventCounts::default())?])
        })
    }

    #[pyo3(signature = (r#where = None, *, types = "exact", capture_id = None, threads = None))]
    fn stacks(
        &self,
        py: Python<'_>,
        r#where: Option<&str>,
        types: &str,
        capture_id: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<(Table, Table)> {
        let mut options = self.options(self::types(types)?, capture_id, self::threads(threads));
        options.scan.filter = filter(r#where)?;
        let opened = &self.opened;
        let found = interruptible(py, |stop| {
            let found = small_tables::stacks_and_frames(&opened.set, &options, stop);
            check(opened)?;
            found.map_err(|failed| of_write(Path::new("log"), failed))
        })?;
        Ok((
            Table::new(STACKS.schema(options.types), found.stacks),
            Table::new(FRAMES.schema(options.types), found.frames),
        ))
    }

    #[pyo3(signature = (*, lang = "en", threads = None))]
    fn triage(&self, py: Python<'_>, lang: &str, threads: Option<usize>) -> PyResult<Report> {
        let language = match lang {
            "en" => Language::En,
            "zh" => Language::Zh,
            _ => return Err(error(format!("there are no reports in {lang:?}: only \"en\" and \"zh\""))),
        };
        let knowledge = knowledge()?;
        let opened = &self.opened;
        let verdict = interruptible(py, |stop| {
            let lost_parts = opened.lost_parts || !opened.missing.is_empty();
            let options = TriageOptions { threads: self::threads(threads), parts_missing: lost_parts };
            let result = triage(&opened.set, &knowledge, options, stop);
            check(opened)?;
            let result = result.map_err(of_triage)?;
            let first = opened.paths().next().map(|path| path.display().to_string()).unwrap_or_default();
            let origin = Origin {
                name: first.clone(),
                parts: opened.names(),
                argument: first,
                lost_parts,
                zone: None,
                symbols: None,
                tool: ("procmon-pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            };
            let verdict = Verdict::new(&opened.set, &result, &knowledge, &origin, language);
            check(opened)?;
            Ok(verdict)
        })?;
        Ok(Report { verdict, knowledge })
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

/// The rules that come with the package, loaded once.
fn knowledge() -> PyResult<Arc<Knowledge>> {
    static KNOWLEDGE: OnceLock<Arc<Knowledge>> = OnceLock::new();
    if let Some(known) = KNOWLEDGE.get() {
        return Ok(Arc::clone(known));
    }
    let loaded = Knowledge::embedded()
        .map_err(|errors| error(errors.first().map(ToString::to_string).unwrap_or_default()))?;
    Ok(Arc::clone(KNOWLEDGE.get_or_init(|| Arc::new(loaded))))
}

/// The events of a capture. Each reading starts again.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct Events {
    opened: Arc<Opened>,
    export: TableOptions,
}

/// Batches of a log that can still be read.
struct Checked {
    batches: EventBatches,
    opened: Arc<Opened>,
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

impl Events {
    fn batches(&self) -> PyResult<Checked> {
        let opened = Arc::clone(&self.opened);
        let batches = EventBatches::of(Arc::clone(&opened), |opened| &opened.set, self.export.clone())?;
        Ok(Checked { batches, opened, is_done: false })
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

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        let next = py.detach(|| self.batches.lock().unwrap_or_else(PoisonError::into_inner).next());
        next.transpose()
            .map_err(of_arrow)
            .map(|batch| batch.map(|batch| Table::new(batch.schema(), vec![batch])))
    }
}

#[pymethods]
impl Events {
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.export.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema(py, &self.export.schema())
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a producer to ignore the request.
        drop(requested_schema);
        stream(py, Box::new(self.batches()?))
    }

    /// The first batch of events.
    fn head(&self, py: Python<'_>) -> PyResult<Table> {
        let batches = self.batches()?;
        let schema = batches.schema();
        let first = interruptible(py, move |_| {
            let mut batches = batches;
            batches.next().transpose().map_err(of_arrow)
        })?;
        Ok(Table::new(schema, first.into_iter().collect()))
    }

    /// No events.
    fn empty(&self) -> Table {
        Table::new(self.export.schema(), Vec::new())
    }

    fn __iter__(&self) -> PyResult<EventIterator> {
        Ok(EventIterator { batches: Mutex::new(self.batches()?) })
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        let export =
            TableOptions { columns: column_set(Some(&["event_id".to_owned()]))?, ..self.export.clone() };
        let opened = &self.opened;
        interruptible(py, |stop| {
            let counts = pml_parser::export::batches::read_batches(&opened.set, &export, stop, |_| Ok(()));
            check(opened)?;
            Ok(counts.map_err(|failed| of_write(Path::new("log"), failed))?.events())
        })
    }

    fn __repr__(&self) -> String {
        format!("<procmon_pml.Events: {}>", self.column_names().join(", "))
    }
}
