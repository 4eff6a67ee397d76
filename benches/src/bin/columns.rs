//! Measures the cost of Parquet alone: of a dataset encoded from memory, and of each column of its events table.
//!
//! `columns LOG… [--threads N] [--runs N]` decodes the logs into memory, then converts and encodes them in turns. It
//! prints medians, the bytes of the dataset, and the cost of encoding each column of the events table alone on one
//! thread. All output is discarded. The log has to fit into memory several times.

use pml_benches::arguments::Arguments;
use pml_benches::encode::{Batches, by_column, encode, options};
use pml_benches::limits::open;
use pml_benches::median_and_spread;
use pml_parser::NoProgress;
use pml_parser::export::parquet::write_dataset;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { logs, threads, runs, .. } = Arguments::read()?;
    let set = open(&logs)?;
    let events = set.event_count() as f64;
    let batches = Batches::new(&set, threads)?;
    let (mut converted, mut encoded, mut bytes) = (Vec::new(), Vec::new(), 0);
    for round in 0..=runs {
        let begin = Instant::now();
        write_dataset(&set, |_| Ok(std::io::sink()), &options(threads), &NoProgress)?;
        let convert = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        bytes = encode(&batches, threads)?;
        if round > 0 {
            converted.push(convert);
            encoded.push(begin.elapsed().as_secs_f64());
        }
    }
    println!("{events} events, {} bytes, {threads} threads, {runs} runs", set.size());
    for (what, times) in [("convert to nowhere", &mut converted), ("encode from memory", &mut encoded)] {
        let (median, spread) = median_and_spread(times);
        println!("{what:<24}{median:>9.4}{spread:>8.2}x{:>10.0} ns/event", median * 1e9 / events);
    }
    println!("{bytes} bytes of Parquet\n");
    let mut columns = by_column(&batches.events)?;
    columns.sort_by_key(|column| std::cmp::Reverse(column.1));
    for (name, took, bytes) in columns {
        println!("{name:<20}{:>8.1} ns/event{bytes:>12} bytes", took.as_secs_f64() * 1e9 / events);
    }
    Ok(())
}
