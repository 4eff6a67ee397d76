//! `pml recover`.

pub(crate) mod words;

use crate::args::RecoverArgs;
use crate::failure::Failure;
use crate::input;
use crate::outcome;
use crate::slice;
use crate::status::{Done, say};
use indicatif::HumanBytes;
use pml_parser::RecoverMode;
use std::time::Instant;

/// Runs the command.
pub(crate) fn run(args: &RecoverArgs) -> Result<Done, Failure> {
    let path = &args.output;
    let begin = Instant::now();
    let capture = input::open(&args.log, RecoverMode::Always)?;
    slice::check_place(path, &capture)?;
    let (counts, size) = slice::write(path, &capture, None, &args.run)?;
    let damage = outcome::report(&capture, &counts.damage);
    if !args.run.quiet {
        let amounts = capture.set.recovery().map(|recovery| words::amounts(&recovery)).unwrap_or_default();
        say(&format!(
            "{amounts}; {} written to {} in {:.2} s",
            HumanBytes(size),
            path.display(),
            begin.elapsed().as_secs_f64()
        ));
    }
    Ok(damage.done())
}
