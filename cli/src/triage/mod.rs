//! `pml triage`.

mod case;
mod evidence;
mod fleet;
mod record;

use self::fleet::FleetRows;
use self::record::Record;
use crate::args::{ColorArg, LanguageArg, ReportFormat, TriageArgs, TypesArg};
use crate::chinese;
use crate::failure::Failure;
use crate::fleet::folder::{Before, Folder};
use crate::fleet::inputs;
use crate::fleet::options::Words;
use crate::input;
use crate::knowledge;
use crate::outcome;
use crate::output::{PendingDataset, PendingFile};
use crate::slice;
use crate::status::{
    Done, Progress, UntilStopped, counted, go_on, is_stopped, plain, say, stdout_done, warn,
};
use crate::symbols;
use crate::tables::{self, LazySignatures, labels_of};
use crate::zone;
use indicatif::{HumanBytes, HumanCount};
use pml_analyzer::bundle::{self, CaptureLocation, Found, Skipped};
use pml_analyzer::survey::{self, Subject};
use pml_analyzer::tables::RowLabels;
use pml_analyzer::{
    Format, Knowledge, Origin, Paint, Redactor, Report, RollbackClass, Screen, TriageError, TriageOptions,
    triage,
};
use pml_parser::Fault;
use pml_parser::{Opened, Zone};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Columns of a text on a terminal, at most: longer lines are hard to read.
const MOST_COLUMNS: usize = 160;

/// The result of a run over all captures.
#[derive(Default)]
struct Outcome {
    lost: bool,
    rolled_back: bool,
}

impl Outcome {
    fn add(&mut self, other: &Self) {
        self.lost |= other.lost;
        self.rolled_back |= other.rolled_back;
    }
}

/// Runs the command.
pub(crate) fn run(args: &TriageArgs) -> Result<Done, Failure> {
    chinese::choose(matches!(args.lang(), LanguageArg::Zh));
    if args.parquet.is_none() && (args.table.types != TypesArg::Exact || args.table.capture_id.is_some()) {
        return Err(Failure::new("--types and --capture-id go with --parquet, which is not given"));
    }
    for (option, given) in [("--evidence", args.evidence.is_some()), ("--parquet", args.parquet.is_some())] {
        if args.redact && given {
            return Err(Failure::new(format!(
                "--redact covers the report, and {option} writes data of the log itself"
            ))
            .hint(format!("leave out --redact or {option}")));
        }
    }
    // The process ends with the run: freeing thousands of texts would take as long as judging a small log.
    let knowledge = ManuallyDrop::new(knowledge::read(args.knowledge.as_deref())?);
    let inputs = inputs::expand(&args.inputs)?.paths;
    let (inputs, stream) = input::with_standard_input(&inputs)?;
    let mut found = find(&inputs, args.no_set)?;
    if let Some(stream) = &stream {
        found.rename(&stream.path(), input::StandardInput::SAID);
    }
    let signatures = LazySignatures::default();
    let subjects = match found.has_logs() {
        false => survey::captures(found),
        true => survey::subjects(found, signatures.get()?, &UntilStopped, &mut |error| {
            warn(&format!("left out: {error}"));
        })?,
    };
    let many = subjects.len() > 1 || args.resume;
    if many {
        refuse_for_many(args)?;
    }
    let lines = match &args.output {
        Some(path) if many && args.format() == ReportFormat::Jsonl && path != Path::new("-") => {
            Some(Lines::create(path, args.replaces())?)
        }
        _ => None,
    };
    let fleet = Fleet::new(args, &subjects, &inputs, many)?;
    let mut outcome = Outcome::default();
    // The page over all reports has this name.
    let mut taken = HashSet::from([INDEX.to_owned()]);
    for (number, subject) in subjects.iter().enumerate() {
        let stem = file_stem(subject.name(), &mut taken);
        let lines = lines.as_ref();
        let shared = (&*knowledge, &signatures);
        let fleet = fleet.as_ref();
        let text = RefCell::new(None);
        let job = Job { args, shared, subject, stem, many, first: number == 0, lines, fleet, text };
        match job.run(&mut outcome) {
            Ok(()) => {}
            // One unreadable log of a fleet is a line of the output, and does not end the run.
            Err(Trouble::Capture(failure)) if many && !is_stopped() => {
                outcome.lost = true;
                job.print_failure(&failure)?;
            }
            Err(Trouble::Capture(failure) | Trouble::Output(failure)) => return Err(failure),
        }
        if number + 1 < subjects.len() {
            go_on()?;
        }
    }
    if let Some(lines) = lines {
        lines.finish()?;
    }
    if let Some(fleet) = fleet {
        fleet.finish(args, &knowledge)?;
    }
    Ok(match outcome {
        Outcome { rolled_back: true, .. } if args.exit_code => Done::RolledBack,
        Outcome { lost: true, .. } => Done::WithLosses,
        _ => Done::Whole,
    })
}

/// All captures and text logs of the inputs, in the order in which they were named.
fn find(inputs: &[PathBuf], no_set: bool) -> Result<Found, Failure> {
    let mut found = bundle::find(inputs, no_set, &UntilStopped)?;
    for skipped in std::mem::take(&mut found.skipped) {
        match skipped {
            Skipped::Folder { path, error } => warn(&format!("not looked into: {}: {error}", path.display())),
            Skipped::SameNames { path } => warn(&format!(
                "{}: several files in it have the same name; the last of them is used",
                path.display()
            )),
            Skipped::Archive(error) => warn(&format!("not looked into: {error}")),
            Skipped::Encrypted { path, first, count } => warn(&format!(
                "{}: {} encrypted and left out: {first}\n  hint: unpack it with its password and name the folder",
                path.display(),
                counted(count as u64, "file is", "files are")
            )),
            Skipped::TooManyLogs { name, count } => {
                warn(&format!("{name}: {} left out", counted(count as u64, "file is", "files are")));
            }
            skipped => warn(&format!("left out: {skipped:?}")),
        }
    }
    Ok(found)
}

/// The file name, without an ending, of the report on a capture, in characters that any file system takes. It is
/// made of the name and folder of the capture, as far as they fit, and of a number where another report has that name.
fn file_stem(name: &str, taken: &mut HashSet<String>) -> String {
    /// Bytes that leave room for a number and an ending in what file systems allow.
    const LONGEST: usize = 180;
    let name = name.strip_suffix(".pml").or(name.strip_suffix(".PML")).unwrap_or(name);
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    // The end of the name is kept, because it names the log.
    let cut = (0..plain.len()).find(|&at| plain.is_char_boundary(at) && plain.len() - at <= LONGEST);
    let stem = plain.get(cut.unwrap_or(0)..).unwrap_or_default().trim_start_matches(['_', '.', '-']);
    let mut names = std::iter::once(stem.to_owned()).chain((2..).map(|number| format!("{stem}-{number}")));
    // Some file systems ignore case.
    names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default()
}

/// Why there is no report of a capture.
enum Trouble {
    /// The capture cannot be read.
    Capture(Failure),
    /// The report cannot be written, and those of other captures could not either.
    Output(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Capture(failure)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Capture(fault.into())
    }
}

/// Refuses options that need a single capture.
fn refuse_for_many(args: &TriageArgs) -> Result<(), Failure> {
    let one_file = matches!(args.format(), ReportFormat::Json | ReportFormat::Html);
    if one_file && args.output.is_none() {
        return Err(Failure::new(
            "there are several captures, and this format needs one file for each of them",
        )
        .hint("name a directory for them with -o, or choose --format jsonl"));
    }
    if args.evidence.is_some() {
        return Err(
            Failure::new("--evidence goes with one capture, and there are several").hint("name one of them")
        );
    }
    if args.table.capture_id.is_some() {
        return Err(Failure::new("--capture-id names one capture, and there are several")
            .hint("their ids come from the names of their folders and files"));
    }
    if let Some(output) = args.output.as_ref().filter(|output| *output != Path::new("-")) {
        let is_lines = args.format() == ReportFormat::Jsonl;
        if !is_lines && !output.is_dir() {
            return Err(Failure::new(format!("{}: is not a directory", output.display()))
                .hint("several captures are written to a directory that exists, one file each"));
        }
    }
    Ok(())
}

/// Writes a text to a file.
fn write_text(path: &Path, force: bool, text: &str) -> Result<(), Failure> {
    let file = PendingFile::create(path, force)?;
    let written = file.writer().and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.flush()
    });
    written.map_err(|e| Failure::of_io(path, &e))?;
    file.finish().map(drop)
}

/// One capture, or one case, of a run.
struct Job<'a> {
    args: &'a TriageArgs,
    /// What everything is judged by.
    shared: (&'a Knowledge, &'a LazySignatures),
    subject: &'a Subject,
    /// Name of the file for the report, without an ending.
    stem: String,
    many: bool,
    /// Whether it is the first one.
    first: bool,
    /// The file of all reports, if they go to one file.
    lines: Option<&'a Lines>,
    /// What is written about all of them, if anything is.
    fleet: Option<&'a Fleet>,
    /// The report, unless it has a file.
    text: RefCell<Option<String>>,
}

/// The name, without its ending, of the page over all reports.
const INDEX: &str = "index";

/// What a run over many captures writes beside the reports.
struct Fleet {
    rows: RefCell<FleetRows>,
    folder: Option<Folder>,
    /// The page over all reports.
    page: Option<PathBuf>,
    /// Options that change tables and reports.
    options: String,
}

/// The options that change tables and reports, in words.
fn options(args: &TriageArgs) -> Result<String, Failure> {
    let mut words = Words::new(args.table.types);
    words.reading(&args.recovery, args.no_set, &args.drives, &args.symbols)?;
    words.add("format", format_args!("{:?}", args.format()));
    words.add("lang", format_args!("{:?}", args.lang()));
    words.add("letter", format_args!("{:?}", args.letter()));
    words.add("color", format_args!("{:?} {}", args.color, io::stdout().is_terminal()));
    words.flag("full", args.full);
    words.flag("redact", args.redact);
    if let Some(zone) = &args.time_zone {
        words.add("time-zone", zone);
    }
    if let Some(directory) = &args.knowledge {
        words.add("knowledge", format_args!("{:08x}", knowledge::number(directory)?));
    }
    Ok(words.finish())
}

/// The name under which a run keeps what it has found. A case may have the id of a capture.
fn kept_name(subject: &Subject, rows: &FleetRows) -> String {
    let id = rows.id(subject.name());
    if matches!(subject, Subject::Case(_)) { format!("{id}.case") } else { id }
}

impl Fleet {
    /// Nothing where no tables and no page are wanted.
    fn new(
        args: &TriageArgs,
        subjects: &[Subject],
        inputs: &[PathBuf],
        many: bool,
    ) -> Result<Option<Self>, Failure> {
        let folder = args.output.as_ref().filter(|path| *path != Path::new("-"));
        let page = folder
            .filter(|_| args.format() == ReportFormat::Html)
            .map(|folder| folder.join(format!("{INDEX}.html")));
        if !many || (page.is_none() && args.parquet.is_none()) {
            return Ok(None);
        }
        let ids = survey::ids(subjects, inputs);
        let before = if args.replaces() { Before::Outputs } else { Before::Nothing };
        let folder = args.parquet.as_deref().map(|path| Folder::open(path, before)).transpose()?;
        if let Some(folder) = &folder {
            record::prepare(folder, args.resume)?;
        }
        let rows = RefCell::new(FleetRows::new(args, ids));
        Ok(Some(Self { rows, folder, page, options: options(args)? }))
    }

    /// Takes what is found of a subject, and keeps it for later runs.
    fn take(&self, job: &Job<'_>, mut record: Record, outcome: &Outcome) -> Result<(), Failure> {
        record.ended.lost = outcome.lost;
        record.ended.rolled_back = outcome.rolled_back;
        record.ended.text = job.text.take();
        let mut rows = self.rows.borrow_mut();
        if let Some(folder) = &self.folder {
            record.write(folder, &kept_name(job.subject, &rows), &self.made_from(job))?;
        }
        rows.take(record);
        Ok(())
    }

    /// What an earlier run has found of a subject, if it can stay.
    fn before(&self, job: &Job<'_>) -> Option<Record> {
        let folder = self.folder.as_ref().filter(|_| job.args.resume)?;
        let has_report = match job.has_file() {
            true => job.place().ok()??.is_file(),
            false => true,
        };
        let name = kept_name(job.subject, &self.rows.borrow());
        has_report.then(|| Record::read(folder, &name, &self.made_from(job))).flatten()
    }

    /// The logs of a subject, and the options.
    fn made_from(&self, job: &Job<'_>) -> String {
        format!("{} report={:?} {}", job.subject.made_from(), job.link(), self.options)
    }

    fn finish(self, args: &TriageArgs, knowledge: &Knowledge) -> Result<(), Failure> {
        let mut rows = self.rows.into_inner();
        if let Some(folder) = &self.folder {
            rows.write(folder, args.run.quiet)?;
        }
        if let Some(path) = &self.page {
            write_text(path, args.replaces(), &rows.page(args, knowledge)?)?;
        }
        Ok(())
    }
}

/// A file with a line for each capture of a fleet. Like every output, the file appears when it is complete.
struct Lines {
    path: PathBuf,
    file: PendingFile,
    out: RefCell<BufWriter<File>>,
}

impl Lines {
    fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        let file = PendingFile::create(path, force)?;
        let out = file.writer().map_err(|e| Failure::of_io(path, &e))?;
        Ok(Self { path: path.to_owned(), file, out: RefCell::new(out) })
    }

    fn push(&self, line: &str) -> Result<(), Failure> {
        self.out.borrow_mut().write_all(line.as_bytes()).map_err(|e| Failure::of_io(&self.path, &e))
    }

    fn finish(self) -> Result<(), Failure> {
        self.out.into_inner().flush().map_err(|e| Failure::of_io(&self.path, &e))?;
        self.file.finish().map(drop)
    }
}

/// A report of either kind.
trait Printed: serde::Serialize {
    fn print(
        &self,
        shared: (&Knowledge, &LazySignatures),
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String>;
}

impl Printed for Report {
    fn print(
        &self,
        shared: (&Knowledge, &LazySignatures),
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        self.render_redacted(shared.0, format, screen, redactor)
    }
}

impl Job<'_> {
    fn run(&self, outcome: &mut Outcome) -> Result<(), Trouble> {
        if let Some(fleet) = self.fleet
            && let Some(record) = fleet.before(self)
        {
            outcome.lost |= record.ended.lost;
            outcome.rolled_back |= record.ended.rolled_back;
            if let Some(text) = &record.ended.text {
                self.put(text).map_err(Trouble::Output)?;
            }
            fleet.rows.borrow_mut().take(record);
            return Ok(());
        }
        match self.subject {
            Subject::Capture(found) => {
                let dataset = self.dataset()?;
                let mut own = Outcome::default();
                let write = |report: &Report| {
                    let mut report = report.clone();
                    report.address(self.args.letter(), self.shared.0);
                    self.write(&report)
                };
                let analyzed = self.analyze(found, found.name(), dataset.as_ref(), &mut own, write);
                outcome.add(&own);
                let report = analyzed?.0;
                if let Some(fleet) = self.fleet {
                    let name = (found.name(), own.lost);
                    let record = fleet.rows.borrow().of_report(name, &report, self.shared.0, self.link());
                    record.and_then(|record| fleet.take(self, record, &own)).map_err(Trouble::Output)?;
                }
                if let (Some(dataset), Some(path)) = (dataset, &self.args.parquet) {
                    tables::finish(dataset, path, self.args.run.quiet)?;
                }
                Ok(())
            }
            Subject::Case(files) => self.case(files, outcome),
            Subject::Broken { error, .. } => Err(Trouble::Capture(error.into())),
        }
    }

    /// Analyzes a capture, which its report calls `name`, writes the report by `write`, then the evidence, and the tables
    /// into a dataset.
    fn analyze(
        &self,
        found: &CaptureLocation,
        name: &str,
        dataset: Option<&PendingDataset>,
        outcome: &mut Outcome,
        write: impl FnOnce(&Report) -> Result<(), Failure>,
    ) -> Result<(Report, RowLabels), Trouble> {
        let args = self.args;
        // Members of a zip file stay in a temporary folder until the report is made.
        let files = found.files(&UntilStopped).map_err(Failure::from)?;
        let recover = (&args.recovery).into();
        let capture = input::open_found(&files, args.no_set, recover, &args.drives)?;
        if let Some(path) = &args.evidence {
            // Refused before the work, not after it.
            slice::check_place(path, &capture)?;
        }
        let progress = Progress::new(capture.set.size(), args.run.quiet);
        let begin = Instant::now();
        // What is missing may be what matters.
        let lost_parts = capture.lost_parts || !capture.missing.is_empty();
        let options = TriageOptions { threads: args.run.threads(), parts_missing: lost_parts };
        let result = triage(&capture.set, self.shared.0, options, &progress);
        progress.clear();
        capture.check()?;
        let result = result.map_err(|error| match error {
            TriageError::Cancelled => Failure::new("stopped").hint("no report was made"),
            error => Failure::new(format!("{}: {error}", found.name())),
        })?;
        let origin = Origin {
            name: name.to_owned(),
            parts: capture.names(),
            argument: found.argument(),
            lost_parts,
            zone: self.zone(&capture)?,
            tool: ("pml".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            symbols: symbols::load(&args.symbols, &capture, args.run.threads(), args.run.quiet)?,
        };
        let report = Report::new(&capture.set, &result, self.shared.0, &origin, args.lang().into());
        let seconds = begin.elapsed().as_secs_f64();
        // Building the report has read events again.
        capture.check()?;
        write(&report).map_err(Trouble::Output)?;
        if let Some(path) = &args.evidence {
            evidence::write(path, &capture, &result, &report, &args.run)?;
        }
        if let (Some(dataset), Some(path)) = (dataset, &args.parquet) {
            tables::write(
                dataset,
                path,
                &capture,
                &report,
                origin.symbols.clone(),
                (&args.table, &args.run),
            )?;
        }
        let losses = outcome::report(&capture, result.damage());
        if !args.run.quiet && !self.many && io::stderr().is_terminal() {
            let (events, bytes) = (capture.set.event_count(), capture.set.size());
            say(&format!("{} events of {} in {seconds:.2} s", HumanCount(events), HumanBytes(bytes)));
        }
        outcome.lost |= losses.any() || lost_parts;
        outcome.rolled_back |= report.rollback.class >= RollbackClass::Probable;
        Ok((report, labels_of(&args.table, &capture)))
    }

    /// The dataset of this capture or case that is asked for, if one is.
    fn dataset(&self) -> Result<Option<PendingDataset>, Failure> {
        if self.many {
            return Ok(None);
        }
        let create = |path| PendingDataset::create(path, self.args.run.force);
        self.args.parquet.as_deref().map(create).transpose()
    }

    /// The zone that is given, if one is.
    fn zone(&self, capture: &Opened) -> Result<Option<(Zone, String)>, Failure> {
        let Some(name) = &self.args.time_zone else { return Ok(None) };
        let zone = zone::zone(Some(name), capture.set.time_span())?;
        Ok(Some((zone, name.clone())))
    }

    /// The report in the requested format.
    fn render(&self, report: &impl Printed, terminal: bool) -> Result<String, Failure> {
        let redactor = match self.args.redact {
            true => Some(Redactor::new(report, &self.computers()).map_err(Failure::new)?),
            false => None,
        };
        let json = |is_pretty: bool| {
            let text = match (&redactor, is_pretty) {
                (Some(redactor), _) => {
                    let value = redactor.redacted(report).map_err(Failure::new)?;
                    if is_pretty {
                        serde_json::to_string_pretty(&value)
                    } else {
                        serde_json::to_string(&value)
                    }
                }
                (None, true) => serde_json::to_string_pretty(report),
                (None, false) => serde_json::to_string(report),
            };
            text.map(|text| text + "\n").map_err(|e| Failure::new(e.to_string()))
        };
        let paint = match self.args.color {
            ColorArg::Always => Paint::Ansi,
            ColorArg::Auto if terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) => {
                Paint::Ansi
            }
            ColorArg::Auto | ColorArg::Never => Paint::Plain,
        };
        let format = match self.args.format() {
            ReportFormat::Json => return json(true),
            ReportFormat::Jsonl => return json(false),
            ReportFormat::Text => Format::Text,
            ReportFormat::Md => Format::Markdown,
            ReportFormat::Html => Format::Html,
        };
        let mut screen = Screen::from(paint);
        if terminal {
            screen.columns =
                terminal_size::terminal_size().map_or(screen.columns, |size| usize::from(size.0.0));
            screen.columns = screen.columns.min(MOST_COLUMNS);
            screen.is_short = !self.args.full;
        }
        report.print(self.shared, format, screen, redactor.as_ref()).map_err(Failure::new)
    }

    /// Names of computers that the logs of the subject give.
    fn computers(&self) -> Vec<String> {
        match self.subject {
            Subject::Case(files) => files.case.files.iter().flat_map(|file| file.computers.clone()).collect(),
            Subject::Capture(_) | Subject::Broken { .. } => Vec::new(),
        }
    }

    fn write(&self, report: &impl Printed) -> Result<(), Failure> {
        let is_terminal = self.place()?.is_none() && io::stdout().is_terminal();
        let text = self.render(report, is_terminal)?;
        let written = self.put(&text);
        if !self.has_file() {
            self.text.replace(Some(text));
        }
        written
    }

    /// Writes the text of a report.
    fn put(&self, report: &str) -> Result<(), Failure> {
        match self.place()? {
            None => {
                let is_parted =
                    !self.first && matches!(self.args.format(), ReportFormat::Text | ReportFormat::Md);
                let text = if is_parted { format!("\n{report}") } else { report.to_owned() };
                stdout_done(io::stdout().write_all(text.as_bytes())).map(drop)
            }
            Some(path) => self.write_file(&path, report),
        }
    }

    /// Whether the report is a file.
    fn has_file(&self) -> bool {
        self.lines.is_none() && self.place().is_ok_and(|place| place.is_some())
    }

    /// The file to write to; `None` is standard output.
    fn place(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(output) = self.args.output.as_ref().filter(|output| *output != Path::new("-")) else {
            return Ok(None);
        };
        if !self.many || self.args.format() == ReportFormat::Jsonl {
            return Ok(Some(output.clone()));
        }
        let ending = match self.args.format() {
            ReportFormat::Text => "txt",
            ReportFormat::Json => "json",
            ReportFormat::Jsonl => "jsonl",
            ReportFormat::Md => "md",
            ReportFormat::Html => "html",
        };
        Ok(Some(output.join(format!("{}.{ending}", self.stem))))
    }

    fn write_file(&self, path: &Path, text: &str) -> Result<(), Failure> {
        if let Some(lines) = self.lines {
            return lines.push(text);
        }
        write_text(path, self.args.replaces(), text)
    }

    /// The file of the report, beside the page over all reports.
    fn link(&self) -> Option<String> {
        let place = self.place().ok()??;
        place.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// Prints that one capture of many could not be analyzed.
    fn print_failure(&self, failure: &Failure) -> Result<(), Failure> {
        warn(&format!("{}: {failure}", self.subject.name()));
        let said = plain(&chinese::said(&failure.to_string()));
        if let Some(fleet) = self.fleet {
            fleet.rows.borrow_mut().add_failure(self.subject.name(), &said)?;
        }
        if self.args.format() != ReportFormat::Jsonl {
            return Ok(());
        }
        let line = serde_json::json!({
            "schema_version": pml_analyzer::SCHEMA_VERSION,
            "input": { "name": self.subject.name() },
            "error": said,
        });
        let text = format!("{line}\n");
        match self.place()? {
            Some(path) => self.write_file(&path, &text),
            None => stdout_done(io::stdout().write_all(text.as_bytes())).map(drop),
        }
    }
}
