//! The end of a run: what was damaged or lost, in warnings and in the exit status.

use crate::failure::Failure;
use crate::recover::words;
use crate::status::{Done, counted, warn};
use pml_parser::export::WriteError;
use pml_parser::{Damage, Exceeded, Opened};
use std::path::Path;

/// The losses of a run: damage and lost parts of a capture.
pub(crate) struct Losses {
    /// Damaged places of tables and events.
    places: u64,
    /// Whether anything was lost: damaged places, a part, or something that recovery could not restore.
    any: bool,
}

impl Losses {
    /// Whether there are more damaged places than the warnings list.
    pub(crate) fn is_more_than_shown(&self) -> bool {
        self.places > SHOWN as u64
    }

    /// Whether anything was lost.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// How the command ended.
    pub(crate) fn done(&self) -> Done {
        if self.any { Done::WithLosses } else { Done::Whole }
    }
}

/// Warns of everything that could not be read of a capture, including the events of `damage`.
pub(crate) fn report(capture: &Opened, damage: &Damage) -> Losses {
    let recovery = capture.set.recovery().filter(|recovery| !recovery.is_whole());
    if let Some(recovery) = &recovery {
        warn(&words::sentence(recovery));
    }
    let tables = capture.set.table_damage();
    report_damage(capture, &tables, damage);
    let places = tables.count + damage.count;
    Losses { places, any: capture.has_losses(damage) }
}

/// What could not be read of a capture, in sentences; empty where all could.
pub(crate) fn places(capture: &Opened, events: &Damage) -> Vec<String> {
    let recovery = capture.set.recovery().filter(|recovery| !recovery.is_whole());
    let tables = capture.set.table_damage();
    let damage = [(&tables, ("table entry", "table entries")), (events, ("event", "events"))];
    let damage = damage.into_iter().filter(|(damage, _)| !damage.is_empty()).map(|(damage, (one, many))| {
        let first = damage.first.first().map(|error| format!(", the first: {error}")).unwrap_or_default();
        format!("damaged: {}{first}", counted(damage.count, one, many))
    });
    recovery.iter().map(words::sentence).chain(damage).collect()
}

/// The failure that says why an output was not written.
pub(crate) fn write_failure(path: &Path, error: WriteError) -> Failure {
    match error {
        // A damaged log may cause more work than any sound log of its size.
        WriteError::Io(e) if e.get_ref().is_some_and(|inner| inner.is::<Exceeded>()) => {
            Failure::of_io(path, &e).hint("--recover takes only events that do not overlap")
        }
        WriteError::Io(e) => Failure::of_io(path, &e),
        WriteError::Cancelled => Failure::stopped(),
        other => Failure::new(format!("{}: {other}", path.display())),
    }
}

/// How many damaged places are shown; further places are only counted.
const SHOWN: usize = 5;

/// Prints how many places could not be read, and the first of them.
fn report_damage(capture: &Opened, tables: &Damage, events: &Damage) {
    let name = |part: u16| capture.paths().nth(usize::from(part)).map(|p| p.display().to_string());
    let is_recovered = capture.set.recovery().is_some();
    let in_tables = if is_recovered { ("place", "places") } else { ("table entry", "table entries") };
    for (damage, (one, many)) in [(tables, in_tables), (events, ("event", "events"))] {
        if damage.is_empty() {
            continue;
        }
        let what = if is_recovered { "damaged" } else { "damaged and left out" };
        warn(&format!("{what}: {}", counted(damage.count, one, many)));
        for error in damage.first.iter().take(SHOWN) {
            warn(&format!("{}: {error}", name(error.part()).unwrap_or_default()));
        }
    }
}
