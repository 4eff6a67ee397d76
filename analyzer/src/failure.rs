//! Failures: which of them mean something, and how much.

use crate::facts::Facts;
use crate::knowledge::{Knowledge, Noise};
use crate::language::Text;
use crate::look::Surroundings;
use crate::phase::{Phase, phase_of};
use crate::scan::Group;
use hashbrown::HashMap;
use pml_parser::{Event, EventId, FileTime, Number, TICKS_PER_SECOND};
use std::cell::LazyCell;

/// Points, and what they are given for.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub id: String,
    pub points: f64,
    pub text: Text,
}

/// A group of failures, judged.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub group: Group,
    /// Position in the table of noise, where it is that.
    pub noise: Option<usize>,
    /// Position in the table of path classes.
    pub path_class: Option<usize>,
    /// Position in the list of phases.
    pub phase: Option<usize>,
    pub gravity: u8,
    /// Points without those of rules; nothing for noise.
    pub reasons: Vec<Reason>,
}

impl Failure {
    pub(crate) fn score(&self) -> f64 {
        self.reasons.iter().map(|reason| reason.points).sum()
    }
}

/// Failures that are looked at closely, at most: the gravest ones.
const MOST_CLOSE: usize = 100;

/// Judges all groups. What is not noise gets points for itself; what lies around it is looked at for
/// the gravest only. Values that are set and files that are moved once a rollback has begun
/// (`rollback`) do not make good what failed before: they are the rollback's own work.
pub(crate) fn judge<B: AsRef<[u8]>>(
    around: &Surroundings<'_, B>,
    groups: &[Group],
    phases: &[Phase],
    rollback: Option<EventId>,
) -> Vec<Failure> {
    let knowledge = around.knowledge;
    let engine = &knowledge.engine;
    let mut noise: Vec<_> =
        knowledge.noise.iter().map(|noise| noise.filter.as_ref().map(|f| f.matcher(around.first))).collect();
    let mut classes: Vec<_> =
        knowledge.paths.iter().map(|class| class.filter.matcher(around.first)).collect();
    let mut failures: Vec<Failure> = groups
        .iter()
        .map(|group| {
            let entry = knowledge.codes.status(group.key.status);
            // A lock is not overcome by who opens the file to put the old one back.
            let replaced = group.key.operation.changes_a_place() || engine.lock_kinds.contains(&entry.kind);
            let undone = replaced
                && rollback.is_some_and(|begins| group.last < begins && group.later > Some(begins))
                && group
                    .later
                    .is_some_and(|later| around.ticks_between(group.last, later) > engine.retried_for);
            let group = &group.with_later(group.later.filter(|_| !undone));
            // Most are told by status and later success alone; their events are not looked at.
            let event = LazyCell::new(|| around.event(group.first));
            let is_noise = |at: usize, noise: &Noise, matcher: &mut Option<pml_parser::Matcher<'_>>| {
                let fits = (noise.kinds.is_empty() || noise.kinds.contains(&entry.kind))
                    && noise.gravity_at_most.is_none_or(|most| entry.gravity <= most)
                    && (!noise.later || group.later.is_some())
                    && matcher
                        .as_mut()
                        .is_none_or(|matcher| event.is_some_and(|event| matcher.matches(&event)));
                fits.then_some(at)
            };
            let noise = knowledge
                .noise
                .iter()
                .zip(&mut noise)
                .enumerate()
                .find_map(|(at, (entry, matcher))| is_noise(at, entry, matcher));
            let path_class = match noise {
                None => {
                    event.and_then(|event| classes.iter_mut().position(|matcher| matcher.matches(&event)))
                }
                Some(_) => None,
            };
            let phase = phase_of(phases, group.first);
            let phase = phase.and_then(|phase| phases.iter().position(|other| std::ptr::eq(phase, other)));
            let mut failure = Failure {
                group: *group,
                noise,
                path_class,
                phase,
                gravity: entry.gravity,
                reasons: Vec::new(),
            };
            if noise.is_none() {
                failure.reasons = own_points(knowledge, &failure, phases);
            }
            failure
        })
        .collect();
    let mut order: Vec<usize> = (0..failures.len()).filter(|&at| failures[at].noise.is_none()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&failures[a], &failures[b]);
        b.score().total_cmp(&a.score()).then(a.group.first.cmp(&b.group.first))
    });
    for at in order.into_iter().take(MOST_CLOSE) {
        let group = failures[at].group;
        for after in &knowledge.after {
            let follows =
                [group.first, group.last].into_iter().find_map(|e| around.find(e, &after.sequence, true));
            if follows.is_some() {
                failures[at].reasons.push(Reason {
                    id: after.id.clone(),
                    points: after.points,
                    text: after.text.clone(),
                });
            }
        }
    }
    failures
}

/// Points for what the failure itself is.
fn own_points(knowledge: &Knowledge, failure: &Failure, phases: &[Phase]) -> Vec<Reason> {
    let (ranking, group) = (&knowledge.ranking, &failure.group);
    let text = &ranking.text;
    let mut reasons = Vec::new();
    let mut give = |id: &str, points: f64, text: &Text| {
        if points != 0.0 {
            reasons.push(Reason { id: id.to_owned(), points, text: text.clone() });
        }
    };
    give("gravity", ranking.per_gravity * f64::from(failure.gravity), &text.gravity);
    let is = |name: &str| knowledge.actors.group(name) >> group.actor & 1 == 1;
    if is("servicing") {
        give("actor", ranking.servicing, &text.actor);
    } else if is("helpers") || is("system") || is("session-manager") || is("disk-check") {
        give("actor", ranking.helper, &text.actor);
    }
    if let Some(class) = failure.path_class.and_then(|at| knowledge.paths.get(at)) {
        give("path", ranking.path * class.weight, &text.path);
    }
    let works = |phase: &Phase| knowledge.phases.get(phase.entry).is_some_and(|entry| entry.work);
    if failure.phase.and_then(|at| phases.get(at)).is_some_and(works) {
        give("work-phase", ranking.work_phase, &text.work_phase);
    }
    match (group.later, group.tracked) {
        (Some(_), _) => give("succeeded-later", ranking.succeeded_later, &text.succeeded_later),
        (None, true) => give("never-later", ranking.never_later, &text.never_later),
        (None, false) => {}
    }
    if group.longest.0 as f64 > ranking.slow_seconds * TICKS_PER_SECOND as f64 {
        give("slow", ranking.slow, &text.slow);
    }
    let decades = (group.count as f64 / ranking.spam_from).log10();
    if decades > 0.0 {
        give("spam", (ranking.spam_decade * decades).round(), &text.spam);
    }
    reasons
}

/// Adds points for how close failures are to the rollback, once it is known when that began.
pub(crate) fn add_recency<B: AsRef<[u8]>>(
    around: &Surroundings<'_, B>,
    failures: &mut [Failure],
    phases: &[Phase],
    rollback: EventId,
) {
    let ranking = &around.knowledge.ranking;
    let time = |event: EventId| around.event(event).map_or(FileTime(0), |event| event.time()).0;
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

/// Notes the facts that failures are: a fatal one, and one that comes in several boots.
pub(crate) fn note_facts<B: AsRef<[u8]>>(
    around: &Surroundings<'_, B>,
    failures: &[Failure],
    phases: &[Phase],
    facts: &mut Facts,
) {
    let knowledge = around.knowledge;
    let is = |failure: &Failure, group: &str| knowledge.actors.group(group) >> failure.group.actor & 1 == 1;
    let fatal = failures.iter().find(|failure| {
        let class = failure.path_class.and_then(|at| knowledge.paths.get(at));
        let phase = failure.phase.and_then(|at| phases.get(at)).and_then(|p| knowledge.phases.get(p.entry));
        failure.noise.is_none()
            && failure.gravity >= knowledge.engine.fatal_gravity
            && failure.group.later.is_none()
            && (is(failure, "servicing") || is(failure, "helpers"))
            && class.is_some_and(|class| class.needed)
            && phase.is_some_and(|phase| phase.work)
            && was_taken_seriously(around, failure, facts)
    });
    if let Some(failure) = fatal {
        facts.note("fatal-failure", Some(failure.group.first));
    }
    if !facts.has("several-boots") {
        return;
    }
    let boot = |failure: &Failure| failure.phase.and_then(|at| phases.get(at)).map(|phase| phase.boot);
    let mut known = HashMap::new();
    for failure in failures {
        if failure.noise.is_some()
            || failure.gravity < knowledge.engine.fatal_gravity
            || !is(failure, "servicing")
        {
            continue;
        }
        let key = failure.group.key;
        let same = (key.operation, key.path, key.target, key.status);
        let first = *known.entry(same).or_insert((failure.group.first, boot(failure)));
        if first.1 != boot(failure) {
            facts.note("same-failure-again", Some(first.0));
            return;
        }
    }
}

/// Whether a failure is more than a look whether something is there. What is missing is looked for all
/// the time: it counts only where the file itself was wanted, and somebody did something about it.
fn was_taken_seriously<B: AsRef<[u8]>>(
    around: &Surroundings<'_, B>,
    failure: &Failure,
    facts: &Facts,
) -> bool {
    let knowledge = around.knowledge;
    if !knowledge.engine.missing_kinds.contains(&knowledge.codes.status(failure.group.key.status).kind) {
        return true;
    }
    let wanted = around.event(failure.group.first).is_some_and(|event| wants_data(&event));
    // The queue executor does one thing after the other: what it misses, it ends with.
    let by_queue = knowledge.actors.group("poqexec") >> failure.group.actor & 1 == 1;
    let noticed =
        failure.reasons.iter().any(|reason| knowledge.after.iter().any(|after| after.id == reason.id));
    wanted && (noticed || (by_queue && facts.has("queue-failed")))
}

/// Whether an open asked for more than a probe does: data, execution, deletion, rights, or attributes
/// to be written, as a link needs.
pub(crate) fn wants_data(event: &Event<'_>) -> bool {
    const WANTED: u64 = 0x1 | 0x2 | 0x4 | 0x20 | 0x100 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0xF000_0000;
    event.numbers().get(Number::DesiredAccess).is_none_or(|access| access & WANTED != 0)
}
