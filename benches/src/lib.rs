//! The logs of the benchmarks: generated from fixed seeds, in memory.

pub mod arguments;
pub mod encode;
pub mod limits;

use pml_parser::{Log, LogSet};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::generate_in_memory;

/// A generated boot log of `events` events.
///
/// # Panics
/// When the generator fails, which cannot happen in memory.
pub fn boot_log(events: u64) -> LogSet<Vec<u8>> {
    let options = Options { amount: Amount::Events(events), seed: 1, ..Options::default() };
    let parts = generate_in_memory(&options).expect("memory takes everything");
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).expect("a whole log")).collect())
}

/// The median of some times, and the longest divided by the shortest. Sorts them.
pub fn median_and_spread(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(least), Some(median), Some(most)) => (*median, most / least),
        _ => (0.0, 1.0),
    }
}
