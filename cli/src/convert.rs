//! `pml convert`.

use crate::args::ConvertArgs;
use crate::failure::Failure;
use crate::input::{self, Capture};
use crate::output::{PendingDataset, PendingFile};
use crate::status::{Done, Progress, warn};
use indicatif::{HumanBytes, HumanCount};
use pml_parser::arrow::events::EventCounts;
use pml_parser::parquet::{CaptureFacts, Options, WriteError, write_dataset, write_events};
use std::path::Path;
use std::time::{Duration, Instant};

/// Threads when none are asked for: each takes up to 50 MiB, and 256 MiB are promised for a log of any size.
const MOST_THREADS: usize = 4;

/// Endings that name a format of their own.
const LATER_FORMATS: [&str; 4] = ["csv", "xml", "jsonl", "arrow"];

/// Runs the command.
pub(crate) fn run(args: &ConvertArgs) -> Result<Done, Failure> {
    let capture = input::open(&args.log)?;
    let begin = Instant::now();
    let progress = Progress::new(capture.set.size(), args.quiet);
    let outcome = write(args, &capture, &progress);
    progress.clear();
    let (counts, size) = outcome?;
    report_damage(&capture, &counts);
    if !args.quiet {
        print_summary(args, &capture, &counts, size, begin.elapsed());
    }
    let lost = capture.lost_parts || !counts.damage.is_empty() || !capture.set.table_damage().is_empty();
    Ok(if lost { Done::WithLosses } else { Done::Whole })
}

/// Writes the output; gives what was counted and the bytes written.
fn write(args: &ConvertArgs, capture: &Capture, progress: &Progress) -> Result<(EventCounts, u64), Failure> {
    let path = &args.output;
    let cores = std::thread::available_parallelism().map_or(1, Into::into).min(MOST_THREADS);
    let options = Options {
        threads: args.threads.map_or(cores, Into::into),
        compression: args.compression.into(),
        facts: CaptureFacts {
            tool_version: concat!("pml ", env!("CARGO_PKG_VERSION")).to_owned(),
            part_names: capture.names(),
        },
    };
    let failed = |error| write_failure(path, error);
    match path.extension().map(|e| e.to_ascii_lowercase()) {
        Some(e) if LATER_FORMATS.iter().any(|format| *e == **format) => {
            Err(Failure::new(format!("{}: this version writes Parquet only", path.display()))
                .hint("name a directory for all tables, or a file ending in .parquet for the events"))
        }
        Some(e) if *e == *"parquet" => {
            let file = PendingFile::create(path, args.force)?;
            let out = file.writer().map_err(|e| Failure::of_io(path, &e))?;
            let counts = write_events(&capture.set, out, &options, progress).map_err(failed)?;
            Ok((counts, file.finish()?))
        }
        _ => {
            let dataset = PendingDataset::create(path, args.force)?;
            let create = |name: &str| dataset.create_file(name);
            let counts = write_dataset(&capture.set, create, &options, progress).map_err(failed)?;
            Ok((counts, dataset.finish()?))
        }
    }
}

fn write_failure(path: &Path, error: WriteError) -> Failure {
    match error {
        WriteError::Io(e) => Failure::of_io(path, &e),
        WriteError::Cancelled => Failure::new("stopped").hint("nothing was written under the final name"),
        other => Failure::new(format!("{}: {other}", path.display())),
    }
}

/// Says what could not be read, and where the first of it is.
fn report_damage(capture: &Capture, counts: &EventCounts) {
    const SHOWN: usize = 5;
    let name = |part: u16| capture.paths.get(usize::from(part)).map(|p| p.display().to_string());
    for (damage, what) in [(&capture.set.table_damage(), "table entries"), (&counts.damage, "events")] {
        if damage.is_empty() {
            continue;
        }
        warn(&format!("{} {what} are damaged and were left out", HumanCount(damage.count)));
        for error in damage.first.iter().take(SHOWN) {
            warn(&format!("{}: {error}", name(error.part()).unwrap_or_default()));
        }
        if damage.count > SHOWN as u64 {
            warn("the first hundred are listed in the dataset, in capture.damage");
        }
    }
}

fn print_summary(args: &ConvertArgs, capture: &Capture, counts: &EventCounts, size: u64, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-6);
    let events = counts.events();
    eprintln!(
        "{} events of {} in {seconds:.2} s ({} events/s, {}/s), {} written to {}",
        HumanCount(events),
        HumanBytes(capture.set.size()),
        HumanCount((events as f64 / seconds) as u64),
        HumanBytes((capture.set.size() as f64 / seconds) as u64),
        HumanBytes(size),
        args.output.display()
    );
    let classes: Vec<String> =
        counts.classes().map(|(class, count)| format!("{} {}", class.name(), HumanCount(count))).collect();
    if !classes.is_empty() {
        eprintln!("  {}", classes.join(", "));
    }
    eprintln!(
        "  damaged {}, details not decoded {}",
        HumanCount(counts.damage.count),
        HumanCount(counts.undecoded)
    );
}
