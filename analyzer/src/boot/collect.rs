//! The inner loop of the pass: takes the events of one range, one by one, and collects what they show into a `Scan`.

use super::group::{Group, GroupKey, HARD_RIGHTS, OperationKey, Span, SuccessKey, moves, removes};
use super::log_run::LogRun;
use super::plan::{Plan, slot};
use super::processes::{NOBODY, ProcessId};
use super::scan::{Exit, Scan};
use super::store::{Link, PackageState, Removal, SeenComponent};
use crate::canonical::{Canonical, PathKey, key, name_key, tail};
use crate::component::identity;
use crate::evidence::Citation;
use crate::knowledge::ActorId;
use hashbrown::HashMap;
use pml_parser::{Event, EventClass, Matcher, Number, Operation, WinStr};

/// The marker whose events show the states of packages.
const PACKAGE_STATE: &str = "package-state";

/// Markers that were tried on a path, and those of them that fit it.
#[derive(Clone, Copy, Default)]
struct PathAnswers {
    tried: u128,
    fits: u128,
}

/// Collects one range.
pub(super) struct Collector<'a, 'e> {
    plan: &'a Plan<'a>,
    /// Answers of markers that depend on the path alone.
    of_path: HashMap<WinStr<'e>, PathAnswers>,
    matchers: Vec<Option<Matcher<'a>>>,
    servicing_keys: Option<Matcher<'a>>,
    scan: Scan,
    /// The process of the event before, and what it is.
    process: (u32, ProcessId, ActorId),
}

impl<'a, 'e> Collector<'a, 'e> {
    pub(super) fn new(plan: &'a Plan<'a>) -> Self {
        let markers = &plan.knowledge.markers;
        let matcher = |filter: &'a pml_parser::Filter| filter.matcher(plan.first);
        let class = plan.servicing_keys.and_then(|at| plan.knowledge.paths.get(at));
        Self {
            plan,
            matchers: markers.iter().map(|marker| marker.filter.as_ref().map(matcher)).collect(),
            of_path: HashMap::new(),
            servicing_keys: class.map(|class| matcher(&class.filter)),
            scan: Scan::new(markers.len()),
            process: (u32::MAX, NOBODY, plan.knowledge.actors.other()),
        }
    }

    /// What the range holds.
    pub(super) fn finish(self) -> Scan {
        self.scan
    }

    pub(super) fn push(&mut self, event: &Event<'e>) {
        let plan = self.plan;
        if self.process.0 != event.process_index() {
            let process = plan.processes.of(event);
            self.process = (event.process_index(), process, plan.processes.actor(process));
        }
        self.scan.machine.add_event(event);
        let (_, process, actor) = self.process;
        let operation = event.operation();
        let status = event.status();
        let is_error =
            status.is_error() || (status.0 >> 30 == 2 && plan.warnings.binary_search(&status.0).is_ok());
        let slot = slot(operation);
        let markers = slot.and_then(|slot| plan.of_operation.get(slot)).copied().unwrap_or(0)
            & plan.of_actor.get(usize::from(actor)).copied().unwrap_or(0)
            & plan.of_outcome[usize::from(is_error)];
        if markers != 0 {
            let path = event.path();
            let markers = markers & plan.of_tail[tail(path)];
            if markers != 0 {
                self.mark(event, operation, path, markers);
            }
        }
        if operation == Operation::PROCESS_EXIT {
            let status = event.numbers().get(Number::ExitStatus).unwrap_or(0) as u32;
            if process != NOBODY {
                self.scan.exits.insert(process, Exit { status, event: event.id() });
            }
        }
        let own = (plan.servicing | plan.helpers) >> actor & 1 == 1;
        if own {
            if let Some(activity) = self.scan.activity.get_mut(usize::from(actor)) {
                activity.push(event.id(), event.time());
            }
            let tracked = slot.and_then(|slot| plan.tracked.get(slot)).copied().unwrap_or(false);
            if is_error {
                self.fail(event, operation, process, actor, tracked);
            } else if tracked {
                self.succeed(event, operation);
            }
        } else if is_error {
            if plan.engine.grave.binary_search(&status.0).is_ok() {
                self.fail(event, operation, process, actor, false);
            }
        } else if removes(operation) && plan.system >> actor & 1 == 0 {
            let path = key(event.path());
            self.scan.removals.push(Removal { event: event.id(), time: event.time(), process, path });
        }
    }

    fn mark(&mut self, event: &Event<'e>, operation: Operation, path: WinStr<'e>, mut markers: u128) {
        let own = OperationKey::of(operation);
        let cached = markers & self.plan.of_path_alone;
        if cached != 0 {
            let known = self.of_path.entry(path).or_default();
            // What is known not to fit is left out.
            markers &= !(known.tried & !known.fits);
        }
        while markers != 0 {
            let at = markers.trailing_zeros() as usize;
            let bit = 1u128 << at;
            markers &= !bit;
            let Some(marker) = self.plan.knowledge.markers.get(at) else { continue };
            if !self.plan.has_operation(at, own) {
                continue;
            }
            let fits = match self.matchers.get_mut(at).and_then(Option::as_mut) {
                Some(matcher) => matcher.matches(event),
                None => true,
            };
            if cached & bit != 0 {
                let known = self.of_path.entry(path).or_default();
                known.tried |= bit;
                known.fits |= if fits { bit } else { 0 };
            }
            if !fits {
                continue;
            }
            if let Some(seen) = self.scan.markers.get_mut(at) {
                seen.push(Citation::event(event.id()));
            }
            if self.plan.knowledge.error_path.log == Some(at) {
                let (_, process, _) = self.process;
                let (tid, first, time) = (event.tid(), event.id(), event.time());
                let run =
                    LogRun { process, tid, first, last: first, first_time: time, last_time: time, writes: 1 };
                self.scan.log_runs.push(run, self.plan.knowledge.error_path.burst_gap);
            }
            if marker.id == PACKAGE_STATE
                && let Some(value) = event.numbers().get(Number::RegistryNumber)
            {
                let new = PackageState { highest: value, set: None, lowered: None };
                let state = self.scan.packages.entry(key(path)).or_insert(new);
                state.push(value, operation == Operation::REG_SET_VALUE, event.id());
            }
        }
    }

    fn fail(
        &mut self,
        event: &Event<'_>,
        operation: Operation,
        process: ProcessId,
        actor: ActorId,
        tracked: bool,
    ) {
        let status = event.status();
        // What is always harmless, and probes of the registry, are counted together.
        let harmless = self.plan.harmless.binary_search(&status.0).is_ok();
        let probe = operation.class == EventClass::Registry
            && self.plan.engine.probes.contains(&status.0)
            && !self.servicing_keys.as_mut().is_some_and(|keys| keys.matches(event));
        let (path, target) = if harmless || probe {
            (PathKey::NONE, PathKey::NONE)
        } else {
            (key(event.path()), event.target_path().map_or(PathKey::NONE, key))
        };
        let is_open = operation == Operation::CREATE_FILE;
        let access = if is_open && self.plan.engine.locks.binary_search(&status.0).is_ok() {
            rights(event)
        } else {
            0
        };
        let key = GroupKey { process, operation: OperationKey::of(operation), path, target, status };
        self.scan.add(Group {
            key,
            actor,
            count: 1,
            first: event.id(),
            last: event.id(),
            longest: event.duration().unwrap_or_default(),
            access,
            tracked,
            resolved_by: None,
        });
    }

    fn succeed(&mut self, event: &Event<'_>, operation: Operation) {
        let path = Canonical::new(event.path());
        let path_key = path.key();
        let moves = moves(operation);
        let target =
            if moves || operation.class == EventClass::Registry { event.target_path() } else { None };
        let target_key = target.map_or(PathKey::NONE, key);
        let is_open = operation == Operation::CREATE_FILE;
        let access = if is_open { rights(event) } else { 0 };
        let scan = &mut self.scan;
        let mut note = |key: SuccessKey, access: u32| {
            let success = scan.successes.entry(key).or_default();
            Span::push(&mut success.all, event.id());
            if access & HARD_RIGHTS != 0 {
                Span::push(&mut success.hard, event.id());
                success.access |= access;
            }
        };
        note((OperationKey::of(operation), path_key, target_key), access);
        if moves {
            // What was moved to a place can be opened there.
            note((OperationKey::of(Operation::CREATE_FILE), target_key, PathKey::NONE), u32::MAX);
        }
        if operation.class != EventClass::FileSystem {
            return;
        }
        let Some(folder) = path.component_folder() else { return };
        let folder_key = name_key(folder);
        if !scan.components.contains_key(&folder_key)
            && let Some((identity, version)) = identity(&folder.to_str())
        {
            scan.components.insert(folder_key, SeenComponent { identity, version, event: event.id() });
        }
        if moves && scan.components.contains_key(&folder_key) {
            scan.links.push(Link { event: event.id(), place: target_key, folder: folder_key });
        }
    }
}

fn rights(event: &Event<'_>) -> u32 {
    event.numbers().get(Number::DesiredAccess).unwrap_or(0) as u32
}
