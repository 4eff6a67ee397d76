//! Measures the peak of heap memory for each output.
//!
//! `memory LOG… [--threads N]` prints the high-water mark of the allocator while a log set is converted to each output,
//! which is discarded. compare.py and scale.py measure RssAnon, the anonymous memory of the whole program.

use peak_alloc::PeakAlloc;
use pml_analyzer::{Knowledge, TriageOptions, triage};
use pml_benches::arguments::Arguments;
use pml_benches::encode::options;
use pml_benches::limits::open;
use pml_parser::NoProgress;
use pml_parser::ProcmonColumn;
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::ipc::write_ipc;
use pml_parser::export::jsonl::write_jsonl;
use pml_parser::export::parquet::write_dataset;
use std::io;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One output of a set: its name, and the function that makes it.
type Output<'a> = (&'a str, Box<dyn Fn() -> io::Result<()> + 'a>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { logs, threads, .. } = Arguments::read()?;
    let set = open(&logs)?;
    let knowledge = Knowledge::embedded().map_err(|_| "the embedded knowledge has mistakes")?;
    let options = options(threads);
    let export = &options.export;
    let text = TextExport {
        scan: export.scan.clone(),
        columns: ProcmonColumn::all().collect(),
        ..TextExport::default()
    };
    let failed = io::Error::other::<pml_parser::export::WriteError>;
    let outputs: Vec<Output<'_>> = vec![
        (
            "dataset",
            Box::new(|| {
                write_dataset(&set, |_| Ok(io::sink()), &options, &NoProgress).map(drop).map_err(failed)
            }),
        ),
        (
            "Arrow IPC",
            Box::new(|| {
                write_ipc(&set, io::sink(), export, &options.facts, &NoProgress).map(drop).map_err(failed)
            }),
        ),
        (
            "JSON Lines",
            Box::new(|| write_jsonl(&set, &mut io::sink(), export, &NoProgress).map(drop).map_err(failed)),
        ),
        (
            "CSV",
            Box::new(|| {
                write_csv(&set, &mut io::sink(), &text, false, &NoProgress).map(drop).map_err(failed)
            }),
        ),
        (
            "triage",
            Box::new(|| {
                let options = TriageOptions { threads, ..TriageOptions::default() };
                triage(&set, &knowledge, options, &NoProgress).map(drop).map_err(io::Error::other)
            }),
        ),
    ];
    println!("{} events, {} bytes, {threads} threads", set.event_count(), set.size());
    let before = HEAP.current_usage_as_mb();
    println!("{:<12}{before:>8.1} MiB", "opened");
    for (name, make) in outputs {
        let before = HEAP.current_usage_as_mb();
        HEAP.reset_peak_usage();
        make()?;
        println!("{name:<12}{:>8.1} MiB", HEAP.peak_usage_as_mb() - before);
    }
    Ok(())
}
