//! Measures how fast a log is opened, walked, decoded and converted to each output, in events and bytes of the log.
//!
//! `cargo bench -p pml-benches` measures; `-- --test` runs each once. The logs are generated from fixed seeds.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use pml_analyzer::{Knowledge, TriageOptions, triage};
use pml_benches::boot_log;
use pml_benches::encode::{Batches, encode, options};
use pml_benches::limits::{Way, run};
use pml_parser::NoProgress;
use pml_parser::export::ScanOptions;
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::parquet::{write_dataset, write_events};
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::{Event, EventClass, Filter, Log, LogSet, ProcmonColumn, TextOptions};
use std::hint::black_box;
use std::io::{self, Cursor};

/// The number of events of a log: few where each bench only runs once (`--test`), as in CI.
fn events() -> u64 {
    if std::env::args().any(|arg| arg == "--test") { 5_000 } else { 200_000 }
}

/// A group that measures a whole set.
fn group<'c>(c: &'c mut Criterion, name: &str, set: &LogSet<Vec<u8>>) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::ElementsAndBytes { elements: set.event_count(), bytes: set.size() });
    group.sample_size(10);
    group
}

fn open(c: &mut Criterion) {
    for events in [2_000, events()] {
        let set = boot_log(events);
        // The bytes of the log, which each iteration opens again.
        let log: Vec<u8> = set.part(0).map(|log| log.bytes().to_vec()).unwrap_or_default();
        c.bench_function(&format!("open a log of {events} events"), |b| {
            b.iter(|| black_box(Log::parse(log.as_slice()).map(|log| log.view().event_count())))
        });
    }
}

fn scan(c: &mut Criterion) {
    let set = boot_log(events());
    let mut group = group(c, "scan", &set);
    for way in Way::ALL {
        for threads in [1, 2] {
            group.bench_function(format!("{}, threads {threads}", way.name()), |b| {
                b.iter(|| run(&set, way, threads));
            });
        }
    }
}

/// Texts and numbers of the details, class by class; throughput counts the events of the class.
fn details(c: &mut Criterion) {
    let set = boot_log(events());
    let mut group = c.benchmark_group("details");
    group.sample_size(10);
    for class in [EventClass::Process, EventClass::Registry, EventClass::FileSystem] {
        let events: Vec<Event<'_>> = set.events().flatten().filter(|event| event.class() == class).collect();
        let bytes = events.iter().map(|event| event.raw().len() as u64).sum();
        group.throughput(Throughput::ElementsAndBytes { elements: events.len() as u64, bytes });
        group.bench_function(format!("{} as text", class.name()), |b| {
            let (options, mut text) = (TextOptions::default(), String::new());
            b.iter(|| {
                events.iter().fold(0, |sum, event| {
                    text.clear();
                    event.push_detail(&options, &mut text);
                    sum + text.len()
                })
            });
        });
        group.bench_function(format!("{} as numbers", class.name()), |b| {
            b.iter(|| events.iter().for_each(|event| _ = black_box(event.numbers())));
        });
    }
}

fn parquet(c: &mut Criterion) {
    let set = boot_log(events());
    let decoded = Batches::new(&set, 2).expect("memory takes everything");
    let mut group = group(c, "Parquet", &set);
    for threads in [1, 2] {
        group.bench_function(format!("dataset encoded from memory, threads {threads}"), |b| {
            b.iter(|| encode(&decoded, threads).expect("a sink takes everything"));
        });
        group.bench_function(format!("events, threads {threads}"), |b| {
            b.iter(|| {
                write_events(&set, io::sink(), &options(threads), &NoProgress)
                    .expect("a sink takes everything")
            })
        });
        group.bench_function(format!("dataset, threads {threads}"), |b| {
            b.iter(|| {
                write_dataset(&set, |_| Ok(io::sink()), &options(threads), &NoProgress)
                    .expect("a sink takes everything")
            })
        });
    }
}

fn other_outputs(c: &mut Criterion) {
    let set = boot_log(events());
    let mut group = group(c, "outputs", &set);
    let export = |threads| TextExport {
        scan: options(threads).export.scan,
        columns: ProcmonColumn::all().collect(),
        ..TextExport::default()
    };
    for threads in [1, 2] {
        group.bench_function(format!("CSV of 27 columns, threads {threads}"), |b| {
            b.iter(|| {
                write_csv(&set, &mut io::sink(), &export(threads), false, &NoProgress)
                    .expect("a sink takes everything")
            });
        });
    }
    let filter = Filter::parse("result = error").expect("a filter of the language");
    let scan = ScanOptions { threads: 2, filter: Some(filter), ..ScanOptions::default() };
    let sliced = SliceOptions { scan, part_bytes: SliceOptions::PART_BYTES };
    group.bench_function("slice of the failed events, threads 2", |b| {
        b.iter(|| {
            let create = |_| Ok(Cursor::new(Vec::new()));
            slice(&set, &sliced, create, &NoProgress).expect("memory takes everything")
        });
    });
    let knowledge = Knowledge::embedded().expect("the embedded knowledge has no mistakes");
    group.bench_function("triage, threads 2", |b| {
        let options = || TriageOptions { threads: 2, ..TriageOptions::default() };
        b.iter(|| triage(&set, &knowledge, options(), &NoProgress).map(|_| ()).expect("nothing cancels it"));
    });
}

criterion_group!(benches, open, scan, details, parquet, other_outputs);
criterion_main!(benches);
