//! Converts many captures, each to its own tables, and writes how each ended.

use super::Plan;
use crate::args::{ConvertArgs, Format, LayoutArg, TypesArg};
use crate::failure::Failure;
use crate::fleet::folder::{Before, Folder};
use crate::fleet::inputs;
use crate::fleet::options::Words;
use crate::fleet::status::{self, StatusRow};
use crate::outcome::{self, write_failure};
use crate::output::{PendingDataset, remove_dataset};
use crate::status::{Done, Progress, UntilStopped, counted, is_stopped, plain, say, warn};
use indicatif::HumanCount;
use pml_analyzer::bundle::{self, CaptureLocation, FoundCaptures, Unsearched};
use pml_parser::arrow::labels::log_hash;
use pml_parser::export::WriteError;
use pml_parser::export::parquet::write_dataset;
use pml_parser::parallel::in_order;
use pml_parser::{Exceeded, LeftOutReason, OpenOptions, Opened, any_fault};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The captures of a run.
pub(super) struct Many {
    found: FoundCaptures,
    inputs: Vec<PathBuf>,
}

/// The captures that the arguments name, if they are several, or are to be treated as several.
pub(super) fn find(args: &ConvertArgs) -> Result<Option<Many>, Failure> {
    let inputs = inputs::expand(&args.log.logs)?;
    let is_meant = args.many || args.resume || inputs.has_list;
    let is_one_file = |path: &PathBuf| path.as_os_str() == "-" || !path.exists();
    if !is_meant && inputs.paths.iter().any(is_one_file) {
        return Ok(None);
    }
    let found = bundle::find(&inputs.paths, args.log.no_set, &UntilStopped)?;
    if !is_meant && found.distinct_captures() < 2 {
        return Ok(None);
    }
    let many = Many { found: found.into_captures(), inputs: inputs.paths };
    if many.found.captures.is_empty() {
        return Err(Failure::new("there is no capture in the inputs").hint(
            "text logs alone are read by `pml triage`, and one case of them by `pml convert` without --many",
        ));
    }
    Ok(Some(many))
}

/// A capture of the run.
struct Unit {
    id: String,
    source: String,
    bytes: u64,
    location: Result<CaptureLocation, String>,
}

/// How a unit ended.
struct Ended {
    bytes: u64,
    row: StatusRow,
    is_skipped: bool,
    /// A line for people, where there is something to say.
    note: Option<String>,
}

/// What all units share.
struct Run<'a> {
    args: &'a ConvertArgs,
    folder: &'a Path,
    /// Options that change the tables.
    options: String,
}

/// Bytes of a log that is worth all threads; smaller ones are converted beside each other, a thread for each.
const LARGE: u64 = 512 << 20;

/// Converts the captures.
pub(super) fn run(args: &ConvertArgs, many: Many) -> Result<Done, Failure> {
    if args.table.capture_id.is_some() {
        return Err(Failure::new("--capture-id names one capture, and there are several")
            .hint("their ids come from the names of their folders and files"));
    }
    let before = if args.resume || args.run.force { Before::Outputs } else { Before::Nothing };
    // A mistake in the arguments is not one of each capture.
    let options = options(args)?;
    let folder = Folder::open(&args.output, before)?;
    super::keep_freed_memory();
    let ids = bundle::capture_ids(&many.found.names(), &many.inputs);
    let without_capture = many.found.without_capture;
    let mut units: Vec<Unit> =
        many.found.captures.into_iter().zip(ids).map(|(found, id)| unit(found, id)).collect();
    // The largest first, so that no thread waits for one at the end.
    units.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.id.cmp(&b.id)));
    let total = units.iter().map(|unit| unit.bytes).sum();
    let (begin, progress) = (Instant::now(), Progress::new(total, args.run.quiet));
    let run = Run { args, folder: folder.path(), options };
    let (mut rows, mut done, mut skipped) = (Vec::new(), 0, 0);
    let mut take = |ended: Ended| {
        done += ended.bytes;
        skipped += usize::from(ended.is_skipped);
        pml_parser::Progress::advance(&progress, 0, done);
        if let Some(note) = &ended.note {
            warn(&format!("{}: {note}", ended.row.capture));
        }
        rows.push(ended.row);
        Ok::<_, Failure>(())
    };
    let threads = args.run.threads();
    let (large, small): (Vec<_>, Vec<_>) = units.iter().partition(|unit| unit.bytes >= LARGE);
    let all = large.into_iter().try_for_each(|unit| take(run.convert(unit, threads)?));
    let all = all.and_then(|()| {
        let each = (threads / small.len().max(1)).max(1);
        in_order(threads.min(small.len()), small.iter(), |unit| run.convert(unit, each), take)
    });
    progress.clear();
    all?;
    let types = args.table.types.into();
    let ends: Vec<u32> = rows.iter().map(|row| row.status).collect();
    status::write(folder.path(), types, rows)?;
    if without_capture > 0 {
        let logs = counted(without_capture as u64, "case", "cases");
        warn(&format!("{logs} of text logs without a capture: `pml triage` reads them"));
    }
    let of = |status: u32| ends.iter().filter(|end| **end == status).count() as u64;
    if !args.run.quiet {
        say(&format!(
            "{}: {} whole, {} with losses, {} not converted; {} there before; {:.2} s, {}",
            counted(ends.len() as u64, "capture", "captures"),
            HumanCount(of(0)),
            HumanCount(of(1)),
            HumanCount(of(2)),
            HumanCount(skipped as u64),
            begin.elapsed().as_secs_f64(),
            args.output.display()
        ));
    }
    Ok(if ends.iter().all(|end| *end == 0) { Done::Whole } else { Done::WithLosses })
}

fn unit(found: Result<CaptureLocation, Unsearched>, id: String) -> Unit {
    match found {
        Ok(capture) => {
            let (source, bytes) = (capture.name().to_owned(), capture.first_file().1);
            Unit { id, source, bytes, location: Ok(capture) }
        }
        Err(Unsearched { name, error, .. }) => Unit { id, source: name, bytes: 0, location: Err(error) },
    }
}

/// The options that change the tables, in words.
fn options(args: &ConvertArgs) -> Result<String, Failure> {
    crate::filter::filter(&args.filter)?;
    if let Some(names) = args.columns.as_deref() {
        super::table_columns(names)?;
    }
    let mut words = Words::new(args.table.types);
    words.add("compression", format!("{:?}", args.compression).to_lowercase());
    words.reading(&args.recovery, args.log.no_set, &args.log.drives, &args.symbols)?;
    if let Some(columns) = &args.columns {
        words.add("columns", columns);
    }
    if let Some(path) = &args.filter.procmon_filter {
        let bytes = fs::read(path).map_err(|e| Failure::of_io(path, &e))?;
        words.add("procmon-filter", format_args!("{:08x}", bundle::short_hash(&bytes)));
    }
    if let Some(filter) = &args.filter.filter {
        words.add("where", filter);
    }
    Ok(words.finish())
}

/// Why a capture has no tables.
enum Trouble {
    /// The capture cannot be read: a row says so.
    Capture(Failure),
    /// The output cannot be written, and those of other captures could not either.
    Output(Failure),
}

impl<E: Into<Failure>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Capture(error.into())
    }
}

/// Cancels the work on a capture when the user stops the run, or the log of this capture becomes unreadable.
struct OfCapture<'a>(&'a Opened);

impl pml_parser::Progress for OfCapture<'_> {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        is_stopped() || any_fault() && self.0.check().is_err()
    }
}

impl Run<'_> {
    /// Converts a capture, unless an earlier run has. An error of the capture is a row; only an output that cannot be
    /// written ends the run.
    fn convert(&self, unit: &Unit, threads: usize) -> Result<Ended, Failure> {
        if is_stopped() {
            return Err(stopped());
        }
        let types = self.args.table.types;
        let row = StatusRow {
            capture: unit.id.clone(),
            source: unit.source.clone(),
            source_bytes: unit.bytes,
            options: self.options.clone(),
            ..StatusRow::default()
        };
        let folder = self.folder.join(match self.args.layout(types) {
            LayoutArg::Hive => format!("capture={}", unit.id),
            LayoutArg::Plain => unit.id.clone(),
        });
        let ended = |row, is_skipped, note| Ok(Ended { bytes: unit.bytes, row, is_skipped, note });
        if self.args.resume
            && let Some(row) = status::same_as_before(&folder, &row)
        {
            return ended(row, true, None);
        }
        let attempt = || match &unit.location {
            Ok(location) => self.write(location, &folder, unit, row.clone(), threads),
            Err(error) => Err(Trouble::Capture(Failure::new(error))),
        };
        let result = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
            Err(Trouble::Capture(Failure::new("the program failed at this capture; please report it")))
        });
        match result {
            Ok(row) => {
                let note = row.error.clone();
                ended(row, false, note)
            }
            Err(Trouble::Output(failure)) => Err(failure),
            Err(Trouble::Capture(_)) if is_stopped() => Err(stopped()),
            Err(Trouble::Capture(failure)) => {
                let error = plain(&failure.to_string());
                // Tables of an earlier run are of another log or of other options.
                if (self.args.resume || self.args.run.force) && folder.exists() {
                    remove_dataset(&folder).map_err(|e| Failure::of_io(&folder, &e))?;
                }
                ended(StatusRow { status: 2, error: Some(error.clone()), ..row }, false, Some(error))
            }
        }
    }

    /// Writes the tables of a capture. Returns how that ended.
    fn write(
        &self,
        location: &CaptureLocation,
        path: &Path,
        unit: &Unit,
        row: StatusRow,
        threads: usize,
    ) -> Result<StatusRow, Trouble> {
        let args = self.args;
        let options = OpenOptions {
            named_only: args.log.no_set,
            recover: (&args.recovery).into(),
            drives: args.log.drives.all(),
            ..OpenOptions::default()
        };
        let capture = location.open(&options, &UntilStopped)?;
        let mut plan = Plan::new(args, Format::Dataset, &capture)?;
        plan.parquet.export.capture = Some(unit.id.clone());
        plan.parquet.export.scan.threads = threads;
        let replace = args.run.force || args.resume;
        let dataset = PendingDataset::create(path, replace).map_err(Trouble::Output)?;
        let create = |name: &str| dataset.create_file(name);
        let written = write_dataset(&capture.set, create, &plan.parquet, &OfCapture(&capture));
        capture.check()?;
        let counts = written.map_err(|error| match error {
            WriteError::Cancelled => Trouble::Output(stopped()),
            WriteError::Io(e) if !e.get_ref().is_some_and(|inner| inner.is::<Exceeded>()) => {
                Trouble::Output(Failure::of_io(path, &e))
            }
            error => Trouble::Capture(write_failure(path, error)),
        })?;
        let set = &capture.set;
        let mut lost = lost(&capture);
        let places = outcome::places(&capture, &counts.damage);
        lost.extend(places.iter().cloned());
        let is_whole = !capture.lost_parts && places.is_empty();
        let row = StatusRow {
            computer: set.part(0).map(|log| log.computer().to_string()).unwrap_or_default(),
            status: u32::from(!is_whole),
            error: (!lost.is_empty()).then(|| lost.join("; ")),
            span: set.time_span().map(|(first, last)| (first.0, last.0)),
            parts: Some(set.parts().len() as u32),
            log_bytes: Some(set.size()),
            events: Some(set.event_count()),
            rows: Some(counts.events()),
            damaged_events: Some(counts.damage.count),
            undecoded_events: counts.undecoded,
            table_damage: Some(set.table_damage().count),
            log_hash: Some(log_hash(set)),
            ..row
        };
        status::write_one(&dataset, path, args.table.types.into(), &row)
            .and_then(|()| dataset.finish())
            .map_err(Trouble::Output)?;
        Ok(row)
    }
}

fn stopped() -> Failure {
    Failure::new("stopped").hint("the captures that are done stay; --resume goes on with the others")
}

/// The parts of a capture that are not in its tables.
fn lost(capture: &Opened) -> Vec<String> {
    let left_out = capture.left_out.iter().map(|left_out| match &left_out.reason {
        LeftOutReason::Unreadable(error) => format!("a part cannot be read: {error}"),
        LeftOutReason::Mismatch(reason) => format!("{} is left out: {reason}", left_out.path.display()),
    });
    let missing = capture.missing.iter().map(|(first, last)| match first == last {
        true => format!("{first} is missing"),
        false => format!("{first} to {last} are missing"),
    });
    left_out.chain(missing).collect()
}

impl ConvertArgs {
    /// The layout of the folders: the one that is given, or that which goes with the types.
    fn layout(&self, types: TypesArg) -> LayoutArg {
        self.layout.unwrap_or(match types {
            TypesArg::Exact => LayoutArg::Hive,
            TypesArg::Portable => LayoutArg::Plain,
        })
    }
}
