//! Failures: which of them are noise, on which kind of path, and in which phase each lies.

use super::phase::{Phase, phase_at};
use super::registered;
use super::suspects::{Mark, Scrutiny, Suspects};
use crate::boot::{EventContext, Group, OperationKey};
use crate::canonical::key;
use crate::knowledge::{Knowledge, Noise, PathClass, PhaseEntry, Raised};
use crate::language::Text;
use pml_parser::{Event, EventId, FileTime, Matcher, Number, Operation};
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
    /// 0 harmless to 5 fatal.
    pub gravity: u8,
    /// What followed it, where a program took it seriously.
    pub mark: Option<Mark>,
    /// Whether it would be noise but for what followed.
    pub is_raised: bool,
    /// Points without those of rules; nothing for noise.
    pub reasons: Vec<Reason>,
}

impl Failure {
    pub(crate) fn score(&self) -> f64 {
        self.reasons.iter().map(|reason| reason.points).sum()
    }

    /// The kind of its status.
    pub(super) fn kind<'k>(&self, knowledge: &'k Knowledge) -> &'k String {
        &knowledge.codes.status(self.group.key.status).kind
    }

    /// Whether what followed shows more than a line in a log.
    pub(super) fn is_serious(&self, knowledge: &Knowledge) -> bool {
        let sign = self.mark.and_then(|mark| knowledge.error_path.signs.get(mark.sign));
        sign.is_some_and(|sign| sign.decides)
    }

    /// The kind of its path.
    pub(super) fn path_class<'k>(&self, knowledge: &'k Knowledge) -> Option<&'k PathClass> {
        self.path_class.and_then(|at| knowledge.paths.get(at))
    }

    /// What is known of the phase that it lies in.
    pub(super) fn phase_entry<'k>(
        &self,
        phases: &[Phase],
        knowledge: &'k Knowledge,
    ) -> Option<&'k PhaseEntry> {
        self.phase.and_then(|at| phases.get(at)).and_then(|phase| knowledge.phases.get(phase.entry))
    }

    /// Whether one of the actors of this name, or of this group, met it.
    pub(super) fn is_of(&self, actors: &str, knowledge: &Knowledge) -> bool {
        knowledge.actors.group(actors) >> self.group.actor & 1 == 1
    }
}

/// Positions of those failures that `wanted` takes, the ones with most points first.
pub(super) fn by_score(failures: &[Failure], wanted: impl Fn(&Failure) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..failures.len()).filter(|&at| wanted(&failures[at])).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&failures[a], &failures[b]);
        b.score().total_cmp(&a.score()).then(a.group.first.cmp(&b.group.first))
    });
    order
}

/// Classifies all groups of failures. Values that are set and files that are moved once a rollback has begun
/// (`rollback`) do not resolve what failed before: they are the rollback's own work.
pub(super) fn classify<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    groups: &[Group],
    suspects: &Suspects,
    scrutiny: Scrutiny,
    phases: &[Phase],
    rollback: Option<EventId>,
) -> Vec<Failure> {
    let mut classifier = Classifier::new(context.knowledge, context.span.0);
    let signs = &context.knowledge.error_path.signs;
    let kept = groups.len();
    let mut left = MOST_BEFORE_UNDOING;
    let judged = |(at, group): (usize, &Group)| {
        let success = match is_undone(context, group, rollback) {
            // The scan keeps the first and the last success alone: another one may lie between.
            true => success_at_once(context, group, &mut left),
            false => group.resolved_by,
        };
        let mut mark = suspects.marks.get(&at).copied();
        let success = success.filter(|&success| !is_looked_at_only(context, group, mark, success));
        let group = group.with_success(success);
        let status = context.knowledge.codes.status(group.key.status);
        // Status and later success decide about most failures; their events are not read.
        let event = LazyCell::new(|| context.event(group.first));
        let mut noise = classifier.noise(&group, || *event);
        let sign = mark.and_then(|mark| signs.get(mark.sign));
        let decides = sign.is_some_and(|sign| sign.decides || scrutiny == Scrutiny::Close);
        let entry = noise.and_then(|at| context.knowledge.noise.get(at));
        let is_missing = context.knowledge.engine.missing_kinds.contains(&status.kind);
        // What is registered is not searched for in one folder after the other: it is wanted there.
        let is_registered = decides
            && is_missing
            && entry.is_none_or(|noise| noise.raised == Raised::Near)
            && event.is_some_and(|event| registered::value_read(context, &event).is_some());
        // A process that ends with the very status of a failure says which one it was. What is missing has a status that
        // many failures share.
        let is_named_by_exit = decides
            && !is_missing
            && group.resolved_by.is_none()
            && mark.is_some_and(|mark| ended_with(context, mark.moment, &group));
        let raises = |(noise, (mark, sign)): (&Noise, (Mark, _))| mark.raises(noise.raised, sign);
        let is_answer = mark.is_some_and(|mark| mark.is_answer);
        let is_raised = decides
            && (is_registered
                || is_named_by_exit
                || is_answer
                || entry.zip(mark.zip(sign)).is_some_and(raises))
            && entry.is_some()
            && event.is_some_and(|event| wants_data(&event));
        let mut path_class = None;
        if noise.is_none() || is_raised {
            path_class = event.and_then(|event| classifier.path(&event));
        }
        let class = path_class.and_then(|at: usize| context.knowledge.paths.get(at));
        // Another process fails all the time: what it was asked for is an object that updates need.
        let is_object = is_registered || class.is_some_and(|class| class.group.is_some());
        if mark.is_some_and(|mark| mark.is_asked) && !is_object {
            mark = None;
        }
        // What is missing is looked for all the time: it counts where updates need what it is.
        let is_needed = is_registered || class.is_some_and(|class| class.needed);
        let is_raised = is_raised && mark.is_some() && (!is_missing || is_needed);
        if is_raised {
            noise = None;
        }
        let phase = phase_at(phases, group.first);
        // A status that nothing is known of, or that rarely matters, weighs by what followed it.
        let least = if is_raised || (noise.is_none() && decides) {
            context.knowledge.engine.cause_gravity
        } else {
            0
        };
        let gravity = status.gravity.max(least);
        let failure =
            Failure { group, noise, path_class, phase, gravity, mark, is_raised, reasons: Vec::new() };
        // Failures beyond those of the scan are kept for what followed them alone.
        (at < kept || (failure.mark.is_some() && failure.noise.is_none())).then_some(failure)
    };
    groups.iter().chain(&suspects.more).enumerate().filter_map(judged).collect()
}

/// Whether an event is the end of the process that met a failure, with the status of that failure.
fn ended_with<B: AsRef<[u8]>>(context: &EventContext<'_, B>, moment: EventId, group: &Group) -> bool {
    let Some(end) = context.event(moment).filter(|end| end.operation() == Operation::PROCESS_EXIT) else {
        return false;
    };
    let exit = end.numbers().get(Number::ExitStatus).unwrap_or(0) as u32;
    context.processes.of(&end) == group.key.process && context.knowledge.codes.are_one(exit, group.key.status)
}

/// Whether the success that came later only looked at what had been refused, and what followed shows that the refusal
/// mattered: to look is allowed nearly everywhere.
fn is_looked_at_only<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    group: &Group,
    mark: Option<Mark>,
    success: EventId,
) -> bool {
    let sign =
        mark.filter(|mark| !mark.is_asked).and_then(|mark| context.knowledge.error_path.signs.get(mark.sign));
    sign.is_some_and(|sign| sign.strong)
        && context
            .knowledge
            .engine
            .access_kinds
            .contains(&context.knowledge.codes.status(group.key.status).kind)
        && context.event(group.first).is_some_and(|event| wants_data(&event))
        && context.event(success).is_some_and(|event| !wants_data(&event))
}

/// Events in which successes are looked for that came before those of a rollback, at most.
const MOST_BEFORE_UNDOING: u64 = 300_000;

/// A success of the same process soon after the last failure, with the same rights.
fn success_at_once<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    group: &Group,
    left: &mut u64,
) -> Option<EventId> {
    let rights = |event: &Event<'_>| event.numbers().get(Number::DesiredAccess).unwrap_or(0);
    let failure = context.event(group.last)?;
    let wanted = rights(&failure);
    for id in group.last.saturating_add(1)..context.set.event_count() {
        *left = left.checked_sub(1)?;
        let event = context.event(id)?;
        if context.ticks_between(group.last, id) > context.knowledge.engine.retried_for {
            return None;
        }
        let is_same = OperationKey::of(event.operation()) == group.key.operation
            && !event.status().is_error()
            && rights(&event) & wanted == wanted
            && context.processes.of(&event) == group.key.process;
        if is_same && key(event.path()) == group.key.path {
            return Some(id);
        }
    }
    None
}

/// Whether the success that came later is the work of the rollback that began in between.
fn is_undone<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    group: &Group,
    rollback: Option<EventId>,
) -> bool {
    let (Some(begins), Some(success)) = (rollback, group.resolved_by) else { return false };
    let engine = &context.knowledge.engine;
    let kind = &context.knowledge.codes.status(group.key.status).kind;
    // A lock is not resolved when the rollback opens the file to put the old one back.
    let is_replaced = group.key.operation.changes_a_place() || engine.lock_kinds.contains(kind);
    is_replaced
        && group.last < begins
        && success > begins
        && context.ticks_between(group.last, success) > engine.retried_for
}

/// The filters of noise and of path classes, ready to be tried.
pub(super) struct Classifier<'k> {
    knowledge: &'k Knowledge,
    noise: Vec<Option<Matcher<'k>>>,
    paths: Vec<Matcher<'k>>,
}

impl<'k> Classifier<'k> {
    pub(super) fn new(knowledge: &'k Knowledge, first: FileTime) -> Self {
        let noise = knowledge.noise.iter();
        Self {
            knowledge,
            noise: noise.map(|noise| noise.filter.as_ref().map(|filter| filter.matcher(first))).collect(),
            paths: knowledge.paths.iter().map(|class| class.filter.matcher(first)).collect(),
        }
    }

    /// Position of the first entry of noise that a failure is.
    pub(super) fn noise<'e>(
        &mut self,
        group: &Group,
        event: impl Fn() -> Option<Event<'e>>,
    ) -> Option<usize> {
        let status = self.knowledge.codes.status(group.key.status);
        let fits = |noise: &Noise| {
            (noise.kinds.is_empty() || noise.kinds.contains(&status.kind))
                && noise.gravity_at_most.is_none_or(|most| status.gravity <= most)
                && (!noise.later || group.resolved_by.is_some())
        };
        let mut entries = self.knowledge.noise.iter().zip(&mut self.noise);
        entries.position(|(noise, matcher)| {
            fits(noise)
                && matcher.as_mut().is_none_or(|matcher| event().is_some_and(|event| matcher.matches(&event)))
        })
    }

    /// Position of the first class that the path of an event belongs to.
    pub(super) fn path(&mut self, event: &Event<'_>) -> Option<usize> {
        self.paths.iter_mut().position(|matcher| matcher.matches(event))
    }
}

/// Whether an open requested more than a probe does: data, execution, deletion, rights, or attributes
/// to be written, as a link needs.
pub(super) fn wants_data(event: &Event<'_>) -> bool {
    const WANTED: u64 = 0x1 | 0x2 | 0x4 | 0x20 | 0x100 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0xF000_0000;
    event.numbers().get(Number::DesiredAccess).is_none_or(|access| access & WANTED != 0)
}
