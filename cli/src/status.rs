//! Exit status, warnings and progress: everything that goes to standard error.

use crate::failure::Failure;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Completely.
    Whole,
    /// Completely, but for events that could not be read.
    WithLosses,
    /// Completely, and a rollback was found, which the exit status was to say.
    RolledBack,
}

/// Writes a line to standard error. Where that cannot take it, there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", plain(line));
}

/// Text, parts of which may come from a log or a file name, as a terminal may safely show it:
/// line by line (see [`pml_analyzer::printable`]).
pub(crate) fn plain(text: &str) -> String {
    pml_analyzer::printable_lines(text)
}

/// `1 event`, `2 events`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(count), if count == 1 { one } else { many })
}

/// Prints a failure and gives the exit status.
pub(crate) fn finish(outcome: Result<Done, Failure>) -> ExitCode {
    match outcome {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::WithLosses) => ExitCode::from(1),
        Ok(Done::RolledBack) => ExitCode::from(3),
        Err(failure) => {
            say(&format!("pml: {failure}"));
            ExitCode::from(2)
        }
    }
}

/// Prints a warning.
pub(crate) fn warn(message: &str) {
    say(&format!("pml: warning: {message}"));
}

/// A finished write to standard output; a reader that went away early is no failure.
pub(crate) fn stdout_done(result: io::Result<()>) -> Result<Done, Failure> {
    // What is still held back would fail unseen at the end of the program.
    match result.and_then(|()| io::stdout().flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::of_stdout(&e)),
        _ => Ok(Done::Whole),
    }
}

/// Watches a conversion: draws a bar on a terminal, and stops it on Ctrl-C, and where a log cannot be
/// read any more.
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

/// Fails once the user has asked to stop: between steps that nobody watches.
pub(crate) fn go_on() -> Result<(), Failure> {
    if is_stopped() { Err(Failure::new("stopped")) } else { Ok(()) }
}

/// Makes Ctrl-C and termination a request to stop, for the whole program: outputs that are not
/// complete go away with what makes them.
pub(crate) fn watch_for_signals() {
    // Where it is refused, signals end the program at once, as they would have.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            // Asked twice: end at once, even if a hidden temporary stays behind.
            std::process::exit(2);
        }
    });
}

/// Whether there is no use in going on; [`pml_parser::Opened::check`] says why.
fn ends_early() -> bool {
    is_stopped() || pml_parser::any_fault()
}

impl Progress {
    /// A bar over so many bytes; nothing is drawn when `quiet` or where there is no terminal.
    pub(crate) fn new(bytes: u64, quiet: bool) -> Self {
        let progress = Self::waiting();
        if !quiet {
            progress.show(bytes);
        }
        progress
    }

    /// A bar that appears when work of some length begins.
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
            // The bar's own buffer takes everything.
            let _ = write!(out, "{} events/s", HumanCount(rate as u64));
        };
        let template = "{bar:30} {bytes} of {total_bytes}, {rate}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
        self.bar.set_style(style.with_key("rate", rate));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Takes the bar away.
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

/// Watches what reads no log: it goes on until the user asks to stop.
pub(crate) struct UntilStopped;

impl pml_parser::Progress for UntilStopped {
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        is_stopped()
    }
}
