//! `pml convert`.

mod case;
mod fleet;

use crate::args::{ConvertArgs, Format, TypesArg};
use crate::failure::Failure;
use crate::filter::filter;
use crate::input;
use crate::outcome::{self, write_failure};
use crate::output::{PendingDataset, PendingFile};
use crate::slice;
use crate::status::{Done, Progress, say, warn};
use crate::symbols;
use crate::zone::zone;
use indicatif::{HumanBytes, HumanCount};
use pml_parser::arrow::events::EventCounts;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::columns::EVENTS;
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::ipc::write_ipc;
use pml_parser::export::jsonl::write_jsonl;
use pml_parser::export::parquet::{ParquetOptions, write_dataset, write_events};
use pml_parser::export::xml::write_xml;
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use pml_parser::parts::is_same_file;
use pml_parser::{Fidelity, Opened, ProcmonColumn, TextOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Endings of file names, and the format that each one names.
const ENDINGS: [(&str, Format); 8] = [
    ("parquet", Format::Parquet),
    ("arrow", Format::Arrow),
    ("feather", Format::Arrow),
    ("jsonl", Format::Jsonl),
    ("ndjson", Format::Jsonl),
    ("csv", Format::Csv),
    ("xml", Format::Xml),
    ("pml", Format::Pml),
];

/// Runs the command.
pub(crate) fn run(args: &ConvertArgs) -> Result<Done, Failure> {
    let to_stdout = args.output.as_os_str() == "-";
    let format = format(args)?;
    if format == Format::Dataset
        && let Some(many) = fleet::find(args)?
    {
        return fleet::run(args, many);
    }
    if format == Format::Dataset
        && let Some(found) = case::find(args)?
    {
        return case::run(args, format, &found);
    }
    let capture = input::open(&args.log, (&args.recovery).into())?;
    if let Some(path) = capture.paths().find(|path| is_same_file(path, &args.output)) {
        return Err(Failure::new(format!("{} is a part of the log itself", path.display()))
            .hint("choose another name for the output"));
    }
    if format == Format::Pml {
        return slice::convert(args, &capture);
    }
    let plan = Plan::new(args, format, &capture)?;
    keep_freed_memory();
    let begin = Instant::now();
    let progress = Progress::new(capture.set.size(), args.run.quiet);
    let outcome = if to_stdout {
        write_to_stdout(&plan, &progress)
    } else {
        write_to_path(&plan, &args.output, args.run.force, &progress)
    };
    progress.clear();
    let Some((counts, size)) = outcome? else { return Ok(Done::Whole) };
    let damage = outcome::report(&capture, &counts.damage);
    if format == Format::Dataset && damage.is_more_than_shown() {
        warn("the first hundred places are listed in the dataset, in capture.damage");
    }
    if !args.run.quiet {
        print_summary(args, &capture, &counts, size, begin.elapsed());
    }
    Ok(damage.done())
}

/// Lets the allocator keep what each range of events frees for the next one.
///
/// Without this, the allocator of the GNU C library returns the memory to the system and requests it
/// again, at the cost of tens of thousands of page faults. It keeps at most twice the largest block
/// that was ever freed, up to blocks of 32 MiB, so this function frees one such block. The block is
/// never touched, so it costs nothing.
fn keep_freed_memory() {
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
    }
}

/// Whether an output has the frames of stacks.
fn shows_frames(args: &ConvertArgs, format: Format) -> bool {
    format == Format::Dataset || format == Format::Xml && args.stacks
}

/// The format that the arguments name, or that the ending of the output names.
fn format(args: &ConvertArgs) -> Result<Format, Failure> {
    let ending = args.output.extension().map(|e| e.to_string_lossy().to_lowercase());
    let named = ENDINGS.iter().find(|(known, _)| Some(*known) == ending.as_deref()).map(|entry| entry.1);
    let to_stdout = args.output.as_os_str() == "-";
    let format = match (args.to.or(named), to_stdout) {
        (Some(Format::Dataset), true) => {
            return Err(Failure::new("a dataset is a directory and cannot go to standard output")
                .hint("choose another format with --to"));
        }
        (Some(format), _) => format,
        (None, true) => {
            return Err(Failure::new("which format should go to standard output?")
                .hint("say so with --to csv, xml, jsonl, arrow or parquet"));
        }
        (None, false) => match ending {
            // A name with an ending suggests a file, not a directory.
            Some(ending) if !args.output.is_dir() => {
                let path = args.output.display();
                let known = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(", ");
                return Err(Failure::new(format!("{path}: no format is known by the ending .{ending}")).hint(
                    format!("end the name in {known}, or name the format with --to; --to dataset makes a directory"),
                ));
            }
            _ => Format::Dataset,
        },
    };
    if to_stdout && io::stdout().is_terminal() && matches!(format, Format::Parquet | Format::Arrow) {
        return Err(Failure::new("binary data is not written to a terminal")
            .hint("redirect it to a file, or name one with -o"));
    }
    if to_stdout && format == Format::Pml {
        return Err(Failure::new("a log is not written front to back and cannot go to standard output")
            .hint("name a file ending in .pml with -o"));
    }
    let text = format.is_text();
    let has_types = matches!(format, Format::Dataset | Format::Parquet | Format::Arrow);
    let misplaced = [
        ("--types", args.table.types != TypesArg::Exact && !has_types),
        ("--many", args.many && format != Format::Dataset),
        ("--resume", args.resume && format != Format::Dataset),
        ("--layout", args.layout.is_some() && format != Format::Dataset),
        ("--capture-id", args.table.capture_id.is_some() && !has_types && format != Format::Jsonl),
        ("--columns", args.columns.is_some() && format == Format::Pml),
        ("--advanced", args.advanced && !text),
        ("--numeric-addresses", args.numeric_addresses && !text),
        ("--time-zone", args.time_zone.is_some() && !text),
        ("--stacks", args.stacks && format != Format::Xml),
        ("--safe-csv", args.safe_csv && format != Format::Csv),
        ("--symbols", !args.symbols.symbols.is_empty() && !shows_frames(args, format)),
    ];
    match misplaced.iter().find(|(_, is_misplaced)| *is_misplaced) {
        Some((option, _)) => Err(Failure::new(format!("{option} does not go with this format"))
            .hint("pml help convert says which formats it goes with")),
        None => Ok(format),
    }
}

/// Everything about a conversion except the place of its output.
struct Plan<'a> {
    capture: &'a Opened,
    format: Format,
    parquet: ParquetOptions,
    text: TextExport,
    stacks: bool,
    safe_csv: bool,
}

impl<'a> Plan<'a> {
    fn new(args: &ConvertArgs, format: Format, capture: &'a Opened) -> Result<Self, Failure> {
        let scan = ScanOptions {
            threads: args.run.threads(),
            filter: filter(&args.filter)?,
            symbols: symbols::load(&args.symbols, capture, args.run.threads(), args.run.quiet)?,
            ..ScanOptions::default()
        };
        let text_columns = match args.columns.as_deref() {
            Some(names) if format.is_text() => cells(names)?,
            _ => ProcmonColumn::defaults().collect(),
        };
        let table_columns = match args.columns.as_deref() {
            Some(names) if !format.is_text() => table_columns(names)?,
            _ => EventColumnSet::default(),
        };
        let text = TextOptions {
            fidelity: Fidelity::Procmon,
            zone: zone(args.time_zone.as_deref(), capture.set.time_span())?,
            numeric_addresses: args.numeric_addresses,
            advanced: args.advanced,
        };
        Ok(Self {
            capture,
            format,
            parquet: ParquetOptions {
                export: TableOptions {
                    scan: scan.clone(),
                    columns: table_columns,
                    types: args.table.types.into(),
                    capture: args.table.capture_id.clone(),
                },
                compression: args.compression.into(),
                facts: input::provenance(capture),
                writer: args.parquet_writer.into(),
            },
            text: TextExport { scan, columns: text_columns, text },
            stacks: args.stacks,
            safe_csv: args.safe_csv,
        })
    }

    /// Writes a format that is one file.
    fn write<W: Write + Send>(&self, mut out: W, progress: &Progress) -> Result<EventCounts, WriteError> {
        let set = &self.capture.set;
        match self.format {
            Format::Parquet | Format::Dataset => write_events(set, out, &self.parquet, progress),
            Format::Arrow => write_ipc(set, out, &self.parquet.export, &self.parquet.facts, progress),
            Format::Jsonl => write_jsonl(set, &mut out, &self.parquet.export, progress),
            Format::Csv => write_csv(set, &mut out, &self.text, self.safe_csv, progress),
            // `run` writes logs by slicing.
            Format::Pml => Err(WriteError::Io(io::ErrorKind::Unsupported.into())),
            Format::Xml => write_xml(set, &mut out, &self.text, self.stacks, progress),
        }
    }
}

/// The columns of the events table that a list names.
fn table_columns(names: &str) -> Result<EventColumnSet, Failure> {
    let names = names.split(',').map(str::trim);
    if names.clone().count() == 1 && names.clone().all(|name| name.eq_ignore_ascii_case("all")) {
        return Ok(EventColumnSet::default());
    }
    EventColumnSet::named(names).map_err(|name| {
        let known: Vec<_> = EVENTS.columns.iter().map(|column| column.name).collect();
        Failure::new(format!("the events table has no column {name:?}"))
            .hint(format!("its columns are: {}", known.join(", ")))
    })
}

/// The columns that a list of titles names. Blanks, case and punctuation do not matter.
fn cells(names: &str) -> Result<Vec<ProcmonColumn>, Failure> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if plain(names) == "all" {
        return Ok(ProcmonColumn::all().collect());
    }
    names
        .split(',')
        .map(|name| {
            ProcmonColumn::all().find(|cell| plain(cell.title()) == plain(name)).ok_or_else(|| {
                let titles: Vec<_> = ProcmonColumn::all().map(ProcmonColumn::title).collect();
                Failure::new(format!("there is no column {:?}", name.trim()))
                    .hint(format!("the columns are: {}", titles.join(", ")))
            })
        })
        .collect()
}

/// Writes to a file or directory; gives the counts of events and the bytes written.
fn write_to_path(
    plan: &Plan<'_>,
    path: &Path,
    force: bool,
    progress: &Progress,
) -> Result<Option<(EventCounts, u64)>, Failure> {
    let failed = |error| write_failure(path, error);
    if plan.format == Format::Dataset {
        let dataset = PendingDataset::create(path, force)?;
        let create = |name: &str| dataset.create_file(name);
        let written = write_dataset(&plan.capture.set, create, &plan.parquet, progress);
        // A log that could not be read explains whatever else went wrong.
        plan.capture.check()?;
        let counts = written.map_err(failed)?;
        return Ok(Some((counts, dataset.finish()?)));
    }
    let file = PendingFile::create(path, force)?;
    let out = file.writer().map_err(|e| Failure::of_io(path, &e))?;
    let written = plan.write(out, progress);
    plan.capture.check()?;
    let counts = written.map_err(failed)?;
    Ok(Some((counts, file.finish()?)))
}

/// Writes to standard output. `None` when its reader went away, which is no failure.
fn write_to_stdout(plan: &Plan<'_>, progress: &Progress) -> Result<Option<(EventCounts, u64)>, Failure> {
    let mut counted = Counted { out: io::stdout(), bytes: 0 };
    let written = plan.write(BufWriter::with_capacity(1 << 20, &mut counted), progress);
    plan.capture.check()?;
    match written {
        Ok(counts) => Ok(Some((counts, counted.bytes))),
        Err(WriteError::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(WriteError::Io(e)) => Err(Failure::of_stdout(&e)),
        Err(WriteError::Cancelled) => Err(Failure::new("stopped").hint("what was written is not complete")),
        Err(error) => Err(write_failure(Path::new("standard output"), error)),
    }
}

/// Counts the bytes that are written to `out`.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn print_summary(args: &ConvertArgs, capture: &Opened, counts: &EventCounts, size: u64, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-6);
    let events = counts.events();
    let of = match counts.filtered {
        0 => String::new(),
        _ => format!("of {} ", HumanCount(capture.set.event_count())),
    };
    say(&format!(
        "{} {of}events of {} in {seconds:.2} s ({} events/s, {}/s), {} written to {}",
        HumanCount(events),
        HumanBytes(capture.set.size()),
        HumanCount((events as f64 / seconds) as u64),
        HumanBytes((capture.set.size() as f64 / seconds) as u64),
        HumanBytes(size),
        args.output.display()
    ));
    let classes: Vec<String> =
        counts.classes().map(|(class, count)| format!("{class} {}", HumanCount(count))).collect();
    if !classes.is_empty() {
        say(&format!("  {}", classes.join(", ")));
    }
    let undecoded = counts.undecoded.map(|count| format!(", details not decoded {}", HumanCount(count)));
    let undecoded = undecoded.unwrap_or_default();
    say(&format!("  damaged {}{undecoded}", HumanCount(counts.damage.count)));
}
