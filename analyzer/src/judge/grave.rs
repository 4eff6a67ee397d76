//! What grave failures of the servicing stack mean together: one that was fatal, and one that came back in
//! another boot.

use super::failure::{Failure, wants_data};
use super::phase::Phase;
use crate::boot::EventContext;
use crate::facts::Facts;
use crate::knowledge::Knowledge;
use hashbrown::HashMap;
use pml_parser::EventId;

/// The first grave failure on a file that the update needs, in a phase that can undo it, which was never
/// resolved.
pub(super) fn fatal<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failures: &[Failure],
    phases: &[Phase],
    facts: &Facts,
) -> Option<EventId> {
    let knowledge = context.knowledge;
    let is_fatal = |failure: &&Failure| {
        failure.noise.is_none()
            && !failure.is_raised
            && failure.gravity >= knowledge.engine.fatal_gravity
            && failure.group.resolved_by.is_none()
            && (failure.is_of("servicing", knowledge) || failure.is_of("helpers", knowledge))
            && failure.path_class(knowledge).is_some_and(|class| class.needed)
            && failure.phase_entry(phases, knowledge).is_some_and(|phase| phase.work)
            && was_taken_seriously(context, failure, facts)
    };
    failures.iter().find(is_fatal).map(|failure| failure.group.first)
}

/// The first failure on something that the update needs which was taken seriously and never resolved.
pub(super) fn serious(knowledge: &Knowledge, failures: &[Failure]) -> Option<EventId> {
    let is_serious = |failure: &&Failure| {
        failure.noise.is_none()
            && !failure.is_raised
            && !failure.mark.is_some_and(|mark| mark.is_asked)
            && failure.gravity >= knowledge.engine.cause_gravity
            && failure.group.resolved_by.is_none()
            && failure.is_serious(knowledge)
            && failure.path_class(knowledge).is_some_and(|class| class.needed)
    };
    failures.iter().find(is_serious).map(|failure| failure.group.first)
}

/// The first of the same grave failure in several boots of the capture.
pub(super) fn repeated<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failures: &[Failure],
    phases: &[Phase],
    facts: &Facts,
) -> Option<EventId> {
    if !facts.has("several-boots") {
        return None;
    }
    let boot = |failure: &Failure| failure.phase.and_then(|at| phases.get(at)).map(|phase| phase.boot);
    let mut known = HashMap::new();
    let grave = failures.iter().filter(|failure| {
        failure.noise.is_none()
            && failure.gravity >= context.knowledge.engine.fatal_gravity
            && failure.is_of("servicing", context.knowledge)
    });
    for failure in grave {
        let key = failure.group.key;
        let same = (key.operation, key.path, key.target, key.status);
        let first = *known.entry(same).or_insert((failure.group.first, boot(failure)));
        if first.1 != boot(failure) {
            return Some(first.0);
        }
    }
    None
}

/// Whether a failure is more than a look whether something is there. What is missing is looked for all
/// the time: it counts only where the file itself was wanted, and something was done about it. What is locked is tried
/// again where it matters: one attempt counts only where something followed it.
fn was_taken_seriously<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failure: &Failure,
    facts: &Facts,
) -> bool {
    let knowledge = context.knowledge;
    // The queue executor does one thing after the other: what it misses, it ends with.
    let is_of_queue = failure.is_of("poqexec", knowledge);
    if knowledge.engine.lock_kinds.contains(failure.kind(knowledge)) {
        return failure.group.count > 1 || failure.is_serious(knowledge) || is_of_queue;
    }
    if !knowledge.engine.missing_kinds.contains(failure.kind(knowledge)) {
        return true;
    }
    let is_wanted = context.event(failure.group.first).is_some_and(|event| wants_data(&event));
    let was_noticed =
        failure.reasons.iter().any(|reason| knowledge.after.iter().any(|after| after.id == reason.id));
    is_wanted && (was_noticed || (is_of_queue && facts.has("queue-failed")))
}
