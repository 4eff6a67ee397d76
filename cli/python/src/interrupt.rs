//! Long work that Ctrl-C ends.

use pml_parser::Progress;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Work that ends when Python's signal handlers raise.
pub(crate) struct Cancel<'a>(&'a AtomicBool);

impl Progress for Cancel<'_> {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often signals are looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs work on another thread, without the interpreter lock, and looks at signals meanwhile: `KeyboardInterrupt` ends
/// the work. Returns when the work has ended.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Cancel<'_>) -> PyResult<T> + Send,
) -> PyResult<T> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (sender, mut receiver) = channel();
        let stop = &stop;
        let started = std::thread::Builder::new().spawn_scoped(scope, move || {
            // Nobody waits any more only when this thread has panicked.
            let _ = sender.send(work(&Cancel(stop)));
        });
        // A process whose memory is limited may have none for a thread.
        started.map_err(PyErr::from)?;
        let mut raised = None;
        loop {
            // Only one thread at a time may hold it.
            let receiver = &mut receiver;
            match py.detach(move || receiver.recv_timeout(PAUSE)) {
                Ok(result) => return raised.map_or(result, Err),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(crate::error::error("the work ended unexpectedly"));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = py.check_signals() {
                        stop.store(true, Ordering::Relaxed);
                        raised.get_or_insert(error);
                    }
                }
            }
        }
    })
}
