//! Touches the bytes that one thread reads in order, ahead of it and from a second thread: pages come from the disk, and
//! lines of memory into the cache, while the first thread works on what came before.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// How far ahead bytes are touched. They have to be in the cache still when their turn comes.
const AHEAD: u64 = 4 << 20;
/// Bytes that are touched between two looks at the reader.
const STEP: usize = 256 << 10;
/// Files below this size are read before a second thread pays for its start.
const SMALL: usize = 32 << 20;
/// A line of the cache.
const LINE: usize = 64;
/// How long to wait for a reader that says nothing.
const PAUSE: Duration = Duration::from_micros(500);

/// How far the reader has come.
pub(crate) struct Reader<'a> {
    reached: &'a AtomicU64,
    scout: Option<Thread>,
}

impl Reader<'_> {
    /// Says that everything before this offset was read.
    pub(crate) fn reached(&self, at: u64) {
        self.reached.store(at, Ordering::Relaxed);
        if let Some(scout) = &self.scout {
            scout.unpark();
        }
    }
}

impl Drop for Reader<'_> {
    /// Ends the other thread, after a panic, too.
    fn drop(&mut self) {
        self.reached(u64::MAX);
    }
}

/// Runs `work`, which reads `bytes` in order, with a second thread ahead of it. Without one where the bytes are few, or
/// where there is but one processor.
pub(crate) fn read_ahead<T>(bytes: &[u8], work: impl FnOnce(&Reader<'_>) -> T) -> T {
    let reached = AtomicU64::new(0);
    let is_worth_it =
        bytes.len() >= SMALL && thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    if !is_worth_it {
        return work(&Reader { reached: &reached, scout: None });
    }
    thread::scope(|scope| {
        let started = thread::Builder::new().spawn_scoped(scope, || touch(bytes, &reached));
        let scout = started.ok().map(|handle| handle.thread().clone());
        work(&Reader { reached: &reached, scout })
    })
}

/// Touches every line of `bytes`, no further than [`AHEAD`] of what the reader has reached.
fn touch(bytes: &[u8], reached: &AtomicU64) {
    let mut done = 0;
    for step in bytes.chunks(STEP) {
        loop {
            match reached.load(Ordering::Relaxed) {
                u64::MAX => return,
                at if done < at.saturating_add(AHEAD) => break,
                _ => thread::park_timeout(PAUSE),
            }
        }
        let sum = step.iter().step_by(LINE).fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        black_box(sum);
        done += step.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn the_second_thread_ends_with_the_work() {
        let bytes = vec![1; SMALL + STEP];
        // The reader ends at once, half way, at the end, and by a panic.
        for reached in [0, bytes.len() as u64 / 2, bytes.len() as u64] {
            let read = read_ahead(&bytes, |reader| {
                reader.reached(reached);
                reached
            });
            assert_eq!(read, reached);
        }
        let panic = catch_unwind(AssertUnwindSafe(|| read_ahead(&bytes, |_| panic!("in the work"))));
        assert!(panic.is_err());
    }
}
