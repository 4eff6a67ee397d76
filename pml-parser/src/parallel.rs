//! Parallel work whose results arrive in order, with a bounded number of items in flight.

use rayon::ThreadPoolBuilder;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;

/// Runs `work` on every item, on `threads` threads. Runs `consume` on every result in the order of the items,
/// on the calling thread. At most `threads + 2` items are in progress or waiting.
///
/// With one thread, or where the system gives no more threads, everything runs on the calling thread. A panic
/// in `work` continues in the caller.
///
/// # Errors
/// The first error of `work` or `consume`, in the order of the items, ends the run. Items in progress are
/// finished and dropped.
pub fn in_order<I, T, E>(
    threads: usize,
    items: impl Iterator<Item = I>,
    work: impl Fn(I) -> Result<T, E> + Sync,
    mut consume: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    I: Send,
    T: Send,
    E: Send,
{
    let pool = match ThreadPoolBuilder::new().num_threads(threads.max(1)).build() {
        Ok(pool) if threads > 1 => pool,
        // One thread, or the system gives no more threads: work on the calling thread.
        _ => {
            for item in items {
                consume(work(item)?)?;
            }
            return Ok(());
        }
    };
    pool.in_place_scope(|scope| {
        let (sender, results) = mpsc::channel();
        let mut items = items.enumerate();
        let mut waiting = BTreeMap::new();
        let (mut under_way, mut next) = (0, 0);
        loop {
            while under_way + waiting.len() < threads.saturating_add(2)
                && let Some((number, item)) = items.next()
            {
                let (sender, work) = (sender.clone(), &work);
                scope.spawn(move |_| {
                    let result = catch_unwind(AssertUnwindSafe(|| work(item)));
                    // The receiver is gone only when the run has already failed.
                    let _ = sender.send((number, result));
                });
                under_way += 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            let Ok((number, result)) = results.recv() else { return Ok(()) };
            under_way -= 1;
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&next) {
                next += 1;
                match result {
                    Ok(result) => consume(result?)?,
                    Err(panic) => resume_unwind(panic),
                }
            }
        }
    })
}

/// Items that another thread makes ahead of their use, and the result of that thread.
#[cfg(feature = "export")]
pub(crate) struct Ahead<T, R> {
    items: Option<mpsc::Receiver<T>>,
    worker: Option<std::thread::JoinHandle<R>>,
}

#[cfg(feature = "export")]
impl<T: Send + 'static, R: Send + 'static> Ahead<T, R> {
    /// Starts `work` on another thread, where it hands over items one by one. At most `waiting` items wait to
    /// be taken. When handing over fails, nobody takes items any more, and `work` must end.
    pub(crate) fn new(
        waiting: usize,
        work: impl FnOnce(&dyn Fn(T) -> Result<(), crate::progress::Cancelled>) -> R + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, items) = mpsc::sync_channel(waiting);
        let hand_over = move |item| sender.send(item).map_err(|_| crate::progress::Cancelled);
        let worker = std::thread::Builder::new().spawn(move || work(&hand_over))?;
        Ok(Self { items: Some(items), worker: Some(worker) })
    }

    /// The next item; `None` after the last one.
    pub(crate) fn next(&mut self) -> Option<T> {
        self.items.as_ref()?.recv().ok()
    }

    /// Ends the work, and drops the items that were not taken and the result.
    pub(crate) fn abandon(&mut self) {
        self.items = None;
        if let Some(worker) = self.worker.take() {
            // A panic has already been printed, and no caller is left that could receive it.
            let _ = worker.join();
        }
    }

    /// Waits for the work and returns its result, the first time that this is called. Items that were not
    /// taken are dropped. A panic of the work continues in the caller.
    pub(crate) fn finish(&mut self) -> Option<R> {
        self.items = None;
        match self.worker.take()?.join() {
            Ok(result) => Some(result),
            Err(panic) => resume_unwind(panic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_arrive_in_order_for_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let under_way = AtomicUsize::new(0);
            let most = AtomicUsize::new(0);
            let mut seen = Vec::new();
            in_order(
                threads,
                0..500u64,
                |i| {
                    most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Uneven work, so that later items finish earlier.
                    let sum: u64 = (0..(i * 7919) % 5000).fold(i, |a, b| a.wrapping_mul(31).wrapping_add(b));
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, ()>((i, sum))
                },
                |(i, _)| {
                    seen.push(i);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
            assert!(most.load(Ordering::SeqCst) <= threads, "at most one item per thread at a time");
        }
    }

    #[test]
    fn the_first_error_ends_the_run() {
        for threads in [1, 4] {
            let mut consumed = 0;
            let result = in_order(
                threads,
                0..1000,
                |i| if i == 10 { Err("ten") } else { Ok(i) },
                |_| {
                    consumed += 1;
                    Ok(())
                },
            );
            assert_eq!((result, consumed), (Err("ten"), 10));
        }
    }

    #[test]
    #[should_panic(expected = "from a worker")]
    fn a_panic_reaches_the_caller() {
        let _ =
            in_order(2, 0..10, |i| if i == 5 { panic!("from a worker") } else { Ok::<_, ()>(i) }, |_| Ok(()));
    }
}
