//! Failures that a program took seriously: those shortly before the signs of `error-path.toml`, on the thread that
//! shows the sign, or of a process that did work for it while the thread waited. A probe is followed by nothing.

use super::conclusions::Established;
use super::failure::wants_data;
use crate::boot::{EventContext, Group, LogRun, OperationKey, ProcessId, Scan};
use crate::canonical::{PathKey, key};
use crate::facts::BootSpan;
use crate::knowledge::{Raised, Sign};
use hashbrown::{HashMap, HashSet};
use pml_parser::{Event, EventClass, EventId, Matcher, NtStatus, Operation};

/// Events that are read before one sign, and before all signs, at most.
const MOST_BEFORE: u64 = 5_000;
const MOST_IN_ALL: u64 = 250_000;
/// Events before the reading of a value among which the opening of its key is looked for, at most.
const MOST_BEFORE_VALUE: u64 = 1_000;
/// Events of a fact that are signs, at most.
const MOST_SIGNS: usize = 64;
/// Events after failures in which their success is looked for, at most.
const MOST_AFTER: u64 = 300_000;
/// Failures that are added to those of the scan, at most.
const MOST_MORE: usize = 2_000;

/// How much has to follow a failure that means nothing as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scrutiny {
    /// A sign that decides.
    Usual,
    /// Any sign.
    Close,
}

/// Why a failure counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Position in the list of signs.
    pub sign: usize,
    /// The event that is the sign.
    pub moment: EventId,
    /// How many other operations of the thread lie between.
    pub steps: usize,
    /// Whether another process met it, for the thread that shows the sign.
    pub is_asked: bool,
    /// Whether it is an answer that says no (`refused`), whatever its status is.
    pub is_answer: bool,
}

/// Failures with the reasons why some of them count.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Failures that the scan did not keep.
    pub more: Vec<Group>,
    /// By position among the groups of the scan, followed by `more`.
    pub marks: HashMap<usize, Mark>,
}

/// What shows that something went wrong.
struct Moment {
    event: EventId,
    process: ProcessId,
    tid: u32,
    /// Whether every thread of the process counts: it ended.
    any_thread: bool,
    sign: usize,
}

/// Finds them, where something in the capture went wrong at all.
pub(super) fn find<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    (scan, lines): (&Scan, &[LogRun]),
    boots: &[BootSpan],
    known: Established<'_>,
    scrutiny: Scrutiny,
) -> Suspects {
    let error_path = &context.knowledge.error_path;
    let mut suspects = Suspects::default();
    if known.holds_one(&error_path.when).is_none() {
        return suspects;
    }
    let mut left = MOST_IN_ALL;
    let ends = ends(known, boots, &error_path.until);
    let mut refused: Vec<Matcher<'_>> =
        error_path.refused.iter().map(|filter| filter.matcher(context.span.0)).collect();
    for moment in moments(context, lines, known) {
        let Some(sign) = error_path.signs.get(moment.sign) else { continue };
        if !sign.decides && scrutiny == Scrutiny::Usual {
            continue;
        }
        let end = ends.iter().find(|(boot, _)| boot.start <= moment.event && moment.event < boot.end);
        let end = end.map_or(EventId::MAX, |&(_, end)| end);
        // Lines that are written once it is being undone are about that.
        if sign.facts.is_empty() && moment.event > end {
            continue;
        }
        look_back(context, scan, &moment, sign, end, &mut refused, &mut left, &mut suspects);
        if left == 0 {
            break;
        }
    }
    resolve(context, scan.groups().len(), &mut suspects);
    suspects
}

/// For each boot, the first event of what comes after the decision to undo.
pub(super) fn ends(known: Established<'_>, boots: &[BootSpan], until: &[String]) -> Vec<(BootSpan, EventId)> {
    let first = |boot: &BootSpan| {
        let in_boot =
            |fact: &String| known.get(fact)?.events().find(|&event| boot.start <= event && event < boot.end);
        until.iter().filter_map(in_boot).min().unwrap_or(boot.end)
    };
    boots.iter().map(|boot| (*boot, first(boot))).collect()
}

/// The moments of all signs, in the order of the table.
fn moments<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    lines: &[LogRun],
    known: Established<'_>,
) -> Vec<Moment> {
    let error_path = &context.knowledge.error_path;
    let mut moments = Vec::new();
    for (number, sign) in error_path.signs.iter().enumerate().filter(|(_, sign)| !sign.nearest) {
        for fact in &sign.facts {
            let events = known.get(fact).into_iter().flat_map(|seen| seen.events()).take(MOST_SIGNS);
            for event in events.filter_map(|event| context.event(event)) {
                moments.push(Moment {
                    event: event.id(),
                    process: context.processes.of(&event),
                    tid: event.tid(),
                    any_thread: event.operation() == Operation::PROCESS_EXIT,
                    sign: number,
                });
            }
        }
        let is_meant = |writes: u32| match writes >= error_path.burst_writes {
            true => sign.burst,
            false => sign.single,
        };
        let runs = lines.iter().filter(|run| is_meant(run.writes));
        moments.extend(runs.map(|run| Moment {
            event: run.first,
            process: run.process,
            tid: run.tid,
            any_thread: false,
            sign: number,
        }));
    }
    moments
}

/// Reads the events before a moment, the nearest first, and marks the failures that it may be about, and the answers
/// that say no.
#[expect(clippy::too_many_arguments, reason = "what one look back needs, and what it adds to")]
fn look_back<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    moment: &Moment,
    sign: &Sign,
    end: EventId,
    refused: &mut [Matcher<'_>],
    left: &mut u64,
    suspects: &mut Suspects,
) {
    let at = context.time(moment.event);
    let asked = context.knowledge.error_path.asked;
    let (mut steps, mut is_waiting) = (0, sign.asked_within > 0);
    for step in 1..=MOST_BEFORE {
        let Some(id) = moment.event.checked_sub(step) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            return;
        }
        let Some(event) = context.event(id) else { continue };
        let before = at.0.saturating_sub(event.time().0);
        if before > sign.within.max(sign.asked_within) {
            return;
        }
        let process = context.processes.of(&event);
        let is_own = process == moment.process && (moment.any_thread || event.tid() == moment.tid);
        // What another process did matters only while the thread waits.
        if !is_own && !is_waiting {
            continue;
        }
        let is_success = event.status() == NtStatus::SUCCESS;
        let is_grave =
            !is_success && context.knowledge.codes.is_failure(event.status()) && is_grave(context, &event);
        let is_answer = id < end
            && !is_grave
            && refused.iter_mut().any(|matcher| matcher.matches(&event))
            && (event.operation() != Operation::REG_QUERY_VALUE || is_looked_up(context, &event));
        let is_failure = (id < end && is_grave) || is_answer;
        if is_own {
            is_waiting = false;
            if is_failure && before <= sign.within {
                let new = Mark { is_answer, ..Mark::new(moment, steps, false) };
                mark(context, scan, suspects, &event, process, new);
            } else if !only_ends(&event) {
                steps += 1;
                if steps > sign.steps {
                    return;
                }
            }
        } else if is_failure && before <= sign.asked_within {
            let actor = context.processes.actor(process);
            if asked >> actor & 1 == 1 && wants_data(&event) {
                let new = Mark { is_answer, ..Mark::new(moment, 0, true) };
                mark(context, scan, suspects, &event, process, new);
            }
        }
    }
}

/// Whether a value is the first that the thread read of a key which it had just opened: who goes through all values of
/// many keys was not asked for this one.
fn is_looked_up<B: AsRef<[u8]>>(context: &EventContext<'_, B>, event: &Event<'_>) -> bool {
    let process = context.processes.of(event);
    let before = (1..=MOST_BEFORE_VALUE).map_while(|step| event.id().checked_sub(step));
    let own = before
        .filter_map(|id| context.event(id))
        .find(|before| before.tid() == event.tid() && context.processes.of(before) == process);
    own.is_some_and(|before| {
        before.operation() == Operation::REG_OPEN_KEY
            && event.path().to_str().starts_with(&*before.path().to_str())
    })
}

impl Mark {
    pub(super) fn new_nearest(sign: usize, moment: EventId, is_asked: bool) -> Self {
        Self { sign, moment, steps: 0, is_asked, is_answer: false }
    }

    fn new(moment: &Moment, steps: usize, is_asked: bool) -> Self {
        Self { sign: moment.sign, moment: moment.event, steps, is_asked, is_answer: false }
    }

    /// Whether it is enough for a failure that means nothing as a rule.
    pub(super) fn raises(self, raised: Raised, sign: &Sign) -> bool {
        let is_near = !self.is_asked && self.steps == 0;
        match raised {
            Raised::Never => false,
            Raised::Near => is_near,
            Raised::Strong => is_near && sign.strong,
            Raised::Own => !self.is_asked,
            Raised::Any => true,
        }
    }
}

/// Whether a status may mean something at all. One that nothing is known of may.
pub(super) fn is_grave<B>(context: &EventContext<'_, B>, event: &Event<'_>) -> bool {
    context.knowledge.codes.status(event.status()).gravity > 0
}

/// Whether an operation only gives back what another one took.
pub(super) fn only_ends(event: &Event<'_>) -> bool {
    let ends = [Operation::CLOSE_FILE, Operation::REG_CLOSE_KEY, Operation::THREAD_EXIT];
    ends.contains(&event.operation())
}

/// Marks the group of a failure, where no better sign marks it already.
pub(super) fn mark<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    suspects: &mut Suspects,
    event: &Event<'_>,
    process: ProcessId,
    mark: Mark,
) {
    let kept = scan.groups().len();
    let group = Group::of(event, process, context.processes.actor(process));
    let known = scan.group_of(&group.key);
    let known =
        known.or_else(|| suspects.more.iter().position(|more| more.key == group.key).map(|at| kept + at));
    let at = match known {
        Some(at) => at,
        None if suspects.more.len() >= MOST_MORE => return,
        None => {
            suspects.more.push(group);
            kept + suspects.more.len() - 1
        }
    };
    if let Some(more) = at.checked_sub(kept).and_then(|at| suspects.more.get_mut(at))
        && known.is_some()
        && more.first != event.id()
    {
        // Events come backwards.
        more.count += u64::from(event.id() < more.first || event.id() > more.last);
        (more.first, more.last) = (more.first.min(event.id()), more.last.max(event.id()));
    }
    let signs = &context.knowledge.error_path.signs;
    let weight = |mark: &Mark| {
        let sign = signs.get(mark.sign);
        let points = sign.map_or(0.0, |sign| sign.points) - mark.steps as f64;
        // What a thread did itself says more than that another one waited at the time.
        (sign.is_some_and(|sign| sign.decides), !mark.is_asked, points)
    };
    let best = suspects.marks.entry(at).or_insert(mark);
    if weight(&mark) > weight(best) {
        *best = mark;
    }
}

/// Finds the successes that came after the failures beyond those of the scan, in one pass over the events after them.
/// Other processes try and fail all the time: a failure of theirs is dropped where too much would have to be read.
fn resolve<B: AsRef<[u8]>>(context: &EventContext<'_, B>, kept: usize, suspects: &mut Suspects) {
    let (events, retried_for) = (context.set.event_count(), context.knowledge.engine.retried_for);
    // An answer that says no is a success itself, and what a process did with itself cannot be tried again.
    let may_be = |group: &Group| {
        let is_of_process =
            || context.event(group.last).is_none_or(|event| event.class() == EventClass::Process);
        group.key.status != NtStatus::SUCCESS && group.key.path != PathKey::NONE && !is_of_process()
    };
    let Suspects { more, marks } = suspects;
    let mut waiting: Vec<usize> = (0..more.len()).filter(|&at| may_be(&more[at])).collect();
    waiting.sort_by_key(|&at| more[at].last);
    let operations: HashSet<OperationKey> = waiting.iter().map(|&at| more[at].key.operation).collect();
    let mut waiting = waiting.into_iter().peekable();
    // Failures whose success is looked for, by operation and path, each with the time at which to give up.
    let mut open: HashMap<(OperationKey, PathKey), Vec<(usize, u64)>> = HashMap::new();
    let (mut id, mut until, mut left) = (0, 0, MOST_AFTER);
    while left > 0 {
        if open.is_empty() {
            let Some(&next) = waiting.peek() else { return };
            id = more[next].last.max(id);
        }
        while let Some(at) = waiting.next_if(|&at| more[at].last <= id) {
            let group = &more[at];
            let over = context.time(group.last).0.saturating_add(retried_for);
            until = until.max(over);
            open.entry((group.key.operation, group.key.path)).or_default().push((at, over));
        }
        id += 1;
        if id >= events {
            return;
        }
        left -= 1;
        let Some(event) = context.event(id) else { continue };
        let (operation, time) = (OperationKey::of(event.operation()), event.time().0);
        if time > until {
            open.clear();
        } else if !event.status().is_error() && operations.contains(&operation) {
            for (at, over) in open.remove(&(operation, key(event.path()))).unwrap_or_default() {
                more[at].resolved_by = (time <= over).then_some(id);
            }
        }
    }
    for at in waiting.chain(open.into_values().flatten().map(|(at, _)| at)) {
        let is_asked = marks.get(&(kept + at)).is_some_and(|mark| mark.is_asked);
        if is_asked {
            marks.remove(&(kept + at));
        }
    }
}
