//! How fast a log is opened, walked, decoded and converted. Throughput is in bytes of the log.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pml_benches::boot_log;
use pml_benches::encode::{Silent, options};
use pml_parser::export::parquet::{write_dataset, write_events};
use pml_parser::{Log, TextOptions};
use std::hint::black_box;
use std::io;

const EVENTS: u64 = 200_000;

fn throughput(c: &mut Criterion) {
    let set = boot_log(EVENTS);
    let mut group = c.benchmark_group("boot log");
    group.throughput(Throughput::Bytes(set.size())).sample_size(10);

    group.bench_function("scan headers", |b| {
        b.iter(|| {
            set.events().flatten().map(|e| u64::from(e.status().0) ^ e.time().0).fold(0, u64::wrapping_add)
        })
    });
    group.bench_function("scan every byte", |b| {
        b.iter(|| {
            let bytes = set.events().flatten().flat_map(|event| event.raw().iter());
            bytes.fold(0u64, |sum, &byte| sum + u64::from(byte))
        })
    });
    group.bench_function("paths as text", |b| {
        let (options, mut text) = (TextOptions::default(), String::new());
        b.iter(|| {
            set.events().flatten().fold(0, |sum, event| {
                text.clear();
                event.push_path(&options, &mut text);
                sum + text.len()
            })
        });
    });
    group.bench_function("details as text", |b| {
        let (options, mut text) = (TextOptions::default(), String::new());
        b.iter(|| {
            set.events().flatten().fold(0, |sum, event| {
                text.clear();
                event.push_detail(&options, &mut text);
                sum + text.len()
            })
        });
    });
    for threads in [1, 2] {
        group.bench_function(format!("events to Parquet, threads {threads}"), |b| {
            b.iter(|| {
                write_events(&set, io::sink(), &options(threads), &Silent).expect("a sink takes everything")
            })
        });
        group.bench_function(format!("dataset, threads {threads}"), |b| {
            b.iter(|| {
                write_dataset(&set, |_| Ok(io::sink()), &options(threads), &Silent)
                    .expect("a sink takes everything")
            })
        });
    }
    group.finish();
}

fn open(c: &mut Criterion) {
    for events in [2_000, EVENTS] {
        let set = boot_log(events);
        // The bytes of the log, to be opened again and again.
        let log: Vec<u8> = set.part(0).map(|log| log.bytes().to_vec()).unwrap_or_default();
        c.bench_function(&format!("open a log of {events} events"), |b| {
            b.iter(|| black_box(Log::parse(log.as_slice()).map(|log| log.view().event_count())))
        });
    }
}

criterion_group!(benches, open, throughput);
criterion_main!(benches);
