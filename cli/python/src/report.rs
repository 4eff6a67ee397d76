//! Verdicts on captures and on cases of text logs.

use crate::error::{error, of_bundle, of_capture, of_triage};
use crate::interrupt::{Cancel, interruptible};
use crate::log::{check, open_options, types};
use crate::table::Table;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use pml_analyzer::bundle::{self, CaptureLocation};
use pml_analyzer::case::tables::{CaseRows, PHASES, SESSIONS, SIGNALS, UPDATES};
use pml_analyzer::case::{CaseOrigin, CaseReport, UnreadInput};
use pml_analyzer::logs::Signatures;
use pml_analyzer::survey::{self, Subject};
use pml_analyzer::tables::{FAILURES, FINDINGS, RowLabels, Table as TableOf, VERDICTS, VerdictRow};
use pml_analyzer::{
    Format, Knowledge, Language, Origin, Paint, Report as BootReport, Screen, TriageOptions, triage,
};
use pml_parser::Opened;
use pml_parser::arrow::labels::capture_id;
use pml_parser::arrow::types::Types;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

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

/// The signatures of text logs that come with the package, loaded once.
fn signatures() -> PyResult<Arc<Signatures>> {
    static SIGNATURES: OnceLock<Arc<Signatures>> = OnceLock::new();
    if let Some(known) = SIGNATURES.get() {
        return Ok(Arc::clone(known));
    }
    let loaded = Signatures::embedded()
        .map_err(|errors| error(errors.first().map(ToString::to_string).unwrap_or_default()))?;
    Ok(Arc::clone(SIGNATURES.get_or_init(|| Arc::new(loaded))))
}

/// What reports are made with.
pub(crate) struct Reader {
    knowledge: Arc<Knowledge>,
    signatures: Arc<Signatures>,
    language: Language,
    threads: usize,
}

/// A report on a boot log, and what its rows are labelled with.
pub(crate) struct Boot {
    report: BootReport,
    capture: String,
    is_lost: bool,
}

fn tool() -> (String, String) {
    ("procmon-pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned())
}

impl Reader {
    pub(crate) fn new(lang: &str, threads: usize) -> PyResult<Self> {
        let language = match lang {
            "en" => Language::En,
            "zh" => Language::Zh,
            _ => return Err(error(format!("there are no reports in {lang:?}: only \"en\" and \"zh\""))),
        };
        Ok(Self { knowledge: knowledge()?, signatures: signatures()?, language, threads })
    }

    /// The report on a capture with this name, whose first file is named `argument` on a command line.
    pub(crate) fn analyze(
        &self,
        opened: &Opened,
        (name, argument): (&str, &str),
        stop: &Cancel<'_>,
    ) -> PyResult<Boot> {
        let lost_parts = opened.lost_parts || !opened.missing.is_empty();
        let options = TriageOptions { threads: self.threads, parts_missing: lost_parts };
        let result = triage(&opened.set, &self.knowledge, options, stop);
        check(opened)?;
        let result = result.map_err(of_triage)?;
        let origin = Origin {
            name: name.to_owned(),
            parts: opened.names(),
            argument: argument.to_owned(),
            lost_parts,
            zone: None,
            symbols: None,
            tool: tool(),
        };
        let report = BootReport::new(&opened.set, &result, &self.knowledge, &origin, self.language);
        // Building the report has read events again.
        check(opened)?;
        let is_lost = lost_parts || result.damage().count > 0 || opened.set.table_damage().count > 0;
        Ok(Boot { report, capture: capture_id(&opened.set), is_lost })
    }

    pub(crate) fn of_boot(&self, boot: Boot) -> Report {
        let row = VerdictRow::of_report(
            (&boot.report.input.name, boot.is_lost),
            &boot.report,
            &self.knowledge,
            None,
        );
        let rows = CaseRows::of_boot_log(&boot.report);
        self.report(About::Boot(Box::new(boot)), row, rows)
    }

    fn report(&self, about: About, verdict: VerdictRow, rows: CaseRows) -> Report {
        let (knowledge, signatures) = (Arc::clone(&self.knowledge), Arc::clone(&self.signatures));
        Report { about, verdict, rows, knowledge, signatures }
    }

    /// The report on a subject.
    fn of_subject(&self, subject: Subject, recover: bool, mmap: bool, stop: &Cancel<'_>) -> PyResult<Report> {
        let read = |capture: &CaptureLocation, name: &str| {
            let opened = capture.open(&open_options(true, recover, mmap), stop).map_err(of_capture)?;
            self.analyze(&opened, (name, &capture.argument()), stop)
        };
        let mut files = match subject {
            Subject::Broken { error, .. } => return Err(of_bundle(error)),
            Subject::Capture(capture) => return Ok(self.of_boot(read(&capture, capture.name())?)),
            Subject::Case(files) => files,
        };
        let mut unread = std::mem::take(&mut files.unread);
        let mut boots = Vec::new();
        for capture in files.distinct_captures() {
            match read(capture, files.name_within(capture)) {
                Ok(boot) => boots.push(boot),
                // The text logs still have their story.
                Err(failed) => unread.push(UnreadInput::failed(capture.name(), &failed.to_string())),
            }
        }
        let is_lost = !unread.is_empty() || boots.iter().any(|boot| boot.is_lost);
        let labels: Vec<_> =
            boots.iter().map(|boot| (boot.capture.clone(), boot.report.machine.computer.clone())).collect();
        let origin = CaseOrigin { name: files.name.clone(), tool: tool(), unread };
        let reports = boots.into_iter().map(|boot| boot.report).collect();
        let (case, signatures) = (&files.case, &self.signatures);
        let report = CaseReport::new(case, reports, &origin, signatures, &self.knowledge, self.language);
        let row = VerdictRow::of_case((&files.name, is_lost), &report, None);
        let rows = CaseRows::new(case, &report);
        Ok(self.report(About::Case { name: files.name, report: Box::new(report), labels }, row, rows))
    }
}

/// The report on a capture, or on the case of the logs in a folder or archive.
#[pyfunction]
#[pyo3(signature = (path, *, recover = false, lang = "en", mmap = false, threads = None))]
pub(crate) fn report(
    py: Python<'_>,
    path: PathBuf,
    recover: bool,
    lang: &str,
    mmap: bool,
    threads: Option<usize>,
) -> PyResult<Report> {
    let reader = Reader::new(lang, crate::log::threads(threads))?;
    interruptible(py, |stop| {
        // The name may be that of a member of an archive.
        let inside = match path.exists() {
            true => None,
            false => bundle::find_capture(&path, stop).ok().flatten(),
        };
        let mut subjects = match inside {
            Some(capture) => vec![Subject::Capture(capture)],
            None => {
                let found = bundle::find(std::slice::from_ref(&path), false, stop).map_err(of_bundle)?;
                survey::subjects(found, &reader.signatures, stop, &mut |_| {}).map_err(of_bundle)?
            }
        };
        match (subjects.pop(), subjects.len()) {
            (Some(only), 0) => reader.of_subject(only, recover, mmap, stop),
            (None, _) => Err(error(format!("{}: no log is in it", path.display()))),
            (Some(last), _) => {
                let names: Vec<&str> = subjects.iter().chain([&last]).map(Subject::name).collect();
                Err(error(format!("there are several captures or cases: name one of {}", names.join(", "))))
            }
        }
    })
}

/// What a report is about.
enum About {
    Boot(Box<Boot>),
    Case {
        name: String,
        report: Box<CaseReport>,
        /// Id and computer of each capture.
        labels: Vec<(String, String)>,
    },
}

/// A report.
#[pyclass(frozen, module = "procmon_pml")]
pub(crate) struct Report {
    about: About,
    verdict: VerdictRow,
    rows: CaseRows,
    knowledge: Arc<Knowledge>,
    signatures: Arc<Signatures>,
}

/// The tables of reports, by name.
pub(crate) fn table_names() -> impl Iterator<Item = &'static str> {
    [VERDICTS.name, FINDINGS.name, FAILURES.name, UPDATES.name, SESSIONS.name, PHASES.name, SIGNALS.name]
        .into_iter()
}

/// The schema of a table of reports.
pub(crate) fn schema(table: &str, types: Types) -> Option<SchemaRef> {
    let labels = RowLabels { capture: String::new(), computer: String::new(), types };
    let batch = match table {
        name if name == VERDICTS.name => labels.batch(&VERDICTS, &[]),
        name if name == FINDINGS.name => labels.batch(&FINDINGS, &[]),
        name if name == FAILURES.name => labels.batch(&FAILURES, &[]),
        name if name == UPDATES.name => labels.batch(&UPDATES, &[]),
        name if name == SESSIONS.name => labels.batch(&SESSIONS, &[]),
        name if name == PHASES.name => labels.batch(&PHASES, &[]),
        name if name == SIGNALS.name => labels.batch(&SIGNALS, &[]),
        _ => return None,
    };
    Some(batch.ok()?.schema())
}

impl Report {
    fn render(&self, format: Format) -> PyResult<String> {
        let screen = Screen::from(Paint::Plain);
        let text = match &self.about {
            About::Boot(boot) => boot.report.render(&self.knowledge, format, screen),
            About::Case { report, .. } => {
                report.render(&self.signatures, &self.knowledge, format, screen, None)
            }
        };
        text.map_err(error)
    }

    /// The labels of each capture with its report, or those of a case without one.
    fn labels(&self, types: Types, capture_id: Option<String>) -> Vec<(RowLabels, Option<&BootReport>)> {
        let labels = |capture: &str, computer: &str| RowLabels {
            capture: capture.to_owned(),
            computer: computer.to_owned(),
            types,
        };
        let mut found = match &self.about {
            About::Boot(boot) => {
                vec![(labels(&boot.capture, &boot.report.machine.computer), Some(&boot.report))]
            }
            About::Case { name, report, labels: of_captures } if of_captures.is_empty() => {
                vec![(labels(name, report.machine.computer.as_deref().unwrap_or_default()), None)]
            }
            About::Case { report, labels: of_captures, .. } => {
                let named = of_captures.iter().map(|(capture, computer)| labels(capture, computer));
                named.zip(report.captures.iter().map(Some)).collect()
            }
        };
        if let (Some(id), Some(first)) = (capture_id, found.first_mut()) {
            first.0.capture = id;
        }
        found
    }

    fn make(&self, table: &str, types: Types, capture_id: Option<String>) -> PyResult<Option<RecordBatch>> {
        let labels = self.labels(types, capture_id);
        let Some((first, _)) = labels.first() else { return Ok(None) };
        fn each<T>(
            table: &TableOf<T>,
            labels: &[(RowLabels, Option<&BootReport>)],
            rows: impl Fn(&BootReport) -> &[T],
        ) -> Result<RecordBatch, arrow::error::ArrowError> {
            let batches = labels.iter().map(|(labels, boot)| labels.batch(table, boot.map_or(&[], &rows)));
            let batches: Vec<_> = batches.collect::<Result<_, _>>()?;
            let schema = batches
                .first()
                .map(RecordBatch::schema)
                .unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
            concat_batches(&schema, &batches)
        }
        let batch = match table {
            name if name == VERDICTS.name => first.batch(&VERDICTS, std::slice::from_ref(&self.verdict)),
            name if name == FINDINGS.name => each(&FINDINGS, &labels, |boot| &boot.findings),
            name if name == FAILURES.name => each(&FAILURES, &labels, |boot| &boot.failures),
            name if name == UPDATES.name => first.batch(&UPDATES, &self.rows.updates),
            name if name == SESSIONS.name => first.batch(&SESSIONS, &self.rows.sessions),
            name if name == PHASES.name => first.batch(&PHASES, &self.rows.phases),
            name if name == SIGNALS.name => first.batch(&SIGNALS, &self.rows.signals),
            _ => return Ok(None),
        };
        batch.map(Some).map_err(error)
    }
}

#[pymethods]
impl Report {
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let text = match &self.about {
            About::Boot(boot) => serde_json::to_string(&boot.report),
            About::Case { report, .. } => serde_json::to_string(report),
        };
        Ok(py.import("json")?.call_method1("loads", (text.map_err(error)?,))?.cast_into::<PyDict>()?)
    }

    #[getter]
    fn headline(&self) -> &str {
        match &self.about {
            About::Boot(boot) => &boot.report.headline,
            About::Case { report, .. } => &report.headline,
        }
    }

    #[pyo3(signature = (name, *, types = "exact", capture_id = None))]
    fn table<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        types: &str,
        capture_id: Option<String>,
    ) -> PyResult<Bound<'py, Table>> {
        let Some(batch) = self.make(name, self::types(types)?, capture_id)? else {
            let known = table_names().collect::<Vec<_>>().join(", ");
            return Err(error(format!("a report has no table {name:?}: its tables are {known}")));
        };
        Table::new(py, batch.schema(), vec![batch])
    }

    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        self.table(py, FINDINGS.name, Types::Exact.name(), None)
    }

    #[getter]
    fn failures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        self.table(py, FAILURES.name, Types::Exact.name(), None)
    }

    #[getter]
    fn phases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        self.table(py, PHASES.name, Types::Exact.name(), None)
    }

    #[getter]
    fn signals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Table>> {
        self.table(py, SIGNALS.name, Types::Exact.name(), None)
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
        format!("<procmon_pml.Report: {}>", self.headline())
    }
}
