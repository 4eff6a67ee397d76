//! Exit status, warnings and progress: everything that goes to standard error.

use crate::chinese;
use crate::failure::Failure;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Completely.
    Whole,
    /// Completely, except for events that could not be read.
    WithLosses,
    /// Completely, and triage with `--exit-code` found a rollback.
    RolledBack,
}

/// Writes a line to standard error, in the language that is chosen. An error of that write is ignored, because there is no
/// other place to report it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", plain(&chinese::said(line)));
}

/// Makes text that may come from a log or a file name safe for a terminal, line by line
/// (see [`pml_analyzer::printable`]).
pub(crate) fn plain(text: &str) -> String {
    pml_analyzer::printable_lines(text)
}

/// `1 event`, `2 events`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(count), if count == 1 { one } else { many })
}

/// Prints a failure and gives the exit status.
pub(crate) fn finish(outcome: Result<Done, Failure>) -> u8 {
    match outcome {
        Ok(Done::Whole) => 0,
        Ok(Done::WithLosses) => 1,
        Ok(Done::RolledBack) => 3,
        Err(failure) => {
            say(&format!("pml: {failure}"));
            2
        }
    }
}

/// Prints a warning.
pub(crate) fn warn(message: &str) {
    say(&format!("pml: warning: {message}"));
}

/// Ends a write to standard output. A reader that went away early is no failure.
pub(crate) fn stdout_done(result: io::Result<()>) -> Result<Done, Failure> {
    // Without the flush, an error of the buffered rest would be lost at the end of the program.
    match result.and_then(|()| io::stdout().flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::of_stdout(&e)),
        _ => Ok(Done::Whole),
    }
}

/// Progress of long work: draws a bar on a terminal, and cancels the work on Ctrl-C and when a log becomes
/// unreadable.
pub(crate) struct Progress {
    bar: ProgressBar,
    events: Arc<AtomicU64>,
}

/// Whether the user asked to stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Fails once the user has asked to stop. For use between steps that have no [`Progress`].
pub(crate) fn go_on() -> Result<(), Failure> {
    if is_stopped() { Err(Failure::new("stopped")) } else { Ok(()) }
}

/// Makes Ctrl-C and termination signals a request to stop, for the whole program, so that incomplete outputs
/// are removed by their owners.
pub(crate) fn watch_for_signals() {
    // Where the handler cannot be set, signals end the program at once, as they do by default.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            // The second request ends the program at once, even if a hidden temporary remains.
            std::process::exit(2);
        }
    });
}

/// Whether work should end early; [`pml_parser::Opened::check`] gives the reason.
fn ends_early() -> bool {
    is_stopped() || pml_parser::any_fault()
}

impl Progress {
    /// A bar over `bytes` bytes; nothing is drawn when `quiet` or where there is no terminal.
    pub(crate) fn new(bytes: u64, quiet: bool) -> Self {
        let progress = Self::waiting();
        if !quiet {
            progress.show(bytes);
        }
        progress
    }

    /// A bar that appears when the work begins and gives its length.
    pub(crate) fn waiting() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self { bar, events: Arc::new(AtomicU64::new(0)) }
    }

    fn show(&self, bytes: u64) {
        self.bar.set_length(bytes);
        if !io::stderr().is_terminal() {
            return;
        }
        let (counter, begin) = (Arc::clone(&self.events), Instant::now());
        let rate = move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let seconds = begin.elapsed().as_secs_f64().max(0.001);
            let rate = counter.load(Ordering::Relaxed) as f64 / seconds;
            // Writing to the bar's buffer cannot fail.
            let _ = write!(out, "{} events/s", HumanCount(rate as u64));
        };
        let template = "{bar:30} {bytes} of {total_bytes}, {rate}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
        self.bar.set_style(style.with_key("rate", rate));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl pml_parser::Progress for Progress {
    fn begin(&self, bytes: u64) {
        self.show(bytes);
    }

    fn advance(&self, events: u64, bytes: u64) {
        self.events.store(events, Ordering::Relaxed);
        self.bar.set_position(bytes);
    }

    fn is_cancelled(&self) -> bool {
        ends_early()
    }
}

/// Progress of work that reads no log: the work continues until the user asks to stop.
pub(crate) struct UntilStopped;

impl pml_parser::Progress for UntilStopped {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        is_stopped()
    }
}
