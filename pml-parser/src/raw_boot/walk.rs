//! Hands out the records of a raw boot log in order. One thread finds where they lie, while another works on them: each
//! waits for memory, because a record says where the next one begins.

use super::frame::{Frames, Losses, Records};
use crate::progress::Progress;
use crate::raw::event::RawEvent;
use std::hint::black_box;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, Builder};

/// Files below this size are walked before a second thread pays for its start.
const SMALL: usize = 32 << 20;
/// Offsets that go from thread to thread at once.
const BATCH: usize = 4096;
/// Batches that may wait. The bytes of their records have to be in the cache still when their turn comes.
const WAITING: usize = 4;
/// How far ahead the bytes of a file are touched. A record says where the next one begins, so without that each record would
/// wait for memory in turn.
const AHEAD: usize = 2048;
/// A line of the cache.
const LINE: usize = 64;

/// Calls `work` with the header of each record and its offset. Returns what is wrong between records.
pub(super) fn each_record(
    frames: Frames<'_>,
    progress: &dyn Progress,
    work: &mut dyn FnMut(u64, &RawEvent),
) -> Losses {
    let is_worth_it =
        frames.file.len() >= SMALL && thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    if is_worth_it && let Some(losses) = on_two_threads(frames, progress, work) {
        return losses;
    }
    frames.walk(&mut Direct { frames, work, progress, count: 0 })
}

/// The same with a second thread; `None` where there is none to be had.
fn on_two_threads(
    frames: Frames<'_>,
    progress: &dyn Progress,
    work: &mut dyn FnMut(u64, &RawEvent),
) -> Option<Losses> {
    let (sender, batches) = sync_channel(WAITING);
    thread::scope(|scope| {
        let finder = Builder::new().spawn_scoped(scope, move || {
            let batch = Vec::with_capacity(BATCH);
            let mut finder =
                Finder { file: frames.file, touched: 0, batch, sender, is_alone: false, progress, count: 0 };
            let losses = frames.walk(&mut finder);
            finder.send();
            losses
        });
        let finder = finder.ok()?;
        for at in batches.into_iter().flatten() {
            frames.header(at).into_iter().for_each(|header| work(at, header));
        }
        Some(finder.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Works on each record as it is found.
struct Direct<'w, 'a> {
    frames: Frames<'a>,
    work: &'w mut dyn FnMut(u64, &RawEvent),
    progress: &'w dyn Progress,
    count: u64,
}

impl Records for Direct<'_, '_> {
    fn record(&mut self, at: u64) {
        self.count += 1;
        self.frames.header(at).into_iter().for_each(|header| (self.work)(at, header));
    }

    fn goes_on(&mut self, at: u64) -> bool {
        self.progress.advance(self.count, at);
        !self.progress.is_cancelled()
    }
}

/// Sends the offsets of records to the thread that works on them.
struct Finder<'w> {
    file: &'w [u8],
    /// The offset up to which the file was touched.
    touched: usize,
    batch: Vec<u64>,
    sender: SyncSender<Vec<u64>>,
    /// Whether the other thread has ended before its time, in a panic.
    is_alone: bool,
    progress: &'w dyn Progress,
    count: u64,
}

impl Finder<'_> {
    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.is_alone |= self.sender.send(batch).is_err();
    }
}

impl Records for Finder<'_> {
    fn record(&mut self, at: u64) {
        let to = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(AHEAD).min(self.file.len());
        while self.touched < to {
            black_box(self.file.get(self.touched).copied());
            self.touched += LINE;
        }
        self.count += 1;
        self.batch.push(at);
        if self.batch.len() >= BATCH {
            self.send();
        }
    }

    fn goes_on(&mut self, at: u64) -> bool {
        self.progress.advance(self.count, at);
        !self.is_alone && !self.progress.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;
    use crate::raw::event::HEADER_SIZE;
    use crate::time::OF_CAPTURES;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Records without details, with a stretch of damage among them.
    fn file(count: usize) -> Vec<u8> {
        let mut file = vec![0; count * HEADER_SIZE];
        for (number, record) in file.chunks_exact_mut(HEADER_SIZE).enumerate() {
            record[8] = 1;
            record[0x1C..0x24].copy_from_slice(&(OF_CAPTURES.start + number as u64).to_le_bytes());
        }
        file[count / 2 * HEADER_SIZE..][..HEADER_SIZE * 3 / 2].fill(0xEE);
        file
    }

    #[test]
    fn two_threads_find_the_records_that_one_finds() {
        let file = file(3 * BATCH + 7);
        let frames = Frames { file: &file, pointer: 8 };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let expected = frames.walk(&mut Direct {
            frames,
            work: &mut |at, header| one.push((at, header.time.get())),
            progress: &NoProgress,
            count: 0,
        });
        let work = &mut |at, header: &RawEvent| two.push((at, header.time.get()));
        let losses = on_two_threads(frames, &NoProgress, work).unwrap();
        assert_eq!(one.len(), 3 * BATCH + 5);
        assert_eq!(two, one);
        assert_eq!((losses.gaps, losses.lost_bytes), (1, expected.lost_bytes));
    }

    /// Cancels the walk at once.
    struct Cancelled;

    impl Progress for Cancelled {
        fn advance(&self, _: u64, _: u64) {}

        fn is_cancelled(&self) -> bool {
            true
        }
    }

    #[test]
    fn both_threads_end_when_the_walk_is_cancelled_or_the_work_panics() {
        let file = file(64 * BATCH);
        let frames = Frames { file: &file, pointer: 8 };
        let mut count = 0;
        let losses = on_two_threads(frames, &Cancelled, &mut |_, _| count += 1).unwrap();
        assert!(losses.is_cancelled);
        assert!(count < 4 * BATCH, "{count}");
        let panic = catch_unwind(AssertUnwindSafe(|| {
            on_two_threads(frames, &NoProgress, &mut |_, _| panic!("in the work"))
        }));
        assert!(panic.is_err());
    }
}
