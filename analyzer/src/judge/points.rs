//! Points of failures: for what each one is, for what follows it, and for how close it is to the rollback.

use super::failure::{Failure, Reason, by_score};
use super::phase::Phase;
use crate::boot::EventContext;
use crate::knowledge::Knowledge;
use crate::language::Text;
use pml_parser::{EventId, TICKS_PER_SECOND};

/// Failures around which events are read, at most: those with most points.
const MOST_CLOSE: usize = 100;

/// Gives all failures that are not noise the points for what they are, and those with most of these the
/// points for what follows them.
pub(super) fn give<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failures: &mut [Failure],
    phases: &[Phase],
) {
    for failure in failures.iter_mut().filter(|failure| failure.noise.is_none()) {
        failure.reasons = of_itself(context.knowledge, failure, phases);
    }
    let sequences: Vec<_> = context.knowledge.after.iter().map(|after| &after.sequence).collect();
    for at in by_score(failures, |failure| failure.noise.is_none()).into_iter().take(MOST_CLOSE) {
        let failure = &mut failures[at];
        let (first, last) = (failure.group.first, failure.group.last);
        let mut found = context.find_each(first, &sequences, true);
        if last != first {
            let after_last = context.find_each(last, &sequences, true);
            found.iter_mut().zip(after_last).for_each(|(found, later)| *found = found.or(later));
        }
        for (after, found) in context.knowledge.after.iter().zip(found) {
            if found.is_some() {
                let (id, text) = (after.id.clone(), after.text.clone());
                failure.reasons.push(Reason { id, points: after.points, text });
            }
        }
    }
}

/// Points for what the failure itself is.
fn of_itself(knowledge: &Knowledge, failure: &Failure, phases: &[Phase]) -> Vec<Reason> {
    let (ranking, group) = (&knowledge.ranking, &failure.group);
    let text = &ranking.text;
    let mut reasons = Vec::new();
    let mut give = |id: &str, points: f64, text: &Text| {
        if points != 0.0 {
            reasons.push(Reason { id: id.to_owned(), points, text: text.clone() });
        }
    };
    give("gravity", ranking.per_gravity * f64::from(failure.gravity), &text.gravity);
    let is = |actors: &str| failure.is_of(actors, knowledge);
    if is("servicing") {
        give("actor", ranking.servicing, &text.actor);
    } else if is("helpers") || is("system") || is("session-manager") || is("disk-check") {
        give("actor", ranking.helper, &text.actor);
    }
    if let Some(class) = failure.path_class(knowledge) {
        give("path", ranking.path * class.weight, &text.path);
    }
    if failure.phase_entry(phases, knowledge).is_some_and(|phase| phase.work) {
        give("work-phase", ranking.work_phase, &text.work_phase);
    }
    match (group.resolved_by, group.tracked) {
        (Some(_), _) => give("succeeded-later", ranking.succeeded_later, &text.succeeded_later),
        (None, true) => give("never-later", ranking.never_later, &text.never_later),
        (None, false) => {}
    }
    if group.longest.0 as f64 > ranking.slow_seconds * TICKS_PER_SECOND as f64 {
        give("slow", ranking.slow, &text.slow);
    }
    let sign = failure.mark.and_then(|mark| Some((mark, knowledge.error_path.signs.get(mark.sign)?)));
    if let Some((mark, sign)) = sign {
        give(&sign.id, (sign.points - mark.steps as f64).max(0.0), &sign.text);
    }
    if failure.mark.is_some_and(|mark| mark.is_asked) {
        give("asked", ranking.asked, &text.asked);
    }
    if failure.is_raised {
        give("raised", ranking.raised, &text.raised);
    }
    let decades = (group.count as f64 / ranking.spam_from).log10();
    if decades > 0.0 {
        give("spam", (ranking.spam_decade * decades).round(), &text.spam);
    }
    reasons
}

/// Adds points for how close failures are to the rollback, once it is known when that began.
pub(super) fn add_recency<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failures: &mut [Failure],
    phases: &[Phase],
    rollback: EventId,
) {
    let ranking = &context.knowledge.ranking;
    let time = |event: EventId| context.time(event).0;
    let end = time(rollback);
    for failure in failures.iter_mut().filter(|failure| failure.noise.is_none()) {
        let Some(phase) = failure.phase.and_then(|at| phases.get(at)) else { continue };
        if failure.group.first >= rollback {
            continue;
        }
        let (start, at) = (time(phase.start), time(failure.group.first));
        let span = end.saturating_sub(start) as f64;
        let share = if span > 0.0 { 1.0 - end.saturating_sub(at) as f64 / span } else { 0.0 };
        let points = (ranking.recency * share.clamp(0.0, 1.0)).round();
        if points > 0.0 {
            let text = ranking.text.recency.clone();
            failure.reasons.push(Reason { id: "recency".to_owned(), points, text });
        }
    }
}
