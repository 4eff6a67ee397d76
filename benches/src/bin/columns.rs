//! What each column of the events table costs to encode.
//!
//! `columns LOG…` decodes the logs into memory and encodes each column alone, on one thread.

use pml_benches::encode::{Silent, batches, by_column, encode, options};
use pml_benches::limits::open;
use pml_parser::export::parquet::{write_dataset, write_events};
use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let logs: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let set = open(&logs)?;
    let events = set.event_count() as f64;
    for threads in [1, 2, 1, 2, 1, 2] {
        let begin = Instant::now();
        write_dataset(&set, |_| Ok(std::io::sink()), &options(threads), &Silent)?;
        println!("convert, {threads} threads: {:.0} ns/event", begin.elapsed().as_secs_f64() * 1e9 / events);
        let begin = Instant::now();
        write_events(&set, std::io::sink(), &options(threads), &Silent)?;
        println!(
            "events alone, {threads} threads: {:.0} ns/event",
            begin.elapsed().as_secs_f64() * 1e9 / events
        );
    }
    let started = Instant::now();
    let batches = batches(&set, 1)?;
    let decode = started.elapsed().as_secs_f64();
    println!("decode {:.0} ns/event", decode * 1e9 / events);
    for threads in [1, 2, 1, 2] {
        let begin = Instant::now();
        let bytes = encode(&batches, threads)?;
        println!(
            "encode, {threads} threads: {:.0} ns/event, {bytes} bytes",
            begin.elapsed().as_secs_f64() * 1e9 / events
        );
    }
    let mut columns = by_column(&batches)?;
    let all: f64 = columns.iter().map(|c| c.1.as_secs_f64()).sum();
    columns.sort_by_key(|c| std::cmp::Reverse(c.1));
    for (name, took, bytes) in columns {
        println!("{name:<20}{:>8.1} ns{:>10} bytes", took.as_secs_f64() * 1e9 / events, bytes);
    }
    println!("all {:.0} ns/event", all * 1e9 / events);
    Ok(())
}
