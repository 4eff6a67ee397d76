//! The failure nearest to the moment at which an update was taken back, where nothing else shows what went wrong. How
//! near is near is not a time: a failure counts by how rarely such failures happen at all, so that it stands out in a
//! sparse log and in a dense one.

use super::conclusions::Established;
use super::ending::drive_of;
use super::failure::{Classifier, wants_data};
use super::registered;
use super::suspects::{Mark, Suspects, ends, is_grave, mark};
use crate::boot::{EventContext, Group, OperationKey, ProcessId, Scan};
use crate::canonical::{PathKey, key};
use crate::facts::BootSpan;
use crate::knowledge::{ActorId, PathClass, Raised, Sign};
use hashbrown::{HashMap, HashSet};
use pml_parser::{Event, EventId, NtStatus};

/// Events that are read before the moments, and after failures, at most.
const MOST_BEFORE: u64 = 250_000;
const MOST_AFTER: u64 = 100_000;
/// Kinds of failures, and failures of one kind, that are kept, at most.
const MOST_KINDS: usize = 2_000;
const MOST_ALIKE: usize = 16;

/// Stands for a kind of path where a file is on no known one, but on another drive than Windows.
const ON_OTHER_DRIVE: usize = usize::MAX;
/// What it adds to the weight of such a failure that a setting leads to it: more than being somewhat nearer does.
const LED_THERE: f64 = 4.0;

/// Failures that are alike: who met them, doing what, with which result, on which kind of object.
type Kind = (ActorId, OperationKey, NtStatus, usize);

/// The failures of one kind before the moment.
#[derive(Default)]
struct Alike {
    /// Their paths: one path that is tried again and again is one failure.
    paths: HashSet<PathKey>,
    /// How many they are where those that come together are one: what goes wrong once may go wrong for many names.
    occasions: usize,
    /// When the latest of these ended, in 100 ns before the moment.
    occasion: u64,
    /// The nearest ones of different paths, with the time to the moment, in 100 ns.
    nearest: Vec<(EventId, u64)>,
}

/// Events that may still be read.
struct Left {
    before: u64,
    after: u64,
}

/// A failure that may be it.
struct Candidate {
    event: EventId,
    process: ProcessId,
    is_asked: bool,
    /// How much it stands out.
    weight: f64,
}

/// Marks it, in each boot in which an update was taken back.
pub(super) fn find<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    boots: &[BootSpan],
    known: Established<'_>,
) -> Suspects {
    let error_path = &context.knowledge.error_path;
    let mut suspects = Suspects::default();
    let Some(at) = error_path.signs.iter().position(|sign| sign.nearest) else { return suspects };
    let Some(sign) = error_path.signs.get(at) else { return suspects };
    let mut left = Left { before: MOST_BEFORE, after: MOST_AFTER };
    for (boot, end) in ends(known, boots, &sign.facts) {
        if end == boot.end {
            continue;
        }
        let Some(best) = search(context, scan, sign, (boot.start, end), &mut left) else { continue };
        let Some(event) = context.event(best.event) else { continue };
        let new = Mark::new_nearest(at, end, best.is_asked);
        mark(context, scan, &mut suspects, &event, best.process, new);
    }
    suspects
}

/// The failure between two events that stands out most.
fn search<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    sign: &Sign,
    (start, end): (EventId, EventId),
    left: &mut Left,
) -> Option<Candidate> {
    let mut classifier = Classifier::new(context.knowledge, context.span.0);
    let (kinds, span) = look_back(context, &mut classifier, sign, (start, end), left);
    let mut best: Option<Candidate> = None;
    for ((actor, _, status, class), alike) in kinds {
        for (id, before) in alike.nearest {
            // How many such failures chance would put between this one and the moment.
            let share = before.max(sign.at_least) as f64 / span.max(sign.at_least) as f64;
            let by_chance = alike.occasions.saturating_sub(1) as f64 * share;
            if by_chance > sign.by_chance {
                break;
            }
            let is_asked = !is_own(context, actor);
            let gravity = f64::from(context.knowledge.codes.status(status).gravity);
            let rarity = -(by_chance + sign.nearness * share).ln();
            let led = if class == ON_OTHER_DRIVE { LED_THERE } else { 0.0 };
            let weight = gravity + rarity + led + if is_asked { 0.0 } else { 1.0 };
            if best.as_ref().is_some_and(|best| best.weight >= weight) {
                continue;
            }
            let Some(event) = context.event(id) else { continue };
            let process = context.processes.of(&event);
            let group = Group::of(&event, process, actor);
            let kept = scan.group_of(&group.key).and_then(|at| scan.groups().get(at));
            // What is locked is often opened with fewer rights instead, and that is enough.
            let kind = &context.knowledge.codes.status(status).kind;
            let is_lock = context.knowledge.engine.lock_kinds.contains(kind);
            let success = kept.filter(|_| !is_lock).map_or_else(
                || success_after(context, &event, end, &mut left.after),
                |kept| kept.resolved_by,
            );
            // What succeeds once the update is being taken back is the work of that.
            if success.is_some_and(|success| success < end) {
                continue;
            }
            let noise = classifier.noise(&group, || Some(event));
            let raised = noise.and_then(|noise| context.knowledge.noise.get(noise)).map(|noise| noise.raised);
            let may_be = match raised {
                None | Some(Raised::Any) => true,
                Some(Raised::Near | Raised::Own) => !is_asked,
                Some(Raised::Strong | Raised::Never) => false,
            };
            let is_needed = match context.knowledge.paths.get(class) {
                Some(class) => class.group.is_some() || !is_asked,
                // What a setting leads to is wanted there.
                None => registered::value_read(context, &event).is_some(),
            };
            if may_be && is_needed {
                best = Some(Candidate { event: id, process, is_asked, weight });
            }
        }
    }
    best
}

/// Whether the servicing stack itself met a failure, not one that works for it.
fn is_own<B>(context: &EventContext<'_, B>, actor: ActorId) -> bool {
    let actors = &context.knowledge.actors;
    (actors.group("servicing") | actors.group("helpers")) >> actor & 1 == 1
}

/// Reads the events before the moment, the nearest first: failures on what updates need, by kind, and how much time was
/// looked at.
fn look_back<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    classifier: &mut Classifier<'_>,
    sign: &Sign,
    (start, end): (EventId, EventId),
    left: &mut Left,
) -> (Vec<(Kind, Alike)>, u64) {
    let at = context.time(end).0;
    let windows = drive_of(&context.system_root());
    let mut kinds: HashMap<Kind, usize> = HashMap::new();
    let mut found: Vec<(Kind, Alike)> = Vec::new();
    let mut classes: HashMap<PathKey, Option<usize>> = HashMap::new();
    let mut span = 0;
    for id in (start..end).rev() {
        left.before = left.before.saturating_sub(1);
        if left.before == 0 {
            break;
        }
        let Some(event) = context.event(id) else { continue };
        let before = at.saturating_sub(event.time().0);
        if before > sign.compared {
            break;
        }
        span = span.max(before);
        if !context.knowledge.codes.is_failure(event.status()) || !is_grave(context, &event) {
            continue;
        }
        let actor = context.processes.actor(context.processes.of(&event));
        if context.knowledge.error_path.asked >> actor & 1 == 0 {
            continue;
        }
        let path = key(event.path());
        let class = *classes.entry(path).or_insert_with(|| classifier.path(&event));
        // An installer looks at the object that it works on; anything else is looked at all the time.
        let may_be_look = is_own(context, actor);
        let kind = &context.knowledge.codes.status(event.status()).kind;
        let is_missing = context.knowledge.engine.missing_kinds.contains(kind);
        let is_wanted = |class: &PathClass| {
            let is_object = class.needed || (may_be_look && !is_missing && class.object.is_some());
            is_object && (wants_data(&event) || (may_be_look && class.group.is_some()))
        };
        let wanted = class.filter(|&at| context.knowledge.paths.get(at).is_some_and(is_wanted));
        let is_elsewhere = || {
            let drive = drive_of(&event.path().to_str());
            class.is_none() && may_be_look && wants_data(&event) && drive.is_some() && drive != windows
        };
        let Some(class) = wanted.or_else(|| is_elsewhere().then_some(ON_OTHER_DRIVE)) else { continue };
        let kind = (actor, OperationKey::of(event.operation()), event.status(), class);
        let known = kinds.get(&kind).copied();
        let position = match known {
            Some(position) => position,
            None if found.len() >= MOST_KINDS => continue,
            None => {
                kinds.insert(kind, found.len());
                found.push((kind, Alike::default()));
                found.len() - 1
            }
        };
        let Some((_, alike)) = found.get_mut(position) else { continue };
        let within = if is_own(context, actor) { sign.within } else { sign.asked_within };
        if !alike.paths.insert(path) {
            continue;
        }
        // Events come backwards.
        if alike.occasions == 0 || before.saturating_sub(alike.occasion) > sign.together {
            alike.occasions += 1;
            alike.occasion = before;
        }
        if before <= within && alike.nearest.len() < MOST_ALIKE {
            alike.nearest.push((id, before));
        }
    }
    (found, span)
}

/// A success of the same operation on the same path between a failure and the moment; the failure itself where too much
/// would have to be read.
fn success_after<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    failure: &Event<'_>,
    end: EventId,
    left: &mut u64,
) -> Option<EventId> {
    let (operation, path) = (OperationKey::of(failure.operation()), key(failure.path()));
    for id in failure.id().saturating_add(1)..end {
        let Some(rest) = left.checked_sub(1) else { return Some(failure.id()) };
        *left = rest;
        let Some(event) = context.event(id) else { continue };
        let is_same = OperationKey::of(event.operation()) == operation && !event.status().is_error();
        if is_same && key(event.path()) == path {
            return Some(id);
        }
    }
    None
}
