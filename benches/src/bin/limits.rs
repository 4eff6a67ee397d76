//! Measures the limits of the machine: reads one log set in the simplest ways, to compare everything else with.
//!
//! `limits LOG… [--threads N] [--runs N] [--only WAY]` prints, for each way, the median of the runs in seconds,
//! and the events and bytes for each second. The ways take turns, so that a noisy machine affects them equally. The first
//! line is the time to open the first log and read one event.

use pml_benches::arguments::Arguments;
use pml_benches::limits::{Way, first_event, open, run};
use pml_benches::median_and_spread;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { logs, threads, runs, only } = Arguments::read()?;
    let mut opening = Vec::new();
    for _ in 0..=runs {
        let begin = Instant::now();
        first_event(&logs[0])?;
        opening.push(begin.elapsed().as_secs_f64());
    }
    let set = open(&logs)?;
    let ways: Vec<Way> =
        Way::ALL.into_iter().filter(|way| only.as_deref().is_none_or(|name| name == way.name())).collect();
    let mut times = vec![Vec::new(); ways.len()];
    let mut sums = vec![0; ways.len()];
    // The first round warms the cache and does not count.
    for round in 0..=runs {
        for (at, &way) in ways.iter().enumerate() {
            let begin = Instant::now();
            sums[at] = run(&set, way, threads);
            if round > 0 {
                times[at].push(begin.elapsed().as_secs_f64());
            }
        }
    }
    println!("{} events, {} bytes, {threads} threads, {runs} runs", set.event_count(), set.size());
    println!("{:<24}{:>9}{:>9}{:>14}{:>12}  checksum", "way", "median s", "spread", "events/s", "GB/s");
    let (median, spread) = median_and_spread(&mut opening[1..]);
    println!("{:<24}{median:>9.6}{spread:>8.2}x", "open and first event");
    for ((way, times), sum) in ways.into_iter().zip(&mut times).zip(sums) {
        let (median, spread) = median_and_spread(times);
        let (events, bytes) = (set.event_count() as f64 / median, set.size() as f64 / median / 1e9);
        println!("{:<24}{median:>9.4}{spread:>8.2}x{events:>14.0}{bytes:>12.2}  {sum:016x}", way.name());
    }
    Ok(())
}
