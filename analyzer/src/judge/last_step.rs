//! What a program worked on last before it wrote several lines to a log of servicing, and the update was then undone or
//! a failure reported. Where nothing failed that the log shows, that is the place to look at.

use super::conclusions::Established;
use super::suspects::ends;
use crate::boot::{EventContext, LogRun};
use crate::knowledge::PathClass;
use pml_parser::{Event, EventId, Matcher, Operation, TextOptions, Ticks};

/// Several lines at once that are looked at, at most: the latest.
const MOST_BURSTS: usize = 16;

/// Events before the lines that are read, at most.
const MOST_BEFORE: u64 = 5_000;

/// How long before the lines the step may lie.
const WITHIN: Ticks = Ticks(20_000_000);

/// Operations that say what a program works on.
const STEPS: [Operation; 8] = [
    Operation::CREATE_FILE,
    Operation::READ_FILE,
    Operation::WRITE_FILE,
    Operation::REG_OPEN_KEY,
    Operation::REG_CREATE_KEY,
    Operation::REG_QUERY_VALUE,
    Operation::REG_SET_VALUE,
    Operation::REG_LOAD_KEY,
];

/// The event of that step, of the thread that wrote the lines. Only what installers of updates work on counts: anything
/// else is read all the time.
pub(super) fn find<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    lines: &[LogRun],
    known: Established<'_>,
) -> Option<EventId> {
    let error_path = &context.knowledge.error_path;
    let ends = ends(known, known.facts.boots(), &error_path.until);
    let is_before_the_end = |run: &&LogRun| {
        ends.iter().any(|&(boot, end)| end < boot.end && boot.start <= run.first && run.first < end)
    };
    let bursts = lines.iter().filter(|run| run.writes >= error_path.burst_writes);
    let classes = context.knowledge.paths.iter();
    let mut classes: Vec<(&PathClass, Matcher<'_>)> =
        classes.map(|class| (class, class.filter.matcher(context.span.0))).collect();
    let mut latest = bursts.filter(is_before_the_end).rev().take(MOST_BURSTS);
    latest.find_map(|run| before(context, run, &mut classes))
}

/// The step before some lines.
fn before<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    run: &LogRun,
    classes: &mut [(&PathClass, Matcher<'_>)],
) -> Option<EventId> {
    for step in 1..=MOST_BEFORE {
        let Some(event) = run.first.checked_sub(step).and_then(|id| context.event(id)) else { continue };
        if run.first_time.0.saturating_sub(event.time().0) > WITHIN.0 {
            break;
        }
        let is_own = event.tid() == run.tid && context.processes.of(&event) == run.process;
        if !is_own || !STEPS.contains(&event.operation()) || is_beside(&event) {
            continue;
        }
        let class = classes.iter_mut().find_map(|(class, matcher)| matcher.matches(&event).then_some(*class));
        if class.is_some_and(|class| class.group.is_some()) {
            return Some(event.id());
        }
    }
    None
}

/// Whether a step is beside the point: a library, or a log.
fn is_beside(event: &Event<'_>) -> bool {
    let mut path = String::new();
    event.push_path(&TextOptions::default(), &mut path);
    path.make_ascii_lowercase();
    path.is_empty() || [".dll", ".log", ".mui", ".etl"].iter().any(|end| path.ends_with(end))
}
