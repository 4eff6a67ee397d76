//! `pml slice`.

use crate::args::{ConvertArgs, RunArgs, SliceArgs};
use crate::failure::Failure;
use crate::filter::filter;
use crate::input;
use crate::outcome::{self, write_failure};
use crate::output::PendingFile;
use crate::status::{Done, Progress, say};
use indicatif::{HumanBytes, HumanCount};
use pml_parser::Filter;
use pml_parser::Opened;
use pml_parser::export::ScanOptions;
use pml_parser::export::slice::{SliceCounts, SliceOptions, slice};
use pml_parser::parts::{is_same_file, part_number, parts_beside};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs the command.
pub(crate) fn run(args: &SliceArgs) -> Result<Done, Failure> {
    let path = &args.output;
    check_name(path)?;
    let filter = filter(&args.filter)?;
    let capture = input::open(&args.log, (&args.recovery).into())?;
    refuse_itself(path, &capture)?;
    let begin = Instant::now();
    let (counts, size) = write(path, &capture, filter, &args.run)?;
    let damage = outcome::report(&capture, &counts.damage);
    if !args.run.quiet {
        say_kept(path, &counts, size, begin);
    }
    Ok(damage.done())
}

/// Converts a capture to a log: all of its events, or those that the arguments select.
pub(crate) fn convert(args: &ConvertArgs, capture: &Opened) -> Result<Done, Failure> {
    let path = &args.output;
    check_place(path, capture)?;
    let filter = filter(&args.filter)?;
    let begin = Instant::now();
    let (counts, size) = write(path, capture, filter, &args.run)?;
    let damage = outcome::report(capture, &counts.damage);
    if !args.run.quiet {
        say_kept(path, &counts, size, begin);
    }
    Ok(damage.done())
}

fn say_kept(path: &Path, counts: &SliceCounts, size: u64, begin: Instant) {
    let parts = if counts.parts == 1 { String::new() } else { format!(" in {} parts", counts.parts) };
    say(&format!(
        "{} of {} events kept in {:.2} s, {} written to {}{parts}",
        HumanCount(counts.kept),
        HumanCount(counts.looked_at),
        begin.elapsed().as_secs_f64(),
        HumanBytes(size),
        path.display()
    ));
}

/// Writes the events that a filter selects as a log; gives the counts of events and the bytes written.
pub(crate) fn write(
    path: &Path,
    capture: &Opened,
    filter: Option<Filter>,
    run: &RunArgs,
) -> Result<(SliceCounts, u64), Failure> {
    let progress = Progress::new(capture.set.size(), run.quiet);
    let scan = ScanOptions { threads: run.threads(), filter, ..ScanOptions::default() };
    let options = SliceOptions { scan, part_bytes: SliceOptions::PART_BYTES };
    let mut files: Vec<PendingFile> = Vec::new();
    let mut refused = None;
    let create = |number: u32| {
        let file = PendingFile::create(&part_name(path, number), run.force)
            .map_err(|failure| io::Error::other(refused.insert(failure).to_string()))?;
        let out = file.writer();
        files.push(file);
        out
    };
    let outcome = slice(&capture.set, &options, create, &progress);
    progress.clear();
    // A log that could not be read explains whatever else went wrong.
    capture.check()?;
    let counts = outcome.map_err(|error| refused.unwrap_or_else(|| write_failure(path, error)))?;
    Ok((counts, PendingFile::finish_all(files)?))
}

/// Refuses a name that a slice cannot have.
fn check_name(path: &Path) -> Result<(), Failure> {
    if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("pml")) {
        return Err(Failure::new(format!(
            "{}: a slice is a log, so its name must end in .pml",
            path.display()
        )));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let base = part_number(&stem).0;
    if base != stem {
        let message = format!("{}: this is the name of a part of {base}.pml", path.display());
        return Err(Failure::new(message).hint("choose a name that does not end in a dash and a number"));
    }
    let beside = parts_beside(path).unwrap_or_default();
    if let Some(part) = beside.iter().find(|part| *part != path && !is_same_file(part, path)) {
        return Err(Failure::new(format!(
            "{} would be taken for a part of the same capture as {}",
            path.display(),
            part.display()
        ))
        .hint("choose another name or folder, or delete what is left of an older slice"));
    }
    Ok(())
}

fn refuse_itself(path: &Path, capture: &Opened) -> Result<(), Failure> {
    match capture.paths().find(|part| is_same_file(part, path)) {
        Some(part) => Err(Failure::new(format!("{} is a part of the log itself", part.display()))
            .hint("choose another name for the output")),
        None => Ok(()),
    }
}

/// Refuses an output path that a slice of this capture cannot have.
pub(crate) fn check_place(path: &Path, capture: &Opened) -> Result<(), Failure> {
    check_name(path)?;
    refuse_itself(path, capture)
}

/// The name of part `number`: `OUT.pml`, `OUT-1.pml`, …
fn part_name(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.{extension}"))
}
