//! `pml recover`.

use crate::args::RecoverArgs;
use crate::convert::report_damage;
use crate::failure::Failure;
use crate::input::{self, Reading};
use crate::recovery;
use crate::slice;
use crate::status::{Done, say};
use indicatif::HumanBytes;
use std::time::Instant;

/// Runs the command.
pub(crate) fn run(args: &RecoverArgs) -> Result<Done, Failure> {
    let path = &args.output;
    let begin = Instant::now();
    let capture = input::open(&args.log, Reading::Recovering)?;
    slice::check_place(path, &capture)?;
    let (counts, size) = slice::write(path, &capture, None, &args.run)?;
    let was_broken = recovery::report(&capture);
    let tables = capture.set.table_damage();
    report_damage(&capture, &tables, &counts.damage);
    if !args.run.quiet {
        let amounts = capture.set.recovery().map(|recovery| recovery::amounts(&recovery)).unwrap_or_default();
        say(&format!(
            "{amounts}; {} written to {} in {:.2} s",
            HumanBytes(size),
            path.display(),
            begin.elapsed().as_secs_f64()
        ));
    }
    let lost = capture.lost_parts || was_broken || !counts.damage.is_empty() || !tables.is_empty();
    Ok(if lost { Done::WithLosses } else { Done::Whole })
}
